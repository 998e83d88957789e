"""A version is proposed once, built beside the active one, and gets new events from then on until it is archived."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from neural_memory_pipelines.domain.lifecycle import IllegalTransitionError, VersionStatus
from neural_memory_pipelines.domain.versions import EmbeddingVersion, Family
from neural_memory_pipelines.errors import NotFoundError, PermanentError
from neural_memory_pipelines.steps.scope import Scope
from neural_memory_pipelines.steps.verify import index_parity
from neural_memory_pipelines.steps.versions.propose import begin_build
from neural_memory_pipelines.stores.postgres.families import desired_ids
from tests.steps.doubles import SpyIndex, session_with

from .conftest import Memory
from .migrating import archive_it, build, history, judge_version, promote_it, propose, status_of
from .models import NOISE, TURNED, turned


def test_proposing_twice_is_proposing_once(memory: Memory) -> None:
    for _ in range(2):
        assert propose(memory.session, memory.workspace, memory.candidate) is VersionStatus.PROPOSED
    steps = [row for row in history(memory.session, memory.workspace) if row.embedding_version == memory.candidate.name]
    assert [(row.from_status, row.to_status, row.decided_by) for row in steps] == [(None, "proposed", "ada")]
    assert memory.session.version(memory.candidate.name) == memory.candidate
    assert memory.session.spies[TURNED].embedded == [], "to propose costs nothing"


def test_many_who_propose_at_once_propose_once(memory: Memory) -> None:
    with ThreadPoolExecutor(4) as pool:
        told = list(pool.map(lambda _: propose(memory.session, memory.workspace, memory.candidate), range(4)))
    assert told == [VersionStatus.PROPOSED] * 4
    assert len([row for row in history(memory.session, memory.workspace) if row.to_status == "proposed"]) == 1


def test_a_version_that_is_built_or_served_is_not_set_back(memory: Memory) -> None:
    before = memory.served
    with pytest.raises(IllegalTransitionError, match="is active and cannot become proposed"):
        propose(memory.session, memory.workspace, before)
    propose(memory.session, memory.workspace, memory.candidate)
    build(memory.session, memory.workspace, memory.candidate)
    assert propose(memory.session, memory.workspace, memory.candidate) is VersionStatus.CANARY
    judge_version(memory.session, memory.workspace, memory.candidate)
    promote_it(memory.session, memory.workspace, memory.candidate)
    assert propose(memory.session, memory.workspace, before) is VersionStatus.RETIRED


def test_only_what_was_proposed_is_built(memory: Memory) -> None:
    session, workspace, candidate = memory.session, memory.workspace, memory.candidate
    with pytest.raises(NotFoundError, match="propose it first"):
        begin_build(workspace, candidate, stores=session.stores)
    propose(session, workspace, candidate)
    for _ in range(2):
        assert begin_build(workspace, candidate, stores=session.stores) is VersionStatus.CANARY
    assert [row.to_status for row in history(session, workspace)].count("canary") == 1
    archive_it(session, workspace, candidate)
    with pytest.raises(PermanentError, match=r"archived .* propose it again"):
        begin_build(workspace, candidate, stores=session.stores)


def _lacks(memory: Memory, version: EmbeddingVersion) -> set[str]:
    lacking: set[str] = set()
    for family in Family:
        scope = Scope(memory.workspace, version, family, memory.session.stores)
        with memory.session.stores.database.transaction(memory.workspace) as tx:
            lacking |= desired_ids(tx, version, family) - scope.indexed_ids()
    return lacking


def test_new_events_go_to_every_version_that_is_or_may_be_served(memory: Memory) -> None:
    session, workspace = memory.session, memory.workspace
    first, second = memory.served, memory.candidate
    third = turned(first, model=NOISE)
    propose(session, workspace, second)
    memory.tell_more("engines")
    assert session.kept_versions(workspace) == [first.name]
    assert len(_lacks(memory, second)) > 0, "a version that is proposed alone costs nothing"

    build(session, workspace, second)
    memory.tell_more("engines", "ferries")
    assert session.kept_versions(workspace) == [first.name, second.name]
    assert _lacks(memory, first) == _lacks(memory, second) == set()

    judge_version(session, workspace, second)
    promote_it(session, workspace, second)
    propose(session, workspace, third)
    build(session, workspace, third)
    memory.tell_more("engines", "ferries", "gangways")
    assert session.kept_versions(workspace) == [second.name, *sorted([first.name, third.name])]
    assert _lacks(memory, first) == _lacks(memory, second) == _lacks(memory, third) == set()

    archive_it(session, workspace, first)
    memory.tell_more("engines", "ferries", "gangways", "harbours")
    assert session.kept_versions(workspace) == [second.name, third.name]
    assert len(_lacks(memory, first)) > 4, "an archived version gets nothing any more"
    assert all(
        index_parity(Scope(workspace, version, family, session.stores)).passed
        for version in (second, third)
        for family in Family
    )


def test_building_again_embeds_and_writes_nothing(memory: Memory) -> None:
    propose(memory.session, memory.workspace, memory.candidate)
    first = build(memory.session, memory.workspace, memory.candidate)
    assert first["embed"].written > 4
    assert first["index"].written > 4
    spy = SpyIndex(memory.session.stores.vectors)
    memory.session.spies[TURNED].embedded.clear()
    again = build(session_with(memory.session, vectors=spy), memory.workspace, memory.candidate)
    assert memory.session.spies[TURNED].embedded == spy.upserted == spy.deleted == []
    assert again["embed"].unchanged == first["embed"].written
    assert again["embed"].dollars == 0
    assert status_of(memory.session, memory.workspace, memory.candidate) is VersionStatus.CANARY

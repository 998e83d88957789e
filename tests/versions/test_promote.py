"""A version is promoted when its gate has passed and it lacks nothing, all at once, and taken back as quickly."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest

from neural_memory_pipelines.domain.lifecycle import IllegalTransitionError, VersionStatus
from neural_memory_pipelines.errors import NotFoundError, PermanentError
from neural_memory_pipelines.steps.versions.promote import Decision, GateNotPassedError, rollback
from neural_memory_pipelines.stores.postgres import places
from tests.steps.dumps import rows

from .conftest import Memory
from .migrating import (
    TOPICS,
    build,
    history,
    hits,
    judge_version,
    pages,
    promote_it,
    propose,
    standing_of,
    status_of,
    tell,
)
from .models import NOISE, turned

BACK = Decision("ben", "answers got worse")


@pytest.fixture
def built(memory: Memory) -> Memory:
    """The candidate is built beside the served version."""
    propose(memory.session, memory.workspace, memory.candidate)
    build(memory.session, memory.workspace, memory.candidate)
    return memory


@pytest.fixture
def judged(built: Memory) -> Memory:
    """The candidate has passed its gate."""
    judge_version(built.session, built.workspace, built.candidate)
    return built


def _back(memory: Memory) -> tuple[str, str]:
    return rollback(memory.workspace, stores=memory.session.stores, decision=BACK)


def _actives(memory: Memory) -> list[str]:
    query = "SELECT embedding_version FROM workspace_versions WHERE status = 'active'"
    return [row[0] for row in rows(memory.session, memory.workspace, query)]


def test_what_is_unknown_or_not_built_is_not_promoted(memory: Memory) -> None:
    with pytest.raises(NotFoundError, match="propose it first"):
        promote_it(memory.session, memory.workspace, memory.candidate)
    propose(memory.session, memory.workspace, memory.candidate)
    for force in (False, True):
        with pytest.raises(IllegalTransitionError, match="build it first"):
            promote_it(memory.session, memory.workspace, memory.candidate, force=force)
    assert _actives(memory) == [memory.session.new_workspace_version.name]


def test_before_its_gate_was_asked_a_version_is_refused(built: Memory) -> None:
    before = built.served
    with pytest.raises(GateNotPassedError, match="was not asked yet"):
        promote_it(built.session, built.workspace, built.candidate)
    assert built.served == before


def test_after_its_gate_has_failed_a_version_is_refused_and_the_reason_told(memory: Memory) -> None:
    memory.tell_more(*TOPICS[4:16])
    worse = turned(memory.served, model=NOISE)
    propose(memory.session, memory.workspace, worse)
    build(memory.session, memory.workspace, worse)
    judge_version(memory.session, memory.workspace, worse)
    with pytest.raises(GateNotPassedError, match=r"did not pass: .*recall@10 0\.\d+ \(served: 1\.000\)"):
        promote_it(memory.session, memory.workspace, worse)
    assert status_of(memory.session, memory.workspace, worse) is VersionStatus.CANARY


def test_a_version_that_lacks_vectors_by_now_is_refused(judged: Memory) -> None:
    tell(judged.session, judged.workspace, judged.folder, pages(*TOPICS[:5]))
    with pytest.raises(GateNotPassedError, match=r"lacks \d+ vectors of chunks by now: build it again"):
        promote_it(judged.session, judged.workspace, judged.candidate)
    build(judged.session, judged.workspace, judged.candidate)
    promote_it(judged.session, judged.workspace, judged.candidate)
    assert judged.served == judged.candidate


def test_force_is_recorded_with_who_and_why(built: Memory) -> None:
    promote_it(built.session, built.workspace, built.candidate, force=True)
    assert _actives(built) == [built.candidate.name]
    last = [row for row in history(built.session, built.workspace) if row.to_status == "active"][-1]
    assert (last.embedding_version, last.decided_by, last.reason) == (
        built.candidate.name,
        "ada",
        "it answers better",
    )
    assert last.forced


def test_what_needed_no_force_is_not_recorded_as_forced(judged: Memory) -> None:
    promote_it(judged.session, judged.workspace, judged.candidate, force=True)
    assert not any(row.forced for row in history(judged.session, judged.workspace))


def test_promoting_moves_the_workspace_and_its_live_rows(judged: Memory) -> None:
    before = judged.served
    assert promote_it(judged.session, judged.workspace, judged.candidate) == before.name
    assert judged.served == judged.candidate
    assert standing_of(judged.session, judged.workspace, before).status is VersionStatus.RETIRED
    for table in ("knowledge_chunks", "memory_observations"):
        held = rows(
            judged.session, judged.workspace, f"SELECT DISTINCT embedding_version, embedding_model FROM {table}"
        )
        assert held == [(judged.candidate.name, judged.candidate.model)]
    assert promote_it(judged.session, judged.workspace, judged.candidate) == judged.candidate.name
    assert len([row for row in history(judged.session, judged.workspace) if row.to_status == "active"]) == 2


def test_promoting_is_one_transaction(judged: Memory, monkeypatch: pytest.MonkeyPatch) -> None:
    before, past = judged.served, history(judged.session, judged.workspace)

    def fail(*_: Any) -> None:
        raise RuntimeError("the last statement fails")

    with monkeypatch.context() as patch:
        patch.setattr(places, "note_indexes_of_stores", fail)
        with pytest.raises(RuntimeError, match="the last statement fails"):
            promote_it(judged.session, judged.workspace, judged.candidate)
    assert judged.served == before
    assert _actives(judged) == [before.name]
    assert history(judged.session, judged.workspace) == past


def _at_once(*works: Callable[[], Any]) -> list[Any]:
    barrier = Barrier(len(works))

    def run(work: Callable[[], Any]) -> Any:
        barrier.wait(30)
        try:
            return work()
        except PermanentError as error:
            return error

    with ThreadPoolExecutor(len(works)) as pool:
        return list(pool.map(run, works))


def test_two_who_promote_the_same_at_once_both_get_it(judged: Memory) -> None:
    before = judged.served.name
    candidate = judged.candidate
    told = _at_once(*[lambda: promote_it(judged.session, judged.workspace, candidate)] * 2)
    assert sorted(told) == sorted([before, candidate.name])
    assert _actives(judged) == [candidate.name]


def test_two_who_promote_different_versions_at_once_leave_one_active(judged: Memory) -> None:
    other = turned(judged.served, model=NOISE)
    propose(judged.session, judged.workspace, other)
    build(judged.session, judged.workspace, other)
    candidates = (judged.candidate, other)
    told = _at_once(
        *[
            lambda version=version: promote_it(judged.session, judged.workspace, version, force=True)
            for version in candidates
        ]
    )
    (active,) = _actives(judged)
    first = next(version.name for version in candidates if version.name != active)
    assert set(told) == {judged.session.new_workspace_version.name, first}, "the second one replaced the first"
    assert judged.served.name == active


def test_two_who_roll_back_at_once_roll_back_once_or_there_and_back(judged: Memory) -> None:
    before = judged.served.name
    promote_it(judged.session, judged.workspace, judged.candidate)
    told = _at_once(*[lambda: _back(judged)] * 2)
    assert (judged.candidate.name, before) in told
    assert len(_actives(judged)) == 1


def test_rolling_back_after_new_events_loses_nothing(judged: Memory) -> None:
    before = judged.served
    promote_it(judged.session, judged.workspace, judged.candidate)
    judged.tell_more("engines")
    assert hits(judged.session, judged.workspace, "Handbook of the engines")[0].source_id.endswith("engines.md")
    assert _back(judged) == (judged.candidate.name, before.name)
    assert judged.served == before
    assert hits(judged.session, judged.workspace, "Handbook of the engines")[0].source_id.endswith("engines.md")
    last = history(judged.session, judged.workspace)[-2:]
    assert {(row.embedding_version, row.to_status) for row in last} == {
        (judged.candidate.name, "retired"),
        (before.name, "active"),
    }
    assert {(row.decided_by, row.reason, row.forced) for row in last} == {("ben", "answers got worse", False)}
    # And forward again, without asking the gate: it was served.
    promote_it(judged.session, judged.workspace, judged.candidate)
    assert judged.served == judged.candidate


def test_an_earlier_version_that_lacks_vectors_is_not_rolled_back_to(judged: Memory) -> None:
    before = judged.served
    promote_it(judged.session, judged.workspace, judged.candidate)
    tell(judged.session, judged.workspace, judged.folder, pages(*TOPICS[:5]))
    build(judged.session, judged.workspace, judged.candidate)  # and not the earlier one
    with pytest.raises(GateNotPassedError, match=f"{before.name} lacks"):
        _back(judged)
    rollback(judged.workspace, stores=judged.session.stores, decision=Decision("ben", "at any price", force=True))
    assert judged.served == before
    assert history(judged.session, judged.workspace)[-1].forced


def test_without_an_earlier_version_there_is_no_way_back(judged: Memory) -> None:
    with pytest.raises(NotFoundError, match="no earlier version to go back to"):
        _back(judged)
    assert len(_actives(judged)) == 1

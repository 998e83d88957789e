"""What a policy names is nowhere but in the raw artifacts, from the start or after a change; nothing else is lost."""

from __future__ import annotations

import itertools
import logging
from collections.abc import Iterator, Mapping

import dagster as dg
import pytest
import redis

from neural_memory_pipelines.domain.ids import WorkspaceId
from neural_memory_pipelines.domain.redaction import RedactionPolicy
from neural_memory_pipelines.local.session import Session
from neural_memory_pipelines.steps.inbox import put_lines
from neural_memory_pipelines.steps.reread import change_redaction
from tests.defs.running import run_both

from .dumps import rows, statuses
from .holdings import found_in, holdings
from .memory_state import difference, memory_state
from .pipeline import run_path
from .planted import Plants, planted_lines

_SALT = "a tide table"
# The next build takes them out of the cache and the index, and needs their keys to do so.
_FORGOTTEN_LATER = {"cache", "cache_entries", "vectors", "dagster", "log"}
# The name of one file holds a secret: it is another document where that is redacted.
_IDS = "SELECT source_id, document_id FROM knowledge_documents WHERE source_id NOT LIKE 'book/notes/%'"


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    """Dagster's own storage, in memory."""
    with dg.DagsterInstance.ephemeral() as instance:
        yield instance


@pytest.fixture(autouse=True)
def _empty_cache(redis_url: str) -> None:
    """Let nothing of other tests be found: what is cached of a forgotten document tells no workspace."""
    with redis.Redis.from_url(redis_url) as client:
        client.flushdb()


def _tell(session: Session, workspace: WorkspaceId, policy: RedactionPolicy) -> Plants:
    """Tell a workspace, which has this policy from its start, all that is planted; the edits are left to be read."""
    plants = Plants(_SALT)
    early, late = planted_lines(workspace, plants)
    run_path(session, workspace)
    change_redaction(workspace, policy, stores=session.stores)
    put_lines(session.stores.objects, workspace, early)
    run_path(session, workspace)
    put_lines(session.stores.objects, workspace, late)
    return plants


def _found(held: Mapping[str, str], values: Mapping[str, str]) -> dict[str, set[str]]:
    """Tell in which holdings there is something of which planted places."""
    return {name: {values[value] for value in found} for name, found in found_in(held, values).items()}


def _hidden(plants: Plants, policy: RedactionPolicy) -> dict[str, str]:
    """List what a policy names, each with its place."""
    secrets = {plant.secret: plant.place for plant in plants.by_place.values()}
    personal = {value: plant.place for plant in plants.by_place.values() for value in (plant.email, plant.phone)}
    every: dict[RedactionPolicy, dict[str, str]] = {
        RedactionPolicy.OFF: {},
        RedactionPolicy.TOKENS: secrets,
        RedactionPolicy.ALL: secrets | personal,
    }
    return every[policy]


def _assert_policy(held: Mapping[str, str], plants: Plants, policy: RedactionPolicy) -> None:
    """What the policy names is nowhere, and of every place there is what it does not name."""
    assert _found(held, _hidden(plants, policy)) == {}
    there = set().union(*_found(held, _hidden(plants, RedactionPolicy.ALL)).values())
    told = {plant.place for plant in plants.by_place.values() if plant.is_told}
    if policy is RedactionPolicy.TOKENS:
        told -= {plant.place for plant in plants.by_place.values() if plant.is_secret}
    assert policy is RedactionPolicy.ALL or told <= there, told - there


@pytest.mark.parametrize("policy", list(RedactionPolicy))
def test_what_a_policy_names_is_nowhere_but_in_the_raw_artifacts(
    session: Session,
    workspace: WorkspaceId,
    instance: dg.DagsterInstance,
    policy: RedactionPolicy,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    with caplog.at_level(logging.DEBUG):
        plants = _tell(session, workspace, policy)
        runs = run_both(session, instance, workspace)
    assert [run.success for run in runs] == [True, True]
    printed = capfd.readouterr()
    held = holdings(session, workspace, instance=instance, log="\n".join([caplog.text, printed.out, printed.err]))

    _assert_policy(held, plants, policy)


# Each policy once as what was, and once as what is.
@pytest.mark.parametrize(("before", "after"), list(itertools.pairwise([*RedactionPolicy, *RedactionPolicy][:4])))
def test_a_changed_policy_leaves_nothing_of_the_old_one_and_is_as_if_it_had_always_been(
    session: Session,
    workspace: WorkspaceId,
    instance: dg.DagsterInstance,
    before: RedactionPolicy,
    after: RedactionPolicy,
) -> None:
    plants = _tell(session, workspace, before)
    run_path(session, workspace)
    _assert_policy(holdings(session, workspace), plants, before)
    ids = dict(rows(session, workspace, _IDS))

    assert change_redaction(workspace, after, stores=session.stores) == sum(statuses(session, workspace).values())
    at_once = holdings(session, workspace)
    assert _found({name: at_once[name] for name in at_once.keys() - _FORGOTTEN_LATER}, _hidden(plants, after)) == {}
    assert all(run.success for run in run_both(session, instance, workspace))
    _assert_policy(holdings(session, workspace, instance=instance), plants, after)
    assert ids.items() == dict(rows(session, workspace, _IDS)).items()

    other = WorkspaceId(f"{workspace}-always")
    _tell(session, other, after)
    run_path(session, other)
    assert difference(memory_state(session, workspace), memory_state(session, other)) == {}
    assert _letters(session, workspace) == _letters(session, other)

    assert change_redaction(workspace, after, stores=session.stores) == 0
    assert run_path(session, workspace).work == 0


def _letters(session: Session, workspace: WorkspaceId) -> list[tuple[str, ...]]:
    return sorted(map(tuple, rows(session, workspace, "SELECT idempotency_key, reason FROM dead_letters")), key=repr)

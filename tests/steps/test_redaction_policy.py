"""What a policy names is nowhere but in the raw artifacts, from the start or after a change; and nothing else is lost."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import dagster as dg
import pytest

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


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    """Dagster's own storage, in memory."""
    with dg.DagsterInstance.ephemeral() as instance:
        yield instance


def _told(session: Session, workspace: WorkspaceId, plants: Plants, policy: RedactionPolicy) -> None:
    """Tell a workspace, which has this policy from its start, all that is planted."""
    run_path(session, workspace)
    change_redaction(workspace, policy, stores=session.stores)
    put_lines(session.stores.objects, workspace, planted_lines(workspace, plants))


def _secrets(plants: Plants) -> dict[str, str]:
    return {plant.secret: plant.place for plant in plants.by_place.values()}


def _personal(plants: Plants) -> dict[str, str]:
    return {value: plant.place for plant in plants.by_place.values() for value in (plant.email, plant.phone)}


def _places(found: dict[str, set[str]], names: dict[str, str]) -> dict[str, set[str]]:
    return {place: {names[value] for value in values} for place, values in found.items()}


@pytest.mark.parametrize("policy", list(RedactionPolicy))
def test_what_a_policy_names_is_nowhere_but_in_the_raw_artifacts(
    session: Session,
    workspace: WorkspaceId,
    instance: dg.DagsterInstance,
    policy: RedactionPolicy,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    plants = Plants(str(workspace))
    _told(session, workspace, plants, policy)
    with caplog.at_level(logging.DEBUG):
        runs = run_both(session, instance, workspace)
    assert [run.success for run in runs] == [True, True]
    printed = capfd.readouterr()
    log = "\n".join([caplog.text, printed.out, printed.err])
    held = holdings(session, workspace, instance=instance, log=log)

    secrets, personal = _secrets(plants), _personal(plants)
    if policy is not RedactionPolicy.OFF:
        assert _places(found_in(held, secrets), secrets) == {}
    if policy is RedactionPolicy.ALL:
        assert _places(found_in(held, personal), personal) == {}
    for names in [secrets] * (policy is RedactionPolicy.OFF) + [personal] * (policy is not RedactionPolicy.ALL):
        found = {names[value] for values in found_in(held, names).values() for value in values}
        assert {plant.place for plant in plants.by_place.values() if plant.is_told} - found == set()
    print(statuses(session, workspace), rows(session, workspace, "SELECT idempotency_key, reason FROM source_events"))

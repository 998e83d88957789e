"""The schedule `weekly_reconcile`: an idle workspace's index is compared once a week, and repaired if it differs."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import numpy as np
import pytest

from neural_memory_pipelines.defs import consolidation_times
from neural_memory_pipelines.defs.build import build_definitions
from neural_memory_pipelines.defs.consolidation_times import weekly_reconcile
from neural_memory_pipelines.defs.partitions import workspace_version_key
from neural_memory_pipelines.defs.resources import MemoryResource
from neural_memory_pipelines.domain.ids import WorkspaceId
from neural_memory_pipelines.domain.versions import Family
from neural_memory_pipelines.errors import TransientError
from neural_memory_pipelines.local.session import Session
from neural_memory_pipelines.steps.consolidation import idle
from neural_memory_pipelines.steps.consolidation.idle import of_this_hour
from neural_memory_pipelines.steps.scope import Scope
from neural_memory_pipelines.steps.verify import index_parity
from neural_memory_pipelines.stores.vectors.protocol import VectorRecord
from tests.defs.running import run_job
from tests.steps.pipeline import ingest_folder, run_path

MONDAY = datetime(2026, 11, 23, 0, 40, tzinfo=UTC)
HOURS = [MONDAY + timedelta(hours=hour) for hour in range(7 * 24)]


@pytest.fixture
def scope(session: Session, workspace: WorkspaceId, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Scope:
    """A workspace of two pages, the only one that ticks see, and its chunks."""
    for name in ("one", "two"):
        (tmp_path / f"{name}.md").write_text(f"# Page {name}\n\nSome words of {name}.\n")
    ingest_folder(session, workspace, tmp_path)
    run_path(session, workspace)
    monkeypatch.setattr(consolidation_times, "list_workspaces", lambda _: [workspace])
    return Scope(workspace, session.active_version(workspace), Family.CHUNKS, session.stores)


def _tick(instance: dg.DagsterInstance, now: datetime) -> tuple[list[dg.RunRequest], str | None]:
    with dg.build_schedule_context(
        instance=instance,
        scheduled_execution_time=now,
        repository_def=build_definitions().get_repository_def(),
        resources={"memory": MemoryResource()},
    ) as context:
        done = weekly_reconcile.evaluate_tick(context)
    return list(done.run_requests or []), done.skip_message


def _hour_of(workspace: WorkspaceId) -> datetime:
    (hour,) = [hour for hour in HOURS if of_this_hour([workspace], hour)]
    return hour


def _lose_one(scope: Scope) -> None:
    (place,), (lost, *_) = scope.places(), sorted(scope.indexed_ids())
    scope.stores.vectors.delete(place.index, place.namespace, [lost])


def _add_a_stray(scope: Scope) -> None:
    (place,) = scope.places()
    stray = VectorRecord("doc_stray#0", np.eye(1, scope.version.dim, dtype=np.float32)[0], {})
    scope.stores.vectors.upsert(place.index, place.namespace, [stray])


def test_each_workspace_has_one_hour_of_the_week_and_hours_are_shared_evenly() -> None:
    names = [WorkspaceId(f"w{number}") for number in range(1_000)]
    by_hour = [of_this_hour(names, hour) for hour in HOURS]
    assert sorted(name for found in by_hour for name in found) == sorted(names)
    assert max(map(len, by_hour)) <= 20
    assert [of_this_hour(names, hour + timedelta(days=7)) for hour in HOURS] == by_hour


def test_an_index_that_is_whole_costs_no_run(scope: Scope, stored_instance: dg.DagsterInstance) -> None:
    hour = _hour_of(scope.workspace)
    assert _tick(stored_instance, hour) == ([], "looked at 1 workspaces: nothing differs")
    _lose_one(scope)
    assert _tick(stored_instance, hour + timedelta(hours=1)) == ([], "looked at 0 workspaces: nothing differs")


def test_what_was_lost_or_swapped_is_found_and_repaired(scope: Scope, stored_instance: dg.DagsterInstance) -> None:
    hour = _hour_of(scope.workspace)
    for _ in range(2):
        _lose_one(scope)
        (request,) = _tick(stored_instance, hour)[0]
        key = workspace_version_key(scope.workspace, scope.version.name)
        assert request.tags["dagster/partition"] == key
        assert request.run_key == f"week-{hour:%Y-%m-%dT%H}-{scope.workspace}-{scope.version.name}"
        ops = {name: said["config"] for name, said in request.run_config["ops"].items()}
        assert run_job("index_workspace", stored_instance, key=key, ops=ops).success
        assert index_parity(scope).passed
        assert _tick(stored_instance, hour)[0] == []
        _add_a_stray(scope)  # from now on, counts do not show what is lost


def test_a_large_index_is_compared_by_count(
    scope: Scope, stored_instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(idle, "_MOST_BY_ID", 1)
    hour = _hour_of(scope.workspace)
    _lose_one(scope)
    assert len(_tick(stored_instance, hour)[0]) == 1
    _add_a_stray(scope)
    assert _tick(stored_instance, hour)[0] == [], "the price of not listing all ids"


def test_a_text_without_a_vector_is_found(scope: Scope, stored_instance: dg.DagsterInstance) -> None:
    with scope.stores.database.transaction(scope.workspace) as tx:
        tx.connection.exec_driver_sql("DELETE FROM embeddings")
    assert len(_tick(stored_instance, _hour_of(scope.workspace))[0]) == 1


def test_a_workspace_whose_store_is_away_is_named_and_stops_no_other(
    scope: Scope, stored_instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    other, hour = WorkspaceId("other"), _hour_of(scope.workspace)

    def away(session: Session, workspace: WorkspaceId) -> dict[str, str]:
        if workspace == scope.workspace:
            raise TransientError("the index is away")
        return {scope.version.name: "it differs"}

    monkeypatch.setattr(consolidation_times, "of_this_hour", lambda names, now: [scope.workspace, *names[1:]])
    monkeypatch.setattr(consolidation_times, "_different", away)
    why = f"looked at 0 workspaces: nothing differs; {scope.workspace} was passed over: the index is away"
    assert _tick(stored_instance, hour) == ([], why)
    monkeypatch.setattr(consolidation_times, "list_workspaces", lambda _: [scope.workspace, other])
    (request,) = _tick(stored_instance, hour)[0]
    assert request.tags["dagster/partition"] == workspace_version_key(other, scope.version.name)

"""The schedule `nightly_reconcile`: one request per workspace, and nothing to pay where nothing changed."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import dagster as dg
import numpy as np
import pytest

from neural_memory_pipelines.defs import schedules
from neural_memory_pipelines.defs.build import build_definitions
from neural_memory_pipelines.defs.partitions import workspace_version_key
from neural_memory_pipelines.defs.resources import MemoryResource
from neural_memory_pipelines.defs.schedules import nightly_reconcile
from neural_memory_pipelines.domain.ids import WorkspaceId
from neural_memory_pipelines.domain.versions import Family
from neural_memory_pipelines.local.session import Session
from neural_memory_pipelines.steps.scope import Scope
from neural_memory_pipelines.steps.versions.propose import begin_build
from neural_memory_pipelines.stores.postgres.workspaces import list_workspaces
from neural_memory_pipelines.stores.vectors.protocol import VectorRecord
from tests.defs.running import checks_by_name, metadata_by_asset, run_job
from tests.defs.versions import propose
from tests.steps.pipeline import ingest_folder, run_path

NIGHT = datetime(2026, 11, 22, 3, tzinfo=UTC)


def _requests(instance: dg.DagsterInstance) -> tuple[list[dg.RunRequest], str | None]:
    with dg.build_schedule_context(
        instance=instance,
        scheduled_execution_time=NIGHT,
        repository_def=build_definitions().get_repository_def(),
        resources={"memory": MemoryResource()},
    ) as context:
        done = nightly_reconcile.evaluate_tick(context)
    return list(done.run_requests or []), done.skip_message


def _evaluate(instance: dg.DagsterInstance) -> tuple[dict[str, str], str | None]:
    requests, skipped = _requests(instance)
    return {request.tags["dagster/partition"]: str(request.run_key) for request in requests}, skipped


def test_each_workspace_is_asked_for_once_a_night_at_each_version_it_keeps(
    session: Session, stored_instance: dg.DagsterInstance, workspace: WorkspaceId, tmp_path: Path
) -> None:
    (tmp_path / "page.md").write_text("# Page\n\nSome words.\n")
    ingest_folder(session, workspace, tmp_path)
    run_path(session, workspace)
    beside = propose(session, workspace)
    begin_build(workspace, beside, stores=session.stores)

    asked, _skipped = _evaluate(stored_instance)
    names = list_workspaces(session.stores.database)
    assert set(asked) == {workspace_version_key(name, kept) for name in names for kept in session.kept_versions(name)}
    assert workspace_version_key(workspace, beside.name) in asked
    version = session.active_version(workspace).name
    assert asked[workspace_version_key(workspace, version)] == f"2026-11-22-{workspace}-{version}"
    assert _evaluate(stored_instance)[0] == asked


def test_night_at_a_workspace_finds_a_swap_that_counts_do_not_show_and_costs_nothing_after(
    session: Session, stored_instance: dg.DagsterInstance, workspace: WorkspaceId, tmp_path: Path
) -> None:
    (tmp_path / "page.md").write_text("# Page\n\nSome words.\n")
    ingest_folder(session, workspace, tmp_path)
    run_path(session, workspace)

    scope = Scope(workspace, session.active_version(workspace), Family.CHUNKS, session.stores)
    (place,), (lost, *_) = scope.places(), scope.indexed_ids()
    session.stores.vectors.delete(place.index, place.namespace, [lost])
    stray = VectorRecord("doc_stray#0", np.eye(1, scope.version.dim, dtype=np.float32)[0], {})
    session.stores.vectors.upsert(place.index, place.namespace, [stray])

    requests, _skipped = _requests(stored_instance)
    key = workspace_version_key(workspace, scope.version.name)
    (asked,) = [request for request in requests if request.tags["dagster/partition"] == key]
    ops = {name: said["config"] for name, said in asked.run_config["ops"].items()}
    nights = [run_job("index_workspace", stored_instance, key=key, ops=ops) for _ in range(2)]
    work = [
        {asset: (v["written"], v["deleted"], v["tokens"]) for (asset, _), v in metadata_by_asset(run).items()}
        for run in nights
    ]
    assert work[1] == dict.fromkeys(work[0], (0, 0, 0))
    assert work[0] == {**work[1], "chunk_index": (1, 1, 0)}
    assert len(work[0]) == 5
    assert all(check.passed for run in nights for check in checks_by_name(run).values())


def test_without_a_workspace_nothing_is_asked_for(
    stored_instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch, session: Session
) -> None:
    monkeypatch.setattr(schedules, "list_workspaces", lambda database: [])
    assert _evaluate(stored_instance) == ({}, "there is no workspace yet")

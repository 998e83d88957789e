"""The schedule `nightly_reconcile`: one request per workspace, and nothing to pay where nothing changed."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import dagster as dg
import pytest

from neural_memory_pipelines.defs import schedules
from neural_memory_pipelines.defs.build import build_definitions
from neural_memory_pipelines.defs.partitions import workspace_version_key
from neural_memory_pipelines.defs.resources import MemoryResource
from neural_memory_pipelines.defs.schedules import nightly_reconcile
from neural_memory_pipelines.domain.ids import WorkspaceId
from neural_memory_pipelines.local.session import Session
from neural_memory_pipelines.stores.postgres.workspaces import list_workspaces
from tests.defs.running import checks_by_name, metadata_by_asset, run_job
from tests.steps.pipeline import ingest_folder, run_path

NIGHT = datetime(2026, 11, 22, 3, tzinfo=UTC)


def _evaluate(instance: dg.DagsterInstance) -> tuple[dict[str, str], str | None]:
    with dg.build_schedule_context(
        instance=instance,
        scheduled_execution_time=NIGHT,
        repository_def=build_definitions().get_repository_def(),
        resources={"memory": MemoryResource()},
    ) as context:
        done = nightly_reconcile.evaluate_tick(context)
    return {r.tags["dagster/partition"]: str(r.run_key) for r in done.run_requests or []}, done.skip_message


def test_each_workspace_is_asked_for_once_a_night_at_its_active_version(
    session: Session, stored_instance: dg.DagsterInstance, workspace: WorkspaceId, tmp_path: Path
) -> None:
    (tmp_path / "page.md").write_text("# Page\n\nSome words.\n")
    ingest_folder(session, workspace, tmp_path)
    run_path(session, workspace)

    asked, _skipped = _evaluate(stored_instance)
    names = list_workspaces(session.stores.database)
    assert set(asked) == {workspace_version_key(name, session.active_version(name).name) for name in names}
    version = session.active_version(workspace).name
    assert asked[workspace_version_key(workspace, version)] == f"2026-11-22-{workspace}-{version}"
    assert _evaluate(stored_instance)[0] == asked


def test_night_at_a_workspace_without_changes_costs_nothing_and_checks_it(
    session: Session, stored_instance: dg.DagsterInstance, workspace: WorkspaceId, tmp_path: Path
) -> None:
    (tmp_path / "page.md").write_text("# Page\n\nSome words.\n")
    ingest_folder(session, workspace, tmp_path)
    run_path(session, workspace)

    asked, _skipped = _evaluate(stored_instance)
    key = workspace_version_key(workspace, session.active_version(workspace).name)
    assert key in asked
    run = run_job("index_workspace", stored_instance, key=key)
    assert run.success
    work = {asset: (v["written"], v["deleted"], v["tokens"]) for (asset, _), v in metadata_by_asset(run).items()}
    assert len(work) == 5
    assert set(work.values()) == {(0, 0, 0)}
    assert all(check.passed for check in checks_by_name(run).values())


def test_without_a_workspace_nothing_is_asked_for(
    stored_instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch, session: Session
) -> None:
    monkeypatch.setattr(schedules, "list_workspaces", lambda database: [])
    assert _evaluate(stored_instance) == ({}, "there is no workspace yet")

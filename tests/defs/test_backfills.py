"""Backfills: asked for in one call, run to the end by the daemon's own code, seen by partition."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.execution.backfill import BulkActionStatus
from dagster._core.remote_origin import InProcessCodeLocationOrigin
from dagster._core.test_utils import create_test_daemon_workspace_context
from dagster._core.types.loadable_target_origin import LoadableTargetOrigin
from dagster._core.workspace.load_target import InProcessWorkspaceLoadTarget
from dagster._daemon.backfill import execute_backfill_iteration

from neural_memory_pipelines.defs.backfills import request_backfill
from neural_memory_pipelines.defs.jobs import BUILT_PER_VERSION
from neural_memory_pipelines.defs.partitions import workspace_version_key
from neural_memory_pipelines.domain.ids import WorkspaceId
from neural_memory_pipelines.domain.lifecycle import VersionStatus
from neural_memory_pipelines.errors import NotFoundError
from neural_memory_pipelines.local.session import Session
from tests.defs.versions import propose, served_workspace, status_of

# Dagster's own code location reads a property that Dagster has deprecated.
pytestmark = pytest.mark.filterwarnings("ignore:Property `ScheduleDefinition.environment_vars`:DeprecationWarning")

_TICKS = 8
_IN_THIS_PROCESS = {
    "run_launcher": {
        "module": "dagster._core.launcher.sync_in_memory_run_launcher",
        "class": "SyncInMemoryRunLauncher",
    },
    "run_coordinator": {"module": "dagster.core.run_coordinator", "class": "QueuedRunCoordinator"},
}


@pytest.fixture
def daemon_instance() -> Iterator[dg.DagsterInstance]:
    """An instance whose runs wait in a queue, and are executed in this process when they are launched."""
    with dg.instance_for_test(_IN_THIS_PROCESS, set_dagster_home=False) as instance:
        yield instance


def _run_daemon(instance: dg.DagsterInstance, backfill_id: str) -> BulkActionStatus:
    """Do what the backfill daemon does, tick by tick, until the backfill has ended."""
    location = InProcessWorkspaceLoadTarget(
        InProcessCodeLocationOrigin(
            LoadableTargetOrigin(module_name="neural_memory_pipelines.definitions"),
            location_name="neural_memory_pipelines.definitions",
        )
    )
    with create_test_daemon_workspace_context(location, instance) as context:
        for _ in range(_TICKS):
            errors = [error for error in execute_backfill_iteration(context, logging.getLogger(__name__)) if error]
            assert errors == []
            for run in instance.get_runs(dg.RunsFilter(statuses=[dg.DagsterRunStatus.QUEUED])):
                instance.launch_run(run.run_id, context.create_request_context())
            backfill = instance.get_backfill(backfill_id)
            assert backfill is not None
            if backfill.status is not BulkActionStatus.REQUESTED:
                return backfill.status
    return BulkActionStatus.REQUESTED


def test_daemon_builds_a_proposed_version_in_each_workspace(
    session: Session, daemon_instance: dg.DagsterInstance, workspace: WorkspaceId, tmp_path: Path
) -> None:
    names = [WorkspaceId(f"{workspace}-{letter}") for letter in "abc"]
    for name in names:
        served_workspace(session, name, tmp_path / name)
    versions = [propose(session, name) for name in names[:2]]
    assert versions[0] == versions[1]

    # The third does not know the version: its build is refused, and stops nobody else's.
    backfill_id = request_backfill(daemon_instance, versions[0].name, names)
    assert _run_daemon(daemon_instance, backfill_id) is BulkActionStatus.COMPLETED_FAILED

    keys = [workspace_version_key(name, versions[0].name) for name in names]
    for asset in BUILT_PER_VERSION:
        assert set(daemon_instance.get_materialized_partitions(asset)) == set(keys[:2]), asset
    runs = daemon_instance.get_runs(dg.RunsFilter(tags={"dagster/backfill": backfill_id}))
    assert {run.tags["dagster/partition"]: run.is_success for run in runs} == dict(
        zip(keys, (True, True, False), strict=True)
    )
    assert {run.tags["dagster/priority"] for run in runs} == {"-1"}
    standing = [status_of(session, name, versions[0]) for name in names]
    assert standing == [VersionStatus.CANARY, VersionStatus.CANARY, None]


def test_progress_is_counted_by_partition_and_partitions_are_added(instance: dg.DagsterInstance) -> None:
    names = [WorkspaceId("one"), WorkspaceId("two")]
    backfill = instance.get_backfill(request_backfill(instance, "v1", names))
    assert backfill is not None
    assert backfill.is_asset_backfill
    assert (backfill.title, backfill.status) == ("build v1", BulkActionStatus.REQUESTED)
    assert set(backfill.asset_selection or []) == set(BUILT_PER_VERSION)
    assert instance.get_dynamic_partitions("workspace") == names
    assert instance.get_dynamic_partitions("embedding_version") == ["v1"]


def test_backfill_of_nothing_is_refused(instance: dg.DagsterInstance) -> None:
    with pytest.raises(NotFoundError, match="no workspace to build the embedding version v1 for"):
        request_backfill(instance, "v1", [])
    assert instance.get_backfills() == []

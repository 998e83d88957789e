"""`dagster.yaml` and `workspace.yaml`, as Dagster itself reads them, on the embedded Postgres."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.instance.config import PoolGranularity
from dagster._core.run_coordinator import QueuedRunCoordinator
from dagster_postgres import PostgresEventLogStorage, PostgresRunStorage, PostgresScheduleStorage

from neural_memory_pipelines.domain.ids import WorkspaceId
from neural_memory_pipelines.local.session import Session
from neural_memory_pipelines.local.stack import EmbeddedStack
from tests.defs.running import index_key, run_job
from tests.steps.pipeline import ingest_folder, run_path

PROJECT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def dagster_home(stack: EmbeddedStack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A home with the project's dagster.yaml, and the one variable that it asks for."""
    home = tmp_path_factory.mktemp("dagster-home")
    shutil.copy(PROJECT / "dagster.yaml", home)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DAGSTER_HOME", str(home))
        patch.setenv("DAGSTER_POSTGRES_URL", stack.endpoints().dagster_postgres_url)
        yield home


@pytest.fixture(scope="module")
def deployed(dagster_home: Path) -> Iterator[dg.DagsterInstance]:
    """The instance that dagster.yaml describes."""
    with dg.DagsterInstance.get() as instance:
        yield instance


def test_runs_events_and_ticks_are_kept_in_postgres(deployed: dg.DagsterInstance) -> None:
    storages = [deployed.run_storage, deployed.event_log_storage, deployed.schedule_storage]
    assert [type(storage) for storage in storages] == [
        PostgresRunStorage,
        PostgresEventLogStorage,
        PostgresScheduleStorage,
    ]
    deployed.add_dynamic_partitions("workspace", ["kept"])
    assert deployed.has_dynamic_partition("workspace", "kept")
    deployed.delete_dynamic_partition("workspace", "kept")


def test_runs_are_queued_and_one_workspace_is_worked_on_by_one_run(deployed: dg.DagsterInstance) -> None:
    assert isinstance(deployed.run_coordinator, QueuedRunCoordinator)
    queue = deployed.get_concurrency_config().run_queue_config
    assert queue is not None
    assert queue.max_concurrent_runs == 4
    per_value = {"applyLimitPerUniqueValue": True}
    assert queue.tag_concurrency_limits == [
        {"key": "dagster/partition", "limit": 1, "value": per_value},
        {"key": "neural-memory/reports", "limit": 1},
        {"key": "dagster/backfill", "limit": 3},
    ]


def test_lost_runs_are_noticed_and_repeated_and_failed_steps_are_not(deployed: dg.DagsterInstance) -> None:
    assert deployed.run_monitoring_enabled
    assert deployed.run_retries_enabled
    assert deployed.run_retries_max_retries == 2
    assert deployed.run_retries_retry_on_asset_or_op_failure is False
    assert deployed.run_monitoring_max_runtime_seconds == 6 * 60 * 60


def test_nothing_is_told_to_others_and_no_dialog_covers_the_page(deployed: dg.DagsterInstance) -> None:
    assert deployed.telemetry_enabled is False
    assert deployed.nux_enabled is False


def test_pools_are_limited_where_nobody_set_a_limit(
    session: Session, deployed: dg.DagsterInstance, workspace: WorkspaceId, tmp_path: Path
) -> None:
    pools = deployed.get_concurrency_config().pool_config
    assert (pools.pool_granularity, pools.default_pool_limit) == (PoolGranularity.OP, 2)

    (tmp_path / "page.md").write_text("# Page\n\nSome words.\n")
    ingest_folder(session, workspace, tmp_path)
    run_path(session, workspace)
    key = index_key(session, deployed, workspace)
    assert run_job("index_workspace", deployed, key=key, assets=["chunk_embeddings", "chunk_index"]).success
    limits = {pool.name: pool.limit for pool in deployed.event_log_storage.get_pool_limits()}
    assert limits == {"embedder": 2, "vector_index": 2}
    for pool in limits:
        info = deployed.event_log_storage.get_concurrency_info(pool)
        assert (info.slot_count, info.active_slot_count) == (2, 0)


def test_workspace_file_loads_the_code_location(dagster_home: Path) -> None:
    validated = subprocess.run(
        [sys.executable, "-m", "dagster", "definitions", "validate", "-w", str(PROJECT / "workspace.yaml")],
        cwd=dagster_home,
        env={**os.environ, "DAGSTER_DISABLE_TELEMETRY": "true"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert validated.returncode == 0, validated.stderr
    assert "Validation successful for code location neural_memory_pipelines.definitions" in validated.stdout

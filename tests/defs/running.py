"""Runs jobs and checks in this process, as `neural-memory build` and the daemon do, and reads what came of them."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import dagster as dg
from dagster._core.definitions.partitions.utils import get_tags_from_multi_partition_key

from neural_memory_pipelines.defs.assets.evaluation import evaluation_assets
from neural_memory_pipelines.defs.assets.versions import canary
from neural_memory_pipelines.defs.build import build_definitions
from neural_memory_pipelines.defs.checks.dead_letters import no_dead_letters
from neural_memory_pipelines.defs.partitions import add_partitions, workspace_version_key
from neural_memory_pipelines.defs.resources import MemoryResource
from neural_memory_pipelines.domain.ids import WorkspaceId
from neural_memory_pipelines.local.session import Session

_QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}

_ONLY_CHECKS = dg.define_asset_job(
    "only_checks",
    selection=dg.AssetSelection.all_asset_checks()
    - dg.AssetSelection.checks(no_dead_letters)
    - dg.AssetSelection.checks_for_assets(canary, *evaluation_assets),
)


def memory_of(session: Session) -> MemoryResource:
    """Make a resource that hands out this session."""

    class Given(MemoryResource):
        @property
        def session(self) -> Session:
            return session

    return Given()


def with_stores(session: Session, **stores: Any) -> Session:
    """Copy a session, with some of its stores replaced."""
    other = copy.copy(session)
    other.stores = replace(session.stores, **stores)
    return other


def run_job(
    job: str,
    instance: dg.DagsterInstance,
    *,
    key: str | None = None,
    tags: Mapping[str, str] | None = None,
    assets: list[str] | None = None,
    memory: MemoryResource | None = None,
    ops: Mapping[str, Mapping[str, Any]] | None = None,
) -> dg.ExecuteInProcessResult:
    """Run a job of the code location on one partition, or on the range that `tags` name; `ops` are their configs."""
    return (
        build_definitions(memory)
        .resolve_job_def(job)
        .execute_in_process(
            instance=instance,
            partition_key=key,
            tags=dict(tags or {}),
            asset_selection=[dg.AssetKey(name) for name in assets] if assets else None,
            raise_on_error=False,
            run_config={**_QUIET, "ops": {name: {"config": dict(config)} for name, config in (ops or {}).items()}},
        )
    )


def run_checks(instance: dg.DagsterInstance, key: dg.MultiPartitionKey) -> dg.ExecuteInProcessResult:
    """Run the checks alone on one partition, named by tags: Dagster finds no partitioning in a job without assets."""
    definitions = dg.Definitions.merge(build_definitions(), dg.Definitions(jobs=[_ONLY_CHECKS]))
    return definitions.resolve_job_def("only_checks").execute_in_process(
        instance=instance, tags=get_tags_from_multi_partition_key(key), raise_on_error=False, run_config=_QUIET
    )


def run_both(session: Session, instance: dg.DagsterInstance, workspace: WorkspaceId) -> list[dg.ExecuteInProcessResult]:
    """Ingest a workspace and index it at its active version."""
    instance.add_dynamic_partitions("workspace", [workspace])
    ingested = run_job("ingest_workspace", instance, key=workspace)
    return [ingested, run_job("index_workspace", instance, key=index_key(session, instance, workspace))]


def index_key(session: Session, instance: dg.DagsterInstance, workspace: WorkspaceId) -> dg.MultiPartitionKey:
    """Name a workspace at its active version, as a partition that exists."""
    version = session.active_version(workspace).name
    add_partitions(instance, [workspace], [version])
    return workspace_version_key(workspace, version)


def metadata_by_asset(result: dg.ExecuteInProcessResult) -> dict[tuple[str, str], dict[str, Any]]:
    """Read the metadata of all materializations of a run, by asset and partition."""
    events = [event.step_materialization_data.materialization for event in result.get_asset_materialization_events()]
    return {
        (event.asset_key.to_user_string(), str(event.partition)): {
            name: value.value for name, value in event.metadata.items()
        }
        for event in events
    }


def checks_by_name(result: dg.ExecuteInProcessResult) -> dict[str, dg.AssetCheckEvaluation]:
    """Read the check results of a run."""
    return {
        f"{check.asset_key.to_user_string()}.{check.check_name}": check
        for check in result.get_asset_check_evaluations()
    }


def failure_of(result: dg.ExecuteInProcessResult) -> str | None:
    """Read the description with which a run's only failed step failed."""
    (event,) = result.get_step_failure_events()
    data = event.step_failure_data.user_failure_data
    return data.description if data else None

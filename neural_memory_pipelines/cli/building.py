"""Materializes workspaces through Dagster, in this process, and sums up what came of it.

Its runs are ordinary Dagster runs: the UI shows them, their materializations and their checks.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import dagster as dg
import psutil
from rich.markup import escape

from neural_memory_pipelines.cli.opening import Ready, dagster_environment
from neural_memory_pipelines.cli.output import out, print_table, progress_bars
from neural_memory_pipelines.defs.build import build_definitions
from neural_memory_pipelines.defs.partitions import workspace_version_key
from neural_memory_pipelines.defs.resources import ProgressReporter, report_progress_to
from neural_memory_pipelines.defs.sensors import BUILD_TAG, add_partitions
from neural_memory_pipelines.domain.ids import WorkspaceId
from neural_memory_pipelines.local.session import Session
from neural_memory_pipelines.steps.inbox import list_inbox, route_unsorted
from neural_memory_pipelines.stores.postgres.workspaces import list_workspaces

_COUNTS = ("seen", "written", "unchanged", "deleted", "skipped", "failed", "seconds")
_QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


@dataclass(slots=True)
class BuildResult:
    """What a build of one workspace did: a row per asset, failed checks, and errors."""

    workspace: WorkspaceId
    assets: list[dict[str, Any]] = field(default_factory=list)
    failed_checks: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    @property
    def succeeded(self) -> bool:
        """Whether all ran and all blocking checks held."""
        return not self.failed_checks and not self.errors


def build_all(ready: Ready, workspace: WorkspaceId | None) -> list[BuildResult]:
    """Build one workspace, or all that are known or have something waiting, with progress bars."""
    session = Session(ready.settings, ready.endpoints)
    try:
        objects = session.stores.objects
        route_unsorted(objects, list_inbox(objects).unsorted)
        waiting = list_inbox(objects).by_workspace
        names = {workspace} if workspace else {*waiting, *list_workspaces(session.stores.database)}
        if workspace and not waiting.get(workspace):
            session.active_version(workspace)  # says so if there is no such workspace
        with open_instance(ready) as instance, progress_bars() as bars:
            close_lost_builds(instance)
            return [_build_workspace(n, session=session, instance=instance, reporter=bars) for n in sorted(names)]
    finally:
        session.close()


def last_build_times(ready: Ready, workspaces: Sequence[str]) -> dict[str, datetime]:
    """When each workspace was last made searchable, by `build` or by the daemon."""
    with open_instance(ready) as instance:
        tags = ((name, {"dagster/partition/workspace": name}) for name in workspaces)
        done = {
            name: instance.get_run_records(
                dg.RunsFilter(job_name="index_workspace", tags=tag, statuses=[dg.DagsterRunStatus.SUCCESS]), limit=1
            )
            for name, tag in tags
        }
    return {
        name: datetime.fromtimestamp(records[0].end_time, UTC).replace(microsecond=0)
        for name, records in done.items()
        if records and records[0].end_time
    }


@contextmanager
def open_instance(ready: Ready) -> Iterator[dg.DagsterInstance]:
    """Open Dagster's own storage, as `dagster.yaml` describes it."""
    os.environ.update(dagster_environment(ready))
    with dg.DagsterInstance.get() as instance:
        yield instance


def print_build(result: BuildResult) -> None:
    """Show what a build did."""
    if result.assets:
        print_table(f"workspace {result.workspace}", result.assets)
    for title, sentences in (("check failed", result.failed_checks), ("error", result.errors)):
        for sentence in sentences:
            out.print(f"[red]{title}:[/red] {escape(sentence)}")
    for sentence in result.warnings:
        out.print(f"[yellow]note:[/yellow] {escape(sentence)}")


def _build_workspace(
    workspace: WorkspaceId, *, session: Session, instance: dg.DagsterInstance, reporter: ProgressReporter
) -> BuildResult:
    """Run both jobs on a workspace, one after the other."""
    definitions = build_definitions()
    result = BuildResult(workspace)
    instance.add_dynamic_partitions("workspace", [workspace])
    with report_progress_to(reporter):
        _run(definitions, "ingest_workspace", workspace, instance=instance, result=result)
        if result.errors:
            return result
        version = session.active_version(workspace)
        add_partitions(instance, workspace, version.name)
        key = workspace_version_key(workspace, version.name)
        _run(definitions, "index_workspace", key, instance=instance, result=result)
    return result


def close_lost_builds(instance: dg.DagsterInstance) -> int:
    """Mark runs of builds whose process is gone as failed, so that the UI does not show them as running for ever."""
    lost = 0
    records = instance.get_runs(dg.RunsFilter(statuses=[dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.STARTING]))
    for run in records:
        owner = run.tags.get(BUILD_TAG)
        if owner and owner.startswith(f"{socket.gethostname()}:") and not _is_alive(owner):
            instance.report_run_failed(run, f"the `neural-memory build` that ran this ({owner}) is gone")
            lost += 1
    return lost


def _run(
    definitions: dg.Definitions, job: str, partition_key: str, *, instance: dg.DagsterInstance, result: BuildResult
) -> None:
    run = definitions.resolve_job_def(job).execute_in_process(
        instance=instance,
        partition_key=partition_key,
        raise_on_error=False,
        run_config=_QUIET,
        tags={BUILD_TAG: _this_process()},
    )
    for event in run.get_asset_materialization_events():
        materialization = event.step_materialization_data.materialization
        values = {name: value.value for name, value in materialization.metadata.items()}
        result.assets.append(
            {"asset": materialization.asset_key.to_user_string(), **{name: values[name] for name in _COUNTS}}
        )
        if "notes" in values:
            result.warnings.append(str(values["notes"]))
    for check in run.get_asset_check_evaluations():
        if not check.passed:
            sentence = f"{check.asset_key.to_user_string()}.{check.check_name}: {check.description}"
            target = result.failed_checks if check.severity is dg.AssetCheckSeverity.ERROR else result.warnings
            target.append(sentence)
    for event in run.get_step_failure_events():
        data = event.step_failure_data
        cause = data.user_failure_data.description if data.user_failure_data else None
        result.errors.append(f"{event.step_key}: {cause or (data.error.message if data.error else 'failed')}".strip())
    if not run.success and not result.errors:
        result.errors.append(f"{job}: the run failed; see run {run.run_id} in the UI")


def _this_process() -> str:
    process = psutil.Process()
    return f"{socket.gethostname()}:{os.getpid()}:{process.create_time():.0f}"


def _is_alive(owner: str) -> bool:
    _host, pid, created = owner.rsplit(":", 2)
    try:
        return abs(psutil.Process(int(pid)).create_time() - float(created)) < 2
    except psutil.NoSuchProcess:
        return False

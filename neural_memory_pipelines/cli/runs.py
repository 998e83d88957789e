"""Runs the jobs of a workspace in this process, and reads Dagster's storage.

These are ordinary Dagster runs: the UI shows them, their materializations and their checks. Imported late, by those
commands alone that need it: Dagster takes longer to import than a search takes.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import dagster as dg
import psutil
from dagster._core.errors import DagsterAssetCheckFailedError  # dg does not export it
from dagster_postgres.utils import DagsterPostgresException
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError

from neural_memory_pipelines.cli.build_result import BuildResult
from neural_memory_pipelines.cli.opening import Ready, dagster_environment
from neural_memory_pipelines.cli.output import library_output_in
from neural_memory_pipelines.defs.assets.consolidation import observation_clusters
from neural_memory_pipelines.defs.assets.evaluation import SUITE_ASSETS, only_if_waiting
from neural_memory_pipelines.defs.build import build_definitions
from neural_memory_pipelines.defs.jobs import THOROUGH
from neural_memory_pipelines.defs.partitions import WORKSPACE, add_partitions, workspace_version_key
from neural_memory_pipelines.defs.resources import ProgressReporter, report_progress_to
from neural_memory_pipelines.defs.sensors import BUILD_TAG
from neural_memory_pipelines.domain.evaluation_compare import MEASURES
from neural_memory_pipelines.errors import TransientError
from neural_memory_pipelines.local.processes import rotate_log
from neural_memory_pipelines.local.session import Session, stack_of
from neural_memory_pipelines.stores.postgres.engine import ping
from neural_memory_pipelines.stores.postgres.eval_events import waiting_ids
from neural_memory_pipelines.stores.postgres.questions import own_questions

_COUNTS = ("seen", "written", "unchanged", "deleted", "skipped", "failed", "seconds")
_EVALUATED = ("evaluation", "asked", "questions", *MEASURES, "latency_p95_ms", "passed", "compared_with")
_RunConfig = Mapping[str, Any]
_QUIET: _RunConfig = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
_UNFINISHED = (dg.DagsterRunStatus.NOT_STARTED, dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.STARTED)


@contextmanager
def opened_instance(ready: Ready) -> Iterator[dg.DagsterInstance]:
    """Open Dagster's own storage, as `dagster.yaml` describes it.

    Raises:
        TransientError: it does not answer, now or before the end.
    """
    try:
        ping(ready.endpoints.dagster_postgres_url)  # Dagster itself would try for ten seconds before it says so
    except TransientError as error:
        raise TransientError(f"Dagster's storage: {error}") from None
    names = dagster_environment(ready)
    before = {name: os.environ.get(name) for name in names}
    log = stack_of(ready.settings).home / "logs" / "build.log"
    rotate_log(log)
    os.environ.update(names)
    try:
        with library_output_in(log), dg.DagsterInstance.get() as instance:
            # Else Dagster makes a new connection for each of the hundreds of statements of a run.
            instance.optimize_for_webserver(statement_timeout=60_000, pool_recycle=3_600, max_overflow=20)
            yield instance
    except (DBAPIError, DagsterPostgresException) as error:
        raise _storage_away(ready, error) from None
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def build_workspace(
    result: BuildResult, *, session: Session, instance: dg.DagsterInstance, reporter: ProgressReporter
) -> None:
    """Run both jobs on a workspace, one after the other, and write into `result` what they did."""
    close_lost_builds(instance)
    definitions = build_definitions()
    instance.add_dynamic_partitions(WORKSPACE, [result.workspace])
    with report_progress_to(reporter):
        _run(definitions, "ingest_workspace", result.workspace, instance=instance, result=result)
        if result.errors:
            return
        # The one that is served comes first; what is kept beside it takes in the same news.
        for version in session.kept_versions(result.workspace):
            _run_at_version(definitions, "index_workspace", version, instance=instance, result=result)
    if not result.errors:
        evaluate_workspace(result, session=session, instance=instance, reporter=reporter)


def evaluate_workspace(
    result: BuildResult, *, session: Session, instance: dg.DagsterInstance, reporter: ProgressReporter
) -> None:
    """Ask a workspace's own questions where events wait for that, and write into `result` what came of it.

    Where it has none, events wait on for the daemon, which asks titles of documents in their place.
    """
    with session.stores.database.transaction(result.workspace) as tx:
        suites = [named for named in SUITE_ASSETS if waiting_ids(tx, named.suite)] if own_questions(tx) else []
    if not suites:
        return
    definitions, version = build_definitions(), session.active_version(result.workspace).name
    with report_progress_to(reporter):
        for named in suites:
            config = only_if_waiting(named)
            _run_at_version(definitions, named.job, version, instance=instance, result=result, config=config)


def build_version(
    result: BuildResult, version: str, *, instance: dg.DagsterInstance, reporter: ProgressReporter
) -> None:
    """Build an embedding version of a workspace and ask its gate, and write into `result` what that did."""
    close_lost_builds(instance)
    with report_progress_to(reporter):
        _run_at_version(build_definitions(), "build_version", version, instance=instance, result=result)


def consolidate_workspace(
    result: BuildResult,
    *,
    session: Session,
    instance: dg.DagsterInstance,
    reporter: ProgressReporter,
    full: bool = False,
) -> None:
    """Run a night of a workspace, and write into `result` what it did; `full` has all topics found anew."""
    close_lost_builds(instance)
    definitions = build_definitions()
    found_anew = {observation_clusters.key.to_user_string(): {"config": {"full": full}}}
    config = {"ops": {**THOROUGH["ops"], **found_anew}}
    with report_progress_to(reporter):
        # What is served comes first: topics and summaries are made at it, and are indexed at the others afterwards.
        for version in session.kept_versions(result.workspace):
            _run_at_version(
                definitions, "consolidate_workspace", version, instance=instance, result=result, config=config
            )


def close_lost_builds(instance: dg.DagsterInstance) -> int:
    """Mark runs of builds whose process is gone as failed, so that the UI does not show them as running for ever."""
    lost = 0
    for run in instance.get_runs(dg.RunsFilter(statuses=list(_UNFINISHED))):
        owner = run.tags.get(BUILD_TAG)
        if owner and owner.startswith(f"{socket.gethostname()}:") and not _is_alive(owner):
            instance.report_run_failed(run, f"the `neural-memory build` that ran this ({owner}) is gone")
            lost += 1
    return lost


def close_lost_runs(ready: Ready) -> None:
    """Mark runs that an `up` left behind when it was killed as failed; the daemon retries them.

    Nothing runs them any more, and until they are marked they would hold their workspace. Only where Dagster's storage
    is the embedded one, which no other machine's daemon works on.
    """
    if ready.settings.dagster_postgres_url is not None:
        return
    with opened_instance(ready) as instance:
        close_lost_builds(instance)
        started = dg.RunsFilter(statuses=[dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.STARTED])
        for run in instance.get_runs(started):
            if BUILD_TAG not in run.tags:
                instance.report_run_failed(run, "the `neural-memory up` that ran this is gone")


def last_index_times(instance: dg.DagsterInstance, workspaces: Sequence[str]) -> dict[str, datetime]:
    """When each workspace was last made searchable, aware UTC; those that never were are left out."""
    times = {}
    for name in workspaces:
        indexed = dg.RunsFilter(
            job_name="index_workspace",
            tags={f"dagster/partition/{WORKSPACE}": name},
            statuses=[dg.DagsterRunStatus.SUCCESS],
        )
        for record in instance.get_run_records(indexed, limit=1):
            if record.end_time:
                times[name] = datetime.fromtimestamp(record.end_time, UTC).replace(microsecond=0)
    return times


def _storage_away(ready: Ready, error: Exception) -> TransientError:
    url = make_url(ready.endpoints.dagster_postgres_url)
    cause = error if isinstance(error, DBAPIError) else error.__context__
    sentence = str(cause.orig if isinstance(cause, DBAPIError) else error).strip().splitlines()[0]
    return TransientError(f"Dagster's storage: Postgres at {url.host}:{url.port or 5432}/{url.database}: {sentence}")


def _run_at_version(
    definitions: dg.Definitions,
    job: str,
    version: str,
    *,
    instance: dg.DagsterInstance,
    result: BuildResult,
    config: _RunConfig | None = None,
) -> None:
    add_partitions(instance, [result.workspace], [version])
    before = len(result.assets)
    key = workspace_version_key(result.workspace, version)
    _run(definitions, job, key, instance=instance, result=result, config=config)
    for row in result.assets[before:]:
        row["version"] = version


def _run(
    definitions: dg.Definitions,
    job: str,
    partition_key: str,
    *,
    instance: dg.DagsterInstance,
    result: BuildResult,
    config: _RunConfig | None = None,
) -> None:
    run = definitions.resolve_job_def(job).execute_in_process(
        instance=instance,
        partition_key=partition_key,
        raise_on_error=False,
        run_config={**_QUIET, **(config or {})},
        tags={BUILD_TAG: _this_process()},
    )
    for event in run.get_asset_materialization_events():
        _take_in(event.step_materialization_data.materialization, result)
    for check in run.get_asset_check_evaluations():
        if not check.passed:
            sentence = f"{check.asset_key.to_user_string()}.{check.check_name}: {check.description}"
            target = result.failed_checks if check.severity is dg.AssetCheckSeverity.ERROR else result.warnings
            target.append(sentence)
    failures = run.get_step_failure_events()
    if any(_was_interrupted(event) for event in failures):
        raise KeyboardInterrupt
    result.errors += [_failure(event) for event in failures if not _failed_a_check(event)]
    if not run.success and not result.errors and not result.failed_checks:
        result.errors.append(f"{job}: the run failed; see run {run.run_id} in the UI")


def _take_in(materialization: dg.AssetMaterialization, result: BuildResult) -> None:
    """Read what came of one asset."""
    asset = materialization.asset_key.to_user_string()
    values = {name: value.value for name, value in materialization.metadata.items()}
    if set(_COUNTS) <= values.keys():  # else it is an asset that judges or shows, and counts nothing
        result.assets.append(_row(asset, values))
    if set(_EVALUATED) <= values.keys():
        result.evaluations.append({"asset": asset, **{name: values[name] for name in _EVALUATED}})
    if "notes" in values and str(values["notes"]) not in result.warnings:
        result.warnings.append(str(values["notes"]))


def _row(asset: str, values: dict[str, Any]) -> dict[str, Any]:
    paid = {"tokens": values.get("tokens", 0), "dollars": values.get("dollars", 0.0)}
    return {"asset": asset, "version": "", **{name: values[name] for name in _COUNTS}, **paid}


def _was_interrupted(event: dg.DagsterEvent) -> bool:
    error = event.step_failure_data.error
    return error is not None and error.cls_name == dg.DagsterExecutionInterruptedError.__name__


def _failed_a_check(event: dg.DagsterEvent) -> bool:
    """Tell whether a step failed because of a blocking check, which is told as a check already."""
    error = event.step_failure_data.error
    return error is not None and error.cls_name == DagsterAssetCheckFailedError.__name__


def _failure(event: dg.DagsterEvent) -> str:
    """Say in one line what made a step fail."""
    data = event.step_failure_data
    cause = data.user_failure_data.description if data.user_failure_data else None
    error = data.error
    while cause is None and error is not None and error.cause is not None:
        error = error.cause
    sentence = cause or (error.message if error else None) or "failed"
    return f"{event.step_key}: {' '.join(sentence.split())}"


def _this_process() -> str:
    process = psutil.Process()
    return f"{socket.gethostname()}:{os.getpid()}:{process.create_time():.0f}"


def _is_alive(owner: str) -> bool:
    _host, pid, created = owner.rsplit(":", 2)
    try:
        return abs(psutil.Process(int(pid)).create_time() - float(created)) < 2
    except psutil.NoSuchProcess:
        return False

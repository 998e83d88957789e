"""When workspaces are consolidated: every night, early when much is new, and at other versions after the active one.

Which workspace is due is decided in `steps/consolidation/`, from the database alone.
"""

from collections.abc import Iterator, Mapping

import dagster as dg
from dagster._core.storage.tags import PARTITION_NAME_TAG

from neural_memory_pipelines.defs.failures import repeated_tick
from neural_memory_pipelines.defs.jobs import THOROUGH, consolidate_workspace, index_workspace
from neural_memory_pipelines.defs.partitions import (
    add_partitions,
    keys_of_run,
    workspace_version_key,
    workspace_version_partitions,
    workspace_versions_of,
)
from neural_memory_pipelines.defs.resources import MemoryResource
from neural_memory_pipelines.defs.sensors import BUILD_TAG
from neural_memory_pipelines.domain.ids import WorkspaceId
from neural_memory_pipelines.domain.versions import Family
from neural_memory_pipelines.errors import NeuralMemoryError
from neural_memory_pipelines.local.session import Session
from neural_memory_pipelines.steps.consolidation.due import Due, early_due, nights_due
from neural_memory_pipelines.steps.consolidation.idle import index_differs, of_this_hour
from neural_memory_pipelines.steps.scope import Scope
from neural_memory_pipelines.stores.postgres.workspaces import list_workspaces

_AFTER_NEW_EVENTS = {"dagster/priority": "-1"}
_UNDER_WAY = [
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
]


@dg.schedule(
    job=consolidate_workspace,
    cron_schedule="*/15 * * * *",  # the nights of all time zones begin at full quarters of an hour, or soon before one
    execution_timezone="UTC",
    name="nightly",
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="Consolidates each workspace once a night, of its own time zone (`neural-memory consolidation set`), "
    "if anything changed since its last one; a night that was missed is caught up with. Each tick looks only at "
    "workspaces whose night has begun since they were looked at last.",
)
def nightly(context: dg.ScheduleEvaluationContext, memory: MemoryResource) -> list[dg.RunRequest] | dg.SkipReason:
    """Ask for a run for each workspace whose night is due; a tick that is repeated asks under the same keys."""
    session = memory.session
    found = nights_due(
        session.stores.database,
        now=context.scheduled_execution_time,
        grace_days=session.settings.archive_grace_days,
    )
    return _ask(context, found, named="night") or _nothing_asked("no night is due", found)


@dg.sensor(
    job=consolidate_workspace,
    name="early_consolidation",
    minimum_interval_seconds=300,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Consolidates workspaces before their night that have gathered as many new observations as their "
    "setting `early_observations` says, unless a run is about to.",
)
def early_consolidation(
    context: dg.SensorEvaluationContext, memory: MemoryResource
) -> list[dg.RunRequest] | dg.SkipReason:
    """Ask for a run for each workspace with much that is new."""
    found = early_due(memory.session.stores.database)
    return _ask(context, found, named="early") or _nothing_asked("nowhere is enough new", found)


@dg.run_status_sensor(
    run_status=dg.DagsterRunStatus.SUCCESS,
    monitored_jobs=[consolidate_workspace],
    request_job=consolidate_workspace,
    name="consolidated",
    minimum_interval_seconds=30,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Once a workspace was consolidated at its active version, brings the versions beside it in line: "
    "a canary, and one that was replaced and is kept for a rollback.",
)
def consolidated(context: dg.RunStatusSensorContext, memory: MemoryResource) -> dg.SensorResult | dg.SkipReason:
    """Follow a run at the active version."""
    run = context.dagster_run
    if BUILD_TAG in run.tags:
        return dg.SkipReason("`neural-memory consolidate` goes on to the other versions by itself")
    with repeated_tick():
        keys = keys_of_run(run, workspace_version_partitions, context.instance)
        beside = [
            (workspace, other)
            for workspace, version in workspace_versions_of(keys)
            for other in _beside(memory.session, workspace, version)
        ]
    if not beside:
        return dg.SkipReason("no version beside the active one is to follow")
    add_partitions(context.instance, [workspace for workspace, _ in beside], [version for _, version in beside])
    return dg.SensorResult(
        run_requests=[
            dg.RunRequest(
                partition_key=workspace_version_key(workspace, version),
                run_key=f"{run.run_id}-{workspace}-{version}",
                run_config=THOROUGH,
                tags=_AFTER_NEW_EVENTS,
            )
            for workspace, version in beside
        ]
    )


@dg.schedule(
    job=index_workspace,
    cron_schedule="40 * * * *",
    execution_timezone="UTC",
    name="weekly_reconcile",
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="Looks whether the indexes of workspaces still hold what Postgres wants, and asks for indexing where "
    "they do not. A night compares ids where something changed; this is for those where nothing does: each once a "
    "week, at an hour of its own, so that a thousand idle workspaces are six an hour; none that is whole gets a run.",
)
def weekly_reconcile(
    context: dg.ScheduleEvaluationContext, memory: MemoryResource
) -> list[dg.RunRequest] | dg.SkipReason:
    """Compare the indexes of this hour's workspaces with Postgres."""
    session, hour = memory.session, context.scheduled_execution_time
    requests: list[dg.RunRequest] = []
    failed: dict[WorkspaceId, str] = {}
    looked_at = of_this_hour(list_workspaces(session.stores.database), hour)
    for workspace in looked_at:
        try:
            different = _different(session, workspace)
        except NeuralMemoryError as error:
            failed[workspace] = str(error)
            context.log.error(f"{workspace} was not looked at: {error}")  # noqa: TRY400 - a sentence, no stack trace
            continue
        for version, how in different.items():
            context.log.info(f"{workspace} at {version}: {how}")
            add_partitions(context.instance, [workspace], [version])
            key = workspace_version_key(workspace, version)
            run_key = f"week-{hour:%Y-%m-%dT%H}-{workspace}-{version}"
            requests.append(dg.RunRequest(partition_key=key, run_key=run_key, run_config=THOROUGH))
    whole = f"looked at {len(looked_at) - len(failed)} workspaces: nothing differs"
    return requests or dg.SkipReason(whole + _passed_over(failed))


def _ask(
    context: dg.ScheduleEvaluationContext | dg.SensorEvaluationContext, found: Due, *, named: str
) -> list[dg.RunRequest]:
    for workspace, why in found.failed.items():
        context.log.error(f"{workspace} cannot be consolidated: {why}")
    under_way = _partitions_under_way(context.instance) if found.nights else set()
    asked = []
    for night in found.nights:
        key = workspace_version_key(night.workspace, night.version)
        if key in under_way:
            context.log.info(f"{night.workspace} is due ({night.why}), and a run is under way")
            continue
        context.log.info(f"{night.workspace} is due: {night.why}")
        run_key = f"{named}-{night.key}-{night.workspace}-{night.version}"
        asked.append(dg.RunRequest(partition_key=key, run_key=run_key, run_config=THOROUGH, tags=_AFTER_NEW_EVENTS))
    add_partitions(
        context.instance, [night.workspace for night in found.nights], [night.version for night in found.nights]
    )
    return asked


def _nothing_asked(sentence: str, found: Due) -> dg.SkipReason:
    under_way = f"; {len(found.nights)} are under way" if found.nights else ""
    return dg.SkipReason(f"{sentence}{under_way}{_passed_over(found.failed)}")


def _passed_over(failed: Mapping[WorkspaceId, str]) -> str:
    return "".join(f"; {workspace} was passed over: {why}" for workspace, why in failed.items())


def _partitions_under_way(instance: dg.DagsterInstance) -> set[str]:
    runs = instance.get_runs(dg.RunsFilter(job_name=consolidate_workspace.name, statuses=_UNDER_WAY))
    return {run.tags[PARTITION_NAME_TAG] for run in runs if PARTITION_NAME_TAG in run.tags}


def _beside(session: Session, workspace: WorkspaceId, version: str) -> Iterator[str]:
    """Name the versions that follow one, if that is the active one."""
    if session.active_version(workspace).name == version:
        yield from (name for name in session.kept_versions(workspace) if name != version)


def _different(session: Session, workspace: WorkspaceId) -> dict[str, str]:
    """Map the versions of a workspace whose indexes differ from Postgres to how."""
    found = {}
    for name in session.kept_versions(workspace):
        version = session.version(name)
        scopes = (Scope(workspace, version, family, session.stores) for family in Family)
        said = [how for how in map(index_differs, scopes) if how]
        if said:
            found[name] = "; ".join(said)
    return found

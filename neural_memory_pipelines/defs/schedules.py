"""The schedules: what is done at a time of day. What is done when something happens is in `sensors.py`."""

import dagster as dg

from neural_memory_pipelines.defs.families import FAMILY_ASSETS
from neural_memory_pipelines.defs.jobs import index_workspace
from neural_memory_pipelines.defs.lifecycle_jobs import lifecycle_jobs
from neural_memory_pipelines.defs.partitions import add_partitions, workspace_version_key
from neural_memory_pipelines.defs.resources import MemoryResource
from neural_memory_pipelines.stores.postgres.workspaces import list_workspaces

# Orphans in an index, rows of the ledger without a vector, and vectors of another text show when ids are compared.
_THOROUGH = {"ops": {named.index: {"config": {"compare_ids": True}} for named in FAMILY_ASSETS}}


@dg.schedule(
    job=index_workspace,
    cron_schedule="0 3 * * *",
    execution_timezone="UTC",
    name="nightly_reconcile",
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="Every night, brings each workspace's indexes (of its active version, and of those beside it) and "
    "caches in line with Postgres, id by id, and checks them.",
)
def nightly_reconcile(
    context: dg.ScheduleEvaluationContext, memory: MemoryResource
) -> list[dg.RunRequest] | dg.SkipReason:
    """Ask for one indexing run per workspace and version that is kept up to date."""
    session = memory.session
    pairs = [
        (workspace, version)
        for workspace in list_workspaces(session.stores.database)
        for version in session.kept_versions(workspace)
    ]
    if not pairs:
        return dg.SkipReason("there is no workspace yet")
    add_partitions(context.instance, [workspace for workspace, _ in pairs], [version for _, version in pairs])
    night = f"{context.scheduled_execution_time:%Y-%m-%d}"
    return [
        dg.RunRequest(
            partition_key=workspace_version_key(workspace, version),
            run_key=f"{night}-{workspace}-{version}",
            run_config=_THOROUGH,
        )
        for workspace, version in pairs
    ]


archive_retired = dg.ScheduleDefinition(
    name="archive_retired",
    job=lifecycle_jobs["archive_due_versions"],
    cron_schedule="30 4 * * *",
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="Every night, takes versions out of the indexes that were replaced longer ago than "
    "NEURAL_MEMORY_ARCHIVE_GRACE_DAYS.",
)

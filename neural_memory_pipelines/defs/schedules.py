"""The schedules: what is done at a time of day. What is done when something happens is in `sensors.py`."""

import dagster as dg

from neural_memory_pipelines.defs.jobs import index_workspace
from neural_memory_pipelines.defs.partitions import EMBEDDING_VERSION, WORKSPACE, workspace_version_key
from neural_memory_pipelines.defs.resources import MemoryResource
from neural_memory_pipelines.stores.postgres.workspaces import list_workspaces


@dg.schedule(
    job=index_workspace,
    cron_schedule="0 3 * * *",
    execution_timezone="UTC",
    name="nightly_reconcile",
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="Every night, brings each workspace's index and caches in line with Postgres and checks them.",
)
def nightly_reconcile(
    context: dg.ScheduleEvaluationContext, memory: MemoryResource
) -> list[dg.RunRequest] | dg.SkipReason:
    """Ask for one indexing run per workspace at its active version."""
    session = memory.session
    versions = {name: session.active_version(name).name for name in list_workspaces(session.stores.database)}
    if not versions:
        return dg.SkipReason("there is no workspace yet")
    context.instance.add_dynamic_partitions(WORKSPACE, list(versions))
    context.instance.add_dynamic_partitions(EMBEDDING_VERSION, sorted(set(versions.values())))
    night = f"{context.scheduled_execution_time:%Y-%m-%d}"
    return [
        dg.RunRequest(partition_key=workspace_version_key(workspace, version), run_key=f"{night}-{workspace}-{version}")
        for workspace, version in versions.items()
    ]

"""The schedules."""

from collections.abc import Iterator

import dagster as dg

from neural_memory_pipelines.defs.jobs import index_workspace
from neural_memory_pipelines.defs.partitions import workspace_version_key
from neural_memory_pipelines.defs.resources import MemoryResource
from neural_memory_pipelines.defs.sensors import add_partitions
from neural_memory_pipelines.stores.postgres.workspaces import list_workspaces


@dg.schedule(
    job=index_workspace,
    cron_schedule="0 3 * * *",
    execution_timezone="UTC",
    name="nightly_reconcile",
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="Every night, brings each workspace's index and caches in line with Postgres and checks them.",
)
def nightly_reconcile(context: dg.ScheduleEvaluationContext, memory: MemoryResource) -> Iterator[dg.RunRequest]:
    """Ask for one indexing run per workspace at its active version."""
    for workspace in list_workspaces(memory.session.stores.database):
        version = memory.session.active_version(workspace)
        add_partitions(context.instance, workspace, version.name)
        yield dg.RunRequest(
            partition_key=workspace_version_key(workspace, version.name),
            run_key=f"{context.scheduled_execution_time:%Y-%m-%d}-{workspace}-{version.name}",
        )

"""The sensors: new source data asks for ingestion, finished ingestion asks for indexing.

What is new is decided from the inbox and the cursor, never from which partitions exist.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import dagster as dg
from dagster._core.storage.tags import PARTITION_NAME_TAG
from pydantic import TypeAdapter, ValidationError

from neural_memory_pipelines.defs.failures import repeated_tick
from neural_memory_pipelines.defs.jobs import index_workspace, ingest_workspace
from neural_memory_pipelines.defs.partitions import (
    WORKSPACE,
    add_partitions,
    keys_of_run,
    workspace_partitions,
    workspace_version_key,
    workspaces_of,
)
from neural_memory_pipelines.defs.resources import MemoryResource
from neural_memory_pipelines.domain.ids import WorkspaceId, hash_json
from neural_memory_pipelines.steps.inbox import list_inbox, route_unsorted
from neural_memory_pipelines.stores.objects.protocol import ObjectInfo
from neural_memory_pipelines.stores.postgres.events import count_pending
from neural_memory_pipelines.stores.postgres.workspaces import list_workspaces

# An object that is still there this long after a run was asked for it needs another run.
ASK_AGAIN_SECONDS = 15 * 60
_OBJECTS_PER_TICK = 10_000
_NOT_BEGUN = [dg.DagsterRunStatus.NOT_STARTED, dg.DagsterRunStatus.QUEUED, dg.DagsterRunStatus.STARTING]

BUILD_TAG = "neural-memory/build"
"""Marks runs of `neural-memory build`; its value names the process that runs them."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What the cursor keeps of a workspace: a digest of the objects that waited, and when a run was asked for them."""

    digest: str
    at: float


_CURSOR = TypeAdapter(dict[str, Asked])


@dg.sensor(
    job=ingest_workspace,
    name="source_data",
    minimum_interval_seconds=10,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Asks for one ingestion run per workspace with waiting events, and adds unknown workspaces.",
)
def source_data(context: dg.SensorEvaluationContext, memory: MemoryResource) -> dg.SensorResult:
    """Look into the inbox.

    The same objects are asked for once; again after `ASK_AGAIN_SECONDS`, if that run came to nothing.
    """
    objects = memory.session.stores.objects
    listing = list_inbox(objects, limit=_OBJECTS_PER_TICK)
    if listing.unsorted:
        routed, rejected = route_unsorted(objects, listing.unsorted)
        context.log.info(f"routed {routed} events to their workspaces, rejected {rejected}")
        listing = list_inbox(objects, limit=_OBJECTS_PER_TICK)

    asked = _read_cursor(context)
    cursor: dict[str, Asked] = {}
    requests: list[dg.RunRequest] = []
    queued = _workspaces_with_queued_run(context.instance) if listing.by_workspace else set()
    for workspace, waiting in listing.by_workspace.items():
        cursor[workspace], request = _ask(workspace, waiting, before=asked.get(workspace), queued=workspace in queued)
        requests += [request] if request else []
    spelled = _CURSOR.dump_json(cursor).decode()
    if not requests:
        idle = f"{len(cursor)} workspaces wait, all asked for" if cursor else "empty inbox"
        return dg.SensorResult(skip_reason=idle, cursor=spelled)
    unknown = workspace_partitions.build_add_request([str(request.partition_key) for request in requests])
    return dg.SensorResult(run_requests=requests, dynamic_partitions_requests=[unknown], cursor=spelled)


def _ask(
    workspace: WorkspaceId, waiting: Sequence[ObjectInfo], *, before: Asked | None, queued: bool
) -> tuple[Asked, dg.RunRequest | None]:
    """Decide whether waiting objects need a run. Its key is the same when a tick is repeated with its old cursor."""
    now = datetime.now(UTC).timestamp()
    digest = hash_json([[info.key, info.etag, info.modified_at.isoformat()] for info in waiting])[:24]
    is_recent = before is not None and now - before.at < ASK_AGAIN_SECONDS
    if before and is_recent and (before.digest == digest or queued):
        # A run that has not begun will take in what came since it was asked for.
        return replace(before, digest=digest), None
    again = f"-{before.at:.0f}" if before and before.digest == digest else ""
    return Asked(digest, now), dg.RunRequest(partition_key=workspace, run_key=f"{workspace}-{digest}{again}")


def _read_cursor(context: dg.SensorEvaluationContext) -> dict[str, Asked]:
    try:
        return _CURSOR.validate_json(context.cursor or "{}")
    except ValidationError as error:
        # Nothing is lost: what waits is asked for anew, under keys that tell a request that was made before.
        context.log.warning(f"the cursor is broken and starts anew: {error.errors(include_url=False)[0]['msg']}")
        return {}


def _workspaces_with_queued_run(instance: dg.DagsterInstance) -> set[str | None]:
    runs = instance.get_runs(dg.RunsFilter(job_name=ingest_workspace.name, statuses=_NOT_BEGUN))
    return {run.tags.get(PARTITION_NAME_TAG) for run in runs}


@dg.sensor(
    job=ingest_workspace,
    name="stranded_events",
    minimum_interval_seconds=ASK_AGAIN_SECONDS,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Asks for ingestion of workspaces whose events were received long ago and are not persisted yet.",
)
def stranded_events(context: dg.SensorEvaluationContext, memory: MemoryResource) -> list[dg.RunRequest] | dg.SkipReason:
    """Find what a run received and then failed to persist: it has left the inbox, where `source_data` looks."""
    database = memory.session.stores.database
    now = datetime.now(UTC)
    stranded = []
    for workspace in list_workspaces(database):
        with database.transaction(workspace) as tx:
            if count_pending(tx, received_before=now - timedelta(seconds=ASK_AGAIN_SECONDS)):
                stranded.append(workspace)
    if not stranded:
        return dg.SkipReason("no event waits for long")
    context.instance.add_dynamic_partitions(WORKSPACE, stranded)
    period = int(now.timestamp() // ASK_AGAIN_SECONDS)
    return [dg.RunRequest(partition_key=name, run_key=f"stranded-{name}-{period}") for name in stranded]


@dg.run_status_sensor(
    run_status=dg.DagsterRunStatus.SUCCESS,
    monitored_jobs=[ingest_workspace],
    request_job=index_workspace,
    name="knowledge_changed",
    minimum_interval_seconds=5,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Asks for indexing of each workspace that was ingested, at every version it keeps up to date.",
)
def knowledge_changed(context: dg.RunStatusSensorContext, memory: MemoryResource) -> dg.SensorResult | dg.SkipReason:
    """Follow an ingestion run."""
    run = context.dagster_run
    if BUILD_TAG in run.tags:
        return dg.SkipReason("`neural-memory build` indexes by itself")
    with repeated_tick():
        ingested = workspaces_of(keys_of_run(run, workspace_partitions, context.instance))
        kept = {name: memory.session.kept_versions(name) for name in ingested}
    requests = []
    for workspace, version in ((name, version) for name, versions in kept.items() for version in versions):
        add_partitions(context.instance, [workspace], [version])
        key = workspace_version_key(workspace, version)
        requests.append(dg.RunRequest(partition_key=key, run_key=f"{run.run_id}-{workspace}-{version}"))
    return dg.SensorResult(run_requests=requests)

"""The sensors: new source data asks for ingestion, finished ingestion asks for indexing.

What is new is decided from the inbox and the cursor, never from which partitions exist.
"""

import json
from datetime import UTC, datetime

import dagster as dg

from neural_memory_pipelines.defs.jobs import index_workspace, ingest_workspace
from neural_memory_pipelines.defs.partitions import EMBEDDING_VERSION, WORKSPACE, workspace_version_key
from neural_memory_pipelines.defs.partitions import workspace_partitions as workspaces
from neural_memory_pipelines.defs.resources import MemoryResource
from neural_memory_pipelines.domain.ids import WorkspaceId, hash_json
from neural_memory_pipelines.steps.inbox import list_inbox, route_unsorted

# An object that is still there this long after a run was asked for it needs another run.
ASK_AGAIN_SECONDS = 15 * 60
_OBJECTS_PER_TICK = 10_000
_PARTITION_TAG = "dagster/partition"

BUILD_TAG = "neural-memory/build"
"""Marks runs of `neural-memory build`; its value names the process that runs them."""


@dg.sensor(
    job=ingest_workspace,
    name="source_data",
    minimum_interval_seconds=10,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Asks for one ingestion run per workspace with waiting events, and adds unknown workspaces.",
)
def source_data(context: dg.SensorEvaluationContext, memory: MemoryResource) -> dg.SensorResult | dg.SkipReason:
    """Look into the inbox.

    The cursor holds, for each workspace with waiting objects, a digest of them and when a run was asked for.
    The same objects are asked for once; again after `ASK_AGAIN_SECONDS`, if that run came to nothing.
    """
    objects = memory.session.stores.objects
    listing = list_inbox(objects, limit=_OBJECTS_PER_TICK)
    if listing.unsorted:
        routed, rejected = route_unsorted(objects, listing.unsorted)
        context.log.info(f"routed {routed} events to their workspaces, rejected {rejected}")
        listing = list_inbox(objects, limit=_OBJECTS_PER_TICK)

    now = datetime.now(UTC).timestamp()
    asked: dict[str, dict[str, str | float]] = json.loads(context.cursor) if context.cursor else {}
    cursor, requests = {}, []
    for workspace, waiting in listing.by_workspace.items():
        digest = hash_json([[info.key, info.etag] for info in waiting])
        before = asked.get(workspace)
        if before and before["digest"] == digest and now - float(before["at"]) < ASK_AGAIN_SECONDS:
            cursor[workspace] = before
            continue
        again = int(now // ASK_AGAIN_SECONDS) if before and before["digest"] == digest else 0
        cursor[workspace] = {"digest": digest, "at": now}
        requests.append(dg.RunRequest(partition_key=workspace, run_key=f"{workspace}-{digest[:24]}-{again}"))
    context.update_cursor(json.dumps(cursor, sort_keys=True))
    if not requests:
        return dg.SkipReason(f"{len(cursor)} workspaces wait, all asked for" if cursor else "empty inbox")
    return dg.SensorResult(
        run_requests=requests,
        dynamic_partitions_requests=[workspaces.build_add_request([str(r.partition_key) for r in requests])],
        cursor=json.dumps(cursor, sort_keys=True),
    )


@dg.run_status_sensor(
    run_status=dg.DagsterRunStatus.SUCCESS,
    monitored_jobs=[ingest_workspace],
    request_job=index_workspace,
    name="knowledge_changed",
    minimum_interval_seconds=5,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Asks for indexing, at the active embedding version, of each workspace that was ingested.",
)
def knowledge_changed(context: dg.RunStatusSensorContext, memory: MemoryResource) -> dg.RunRequest | dg.SkipReason:
    """Follow an ingestion run."""
    key = context.dagster_run.tags.get(_PARTITION_TAG)
    if key is None:
        return dg.SkipReason(f"run {context.dagster_run.run_id} names no single workspace")
    if BUILD_TAG in context.dagster_run.tags:
        return dg.SkipReason("`neural-memory build` indexes by itself")
    workspace = WorkspaceId(key)
    version = memory.session.active_version(workspace)
    add_partitions(context.instance, workspace, version.name)
    return dg.RunRequest(
        partition_key=workspace_version_key(workspace, version.name), run_key=context.dagster_run.run_id
    )


def add_partitions(instance: dg.DagsterInstance, workspace: WorkspaceId, version_name: str) -> None:
    """Add the partitions of a workspace and an embedding version; known ones stay."""
    instance.add_dynamic_partitions(WORKSPACE, [workspace])
    instance.add_dynamic_partitions(EMBEDDING_VERSION, [version_name])

"""The group `ingestion`: waiting events are made durable. Nothing is parsed here."""

import dagster as dg

from neural_memory_pipelines.defs.failures import mapped_failures
from neural_memory_pipelines.defs.metadata import OWNERS, report_metadata, table_metadata
from neural_memory_pipelines.defs.partitions import workspace_partitions, workspaces_of
from neural_memory_pipelines.defs.resources import MemoryResource, progress_of
from neural_memory_pipelines.steps.receive import receive_events


@dg.asset(
    partitions_def=workspace_partitions,
    group_name="ingestion",
    kinds={"python", "postgres"},
    owners=OWNERS,
    code_version="1",
    metadata=table_metadata("source_events"),
)
def raw_artifacts(context: dg.AssetExecutionContext, memory: MemoryResource) -> dg.MaterializeResult[None]:
    """Source events as received: the bytes in the object store, one ledger row per event."""
    with mapped_failures(context):
        session = memory.session
        for workspace in workspaces_of(context.partition_keys):
            report = receive_events(
                workspace,
                stores=session.stores,
                new_workspace_version=session.new_workspace_version,
                organization_id=session.settings.organization_id,
                on_progress=progress_of(context, "raw_artifacts"),
            )
            context.add_asset_metadata(report_metadata(report), partition_key=workspace)
    return dg.MaterializeResult()

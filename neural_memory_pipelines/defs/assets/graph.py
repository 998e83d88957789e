"""The group `graph`: who and what documents speak of, and the edges between them.

What links mean is decided by `steps/entities.py` and `steps/relationships.py`.
"""

from typing import Any

import dagster as dg

from neural_memory_pipelines.defs.assets.knowledge import knowledge
from neural_memory_pipelines.defs.failures import mapped_failures
from neural_memory_pipelines.defs.metadata import OWNERS, report_metadata, table_metadata
from neural_memory_pipelines.defs.partitions import workspace_partitions, workspaces_of
from neural_memory_pipelines.defs.pictures import graph_picture
from neural_memory_pipelines.defs.resources import MemoryResource
from neural_memory_pipelines.domain.ids import WorkspaceId
from neural_memory_pipelines.steps.entities import resolve_entities
from neural_memory_pipelines.steps.relationships import reconcile_relationships
from neural_memory_pipelines.steps.report import StepReport
from neural_memory_pipelines.stores.bundle import Stores
from neural_memory_pipelines.stores.postgres.graph import live_edges

_EDGES_DRAWN_FROM = 5_000


@dg.asset(
    partitions_def=workspace_partitions,
    deps=list(knowledge.keys),
    group_name="graph",
    kinds={"postgres", "table"},
    owners=OWNERS,
    code_version="1",
    metadata=table_metadata("entities"),
)
def entities(context: dg.AssetExecutionContext, memory: MemoryResource) -> dg.MaterializeResult[None]:
    """Persons (accounts of all sources, joined), bots, teams, repositories, components, projects and goals."""
    with mapped_failures(context):
        for workspace in workspaces_of(context.partition_keys):
            report = resolve_entities(workspace, stores=memory.session.stores)
            metadata = report_metadata(report) | {"dagster/row_count": sum(report.kinds.values())}
            context.add_asset_metadata(metadata, partition_key=workspace)
    return dg.MaterializeResult()


@dg.asset(
    partitions_def=workspace_partitions,
    deps=[entities],
    group_name="graph",
    kinds={"postgres", "table"},
    owners=OWNERS,
    code_version="1",
    metadata=table_metadata("relationships"),
)
def relationships(context: dg.AssetExecutionContext, memory: MemoryResource) -> dg.MaterializeResult[None]:
    """Edges between documents and entities, each with the words or the field that state it."""
    with mapped_failures(context):
        stores = memory.session.stores
        for workspace in workspaces_of(context.partition_keys):
            report = reconcile_relationships(workspace, stores=stores)
            metadata = report_metadata(report) | _picture(workspace, stores, report)
            context.add_asset_metadata(metadata | {"dagster/row_count": report.seen}, partition_key=workspace)
    return dg.MaterializeResult()


def _picture(workspace: WorkspaceId, stores: Stores, report: StepReport) -> dict[str, Any]:
    """Draw the graph when it changed: every materialization keeps its metadata for good."""
    if not (report.written or report.deleted):
        return {}
    with stores.database.transaction(workspace) as tx:
        edges = live_edges(tx, limit=_EDGES_DRAWN_FROM)
    return {"graph": dg.MetadataValue.md(graph_picture(edges))} if edges else {}

"""The group `caches`: what readers ask for often, in Redis. Nothing depends on it."""

import dagster as dg

from neural_memory_pipelines.defs.assets.graph import relationships
from neural_memory_pipelines.defs.failures import mapped_failures
from neural_memory_pipelines.defs.families import FAMILY_ASSETS
from neural_memory_pipelines.defs.metadata import OWNERS, report_metadata
from neural_memory_pipelines.defs.partitions import (
    workspace_partitions,
    workspace_version_key,
    workspace_version_partitions,
    workspace_versions_of,
    workspaces_of,
)
from neural_memory_pipelines.defs.resources import MemoryResource, progress_of
from neural_memory_pipelines.steps.graph_cache import prime_graph_cache
from neural_memory_pipelines.steps.prime import prime_cache


@dg.asset(
    partitions_def=workspace_version_partitions,
    deps=[named.index for named in FAMILY_ASSETS],
    group_name="caches",
    kinds={"redis"},
    owners=OWNERS,
    code_version="1",
)
def knowledge_cache(context: dg.AssetExecutionContext, memory: MemoryResource) -> dg.MaterializeResult[None]:
    """Documents and their chunks, primed in Redis; a cache that is away is reported and costs nothing else."""
    with mapped_failures(context):
        stores = memory.session.stores
        for workspace, version_name in workspace_versions_of(context.partition_keys):
            report = prime_cache(workspace, stores=stores, on_progress=progress_of(context, "knowledge_cache"))
            key = workspace_version_key(workspace, version_name)
            context.add_asset_metadata(report_metadata(report), partition_key=key)
    return dg.MaterializeResult()


@dg.asset(
    partitions_def=workspace_partitions,
    deps=[relationships],
    group_name="caches",
    kinds={"redis"},
    owners=OWNERS,
    code_version="1",
)
def graph_adjacency_cache(context: dg.AssetExecutionContext, memory: MemoryResource) -> dg.MaterializeResult[None]:
    """The neighbours of every node of the graph, out and in, primed in Redis; rebuilt when they are missing."""
    with mapped_failures(context):
        stores = memory.session.stores
        for workspace in workspaces_of(context.partition_keys):
            report = prime_graph_cache(
                workspace, stores=stores, on_progress=progress_of(context, "graph_adjacency_cache")
            )
            context.add_asset_metadata(report_metadata(report), partition_key=workspace)
    return dg.MaterializeResult()

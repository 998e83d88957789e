"""The jobs: one per partitioning, because a Dagster run has one. `build` and the sensors run them in this order."""

import dagster as dg

from neural_memory_pipelines.defs.assets.caches import graph_adjacency_cache, knowledge_cache
from neural_memory_pipelines.defs.assets.embeddings import embedding_assets
from neural_memory_pipelines.defs.assets.graph import entities, relationships
from neural_memory_pipelines.defs.assets.indexes import index_assets
from neural_memory_pipelines.defs.assets.ingestion import raw_artifacts
from neural_memory_pipelines.defs.assets.knowledge import knowledge

# One process runs all steps of a run: starting a process per step would cost seconds per asset.
_IN_PROCESS = dg.in_process_executor

ingest_workspace = dg.define_asset_job(
    "ingest_workspace",
    selection=dg.AssetSelection.assets(raw_artifacts, knowledge, entities, relationships, graph_adjacency_cache),
    description="Take a workspace's inbox in: raw artifacts, documents, chunks, observations, and the graph.",
    executor_def=_IN_PROCESS,
)

index_workspace = dg.define_asset_job(
    "index_workspace",
    selection=dg.AssetSelection.assets(*embedding_assets, *index_assets, knowledge_cache),
    description="Make a workspace searchable at an embedding version: embeddings, indexes, caches, and their checks.",
    executor_def=_IN_PROCESS,
)

"""The jobs on assets: one per partitioning and purpose, because a Dagster run has one partitioning.

`build` and the sensors run them in this order. Jobs that are no assets' are in `lifecycle_jobs.py`.
"""

import dagster as dg

from neural_memory_pipelines.defs.assets.caches import graph_adjacency_cache, knowledge_cache
from neural_memory_pipelines.defs.assets.consolidation import consolidation_assets, profiles
from neural_memory_pipelines.defs.assets.embeddings import embedding_assets
from neural_memory_pipelines.defs.assets.evaluation import SUITE_ASSETS, evaluation_assets
from neural_memory_pipelines.defs.assets.graph import entities, relationships
from neural_memory_pipelines.defs.assets.indexes import index_assets
from neural_memory_pipelines.defs.assets.ingestion import raw_artifacts
from neural_memory_pipelines.defs.assets.knowledge import knowledge
from neural_memory_pipelines.defs.assets.versions import canary, served_version
from neural_memory_pipelines.defs.families import FAMILY_ASSETS

# One process runs all steps of a run: starting a process per step would cost seconds per asset.
IN_PROCESS = dg.in_process_executor

# Orphans in an index, rows of the ledger without a vector, and vectors of another text show when ids are compared.
THOROUGH = {"ops": {named.index: {"config": {"compare_ids": True}} for named in FAMILY_ASSETS}}
"""Run config of a job that indexes all families: compare them id by id."""

ingest_workspace = dg.define_asset_job(
    "ingest_workspace",
    selection=dg.AssetSelection.assets(raw_artifacts, knowledge, entities, relationships, graph_adjacency_cache),
    description="Take a workspace's inbox in: raw artifacts, documents, chunks, observations, and the graph.",
    executor_def=IN_PROCESS,
)

index_workspace = dg.define_asset_job(
    "index_workspace",
    selection=dg.AssetSelection.assets(*embedding_assets, *index_assets, knowledge_cache),
    description="Make a workspace searchable at an embedding version: embeddings, indexes, caches, and their checks.",
    executor_def=IN_PROCESS,
)

consolidate_workspace = dg.define_asset_job(
    "consolidate_workspace",
    selection=dg.AssetSelection.assets(*embedding_assets, *index_assets, *consolidation_assets, knowledge_cache),
    description="A night of a workspace: refresh vectors, find topics, write summaries, embed and index them, rebuild "
    "profiles, let old observations leave the index, archive what is due, ask for an evaluation.",
    executor_def=IN_PROCESS,
)

_BUILT = [*embedding_assets, profiles, *index_assets, canary, served_version]
BUILT_PER_VERSION = [key for asset in _BUILT for key in asset.keys]
"""What the build of an embedding version makes."""

build_version = dg.define_asset_job(
    "build_version",
    selection=dg.AssetSelection.assets(*_BUILT),
    description="Build an embedding version of a workspace beside the one that is served, and judge it by the gate. "
    "The config of served_version can have it promoted if the gate passes.",
    executor_def=IN_PROCESS,
)

evaluation_jobs = [
    dg.define_asset_job(
        named.job,
        selection=dg.AssetSelection.assets(asset),
        description=f"Ask a workspace the questions of the suite {named.suite} at an embedding version, and keep "
        "what came of it.",
        executor_def=IN_PROCESS,
    )
    for named, asset in zip(SUITE_ASSETS, evaluation_assets, strict=True)
]
"""One per suite, so that a run of one never asks the questions of another too."""

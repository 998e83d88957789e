"""The group `indexes`: one vector index asset per family, all made from the same data.

What is upserted and deleted is decided by `steps/index.py`.
"""

import dagster as dg

from neural_memory_pipelines.defs.assets.embeddings import EMBEDDING_OF
from neural_memory_pipelines.defs.failures import mapped_failures
from neural_memory_pipelines.defs.metadata import OWNERS, report_metadata, table_metadata
from neural_memory_pipelines.defs.partitions import (
    workspace_version_key,
    workspace_version_partitions,
    workspace_versions_of,
)
from neural_memory_pipelines.defs.resources import MemoryResource, progress_of
from neural_memory_pipelines.domain.versions import Family
from neural_memory_pipelines.steps.index import reconcile_index
from neural_memory_pipelines.steps.scope import Scope

INDEX_OF = {Family.CHUNKS: "chunk_index", Family.OBSERVATIONS: "observation_index"}


def _index_asset(family: Family) -> dg.AssetsDefinition:
    name = INDEX_OF[family]

    @dg.asset(
        name=name,
        partitions_def=workspace_version_partitions,
        deps=[EMBEDDING_OF[family]],
        description=f"The vector index of {family}: one namespace per workspace and embedding version.",
        group_name="indexes",
        kinds={"postgres", "pgvector"},
        owners=OWNERS,
        code_version="1",
        metadata=table_metadata("vector_entries"),
        pool="vector_index",
        backfill_policy=dg.BackfillPolicy.multi_run(),
    )
    def index(context: dg.AssetExecutionContext, memory: MemoryResource) -> dg.MaterializeResult[None]:
        with mapped_failures(context):
            session = memory.session
            for workspace, version_name in workspace_versions_of(context.partition_keys):
                report = reconcile_index(
                    Scope(workspace, session.version(version_name), family, session.stores),
                    on_progress=progress_of(context, name),
                )
                key = workspace_version_key(workspace, version_name)
                context.add_asset_metadata(report_metadata(report), partition_key=key)
        return dg.MaterializeResult()

    return index


index_assets = [_index_asset(family) for family in INDEX_OF]

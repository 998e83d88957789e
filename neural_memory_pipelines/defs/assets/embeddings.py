"""The group `embeddings`: one asset per family, all made from the same data.

How texts are embedded is `steps/embed.py`'s part.
"""

from functools import partial

import dagster as dg

from neural_memory_pipelines.defs.failures import mapped_failures
from neural_memory_pipelines.defs.metadata import OWNERS, report_metadata, table_metadata
from neural_memory_pipelines.defs.partitions import (
    to_workspace,
    workspace_version_key,
    workspace_version_partitions,
    workspace_versions_of,
)
from neural_memory_pipelines.defs.resources import MemoryResource, progress_of
from neural_memory_pipelines.domain.versions import Family
from neural_memory_pipelines.steps.embed import embed_pending
from neural_memory_pipelines.steps.scope import Scope

EMBEDDING_OF = {Family.CHUNKS: "chunk_embeddings", Family.OBSERVATIONS: "observation_embeddings"}


def _embedding_asset(family: Family) -> dg.AssetsDefinition:
    name = EMBEDDING_OF[family]

    @dg.asset(
        name=name,
        partitions_def=workspace_version_partitions,
        deps=[dg.AssetDep(str(family), partition_mapping=to_workspace)],
        description=f"Vectors of all live {family} at an embedding version, kept for good by the hash of the text.",
        group_name="embeddings",
        kinds={"postgres", "python"},
        owners=OWNERS,
        code_version="1",
        metadata=table_metadata("embeddings"),
        pool="embedder",
        backfill_policy=dg.BackfillPolicy.multi_run(),
    )
    def embeddings(context: dg.AssetExecutionContext, memory: MemoryResource) -> dg.MaterializeResult[None]:
        with mapped_failures(context):
            session = memory.session
            for workspace, version_name in workspace_versions_of(context.partition_keys):
                version = session.version(version_name)
                report = embed_pending(
                    Scope(workspace, version, family, session.stores),
                    load_embedder=partial(session.embedder, version),
                    on_progress=progress_of(context, name),
                )
                key = workspace_version_key(workspace, version_name)
                context.add_asset_metadata(report_metadata(report), partition_key=key)
        return dg.MaterializeResult()

    return embeddings


embedding_assets = [_embedding_asset(family) for family in EMBEDDING_OF]

"""The group `embeddings`: one asset per family, all made from the same data.

How texts are embedded is `steps/embed.py`'s part.
"""

from functools import partial

import dagster as dg

from neural_memory_pipelines.defs.failures import mapped_failures
from neural_memory_pipelines.defs.families import FAMILY_ASSETS, FamilyAssets
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
from neural_memory_pipelines.steps.versions.propose import begin_build


def _rows_of(named: FamilyAssets) -> dg.AssetDep:
    """Depend on a family's rows: those of sources are of a workspace, summaries also of a version."""
    is_of_sources = named.family in {Family.CHUNKS, Family.OBSERVATIONS}
    return dg.AssetDep(named.rows, partition_mapping=to_workspace) if is_of_sources else dg.AssetDep(named.rows)


def _embedding_asset(named: FamilyAssets) -> dg.AssetsDefinition:
    family, name = named.family, named.embeddings

    @dg.asset(
        name=name,
        partitions_def=workspace_version_partitions,
        deps=[_rows_of(named)],
        description=f"Vectors of all live {family} at an embedding version, kept for good by the hash of the text.",
        group_name="embeddings",
        kinds={"postgres", "python"},
        owners=OWNERS,
        code_version="2",
        metadata=table_metadata("embeddings"),
        pool="embedder",
    )
    def embeddings(context: dg.AssetExecutionContext, memory: MemoryResource) -> dg.MaterializeResult[None]:
        with mapped_failures(context):
            session = memory.session
            for workspace, version_name in workspace_versions_of(context.partition_keys):
                version = session.version(version_name)
                begin_build(workspace, version, stores=session.stores)
                report = embed_pending(
                    Scope(workspace, version, family, session.stores),
                    load_embedder=partial(session.embedder, version),
                    price=session.price(version.model),
                    on_progress=progress_of(context, name),
                )
                key = workspace_version_key(workspace, version_name)
                context.add_asset_metadata(report_metadata(report), partition_key=key)
        return dg.MaterializeResult()

    return embeddings


embedding_assets = [_embedding_asset(named) for named in FAMILY_ASSETS if named.has_texts]

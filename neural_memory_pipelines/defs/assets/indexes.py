"""The group `indexes`: one vector index asset per family, all made from the same data.

What is upserted and deleted is decided by `steps/index.py`.
"""

from typing import Any

import dagster as dg
from pydantic import Field

from neural_memory_pipelines.defs.failures import mapped_failures
from neural_memory_pipelines.defs.families import FAMILY_ASSETS, FamilyAssets
from neural_memory_pipelines.defs.metadata import OWNERS, report_metadata, table_metadata
from neural_memory_pipelines.defs.partitions import (
    workspace_version_key,
    workspace_version_partitions,
    workspace_versions_of,
)
from neural_memory_pipelines.defs.resources import MemoryResource, progress_of
from neural_memory_pipelines.steps.index import reconcile_index
from neural_memory_pipelines.steps.report import StepReport
from neural_memory_pipelines.steps.scope import Scope
from neural_memory_pipelines.steps.versions.propose import begin_build


class IndexConfig(dg.Config):
    """What may be asked of an index run beyond what changed."""

    compare_ids: bool = Field(
        default=False,
        description="Compare the index with its ledger id by id, though their counts agree; the night does it.",
    )


def _index_asset(named: FamilyAssets) -> dg.AssetsDefinition:
    family, name = named.family, named.index

    @dg.asset(
        name=name,
        partitions_def=workspace_version_partitions,
        deps=[named.embeddings],
        description=f"The vector index of {family}: one namespace per workspace and embedding version.",
        group_name="indexes",
        kinds={"postgres", "pgvector", "pinecone"},
        owners=OWNERS,
        code_version="2",
        metadata=table_metadata("vector_entries"),
        pool="vector_index",
    )
    def index(
        context: dg.AssetExecutionContext, config: IndexConfig, memory: MemoryResource
    ) -> dg.MaterializeResult[None]:
        with mapped_failures(context):
            session = memory.session
            for workspace, version_name in workspace_versions_of(context.partition_keys):
                scope = Scope(workspace, session.version(version_name), family, session.stores)
                # A version that was archived after its texts were embedded must not come back.
                begin_build(workspace, scope.version, stores=session.stores)
                report = reconcile_index(scope, compare_ids=config.compare_ids, on_progress=progress_of(context, name))
                key = workspace_version_key(workspace, version_name)
                metadata = report_metadata(report) | _vectors_metadata(scope, report)
                context.add_asset_metadata(metadata, partition_key=key)
        return dg.MaterializeResult()

    return index


def _vectors_metadata(scope: Scope, report: StepReport) -> dict[str, Any]:
    """Numbers that the UI plots over time, under names that say what is counted."""
    return {
        "vectors_upserted": report.written,
        "vectors_deleted": report.deleted,
        "vectors_desired": report.seen,
        "vectors_indexed": scope.indexed_count(),
    }


index_assets = [_index_asset(named) for named in FAMILY_ASSETS]

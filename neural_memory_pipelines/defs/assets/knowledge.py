"""The group `knowledge`: documents, chunks and observations, which one transaction writes together."""

from collections.abc import Iterator
from functools import partial

import dagster as dg

from neural_memory_pipelines.defs.failures import mapped_failures
from neural_memory_pipelines.defs.metadata import OWNERS, report_metadata
from neural_memory_pipelines.defs.partitions import workspace_partitions, workspaces_of
from neural_memory_pipelines.defs.resources import MemoryResource, progress_of
from neural_memory_pipelines.steps.persist import PersistReport, persist_pending

_DESCRIPTIONS = {
    "documents": "One row per document of a source, at its latest version.",
    "chunks": "One row per chunk of a document; superseded ones are kept.",
    "observations": "One row per statement worth remembering on its own, with importance, tags and subjects.",
}


def _spec(table: str, upstream: str) -> dg.AssetSpec:
    return dg.AssetSpec(
        table,
        deps=[upstream],
        description=_DESCRIPTIONS[table],
        group_name="knowledge",
        kinds={"postgres", "table"},
        owners=OWNERS,
        code_version="1",
    )


@dg.multi_asset(
    specs=[_spec("documents", "raw_artifacts"), _spec("chunks", "documents"), _spec("observations", "documents")],
    partitions_def=workspace_partitions,
    backfill_policy=dg.BackfillPolicy.multi_run(),
)
def knowledge(context: dg.AssetExecutionContext, memory: MemoryResource) -> Iterator[dg.MaterializeResult[None]]:
    """Persist pending events."""
    session = memory.session
    reports: list[PersistReport] = []
    with mapped_failures(context):
        for workspace in workspaces_of(context.partition_keys):
            version = session.active_version(workspace)
            reports.append(
                persist_pending(
                    workspace,
                    stores=session.stores,
                    version=version,
                    load_embedder=partial(session.embedder, version),
                    on_progress=progress_of(context, "knowledge"),
                )
            )
    events = report_metadata([report.events for report in reports])
    yield dg.MaterializeResult(
        asset_key="documents",
        metadata=report_metadata([r.documents for r in reports])
        | {f"events_{name}": value for name, value in events.items() if name not in {"seconds", "tokens", "examples"}},
    )
    yield dg.MaterializeResult(asset_key="chunks", metadata=report_metadata([r.chunks for r in reports]))
    yield dg.MaterializeResult(asset_key="observations", metadata=report_metadata([r.observations for r in reports]))

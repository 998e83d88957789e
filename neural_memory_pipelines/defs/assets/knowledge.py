"""The group `knowledge`: documents, chunks and observations, which one transaction writes together.

How events are read is decided in `sources/`, what is written in `domain/`.
"""

from collections.abc import Iterator
from functools import partial
from typing import Any

import dagster as dg

from neural_memory_pipelines.defs.failures import mapped_failures
from neural_memory_pipelines.defs.metadata import OWNERS, report_metadata, table_metadata
from neural_memory_pipelines.defs.partitions import workspace_partitions, workspaces_of
from neural_memory_pipelines.defs.resources import MemoryResource, progress_of
from neural_memory_pipelines.domain.ids import WorkspaceId
from neural_memory_pipelines.local.session import Session
from neural_memory_pipelines.steps.persist import PersistReport, persist_pending
from neural_memory_pipelines.steps.report import Progress, StepReport
from neural_memory_pipelines.stores.postgres.dead_letters import count_causes
from neural_memory_pipelines.stores.postgres.status import live_rows

_DESCRIPTIONS = {
    "documents": "One row per document of a source, at its latest version.",
    "chunks": "One row per chunk of a document; superseded ones are kept.",
    "observations": "One row per statement worth remembering on its own, with importance, tags and subjects.",
}


_TABLES = {
    "documents": "knowledge_documents",
    "chunks": "knowledge_chunks",
    "observations": "memory_observations",
}


def _spec(table: str, upstream: str) -> dg.AssetSpec:
    return dg.AssetSpec(
        table,
        deps=[upstream],
        description=_DESCRIPTIONS[table],
        group_name="knowledge",
        kinds={"postgres", "table"},
        owners=OWNERS,
        code_version="2",
        metadata=table_metadata(_TABLES[table]),
    )


@dg.multi_asset(
    specs=[_spec("documents", "raw_artifacts"), _spec("chunks", "documents"), _spec("observations", "documents")],
    partitions_def=workspace_partitions,
)
def knowledge(context: dg.AssetExecutionContext, memory: MemoryResource) -> Iterator[dg.MaterializeResult[None]]:
    """Persist pending events."""
    with mapped_failures(context):
        for workspace in workspaces_of(context.partition_keys):
            report, live, dead = _persist(workspace, memory.session, progress_of(context, "knowledge"))
            for table, part in _reports(report).items():
                metadata = report_metadata(part) | {"dagster/row_count": live[table]}
                context.add_asset_metadata(metadata, table, workspace)
            context.add_asset_metadata(_events_metadata(report.events, dead), "documents", workspace)
    for table in _DESCRIPTIONS:
        yield dg.MaterializeResult(asset_key=table)


def _persist(
    workspace: WorkspaceId, session: Session, on_progress: Progress
) -> tuple[PersistReport, dict[str, int], int]:
    version = session.active_version(workspace)
    report = persist_pending(
        workspace,
        stores=session.stores,
        version=version,
        load_embedder=partial(session.tokenizer, version),
        on_progress=on_progress,
    )
    with session.stores.database.transaction(workspace) as tx:
        return report, live_rows(tx), sum(cause.letters for cause in count_causes(tx))


def _reports(report: PersistReport) -> dict[str, StepReport]:
    return {"documents": report.documents, "chunks": report.chunks, "observations": report.observations}


def _events_metadata(events: StepReport, dead_letters: int) -> dict[str, Any]:
    """What became of the events, beside the counts of documents, and how many there are by now that are dead."""
    hidden = {"seconds", "tokens", "examples"}
    metadata = {f"events_{name}": value for name, value in report_metadata(events).items() if name not in hidden}
    return {**metadata, "dead_letters": dead_letters}

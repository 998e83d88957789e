"""Brings a vector index in line with Postgres: desired minus ledger is upserted, ledger minus desired is deleted."""

from __future__ import annotations

from neural_memory_pipelines.domain.ids import WorkspaceId
from neural_memory_pipelines.domain.versions import EmbeddingVersion, Family
from neural_memory_pipelines.steps.report import Progress, StepReport, no_progress, timed
from neural_memory_pipelines.stores.bundle import Stores
from neural_memory_pipelines.stores.postgres import families
from neural_memory_pipelines.stores.vectors.protocol import VectorRecord

_VECTORS_PER_BATCH = 512
_DELETES_PER_BATCH = 1_000


def reconcile_index(
    workspace: WorkspaceId,
    *,
    stores: Stores,
    version: EmbeddingVersion,
    family: Family,
    on_progress: Progress = no_progress,
) -> StepReport:
    """Make the index hold exactly the vectors of the live rows of a family at this version.

    The index is written first, the ledger after it: what a crash leaves between the two is written again.

    Returns:
        seen = vectors that should be there, written = upserted, deleted = deleted, failed = live rows without
        an embedding (run the embedding step first).
    """
    report = StepReport()
    with timed(report), stores.database.lock(workspace, f"index:{family}:{version.name}"):
        stores.vectors.ensure_index(version.index_name, dim=version.dim)
        with stores.database.transaction(workspace) as tx:
            before = families.family_counts(tx, version, family)
        on_progress(0, total=max(before.live_vectors - before.indexed_vectors, 0))
        while done := _upsert_batch(workspace, stores=stores, version=version, family=family, report=report):
            on_progress(done)
        while _delete_batch(workspace, stores=stores, version=version, family=family, report=report):
            pass
        with stores.database.transaction(workspace) as tx:
            counts = families.family_counts(tx, version, family)
    report.seen = counts.live_vectors
    report.failed = counts.missing_texts
    report.unchanged = counts.indexed_vectors - report.written
    if counts.missing_texts:
        report.notes.append(f"{counts.missing_texts} live texts have no embedding at {version.name} yet")
    return report


def _upsert_batch(
    workspace: WorkspaceId, *, stores: Stores, version: EmbeddingVersion, family: Family, report: StepReport
) -> int:
    with stores.database.transaction(workspace) as tx:
        pending = families.pending_upserts(tx, version, family, limit=_VECTORS_PER_BATCH)
    if not pending:
        return 0
    stores.vectors.upsert(
        version.index_name,
        version.namespace(workspace, family),
        [VectorRecord(id=item.vector_id, values=item.values, metadata=item.metadata) for item in pending],
    )
    with stores.database.transaction(workspace) as tx:
        families.record_upserts(tx, version, family, pending)
    report.written += len(pending)
    report.show({"vector": pending[0].vector_id, "source": str(pending[0].metadata["source"])})
    return len(pending)


def _delete_batch(
    workspace: WorkspaceId, *, stores: Stores, version: EmbeddingVersion, family: Family, report: StepReport
) -> int:
    with stores.database.transaction(workspace) as tx:
        stale = families.stale_entries(tx, version, family, limit=_DELETES_PER_BATCH)
    if not stale:
        return 0
    stores.vectors.delete(version.index_name, version.namespace(workspace, family), stale)
    with stores.database.transaction(workspace) as tx:
        families.forget_entries(tx, version, family, stale)
    report.deleted += len(stale)
    return len(stale)

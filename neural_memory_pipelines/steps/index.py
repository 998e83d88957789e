"""Brings a vector index in line with Postgres: desired minus ledger is upserted, ledger minus desired is deleted.

It embeds nothing.
"""

from __future__ import annotations

from collections.abc import Sequence

from neural_memory_pipelines.steps.report import Progress, StepReport, no_progress, timed
from neural_memory_pipelines.steps.scope import Scope
from neural_memory_pipelines.stores.postgres import families
from neural_memory_pipelines.stores.postgres.families import FamilyCounts, PendingVector
from neural_memory_pipelines.stores.vectors.protocol import VectorRecord

_VECTORS_PER_BATCH = 512
_DELETES_PER_BATCH = 1_000


def reconcile_index(scope: Scope, *, on_progress: Progress = no_progress) -> StepReport:
    """Make the index hold exactly the vectors of the live rows of a family at a version.

    The ledger announces what the index is about to get, and confirms it after: what a crash leaves between the two is
    written again, or deleted if nobody wants it by then.

    Returns:
        seen = vectors that should be there, written = upserted, deleted = deleted, failed = live rows without
        an embedding (run the embedding step first).
    """
    report = StepReport()
    workspace, version, family = scope.workspace, scope.version, scope.family
    with timed(report), scope.stores.database.lock(workspace, f"index:{family}:{version.name}"):
        scope.stores.vectors.ensure_index(scope.index, dim=version.dim)
        before = _counts(scope)
        on_progress(0, total=max(before.live_vectors - before.indexed_vectors, 0))
        _repair_ledger(scope, before, report)
        with scope.stores.database.transaction(workspace) as tx:
            for batch in families.pending_upserts(tx, version, family, batch=_VECTORS_PER_BATCH):
                _upsert(scope, batch, report)
                on_progress(len(batch))
        with scope.stores.database.transaction(workspace) as tx:
            for stale in families.stale_entries(tx, version, family, batch=_DELETES_PER_BATCH):
                _delete(scope, stale, report)
        after = _counts(scope)
    report.seen = after.live_vectors
    report.failed = after.missing_texts
    report.unchanged = after.indexed_vectors - report.written
    if after.missing_texts:
        report.notes.append(f"{after.missing_texts} live texts have no embedding at {version.name} yet")
    return report


def _upsert(scope: Scope, batch: Sequence[PendingVector], report: StepReport) -> None:
    records = [VectorRecord(id=item.vector_id, values=item.values, metadata=item.metadata) for item in batch]
    with scope.stores.database.transaction(scope.workspace) as tx:
        families.announce_upserts(tx, scope.version, scope.family, batch)
    scope.stores.vectors.upsert(scope.index, scope.namespace, records)
    with scope.stores.database.transaction(scope.workspace) as tx:
        families.record_upserts(tx, scope.version, scope.family, batch)
    report.written += len(batch)
    report.show({"vector": batch[0].vector_id, "source": str(batch[0].metadata["source"])})


def _repair_ledger(scope: Scope, before: FamilyCounts, report: StepReport) -> None:
    """Have the ledger doubt what an index has lost, and delete what the ledger does not know.

    The ids are compared only if the numbers differ: an index that was emptied or restored from a backup shows in them.
    """
    if scope.stores.vectors.count(scope.index, scope.namespace) == before.indexed_vectors:
        return
    indexed = scope.indexed_ids()
    with scope.stores.database.transaction(scope.workspace) as tx:
        known = families.ledger_ids(tx, scope.version, scope.family)
        families.doubt_entries(tx, scope.version, scope.family, sorted(known - indexed))
    strays = sorted(indexed - known)
    for start in range(0, len(strays), _DELETES_PER_BATCH):
        scope.stores.vectors.delete(scope.index, scope.namespace, strays[start : start + _DELETES_PER_BATCH])
    if known - indexed or strays:
        report.deleted += len(strays)
        report.notes.append(
            f"the index and its ledger differed: {len(known - indexed)} vectors were lost, {len(strays)} were unknown"
        )


def _delete(scope: Scope, stale: Sequence[str], report: StepReport) -> None:
    scope.stores.vectors.delete(scope.index, scope.namespace, stale)
    with scope.stores.database.transaction(scope.workspace) as tx:
        families.forget_entries(tx, scope.version, scope.family, stale)
    report.deleted += len(stale)


def _counts(scope: Scope) -> FamilyCounts:
    with scope.stores.database.transaction(scope.workspace) as tx:
        return families.family_counts(tx, scope.version, scope.family)

"""Brings a vector index in line with Postgres: desired minus ledger is upserted, ledger minus desired is deleted.

It embeds nothing.
"""

from __future__ import annotations

from collections.abc import Sequence

from neural_memory_pipelines.domain.placement import Place
from neural_memory_pipelines.steps.bulk_fill import fill_empty_places
from neural_memory_pipelines.steps.report import Progress, StepReport, no_progress, timed
from neural_memory_pipelines.steps.scope import Scope
from neural_memory_pipelines.stores.postgres import families, places
from neural_memory_pipelines.stores.postgres.engine import Transaction
from neural_memory_pipelines.stores.postgres.families import FamilyCounts, PendingVector
from neural_memory_pipelines.stores.vectors.protocol import VectorRecord

_VECTORS_PER_BATCH = 512
_DELETES_PER_BATCH = 1_000


def reconcile_index(scope: Scope, *, compare_ids: bool = False, on_progress: Progress = no_progress) -> StepReport:
    """Make the index hold exactly the vectors of the live rows of a family at a version.

    The ledger announces what the index is about to get, and confirms it after: what a crash leaves between the two is
    written again, or deleted if nobody wants it by then.

    Args:
        scope: the workspace, version and family, and the stores.
        compare_ids: compare the index with its ledger id by id, though their counts agree.
        on_progress: is told the number of vectors written.

    Returns:
        seen = vectors that should be there, written = upserted, deleted = deleted, failed = live rows without
        an embedding (run the embedding step first).

    Raises:
        PermanentError: the version is archived in this workspace.
    """
    report = StepReport()
    workspace, version, family = scope.workspace, scope.version, scope.family
    with timed(report), scope.stores.database.lock(workspace, f"index:{family}:{version.name}"):
        with scope.stores.database.transaction(workspace) as tx:
            scope.refuse_archived(tx)  # under the lock that archiving waits for
        before = _counts(scope)
        on_progress(0, total=max(before.live_vectors - before.indexed_vectors, 0))
        _repair_ledger(scope, before, report, always=compare_ids)
        if scope.stores.bulk is not None:
            fill_empty_places(scope, scope.stores.bulk, report=report, on_progress=on_progress)
        writer = _Writer(scope, report)
        with scope.stores.database.transaction(workspace) as tx:
            for batch in families.pending_upserts(tx, version, family, batch=_VECTORS_PER_BATCH):
                writer.upsert(batch)
                on_progress(len(batch))
        with scope.stores.database.transaction(workspace) as tx:
            for stale in families.stale_entries(tx, version, family, batch=_DELETES_PER_BATCH):
                writer.delete(stale)
        after = _counts(scope)
    report.seen = after.live_vectors
    report.failed = after.missing_texts
    report.unchanged = after.indexed_vectors - report.written
    if after.missing_texts:
        report.notes.append(f"{after.missing_texts} live texts have no embedding at {version.name} yet")
    return report


class _Writer:
    """Writes and deletes vectors, each in the place of its store, and keeps the ledger."""

    def __init__(self, scope: Scope, report: StepReport) -> None:
        self._scope = scope
        self._report = report
        self._places: dict[str, Place] = {}

    def upsert(self, batch: Sequence[PendingVector]) -> None:
        for store, vectors in _by_store(batch).items():
            if store not in self._places:
                self._places[store] = self._scope.ensure_place(store)
            self._upsert(vectors, self._places[store])

    def delete(self, stale: Sequence[tuple[Place, str]]) -> None:
        scope = self._scope
        for place in dict.fromkeys(place for place, _ in stale):
            ids = [key for at, key in stale if at == place]
            scope.stores.vectors.delete(place.index, place.namespace, ids)
            with scope.stores.database.transaction(scope.workspace) as tx:
                families.forget_entries(tx, scope.version, scope.family, ids)
                self._note_written(tx, place)
            self._report.deleted += len(ids)

    def _upsert(self, batch: Sequence[PendingVector], place: Place) -> None:
        scope = self._scope
        records = [VectorRecord(id=item.vector_id, values=item.values, metadata=item.metadata) for item in batch]
        with scope.stores.database.transaction(scope.workspace) as tx:
            families.announce_upserts(tx, scope.version, scope.family, batch, place=place)
        scope.stores.vectors.upsert(place.index, place.namespace, records)
        with scope.stores.database.transaction(scope.workspace) as tx:
            families.record_upserts(tx, scope.version, scope.family, batch, place=place)
            self._note_written(tx, place)
        self._report.written += len(batch)
        self._report.show({"vector": batch[0].vector_id, "index": place.index, "namespace": place.namespace})

    def _note_written(self, tx: Transaction, place: Place) -> None:
        position = self._scope.stores.vectors.written_up_to(place.index, place.namespace)
        if position is not None:
            places.note_written(tx, place, position)


def _by_store(batch: Sequence[PendingVector]) -> dict[str, list[PendingVector]]:
    by_store: dict[str, list[PendingVector]] = {}
    for vector in batch:
        by_store.setdefault(vector.store, []).append(vector)
    return by_store


def _repair_ledger(scope: Scope, before: FamilyCounts, report: StepReport, *, always: bool) -> None:
    """Have the ledger doubt what an index has lost, and delete what the ledger does not know.

    Unless asked for, ids are compared only if the numbers differ: an index that was emptied or restored from a backup
    shows in them.
    """
    found = scope.places()
    vectors = scope.stores.vectors
    for index in dict.fromkeys(place.index for place in found):
        vectors.ensure_index(index, dim=scope.version.dim)  # one that somebody deleted is empty, and no error
    counted = sum(vectors.count(place.index, place.namespace) for place in found)
    if not always and counted == before.indexed_vectors:
        return
    indexed = {place: set(vectors.list_ids(place.index, place.namespace)) for place in found}
    with scope.stores.database.transaction(scope.workspace) as tx:
        known = families.ledger_places(tx, scope.version, scope.family)
        lost = sorted(key for key, place in known.items() if key not in indexed.get(place, ()))
        families.doubt_entries(tx, scope.version, scope.family, lost)
    strays = {place: sorted(key for key in keys if known.get(key) != place) for place, keys in indexed.items()}
    for place, keys in strays.items():
        for start in range(0, len(keys), _DELETES_PER_BATCH):
            vectors.delete(place.index, place.namespace, keys[start : start + _DELETES_PER_BATCH])
    unknown = sum(map(len, strays.values()))
    if lost or unknown:
        report.deleted += unknown
        report.notes.append(f"the index and its ledger differed: {len(lost)} vectors were lost, {unknown} were unknown")


def _counts(scope: Scope) -> FamilyCounts:
    with scope.stores.database.transaction(scope.workspace) as tx:
        return families.family_counts(tx, scope.version, scope.family)

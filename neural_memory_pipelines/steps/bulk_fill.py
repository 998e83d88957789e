"""Fills namespaces that hold nothing yet at once, where the index can and it is worth its while.

What is left, and everything where it cannot, is written by `index.py`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from neural_memory_pipelines.domain.placement import Place
from neural_memory_pipelines.steps.report import Progress, StepReport
from neural_memory_pipelines.steps.scope import Scope
from neural_memory_pipelines.stores.postgres import families
from neural_memory_pipelines.stores.postgres.families import PendingVector
from neural_memory_pipelines.stores.vectors.bulk import BulkFill
from neural_memory_pipelines.stores.vectors.protocol import VectorRecord

_VECTORS_PER_BATCH = 512
_NO_VALUES = np.empty(0, dtype=np.float32)


def fill_empty_places(scope: Scope, bulk: BulkFill, *, report: StepReport, on_progress: Progress) -> None:
    """Fill the places of stores that lack at least as many vectors as makes it worth its while, and hold none.

    The ledger announces all vectors before, and confirms them after: a run that is lost between has its vectors written
    again, each by itself.
    """
    with scope.stores.database.transaction(scope.workspace) as tx:
        lacking = families.count_pending(tx, scope.version, scope.family)
    for store, vectors in lacking.items():
        if vectors < bulk.least_vectors:
            continue
        place = scope.ensure_place(store)
        if not scope.stores.vectors.count(place.index, place.namespace):
            _fill(scope, bulk, store, place, report=report, on_progress=on_progress)


def _fill(scope: Scope, bulk: BulkFill, store: str, place: Place, *, report: StepReport, on_progress: Progress) -> None:
    given: list[PendingVector] = []

    def records() -> Iterator[VectorRecord]:
        for vector in _pending_of(scope, store, place):
            given.append(replace(vector, values=_NO_VALUES, metadata={}))
            yield VectorRecord(id=vector.vector_id, values=vector.values, metadata=vector.metadata)

    if not bulk.fill(place.index, place.namespace, records(), dim=scope.version.dim):
        return
    for start in range(0, len(given), _VECTORS_PER_BATCH):
        batch = given[start : start + _VECTORS_PER_BATCH]
        with scope.stores.database.transaction(scope.workspace) as tx:
            families.record_upserts(tx, scope.version, scope.family, batch, place=place)
        on_progress(len(batch))
    report.written += len(given)
    report.notes.append(f"{len(given)} vectors were imported into {place.index}/{place.namespace} at once")


def _pending_of(scope: Scope, store: str, place: Place) -> Iterator[PendingVector]:
    with scope.stores.database.transaction(scope.workspace) as tx:
        for batch in families.pending_upserts(tx, scope.version, scope.family, batch=_VECTORS_PER_BATCH):
            vectors = [vector for vector in batch if vector.store == store]
            if vectors:
                with scope.stores.database.transaction(scope.workspace) as ledger:
                    families.announce_upserts(ledger, scope.version, scope.family, vectors, place=place)
            yield from vectors

"""Primes the cache with documents and their chunks. The cache may be emptied or away: all works without it."""

from __future__ import annotations

from collections.abc import Sequence

from neural_memory_pipelines.domain.ids import WorkspaceId
from neural_memory_pipelines.errors import TransientError
from neural_memory_pipelines.steps.cache_generation import warm_generation
from neural_memory_pipelines.steps.report import Progress, StepReport, no_progress, timed
from neural_memory_pipelines.stores.bundle import Stores
from neural_memory_pipelines.stores.cache.keys import chunks_key, dedupe_key, document_key
from neural_memory_pipelines.stores.postgres import caches
from neural_memory_pipelines.stores.postgres.caches import PendingEntry, StaleEntry

DOCUMENT_TTL_SECONDS = 72 * 60 * 60
CHUNKS_TTL_SECONDS = 24 * 60 * 60
DEDUPE_TTL_SECONDS = 24 * 60 * 60

_DOCUMENTS_PER_BATCH = 200


def prime_cache(workspace: WorkspaceId, *, stores: Stores, on_progress: Progress = no_progress) -> StepReport:
    """Prime what changed since the last time, or everything if the cache was emptied.

    Returns:
        seen = live documents, written = documents primed, deleted = documents removed; `notes` says so if the
        cache does not answer, in which case it stays cold and nothing else suffers.
    """
    report = StepReport()
    with timed(report), stores.database.lock(workspace, "cache"):
        with stores.database.transaction(workspace) as tx:
            report.seen = caches.count_documents(tx)
        try:
            token = warm_generation(workspace, stores=stores)
            with stores.database.transaction(workspace) as tx:
                for pending in caches.pending_entries(tx, token, batch=_DOCUMENTS_PER_BATCH):
                    _prime(workspace, token, pending, stores=stores, report=report)
                    on_progress(len(pending))
            with stores.database.transaction(workspace) as tx:
                for stale in caches.stale_entries(tx, batch=_DOCUMENTS_PER_BATCH):
                    _evict(workspace, stale, stores=stores, report=report)
        except TransientError as error:
            report.notes.append(f"caches are cold: {error}")
        else:
            report.unchanged = report.seen - report.written
    return report


def _prime(
    workspace: WorkspaceId, token: str, pending: Sequence[PendingEntry], *, stores: Stores, report: StepReport
) -> None:
    with stores.database.transaction(workspace) as tx:
        caches.announce_primed(tx, pending)
    cache = stores.cache
    cache.set_many({document_key(e.document_id): e.document_json for e in pending}, ttl_seconds=DOCUMENT_TTL_SECONDS)
    cache.set_many(
        {chunks_key(e.document_id, e.version): e.chunks_json for e in pending}, ttl_seconds=CHUNKS_TTL_SECONDS
    )
    cache.set_many(
        {dedupe_key(workspace, e.source, e.source_id): e.content_hash for e in pending}, ttl_seconds=DEDUPE_TTL_SECONDS
    )
    cache.delete_many(
        [
            chunks_key(e.document_id, e.previous_version)
            for e in pending
            if e.previous_version is not None and e.previous_version != e.version
        ]
    )
    with stores.database.transaction(workspace) as tx:
        caches.record_primed(tx, token, pending)
    report.written += len(pending)
    report.show({"document": pending[0].source_id, "key": document_key(pending[0].document_id)})


def _evict(workspace: WorkspaceId, stale: Sequence[StaleEntry], *, stores: Stores, report: StepReport) -> None:
    stores.cache.delete_many(
        [
            key
            for e in stale
            for key in (
                document_key(e.document_id),
                chunks_key(e.document_id, e.version),
                dedupe_key(workspace, e.source, e.source_id),
            )
        ]
    )
    with stores.database.transaction(workspace) as tx:
        caches.forget_entries(tx, [e.document_id for e in stale])
    report.deleted += len(stale)

"""The ledger of the cache: which document was primed at which version, and what is still to do.

The cache itself is not touched here.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy import text

from neural_memory_pipelines.stores.postgres.bulk import Row, insert_rows
from neural_memory_pipelines.stores.postgres.engine import Transaction
from neural_memory_pipelines.stores.postgres.streams import stream
from neural_memory_pipelines.stores.postgres.tables import cache_entries


@dataclass(frozen=True, slots=True)
class PendingEntry:
    """A document to prime: its row and its chunks as JSON; `previous_version` is the one primed before, if any."""

    document_id: str
    version: int
    source: str
    source_id: str
    content_hash: str
    document_json: str
    chunks_json: str
    previous_version: int | None


@dataclass(frozen=True, slots=True)
class StaleEntry:
    """A document that was primed and is gone."""

    document_id: str
    version: int
    source: str
    source_id: str


def generation(tx: Transaction) -> str | None:
    """Read the token that the cache holds for as long as it is warm, and lock it until the transaction ends."""
    query = text("SELECT cache_generation FROM workspaces FOR UPDATE")
    value: str | None = tx.connection.execute(query).scalar_one_or_none()
    return value


def set_generation(tx: Transaction, token: str) -> None:
    """Note the token of a cache that starts empty."""
    tx.connection.execute(text("UPDATE workspaces SET cache_generation = :token"), {"token": token})


def pending_entries(tx: Transaction, token: str, *, batch: int) -> Iterator[list[PendingEntry]]:
    """Stream live documents that were not primed into this generation as they are.

    What holds for all threads of a channel changes them without a version of their own.
    """
    query = """SELECT d.document_id, d.version, d.source, d.source_id, d.content_hash, e.version AS previous_version,
                to_json(d)::text AS document_json,
                (SELECT coalesce(json_agg(json_build_object('chunk_id', c.chunk_id, 'chunk_index', c.chunk_index,
                    'section_label', c.section_label, 'text', c.text) ORDER BY c.chunk_index), '[]')::text
                 FROM knowledge_chunks c WHERE c.document_id = d.document_id AND c.superseded_at IS NULL)
                 AS chunks_json
            FROM knowledge_documents d LEFT JOIN cache_entries e USING (workspace_id, document_id)
            WHERE d.deleted_at IS NULL
                AND (e.generation, e.version, e.content_hash) IS DISTINCT FROM (:token, d.version, d.content_hash)"""
    for rows in stream(tx, query, {"token": token}, batch=batch):
        yield [PendingEntry(**row._asdict()) for row in rows]


def announce_primed(tx: Transaction, entries: Sequence[PendingEntry]) -> None:
    """Write into the ledger that the cache is about to get these documents, so that a crash hides none of them."""
    insert_rows(tx, cache_entries, _rows(entries, generation=""), on_conflict="(workspace_id, document_id) DO NOTHING")


def record_primed(tx: Transaction, token: str, entries: Sequence[PendingEntry]) -> None:
    """Write into the ledger that the cache holds these documents."""
    insert_rows(
        tx,
        cache_entries,
        _rows(entries, generation=token),
        on_conflict="(workspace_id, document_id) DO UPDATE "
        "SET generation = excluded.generation, version = excluded.version, content_hash = excluded.content_hash",
    )


def stale_entries(tx: Transaction, *, batch: int) -> Iterator[list[StaleEntry]]:
    """Stream primed documents that are deleted."""
    query = (
        "SELECT e.document_id, e.version, e.source, e.source_id FROM cache_entries e "
        "WHERE NOT EXISTS (SELECT FROM knowledge_documents d WHERE d.document_id = e.document_id "
        "AND d.deleted_at IS NULL)"
    )
    for rows in stream(tx, query, {}, batch=batch):
        yield [StaleEntry(**row._asdict()) for row in rows]


def forget_entries(tx: Transaction, documents: Sequence[str]) -> None:
    """Remove documents from the ledger, after the cache has deleted them."""
    tx.connection.execute(
        text("DELETE FROM cache_entries WHERE document_id = ANY(:documents)"), {"documents": list(documents)}
    )


def count_documents(tx: Transaction) -> int:
    """Count the live documents."""
    query = "SELECT count(*) FROM knowledge_documents WHERE deleted_at IS NULL"
    return int(tx.connection.execute(text(query)).scalar_one())


def _rows(entries: Sequence[PendingEntry], *, generation: str) -> list[Row]:
    return [
        {
            "document_id": entry.document_id,
            "generation": generation,
            "version": entry.version,
            "content_hash": entry.content_hash,
            "source": entry.source,
            "source_id": entry.source_id,
        }
        for entry in entries
    ]

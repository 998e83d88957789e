"""Documents with their chunks and observations: read and written in bulk, for tens of documents at a time.

What to write is decided in `domain/`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import text

from neural_memory_pipelines.domain.changes import StoredDocument
from neural_memory_pipelines.domain.ids import ContentHash, DocumentId
from neural_memory_pipelines.stores.postgres.bulk import Row, insert_rows
from neural_memory_pipelines.stores.postgres.engine import Transaction
from neural_memory_pipelines.stores.postgres.tables import knowledge_chunks, knowledge_documents, memory_observations

_UPSERT_DOCUMENT = """(workspace_id, source, source_id) DO UPDATE SET
    type = excluded.type, title = excluded.title, summary = excluded.summary, state = excluded.state,
    url = excluded.url, raw_pointer = excluded.raw_pointer, content_hash = excluded.content_hash,
    metadata_json = excluded.metadata_json, author_json = excluded.author_json, lineage_json = excluded.lineage_json,
    occurred_at = excluded.occurred_at, as_of = excluded.as_of, deleted_at = excluded.deleted_at,
    version = knowledge_documents.version + 1
WHERE knowledge_documents.as_of <= excluded.as_of
  AND (knowledge_documents.content_hash, knowledge_documents.deleted_at IS NULL)
      IS DISTINCT FROM (excluded.content_hash, excluded.deleted_at IS NULL)"""

_UPSERT_CHUNK = """(chunk_id) DO UPDATE SET chunk_index = excluded.chunk_index, superseded_at = NULL
WHERE knowledge_chunks.chunk_index <> excluded.chunk_index OR knowledge_chunks.superseded_at IS NOT NULL"""

# Like a chunk, a statement that stays as it was keeps its time, and its vectors with it.
_UPSERT_OBSERVATION = """(observation_id) DO UPDATE SET importance = excluded.importance, tags = excluded.tags,
    subject_refs = excluded.subject_refs, privacy = excluded.privacy, superseded_at = NULL"""


def stored_documents(tx: Transaction, ids: Sequence[DocumentId]) -> dict[DocumentId, StoredDocument]:
    """Read what is known of documents and lock their rows until the transaction ends."""
    rows = tx.connection.execute(
        text(
            "SELECT document_id, content_hash, as_of, deleted_at FROM knowledge_documents "
            "WHERE document_id = ANY(:ids) ORDER BY document_id FOR UPDATE"
        ),
        {"ids": list(ids)},
    )
    return {
        DocumentId(row.document_id): StoredDocument(
            content_hash=ContentHash(row.content_hash), as_of=row.as_of, is_deleted=row.deleted_at is not None
        )
        for row in rows
    }


def upsert_documents(tx: Transaction, rows: Sequence[Row]) -> None:
    """Write documents in one statement: a new one at version 1, a changed one at its next version."""
    insert_rows(tx, knowledge_documents, rows, on_conflict=_UPSERT_DOCUMENT)


def confirm_documents(tx: Transaction, as_of: Mapping[DocumentId, datetime]) -> None:
    """Note that documents were still the same at a later time, so that older descriptions are known to be older."""
    if not as_of:
        return
    tx.connection.execute(
        text(
            "UPDATE knowledge_documents d SET as_of = n.as_of "
            "FROM unnest(CAST(:ids AS text[]), CAST(:times AS timestamptz[])) AS n(id, as_of) "
            "WHERE d.document_id = n.id AND d.as_of < n.as_of"
        ),
        {"ids": list(as_of), "times": list(as_of.values())},
    )


def replace_chunks(tx: Transaction, documents: Sequence[DocumentId], rows: Sequence[Row]) -> tuple[int, int]:
    """Make `rows` the live chunks of `documents`: unchanged ones stay, missing ones are superseded.

    Returns:
        How many were inserted and how many superseded.
    """
    inserted = insert_rows(tx, knowledge_chunks, rows, on_conflict=_UPSERT_CHUNK, returning="(xmax = 0) AS is_new")
    superseded = _supersede(tx, "knowledge_chunks", "chunk_id", documents, [row["chunk_id"] for row in rows])
    return sum(row.is_new for row in inserted), superseded


def replace_observations(tx: Transaction, documents: Sequence[DocumentId], rows: Sequence[Row]) -> tuple[int, int]:
    """Make `rows` the live observations of `documents`, as `replace_chunks` does for chunks."""
    inserted = insert_rows(
        tx, memory_observations, rows, on_conflict=_UPSERT_OBSERVATION, returning="(xmax = 0) AS is_new"
    )
    kept = [row["observation_id"] for row in rows]
    superseded = _supersede(tx, "memory_observations", "observation_id", documents, kept)
    return sum(row.is_new for row in inserted), superseded


def _supersede(tx: Transaction, table: str, key: str, documents: Sequence[DocumentId], kept: Sequence[str]) -> int:
    result = tx.connection.execute(
        text(
            f"UPDATE {table} SET superseded_at = now() "
            f"WHERE document_id = ANY(:documents) AND superseded_at IS NULL AND NOT ({key} = ANY(:kept))"
        ),
        {"documents": list(documents), "kept": list(kept)},
    )
    return result.rowcount

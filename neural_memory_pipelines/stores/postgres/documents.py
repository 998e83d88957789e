"""Documents with their chunks and observations: read and written in bulk, for tens of documents at a time.

What to write is decided in `domain/`; versions and links are in `versions.py` and `links.py`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text

from neural_memory_pipelines.domain.changes import StoredDocument
from neural_memory_pipelines.domain.documents import storable
from neural_memory_pipelines.domain.ids import ContentHash, DocumentId
from neural_memory_pipelines.stores.postgres.bulk import Row, insert_rows, update_rows
from neural_memory_pipelines.stores.postgres.engine import Transaction
from neural_memory_pipelines.stores.postgres.tables import knowledge_chunks, knowledge_documents, memory_observations

_UPSERT_DOCUMENT = """(workspace_id, source, source_id) DO UPDATE SET
    type = excluded.type, title = excluded.title, summary = excluded.summary, state = excluded.state,
    url = excluded.url, raw_pointer = excluded.raw_pointer, content_hash = excluded.content_hash,
    metadata_json = excluded.metadata_json, author_json = excluded.author_json, lineage_json = excluded.lineage_json,
    occurred_at = excluded.occurred_at, as_of = excluded.as_of, as_of_event = excluded.as_of_event,
    parent_source_id = excluded.parent_source_id, privacy = excluded.privacy,
    deleted_at = excluded.deleted_at, deleted_with = NULL, version = excluded.version"""

# A chunk or a statement that stays as it was keeps its time, and its vectors with it: that of the earliest description.
_UPSERT_CHUNK = """(chunk_id) DO UPDATE SET chunk_index = excluded.chunk_index, superseded_at = NULL,
    occurred_at = least(knowledge_chunks.occurred_at, excluded.occurred_at)
WHERE knowledge_chunks.chunk_index <> excluded.chunk_index OR knowledge_chunks.superseded_at IS NOT NULL
    OR knowledge_chunks.occurred_at > excluded.occurred_at"""

_UPSERT_OBSERVATION = """(observation_id) DO UPDATE SET importance = excluded.importance,
    importance_factors = excluded.importance_factors, tags = excluded.tags, subject_refs = excluded.subject_refs,
    privacy = excluded.privacy, superseded_at = NULL,
    occurred_at = least(memory_observations.occurred_at, excluded.occurred_at)
WHERE memory_observations.superseded_at IS NOT NULL OR memory_observations.occurred_at > excluded.occurred_at
    OR (memory_observations.importance_factors, memory_observations.tags, memory_observations.subject_refs,
        memory_observations.privacy)
    IS DISTINCT FROM (excluded.importance_factors, excluded.tags, excluded.subject_refs, excluded.privacy)"""

_EARLIER = """({key}) DO UPDATE SET occurred_at = excluded.occurred_at
WHERE {table}.occurred_at > excluded.occurred_at"""


_BELOW = """EXISTS (SELECT FROM unnest(CAST(:prefixes AS text[])) AS n(prefix) WHERE starts_with({name}, prefix)
    AND substr({name}, length(prefix) + 1, 1) IN ('', '#', '/', '@'))"""
_NAMED = f"""SELECT d.document_id FROM knowledge_documents d WHERE d.source = :source
AND ({_BELOW.format(name="d.source_id")} OR {_BELOW.format(name="d.parent_source_id")})"""


@dataclass(frozen=True, slots=True)
class DocumentKey:
    """A document and the event that described it last."""

    document_id: DocumentId
    source_id: str
    as_of_event: str


def stored_documents(tx: Transaction, ids: Sequence[DocumentId]) -> dict[DocumentId, StoredDocument]:
    """Read what is known of documents and lock their rows until the transaction ends."""
    rows = tx.connection.execute(
        text(
            "SELECT document_id, content_hash, as_of, as_of_event, deleted_at, deleted_with FROM knowledge_documents "
            "WHERE document_id = ANY(:ids) ORDER BY document_id FOR UPDATE"
        ),
        {"ids": list(ids)},
    )
    return {
        DocumentId(row.document_id): StoredDocument(
            content_hash=ContentHash(row.content_hash),
            as_of=row.as_of,
            as_of_event=row.as_of_event,
            is_deleted=row.deleted_at is not None and row.deleted_with is None,
            is_hidden=row.deleted_with is not None,
        )
        for row in rows
    }


def upsert_documents(tx: Transaction, rows: Sequence[Row]) -> None:
    """Write documents in one statement. Callers have locked the rows that exist."""
    insert_rows(tx, knowledge_documents, rows, on_conflict=_UPSERT_DOCUMENT)


def confirm_documents(tx: Transaction, rows: Sequence[Row]) -> None:
    """Note that documents were still the same at a later time, so that older descriptions are known to be older.

    Args:
        tx: the workspace's transaction.
        rows: columns document_id, as_of, as_of_event, occurred_at, raw_pointer, state, author_json and action, of the
            later description.
    """
    columns = ("as_of", "as_of_event", "occurred_at", "raw_pointer", "state", "author_json", "lineage_json")
    lineage = [{"event": row["as_of_event"], "action": row["action"]} for row in rows]
    update_rows(
        tx,
        knowledge_documents,
        [
            {"document_id": row["document_id"], **{name: row[name] for name in columns[:-1]}, "lineage_json": known}
            for row, known in zip(rows, lineage, strict=True)
        ],
        key="document_id",
    )


def set_versions(tx: Transaction, versions: Mapping[DocumentId, int]) -> None:
    """Set the version numbers of documents whose history got longer while their latest state stayed."""
    if not versions:
        return
    tx.connection.execute(
        text(
            "UPDATE knowledge_documents d SET version = n.version "
            "FROM unnest(CAST(:ids AS text[]), CAST(:versions AS int8[])) AS n(id, version) "
            "WHERE d.document_id = n.id AND d.version <> n.version"
        ),
        {"ids": list(versions), "versions": list(versions.values())},
    )


def set_deletions(tx: Transaction, deleted: Mapping[DocumentId, datetime]) -> list[DocumentId]:
    """Set since when deleted documents are deleted; those that went with their parents are none of them.

    Returns:
        The documents of which another time was known.
    """
    if not deleted:
        return []
    moved = tx.connection.execute(
        text(
            "UPDATE knowledge_documents d SET deleted_at = n.at "
            "FROM unnest(CAST(:ids AS text[]), CAST(:times AS timestamptz[])) AS n(id, at) "
            "WHERE d.document_id = n.id AND d.deleted_with IS NULL AND d.deleted_at <> n.at RETURNING d.document_id"
        ),
        {"ids": list(deleted), "times": list(deleted.values())},
    )
    return [DocumentId(key) for key in moved.scalars()]


def drop_documents(tx: Transaction, ids: Sequence[DocumentId]) -> None:
    """Delete documents, with all that hangs on them; what was told of them stays."""
    if ids:
        tx.connection.execute(text("DELETE FROM knowledge_documents WHERE document_id = ANY(:ids)"), {"ids": list(ids)})


def date_chunks(tx: Transaction, dates: Mapping[DocumentId, tuple[datetime, bool]]) -> None:
    """Set of when the live chunks of documents are: not later than a moment, or with True exactly then."""
    if not dates:
        return
    tx.connection.execute(
        text(
            "UPDATE knowledge_chunks c SET occurred_at = n.at FROM unnest(CAST(:ids AS text[]), "
            "CAST(:times AS timestamptz[]), CAST(:exact AS bool[])) AS n(id, at, is_exact) "
            "WHERE c.document_id = n.id AND c.superseded_at IS NULL "
            "AND (c.occurred_at > n.at OR (n.is_exact AND c.occurred_at < n.at))"
        ),
        {
            "ids": list(dates),
            "times": [at for at, _ in dates.values()],
            "exact": [is_exact for _, is_exact in dates.values()],
        },
    )


def date_observations(tx: Transaction, dates: Mapping[str, datetime]) -> None:
    """Set of when observations are."""
    if not dates:
        return
    tx.connection.execute(
        text(
            "UPDATE memory_observations o SET occurred_at = n.at "
            "FROM unnest(CAST(:ids AS text[]), CAST(:times AS timestamptz[])) AS n(id, at) "
            "WHERE o.observation_id = n.id AND o.occurred_at <> n.at"
        ),
        {"ids": list(dates), "times": list(dates.values())},
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


def keep_history(tx: Transaction, *, chunks: Sequence[Row], observations: Sequence[Row]) -> None:
    """Keep the rows of descriptions that were outdated when they arrived: superseded from the start.

    A row that is live stays so, and learns that it was there earlier.
    """
    for table, key, rows in (
        (knowledge_chunks, "chunk_id", chunks),
        (memory_observations, "observation_id", observations),
    ):
        outdated = [{**row, "superseded_at": row["occurred_at"]} for row in rows]
        insert_rows(tx, table, outdated, on_conflict=_EARLIER.format(key=key, table=table.name))


def hide_documents(tx: Transaction, ids: Sequence[DocumentId], *, parents: Sequence[str]) -> list[DocumentId]:
    """Let documents go with their parents that were deleted: their rows stay, nothing of them is live.

    Those that went before go at the time that is known now.

    Args:
        tx: the workspace's transaction.
        ids: if not empty, only these documents.
        parents: the ids of the parents' rows; those that are not deleted take nothing along.

    Returns:
        The documents that were live until now, or gone at another time.
    """
    hidden = tx.connection.execute(
        text(
            "UPDATE knowledge_documents c SET deleted_at = p.deleted_at, deleted_with = p.source_id "
            "FROM knowledge_documents p WHERE p.document_id = ANY(:parents) AND p.deleted_at IS NOT NULL "
            "AND c.source = p.source AND c.parent_source_id = p.source_id "
            "AND (c.deleted_at IS NULL OR (c.deleted_with IS NOT NULL AND c.deleted_at <> p.deleted_at)) "
            "AND (:all_children OR c.document_id = ANY(:ids)) RETURNING c.document_id"
        ),
        {"parents": list(parents), "all_children": not ids, "ids": list(ids)},
    )
    gone = [DocumentId(key) for key in hidden.scalars()]
    for table, key in (("knowledge_chunks", "chunk_id"), ("memory_observations", "observation_id")):
        _supersede(tx, table, key, gone, [])
    return gone


def hidden_children(tx: Transaction, parents: Sequence[DocumentId]) -> list[DocumentKey]:
    """List the documents that went with these parents."""
    rows = tx.connection.execute(
        text(
            "SELECT c.document_id, c.source_id, c.as_of_event FROM knowledge_documents p JOIN knowledge_documents c "
            "ON c.source = p.source AND c.parent_source_id = p.source_id AND c.deleted_with = p.source_id "
            "WHERE p.document_id = ANY(:parents)"
        ),
        {"parents": list(parents)},
    )
    return [DocumentKey(*row) for row in rows]


def documents_named(tx: Transaction, source: str, prefixes: Sequence[str]) -> list[DocumentId]:
    """List the documents of a source below names, or with parents there."""
    named = {"source": source, "prefixes": [storable(prefix) for prefix in prefixes]}
    return [DocumentId(key) for key in tx.connection.execute(text(_NAMED), named).scalars()]


def _supersede(tx: Transaction, table: str, key: str, documents: Sequence[DocumentId], kept: Sequence[str]) -> int:
    result = tx.connection.execute(
        text(
            f"UPDATE {table} SET superseded_at = now() "
            f"WHERE document_id = ANY(:documents) AND superseded_at IS NULL AND NOT ({key} = ANY(:kept))"
        ),
        {"documents": list(documents), "kept": list(kept)},
    )
    return result.rowcount

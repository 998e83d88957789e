"""What each family wants embedded and indexed, and the ledgers of what has been.

A family is a row of data here: how its texts and its vectors are read from the tables. All else is shared.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from sqlalchemy import text

from neural_memory_pipelines.domain.ids import ContentHash
from neural_memory_pipelines.domain.versions import EmbeddingVersion, Family
from neural_memory_pipelines.errors import ContractError
from neural_memory_pipelines.stores.postgres.bulk import insert_rows
from neural_memory_pipelines.stores.postgres.engine import Transaction
from neural_memory_pipelines.stores.postgres.streams import over_whole_sets, stream
from neural_memory_pipelines.stores.postgres.tables import embeddings, vector_entries
from neural_memory_pipelines.stores.vectors.protocol import MetadataValue


@dataclass(frozen=True, slots=True)
class _FamilyQuery:
    """`texts` gives (content_hash, body, tokens or null); `vectors` gives (vector_id, content_hash, metadata); both of live rows.

    `retired` gives the vector ids of rows that are no longer live.
    """

    texts: str
    vectors: str
    retired: str


_CHUNK_BODY = "CASE WHEN c.section_label = '' THEN c.text ELSE c.section_label || E'\\n\\n' || c.text END"

# One vector per view that is there: a missing title gives no vector, and never takes the place of another view.
_VIEWS = """memory_observations o CROSS JOIN LATERAL (VALUES ('body', o.text), ('title', o.title), ('summary', o.summary))
    AS v(view, body)"""
_VIEW_HASH = "encode(sha256(convert_to(v.body, 'UTF8')), 'hex')"

_QUERIES: Mapping[Family, _FamilyQuery] = {
    Family.CHUNKS: _FamilyQuery(
        texts=f"SELECT c.chunk_hash AS content_hash, {_CHUNK_BODY} AS body, "
        "CASE WHEN c.embedding_version = :version THEN c.token_count END AS tokens "
        "FROM knowledge_chunks c WHERE c.superseded_at IS NULL",
        vectors="""SELECT DISTINCT ON (vector_id) c.document_id || '#' || left(c.chunk_hash, 16) AS vector_id,
            c.chunk_hash AS content_hash,
            jsonb_build_object('document_id', c.document_id, 'source', d.source, 'type', d.type,
                'privacy', d.privacy, 'occurred_at', extract(epoch FROM c.occurred_at)::bigint) AS metadata
        FROM knowledge_chunks c JOIN knowledge_documents d USING (document_id)
        WHERE c.superseded_at IS NULL ORDER BY vector_id, c.chunk_id""",
        retired="SELECT c.document_id || '#' || left(c.chunk_hash, 16) AS vector_id FROM knowledge_chunks c "
        "WHERE c.superseded_at IS NOT NULL",
    ),
    Family.OBSERVATIONS: _FamilyQuery(
        texts=f"SELECT {_VIEW_HASH} AS content_hash, v.body, NULL::integer AS tokens FROM {_VIEWS} "
        "WHERE o.superseded_at IS NULL AND v.body IS NOT NULL",
        vectors=f"""SELECT o.observation_id || ':' || v.view AS vector_id, {_VIEW_HASH} AS content_hash,
            jsonb_build_object('document_id', o.document_id, 'source', d.source, 'type', d.type, 'view', v.view,
                'importance', round(o.importance::numeric, 4),
                'privacy', CASE WHEN d.privacy = 'org' THEN o.privacy ELSE d.privacy END,
                'occurred_at', extract(epoch FROM o.occurred_at)::bigint) AS metadata
        FROM {_VIEWS} JOIN knowledge_documents d USING (document_id)
        WHERE o.superseded_at IS NULL AND v.body IS NOT NULL""",
        retired=f"SELECT o.observation_id || ':' || v.view AS vector_id FROM {_VIEWS} "
        "WHERE o.superseded_at IS NOT NULL AND v.body IS NOT NULL",
    ),
}

_EMBEDDED = (
    "SELECT FROM embeddings e WHERE e.embedding_version = :version AND e.content_hash = {0}.content_hash "
    "AND e.workspace_id = :workspace"
)
_ENTRY = (
    "SELECT FROM vector_entries l WHERE l.embedding_version = :version AND l.family = :family "
    "AND l.workspace_id = :workspace AND l.vector_id = {0}.vector_id"
)
_ENTRY_KEY = "(workspace_id, embedding_version, family, vector_id)"
_METADATA_HASH = "md5({0}.metadata::text)"


@dataclass(frozen=True, slots=True)
class PendingText:
    """A text that has no vector at a version yet. `tokens` are the version's own; None if they were not counted."""

    content_hash: ContentHash
    body: str
    tokens: int | None


@dataclass(frozen=True, slots=True)
class PendingVector:
    """A vector that an index lacks, or holds with other content or metadata. `values` has shape (dim,)."""

    vector_id: str
    content_hash: ContentHash
    metadata: Mapping[str, MetadataValue]
    metadata_hash: str
    values: npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class FamilyCounts:
    """How much of a family there is at a version, counted in distinct texts and in vectors."""

    live_vectors: int
    live_texts: int
    missing_texts: int
    indexed_vectors: int


def pending_texts(tx: Transaction, version: EmbeddingVersion, family: Family, *, limit: int) -> list[PendingText]:
    """List live texts without a vector at this version, each text once.

    Not streamed: embedding them may take hours, and an open cursor would hold back vacuum for as long.
    """
    query = (
        f"SELECT DISTINCT ON (t.content_hash) t.content_hash, t.body, t.tokens FROM ({_QUERIES[family].texts}) t "
        f"WHERE NOT EXISTS ({_EMBEDDED.format('t')}) LIMIT :limit"
    )
    rows = over_whole_sets(tx, query, {**_scope(tx, version, family), "limit": limit})
    return [PendingText(ContentHash(row.content_hash), row.body, row.tokens) for row in rows]


def live_texts(tx: Transaction, version: EmbeddingVersion, family: Family) -> list[str]:
    """List the distinct live texts of a family."""
    query = f"SELECT DISTINCT t.body FROM ({_QUERIES[family].texts}) t"
    return list(over_whole_sets(tx, query, _scope(tx, version, family)).scalars())


def store_vectors(
    tx: Transaction,
    version: EmbeddingVersion,
    *,
    hashes: Sequence[ContentHash],
    vectors: npt.NDArray[np.float32],
) -> None:
    """Keep vectors for good, under the hash of their text; `vectors` has shape (len(hashes), dim)."""
    little_endian = np.ascontiguousarray(vectors, dtype="<f4")
    rows = [
        {"embedding_version": version.name, "content_hash": content_hash, "vector": row.tobytes()}
        for content_hash, row in zip(hashes, little_endian, strict=True)
    ]
    insert_rows(tx, embeddings, rows, on_conflict="DO NOTHING")


def pending_upserts(
    tx: Transaction, version: EmbeddingVersion, family: Family, *, batch: int
) -> Iterator[list[PendingVector]]:
    """Stream vectors that the ledger does not know as they should be: desired and embedded, minus ledger."""
    query = f"""SELECT w.vector_id, w.content_hash, w.metadata, {_METADATA_HASH.format("w")} AS metadata_hash, e.vector
        FROM ({_QUERIES[family].vectors}) w
        JOIN embeddings e ON e.workspace_id = :workspace AND e.embedding_version = :version
            AND e.content_hash = w.content_hash
        WHERE NOT EXISTS ({_ENTRY.format("w")} AND l.content_hash = w.content_hash
            AND l.metadata_hash = {_METADATA_HASH.format("w")})"""
    for rows in stream(tx, query, _scope(tx, version, family), batch=batch):
        yield [_pending_vector(row, version.dim) for row in rows]


def announce_upserts(
    tx: Transaction, version: EmbeddingVersion, family: Family, vectors: Sequence[PendingVector]
) -> None:
    """Write into the ledger that the index is about to get these vectors.

    Should this process die before the index has confirmed them, and nobody want them any more by the next run, the
    ledger still knows what to delete.
    """
    rows = [{**_entry(tx, version, family, vector), "content_hash": "", "metadata_hash": ""} for vector in vectors]
    insert_rows(tx, vector_entries, rows, on_conflict=f"{_ENTRY_KEY} DO NOTHING")


def record_upserts(
    tx: Transaction, version: EmbeddingVersion, family: Family, vectors: Sequence[PendingVector]
) -> None:
    """Write into the ledger that the index has confirmed these vectors."""
    insert_rows(
        tx,
        vector_entries,
        [_entry(tx, version, family, vector) for vector in vectors],
        on_conflict=f"{_ENTRY_KEY} DO UPDATE SET upserted_at = now(), "
        "content_hash = excluded.content_hash, metadata_hash = excluded.metadata_hash",
    )


def stale_entries(tx: Transaction, version: EmbeddingVersion, family: Family, *, batch: int) -> Iterator[list[str]]:
    """Stream vectors that the ledger knows and nobody wants any more: ledger minus desired."""
    query = (
        "SELECT l.vector_id FROM vector_entries l WHERE l.workspace_id = :workspace "
        "AND l.embedding_version = :version AND l.family = :family "
        f"AND NOT EXISTS (SELECT FROM ({_QUERIES[family].vectors}) w WHERE w.vector_id = l.vector_id)"
    )
    for rows in stream(tx, query, _scope(tx, version, family), batch=batch):
        yield [row.vector_id for row in rows]


def ledger_ids(tx: Transaction, version: EmbeddingVersion, family: Family) -> set[str]:
    """List the ids of all vectors that the ledger knows, confirmed or not."""
    query = (
        "SELECT vector_id FROM vector_entries WHERE workspace_id = :workspace "
        "AND embedding_version = :version AND family = :family"
    )
    return set(tx.connection.execute(text(query), _scope(tx, version, family)).scalars())


def doubt_entries(tx: Transaction, version: EmbeddingVersion, family: Family, ids: Sequence[str]) -> None:
    """Take the confirmation of vectors back, so that they are written again."""
    if not ids:
        return
    tx.connection.execute(
        text(
            "UPDATE vector_entries SET content_hash = '', metadata_hash = '' WHERE workspace_id = :workspace "
            "AND embedding_version = :version AND family = :family AND vector_id = ANY(:ids)"
        ),
        {**_scope(tx, version, family), "ids": list(ids)},
    )


def forget_entries(tx: Transaction, version: EmbeddingVersion, family: Family, ids: Sequence[str]) -> None:
    """Remove vectors from the ledger, after the index has deleted them."""
    tx.connection.execute(
        text(
            "DELETE FROM vector_entries WHERE workspace_id = :workspace AND embedding_version = :version "
            "AND family = :family AND vector_id = ANY(:ids)"
        ),
        {**_scope(tx, version, family), "ids": list(ids)},
    )


def desired_ids(tx: Transaction, version: EmbeddingVersion, family: Family) -> set[str]:
    """List the ids of all vectors that the index should hold."""
    query = f"SELECT w.vector_id FROM ({_QUERIES[family].vectors}) w"
    return set(over_whole_sets(tx, query, _scope(tx, version, family)).scalars())


def retired_ids(tx: Transaction, version: EmbeddingVersion, family: Family) -> set[str]:
    """List the vector ids of rows that were superseded and did not come back."""
    query = (
        f"SELECT r.vector_id FROM ({_QUERIES[family].retired}) r "
        f"EXCEPT SELECT w.vector_id FROM ({_QUERIES[family].vectors}) w"
    )
    return set(over_whole_sets(tx, query, _scope(tx, version, family)).scalars())


def family_counts(tx: Transaction, version: EmbeddingVersion, family: Family) -> FamilyCounts:
    """Count a family's live texts and vectors, texts without an embedding, and vectors that the index confirmed."""
    query = f"""SELECT
        (SELECT count(*) FROM ({_QUERIES[family].vectors}) w) AS live_vectors,
        (SELECT count(DISTINCT t.content_hash) FROM ({_QUERIES[family].texts}) t) AS live_texts,
        (SELECT count(DISTINCT t.content_hash) FROM ({_QUERIES[family].texts}) t
            WHERE NOT EXISTS ({_EMBEDDED.format("t")})) AS missing_texts,
        (SELECT count(*) FROM vector_entries l WHERE l.workspace_id = :workspace
            AND l.embedding_version = :version AND l.family = :family AND l.content_hash <> '') AS indexed_vectors"""
    row = over_whole_sets(tx, query, _scope(tx, version, family)).one()
    return FamilyCounts(row.live_vectors, row.live_texts, row.missing_texts, row.indexed_vectors)


def _entry(tx: Transaction, version: EmbeddingVersion, family: Family, vector: PendingVector) -> dict[str, str]:
    return {
        "embedding_version": version.name,
        "family": family,
        "vector_id": vector.vector_id,
        "index_name": version.index_name,
        "namespace": version.namespace(tx.workspace_id, family),
        "content_hash": vector.content_hash,
        "metadata_hash": vector.metadata_hash,
    }


def _scope(tx: Transaction, version: EmbeddingVersion, family: Family) -> dict[str, Any]:
    return {"workspace": tx.workspace_id, "version": version.name, "family": str(family)}


def _pending_vector(row: Any, dim: int) -> PendingVector:
    values = np.frombuffer(row.vector, dtype="<f4")
    if values.shape != (dim,):
        raise ContractError(f"stored vector of {row.content_hash} has {values.size} dimensions, its version has {dim}")
    return PendingVector(row.vector_id, row.content_hash, row.metadata, row.metadata_hash, values)

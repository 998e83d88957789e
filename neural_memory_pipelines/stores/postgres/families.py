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
from neural_memory_pipelines.domain.placement import DEFAULT_STORE, Place
from neural_memory_pipelines.domain.versions import EmbeddingVersion, Family
from neural_memory_pipelines.errors import ContractError
from neural_memory_pipelines.stores.postgres.bulk import insert_rows
from neural_memory_pipelines.stores.postgres.engine import Transaction
from neural_memory_pipelines.stores.postgres.privacy import OBSERVATION_IS_PRIVATE, OBSERVATION_PRIVACY, cited_of
from neural_memory_pipelines.stores.postgres.streams import over_whole_sets, stream
from neural_memory_pipelines.stores.postgres.tables import embeddings, vector_entries
from neural_memory_pipelines.stores.postgres.text_hash import text_hash
from neural_memory_pipelines.stores.vectors.protocol import MetadataValue


@dataclass(frozen=True, slots=True)
class _FamilyQuery:
    """`texts` gives (content_hash, body, tokens or null); `vectors` (vector_id, content_hash, store, metadata); of live rows.

    `retired` gives the vector ids of rows that are no longer live, or have left the hot index: those keep their vectors,
    so that they come back without the model.
    """

    texts: str
    vectors: str
    retired: str


_STORE = f"coalesce(CASE WHEN d.source = 'docs' THEN d.metadata_json ->> 'store' END, '{DEFAULT_STORE}') AS store"
_CHUNK_BODY = "CASE WHEN c.section_label = '' THEN c.text ELSE c.section_label || E'\\n\\n' || c.text END"

# What must not be shown any more is not searched for until the night has written its summary again.
SHOWN_SUMMARIES = (
    "memory_summaries s WHERE s.superseded_at IS NULL "
    f"AND NOT {cited_of('s', f'{OBSERVATION_IS_PRIVATE} OR d.deleted_at IS NOT NULL')}"
)

# One vector per view that is there: a missing title gives no vector, and never takes the place of another view.
_VIEWS = """memory_observations o CROSS JOIN LATERAL (VALUES ('body', o.text), ('title', o.title), ('summary', o.summary))
    AS v(view, body)"""
_VIEW_HASH = text_hash("v.body")

_QUERIES: Mapping[Family, _FamilyQuery] = {
    Family.CHUNKS: _FamilyQuery(
        texts=f"SELECT c.chunk_hash AS content_hash, {_CHUNK_BODY} AS body, "
        "CASE WHEN :counted THEN c.token_count END AS tokens "
        "FROM knowledge_chunks c WHERE c.superseded_at IS NULL",
        vectors=f"""SELECT DISTINCT ON (vector_id) c.document_id || '#' || left(c.chunk_hash, 16) AS vector_id,
            c.chunk_hash AS content_hash, {_STORE},
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
        vectors=f"""SELECT o.observation_id || ':' || v.view AS vector_id, {_VIEW_HASH} AS content_hash, {_STORE},
            jsonb_build_object('document_id', o.document_id, 'source', d.source, 'type', d.type, 'view', v.view,
                'importance', round(o.importance::numeric, 4),
                'privacy', {OBSERVATION_PRIVACY},
                'occurred_at', extract(epoch FROM o.occurred_at)::bigint) AS metadata
        FROM {_VIEWS} JOIN knowledge_documents d USING (document_id)
        WHERE o.superseded_at IS NULL AND o.aged_at IS NULL AND v.body IS NOT NULL""",
        retired=f"SELECT o.observation_id || ':' || v.view AS vector_id FROM {_VIEWS} "
        "WHERE (o.superseded_at IS NOT NULL OR o.aged_at IS NOT NULL) AND v.body IS NOT NULL",
    ),
    Family.SUMMARIES: _FamilyQuery(
        texts=f"SELECT {text_hash('s.text')} AS content_hash, s.text AS body, "
        f"NULL::integer AS tokens FROM {SHOWN_SUMMARIES}",
        vectors=f"""SELECT s.summary_id AS vector_id, {text_hash("s.text")} AS content_hash,
            '{DEFAULT_STORE}' AS store,
            jsonb_build_object('privacy', s.privacy, 'occurred_at', extract(epoch FROM s.occurred_at)::bigint) AS metadata
        FROM {SHOWN_SUMMARIES}""",
        retired="SELECT s.summary_id AS vector_id FROM memory_summaries s WHERE s.superseded_at IS NOT NULL",
    ),
    Family.PROFILES: _FamilyQuery(
        texts="SELECT NULL AS content_hash, NULL AS body, NULL::integer AS tokens WHERE false",
        vectors=f"""SELECT p.entity_id || ':' || p.view AS vector_id, p.content_hash, '{DEFAULT_STORE}' AS store,
            jsonb_build_object('privacy', p.privacy, 'view', p.view) AS metadata
        FROM profile_centroids p WHERE p.embedding_version = :version""",
        retired="SELECT NULL AS vector_id WHERE false",
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

_PENDING = f"""FROM ({{0}}) w
    JOIN embeddings e ON e.workspace_id = :workspace AND e.embedding_version = :version AND e.content_hash = w.content_hash
    WHERE NOT EXISTS ({_ENTRY.format("w")} AND l.content_hash = w.content_hash
        AND l.metadata_hash = {_METADATA_HASH.format("w")})"""


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
    store: str
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


def sample_texts(tx: Transaction, version: EmbeddingVersion, family: Family, *, limit: int) -> list[PendingText]:
    """List some live texts of a family: the same ones each time, and without any order that texts have."""
    query = (
        f"SELECT DISTINCT ON (t.content_hash) t.content_hash, t.body, t.tokens FROM ({_QUERIES[family].texts}) t "
        "ORDER BY t.content_hash LIMIT :limit"
    )
    rows = over_whole_sets(tx, query, {**_scope(tx, version, family), "limit": limit})
    return [PendingText(ContentHash(row.content_hash), row.body, row.tokens) for row in rows]


def missing_bodies(
    tx: Transaction, version: EmbeddingVersion, family: Family, *, like: Sequence[str], batch: int
) -> Iterator[list[str]]:
    """Stream the live texts of a family, each once, that have no vector at any of the versions `like`."""
    query = (
        f"SELECT DISTINCT ON (t.content_hash) t.body FROM ({_QUERIES[family].texts}) t WHERE NOT EXISTS ("
        "SELECT FROM embeddings e WHERE e.workspace_id = :workspace AND e.embedding_version = ANY(:like) "
        "AND e.content_hash = t.content_hash)"
    )
    for rows in stream(tx, query, {**_scope(tx, version, family), "like": list(like)}, batch=batch):
        yield [row.body for row in rows]


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
    query = (
        f"SELECT w.vector_id, w.content_hash, w.metadata, {_METADATA_HASH.format('w')} AS metadata_hash, w.store, e.vector "
        f"{_PENDING.format(_QUERIES[family].vectors)}"
    )
    for rows in stream(tx, query, _scope(tx, version, family), batch=batch):
        yield [_pending_vector(row, version.dim) for row in rows]


def count_pending(tx: Transaction, version: EmbeddingVersion, family: Family) -> dict[str, int]:
    """Count by store the vectors that the ledger does not know as they should be."""
    query = (
        f"SELECT w.store, count(*) AS vectors {_PENDING.format(_QUERIES[family].vectors)} GROUP BY w.store ORDER BY 1"
    )
    return {row.store: row.vectors for row in over_whole_sets(tx, query, _scope(tx, version, family))}


def announce_upserts(
    tx: Transaction, version: EmbeddingVersion, family: Family, vectors: Sequence[PendingVector], *, place: Place
) -> None:
    """Write into the ledger that a place is about to get these vectors.

    Should this process die before the index has confirmed them, and nobody want them any more by the next run, the
    ledger still knows what to delete.
    """
    rows = [{**_entry(version, family, vector, place), "content_hash": "", "metadata_hash": ""} for vector in vectors]
    insert_rows(tx, vector_entries, rows, on_conflict=f"{_ENTRY_KEY} DO NOTHING")


def record_upserts(
    tx: Transaction, version: EmbeddingVersion, family: Family, vectors: Sequence[PendingVector], *, place: Place
) -> None:
    """Write into the ledger that the index has confirmed these vectors at a place."""
    insert_rows(
        tx,
        vector_entries,
        [_entry(version, family, vector, place) for vector in vectors],
        on_conflict=f"{_ENTRY_KEY} DO UPDATE SET upserted_at = now(), index_name = excluded.index_name, "
        "namespace = excluded.namespace, content_hash = excluded.content_hash, metadata_hash = excluded.metadata_hash",
    )


def stale_entries(
    tx: Transaction, version: EmbeddingVersion, family: Family, *, batch: int
) -> Iterator[list[tuple[Place, str]]]:
    """Stream vectors that the ledger knows and nobody wants any more, and where they are: ledger minus desired."""
    query = (
        "SELECT l.vector_id, l.index_name, l.namespace FROM vector_entries l WHERE l.workspace_id = :workspace "
        "AND l.embedding_version = :version AND l.family = :family "
        f"AND NOT EXISTS (SELECT FROM ({_QUERIES[family].vectors}) w WHERE w.vector_id = l.vector_id)"
    )
    for rows in stream(tx, query, _scope(tx, version, family), batch=batch):
        yield [(Place(row.index_name, row.namespace), row.vector_id) for row in rows]


def ledger_places(tx: Transaction, version: EmbeddingVersion, family: Family) -> dict[str, Place]:
    """Map the ids of all vectors that the ledger knows, confirmed or not, to where they are."""
    query = (
        "SELECT vector_id, index_name, namespace FROM vector_entries WHERE workspace_id = :workspace "
        "AND embedding_version = :version AND family = :family"
    )
    rows = tx.connection.execute(text(query), _scope(tx, version, family))
    return {row.vector_id: Place(row.index_name, row.namespace) for row in rows}


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
    """List the vector ids of rows that were superseded or have aged, and did not come back."""
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


def _entry(version: EmbeddingVersion, family: Family, vector: PendingVector, place: Place) -> dict[str, str]:
    return {
        "embedding_version": version.name,
        "family": family,
        "vector_id": vector.vector_id,
        "index_name": place.index,
        "namespace": place.namespace,
        "content_hash": vector.content_hash,
        "metadata_hash": vector.metadata_hash,
    }


def _scope(tx: Transaction, version: EmbeddingVersion, family: Family) -> dict[str, Any]:
    return {
        "workspace": tx.workspace_id,
        "version": version.name,
        "family": str(family),
        # Chunks are measured once, by one tokenizer: the counts hold for a model whose own that is.
        "counted": version.tokenizer == version.model,
    }


def _pending_vector(row: Any, dim: int) -> PendingVector:
    values = np.frombuffer(row.vector, dtype="<f4")
    if values.shape != (dim,):
        raise ContractError(f"stored vector of {row.content_hash} has {values.size} dimensions, its version has {dim}")
    return PendingVector(row.vector_id, row.content_hash, row.metadata, row.metadata_hash, row.store, values)

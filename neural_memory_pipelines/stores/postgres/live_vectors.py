"""From vector ids to the live rows behind them, and the vectors of rows that were found by other ways.

An index may hold what changed since: Postgres alone tells what is live and who may read it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import psycopg
from sqlalchemy import text

from neural_memory_pipelines.domain.versions import EmbeddingVersion
from neural_memory_pipelines.stores.postgres.engine import Transaction
from neural_memory_pipelines.stores.postgres.families import SHOWN_SUMMARIES
from neural_memory_pipelines.stores.postgres.privacy import OBSERVATION_IS_PRIVATE

_MOST_VECTORS = 5_000

# Rows are asked for by a key of an index: a join on a part of a vector's id would read all of the workspace's.
_LIVE = f"""
SELECT c.document_id || '#' || left(c.chunk_hash, 16) AS vector_id, 'chunk' AS kind, min(c.chunk_id) AS id, c.document_id
FROM knowledge_chunks c JOIN knowledge_documents d USING (document_id)
WHERE c.document_id = ANY(:documents) AND c.document_id || '#' || left(c.chunk_hash, 16) = ANY(:chunks)
    AND c.superseded_at IS NULL AND d.deleted_at IS NULL AND (:include_private OR d.privacy = 'org')
GROUP BY c.document_id, left(c.chunk_hash, 16)
UNION ALL
SELECT v.vector_id, 'observation', o.observation_id, o.document_id
FROM memory_observations o JOIN knowledge_documents d USING (document_id)
JOIN unnest(CAST(:observations AS text[])) AS v(vector_id) ON o.observation_id = split_part(v.vector_id, ':', 1)
WHERE o.observation_id = ANY(:observation_ids)
    AND o.superseded_at IS NULL AND d.deleted_at IS NULL AND (:include_private OR NOT {OBSERVATION_IS_PRIVATE})
UNION ALL
SELECT s.summary_id, 'summary', s.summary_id, '' FROM {SHOWN_SUMMARIES} AND s.summary_id = ANY(:others)"""

_VECTORS = """
SELECT c.document_id, c.chunk_id, e.vector FROM knowledge_chunks c
JOIN embeddings e ON e.workspace_id = :workspace AND e.embedding_version = :version AND e.content_hash = c.chunk_hash
WHERE c.document_id = ANY(:documents) AND c.superseded_at IS NULL
ORDER BY c.chunk_index, c.document_id LIMIT :limit"""

_FIRST_CHUNKS = """
SELECT DISTINCT ON (document_id) document_id, chunk_id FROM knowledge_chunks
WHERE document_id = ANY(:documents) AND superseded_at IS NULL ORDER BY document_id, chunk_index"""


@dataclass(frozen=True, slots=True)
class LiveVector:
    """The row that a vector stands for; `document_id` is empty for a summary."""

    kind: str
    id: str
    document_id: str


@dataclass(frozen=True, slots=True)
class ChunkScore:
    """The chunk of a document that is nearest to a question, and its cosine, -1..1."""

    chunk_id: str
    score: float


def live_vectors(tx: Transaction, vector_ids: Sequence[str], *, include_private: bool) -> dict[str, LiveVector]:
    """Find the live rows behind vectors. Those of rows that are gone, or may not be shown, are missing."""
    chunks = [key for key in vector_ids if "#" in key]
    observations = [key for key in vector_ids if ":" in key and "#" not in key]
    others = [key for key in vector_ids if "#" not in key and ":" not in key]
    values = {
        "chunks": chunks,
        "documents": list({key.partition("#")[0] for key in chunks}),
        "observations": observations,
        "observation_ids": list({key.partition(":")[0] for key in observations}),
        "others": others,
        "include_private": include_private,
    }
    rows = tx.connection.execute(text(_LIVE), values)
    return {row.vector_id: LiveVector(row.kind, row.id, row.document_id) for row in rows}


def nearest_chunks(
    tx: Transaction, version: EmbeddingVersion, vector: npt.NDArray[np.float32], documents: Sequence[str]
) -> dict[str, ChunkScore]:
    """Compare a question with the live chunks of documents by the vectors that are kept in Postgres.

    Args:
        tx: of the workspace.
        version: whose vectors.
        vector: of the question, shape (dim,), of length 1.
        documents: of all their chunks the first 5,000 count: the ends of the longest are left out.

    Returns:
        By document; those without a vector at this version are missing.
    """
    if not documents:
        return {}
    values = {
        "workspace": tx.workspace_id,
        "version": version.name,
        "documents": list(documents),
        "limit": _MOST_VECTORS,
    }
    rows = _in_binary(tx, _VECTORS, values)
    if not rows:
        return {}
    vectors = np.frombuffer(b"".join(spelled for _, _, spelled in rows), dtype="<f4").reshape(len(rows), -1)
    # Not `@`: BLAS would wake a thread per processor, and their waiting takes more time than all of the search here.
    scores = np.einsum("ij,j->i", vectors, vector)
    best: dict[str, ChunkScore] = {}
    for (document_id, chunk_id, _), score in zip(rows, scores.tolist(), strict=True):
        known = best.get(document_id)
        if known is None or (-score, chunk_id) < (-known.score, known.chunk_id):
            best[document_id] = ChunkScore(chunk_id, score)
    return best


def _in_binary(tx: Transaction, query: str, values: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    """Run a query whose rows travel in binary: as text, a vector has twice the bytes and takes longer to read."""
    compiled = text(query).compile(dialect=tx.connection.dialect)
    connection = tx.connection.connection.driver_connection
    assert isinstance(connection, psycopg.Connection)
    with connection.cursor(binary=True) as cursor:
        return cursor.execute(str(compiled).encode(), values).fetchall()


def first_chunks(tx: Transaction, documents: Sequence[str]) -> dict[str, str]:
    """Find with which chunk each document begins; those without one are missing."""
    if not documents:
        return {}
    rows = tx.connection.execute(text(_FIRST_CHUNKS), {"documents": list(documents)})
    return {row.document_id: row.chunk_id for row in rows}

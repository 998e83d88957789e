"""From vector ids back to live rows: what a search shows.

It reads and never writes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import text

from neural_memory_pipelines.stores.postgres.engine import Transaction

# What a document of few readers says has no more of them.
_OBSERVATION_PRIVACY = "CASE WHEN d.privacy = 'org' THEN o.privacy ELSE d.privacy END"
_ROWS = f"""
SELECT v.vector_id, 'chunk' AS kind, c.chunk_id AS id, c.document_id, d.source, d.source_id, d.title, d.url, c.text,
    d.privacy
FROM unnest(CAST(:ids AS text[])) AS v(vector_id)
JOIN knowledge_chunks c ON c.document_id = split_part(v.vector_id, '#', 1)
    AND left(c.chunk_hash, 16) = split_part(v.vector_id, '#', 2) AND c.superseded_at IS NULL
JOIN knowledge_documents d ON d.document_id = c.document_id
WHERE v.vector_id LIKE '%#%' AND (:include_private OR d.privacy = 'org')
UNION ALL
SELECT v.vector_id, 'observation', o.observation_id, o.document_id, d.source, d.source_id,
    coalesce(o.title, d.title), d.url, o.text,
    {_OBSERVATION_PRIVACY}
FROM unnest(CAST(:ids AS text[])) AS v(vector_id)
JOIN memory_observations o ON o.observation_id = split_part(v.vector_id, ':', 1) AND o.superseded_at IS NULL
JOIN knowledge_documents d ON d.document_id = o.document_id
WHERE :include_private OR {_OBSERVATION_PRIVACY} = 'org'
"""


@dataclass(frozen=True, slots=True)
class HydratedRow:
    """The row that a vector stands for."""

    kind: str
    id: str
    document_id: str
    source: str
    source_id: str
    title: str
    url: str | None
    text: str
    privacy: str


def rows_of_vectors(
    tx: Transaction, vector_ids: Sequence[str], *, include_private: bool = False
) -> dict[str, HydratedRow]:
    """Read the live rows behind vectors, as they are now.

    Returns:
        By vector id. Those of rows that are gone are missing, and unless asked for, those of private rows: an index may
        know of a channel that turned private no more than that it was not.
    """
    rows = tx.connection.execute(text(_ROWS), {"ids": list(vector_ids), "include_private": include_private})
    found: dict[str, HydratedRow] = {}
    for row in rows:
        values = dict(row._mapping)
        found.setdefault(values.pop("vector_id"), HydratedRow(**values))
    return found

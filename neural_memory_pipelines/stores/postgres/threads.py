"""Threads as a search sees them: which document a comment goes with, and which comments of a document are short.

What a thread lends to its replies is decided in `retrieval/thread_context.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import text

from neural_memory_pipelines.stores.postgres.engine import Transaction

# A page below a page has a parent too, and is no reply.
_REPLY_TYPES = ("comment", "review", "review_comment")

_PARENTS = """
SELECT c.document_id, p.document_id AS parent_id FROM knowledge_documents c
JOIN knowledge_documents p ON p.workspace_id = c.workspace_id AND p.source = c.source
    AND p.source_id = c.parent_source_id
WHERE c.document_id = ANY(:documents) AND c.type = ANY(:types) AND p.deleted_at IS NULL
    AND (:include_private OR p.privacy = 'org')"""

# What settles a thread stands at its end: the latest count.
_SHORT_REPLIES = """
SELECT r.document_id, r.chunk_id, p.document_id AS parent_document_id, r.tokens
FROM knowledge_documents p CROSS JOIN LATERAL (
    SELECT d.document_id, min(c.chunk_id) AS chunk_id, min(c.token_count) AS tokens, d.occurred_at
    FROM knowledge_documents d JOIN knowledge_chunks c ON c.document_id = d.document_id AND c.superseded_at IS NULL
    WHERE d.workspace_id = :workspace AND d.source = p.source AND d.parent_source_id = p.source_id
        AND d.type = ANY(:types) AND d.deleted_at IS NULL AND (:include_private OR d.privacy = 'org')
    GROUP BY d.document_id HAVING count(*) = 1 AND min(c.token_count) <= :most_tokens
    ORDER BY d.occurred_at DESC, d.document_id LIMIT :per_thread) r
WHERE p.document_id = ANY(:parents) AND p.deleted_at IS NULL AND (:include_private OR p.privacy = 'org')
ORDER BY parent_document_id, r.occurred_at, r.document_id"""


@dataclass(frozen=True, slots=True)
class Reply:
    """A comment that is one short chunk, and the document that it goes with. `tokens` count its heading too."""

    document_id: str
    chunk_id: str
    parent_document_id: str
    tokens: int


def parents_of(tx: Transaction, documents: Sequence[str], *, include_private: bool) -> dict[str, str]:
    """Map those documents that are comments or reviews to the live documents that they go with."""
    values = {"documents": list(documents), "types": list(_REPLY_TYPES), "include_private": include_private}
    return {row.document_id: row.parent_id for row in tx.connection.execute(text(_PARENTS), values)}


def short_replies(
    tx: Transaction, parents: Sequence[str], *, most_tokens: int, per_thread: int, include_private: bool
) -> list[Reply]:
    """List the short comments of documents, by thread and time.

    Args:
        tx: of the workspace.
        parents: ids of the documents that they go with.
        most_tokens: what is longer speaks for itself; the heading, which names the parent, counts.
        per_thread: no more than so many of a document, the latest.
        include_private: also what only some may read.
    """
    values = {
        "workspace": tx.workspace_id,
        "parents": list(dict.fromkeys(parents)),
        "types": list(_REPLY_TYPES),
        "most_tokens": most_tokens,
        "per_thread": per_thread,
        "include_private": include_private,
    }
    return [Reply(*row) for row in tx.connection.execute(text(_SHORT_REPLIES), values)]

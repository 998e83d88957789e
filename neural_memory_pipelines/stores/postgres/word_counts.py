"""How common words are in a workspace: counted now and then, read by the ranking by words.

The counts may lag behind the texts as a planner's statistics do: they weigh words, and decide nothing else.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import text

from neural_memory_pipelines.stores.postgres.engine import Transaction

# Counting reads every live chunk. A tenth more or less moves no word's weight by more than 0.1.
_STALE_AFTER_SHARE = 0.1

_LIVE = """SELECT count(*) AS chunks, count(DISTINCT document_id) AS documents, coalesce(sum(token_count), 0) AS tokens
FROM knowledge_chunks WHERE superseded_at IS NULL"""
# A word that is not counted is as rare as can be: those of one chunk alone need no row.
_COUNT = """INSERT INTO lexical_terms (workspace_id, term, chunks)
SELECT :workspace, word, ndoc FROM ts_stat('SELECT search FROM knowledge_chunks WHERE superseded_at IS NULL')
WHERE ndoc > 1 ORDER BY word ON CONFLICT (workspace_id, term) DO UPDATE SET chunks = excluded.chunks"""
_NOTE = """INSERT INTO lexical_counts (workspace_id, chunks, documents, tokens, counted_at)
VALUES (:workspace, :chunks, :documents, :tokens, now()) ON CONFLICT (workspace_id) DO UPDATE SET
    chunks = excluded.chunks, documents = excluded.documents, tokens = excluded.tokens, counted_at = excluded.counted_at"""
_READ = """SELECT c.chunks, c.documents, c.tokens, t.term, t.chunks AS held_by
FROM lexical_counts c LEFT JOIN lexical_terms t ON t.workspace_id = c.workspace_id AND t.term = ANY(:terms)"""


@dataclass(frozen=True, slots=True)
class WordCounts:
    """How much text there is, and how many chunks hold each word; a missing word: one."""

    chunks: int
    documents: int
    tokens: int
    held_by: dict[str, int]

    @property
    def mean_chunk_tokens(self) -> float:
        """Tokens of a chunk; 0 if nothing was counted."""
        return self.tokens / max(self.chunks, 1)

    @property
    def mean_document_tokens(self) -> float:
        """Tokens of the chunks of a document; 0 if nothing was counted."""
        return self.tokens / max(self.documents, 1)


def count_words(tx: Transaction) -> bool:
    """Count again if the number of live chunks has changed by a tenth since the last time.

    Returns:
        Whether it counted.
    """
    live = tx.connection.execute(text(_LIVE)).one()
    counted = tx.connection.execute(text("SELECT chunks FROM lexical_counts")).scalar_one_or_none()
    if counted is not None and abs(live.chunks - counted) <= _STALE_AFTER_SHARE * max(counted, 1):
        return False
    tx.connection.execute(text("DELETE FROM lexical_terms"))
    tx.connection.execute(text(_COUNT), {"workspace": tx.workspace_id})
    tx.connection.execute(text(_NOTE), {"workspace": tx.workspace_id, **live._mapping})
    return True


def word_counts(tx: Transaction, terms: Sequence[str]) -> WordCounts:
    """Read how common words are; of a workspace that was never counted, all are as rare as can be."""
    rows = tx.connection.execute(text(_READ), {"terms": list(terms)}).all()
    if not rows:
        return WordCounts(0, 0, 0, {})
    held_by = {row.term: row.held_by for row in rows if row.term is not None}
    return WordCounts(rows[0].chunks, rows[0].documents, rows[0].tokens, held_by)

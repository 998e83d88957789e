"""Search by words: BM25 over live chunks and their documents, computed by Postgres full text.

What words weigh comes from `word_counts.py`. How this ranking joins others is decided in `retrieval/`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import text

from neural_memory_pipelines.stores.postgres.engine import Transaction
from neural_memory_pipelines.stores.postgres.word_counts import WordCounts, word_counts

_K1, _B = 1.2, 0.75
_MOST_TERMS = 32
_LONGEST_QUESTION_CHARS = 10_000
# A word that a quarter of all chunks holds says little of any of them, and costs most.
_LOOKED_AT_SHARE = 0.2
_LOOKED_AT_LEAST = 2_000

# ts_rank of one word with equal weights is sum(1/j^2, j=1..tf) * 6/pi^2: Postgres computes it without unpacking the
# vector, and tf follows from it as the sum's rest is 1/(tf + 1/2) in good approximation (5 % above at tf = 1, less
# than 2 % from there on). Source: calc_rank_or in src/backend/utils/adt/tsrank.c.
_TF = (
    "coalesce(1 / (1.64493406685 * (1.000001 - nullif(ts_rank('{{1,1,1,1}}', {vector}, CAST(:t{n} AS tsquery)), 0))) "
    "- 0.5, 0)"
)
_BM25 = "{idf} * {tf} * (:k1 + 1) / ({tf} + :k1 * (1 - :b + :b * {tokens} / :mean_{of}))"

_LEXEMES = "SELECT tsvector_to_array(to_tsvector('english', :question))"


@dataclass(frozen=True, slots=True)
class Words:
    """The words of a question that say something, as full text spells them.

    Attributes:
        weights: what each weighs, the weightiest first.
        telling: those of which a chunk must hold one to be looked at.
        mean_chunk_tokens, mean_document_tokens: of the workspace.
    """

    weights: Mapping[str, float]
    telling: tuple[str, ...]
    mean_chunk_tokens: float
    mean_document_tokens: float

    def __bool__(self) -> bool:
        return bool(self.weights)


@dataclass(frozen=True, slots=True)
class WordHit:
    """A document, how well its words fit (0 upwards), and the chunk of it whose words fit best."""

    document_id: str
    score: float
    chunk_id: str


def words_of(tx: Transaction, question: str) -> Words:
    """Find the words of a question, the rarest 32, and weigh each by how rare it is.

    The weight is ln(1 + (N - n + 1/2) / (n + 1/2)) for a word that n of N chunks hold.

    Source: S. Robertson, H. Zaragoza, The Probabilistic Relevance Framework: BM25 and Beyond, 2009.
    """
    lexemes: list[str] = tx.connection.execute(
        text(_LEXEMES), {"question": question[:_LONGEST_QUESTION_CHARS]}
    ).scalar_one()
    counts = word_counts(tx, lexemes)
    weights = {lexeme: _weight(counts, lexeme) for lexeme in lexemes}
    rarest = sorted(weights, key=lambda lexeme: (-weights[lexeme], lexeme))[:_MOST_TERMS]
    return Words(
        {lexeme: weights[lexeme] for lexeme in rarest},
        tuple(_telling(rarest, counts)),
        max(counts.mean_chunk_tokens, 1.0),
        max(counts.mean_document_tokens, 1.0),
    )


def nearest_by_words(
    tx: Transaction, words: Words, *, condition: str, values: Mapping[str, Any], limit: int
) -> list[str]:
    """Find the documents that fit the words best, as far as their chunks say that hold a telling one.

    All chunks of the workspace are looked at: under row-level security no index helps (docs/adr/0011-retrieval.md).

    Args:
        tx: of the workspace.
        words: of the question.
        condition: on `knowledge_documents d`, see `filters.filter_condition`.
        values: its parameters.
        limit: most documents.

    Returns:
        Documents, best first by these chunks alone; `word_scores` gives the score of the whole.
    """
    if not words:
        return []
    query = f"""{_scored("c.search @@ CAST(:telling AS tsquery)", words)}
        SELECT s.document_id, {_of_document(words)} + s.best AS score FROM s JOIN knowledge_documents d USING (document_id)
        WHERE d.deleted_at IS NULL AND {condition} ORDER BY score DESC, s.document_id LIMIT :limit"""
    rows = tx.connection.execute(text(query), {**_values(words), **values, "limit": limit})
    return [row.document_id for row in rows]


def word_scores(tx: Transaction, words: Words, documents: Sequence[str]) -> dict[str, WordHit]:
    """Score documents by words, whichever way they were found; those without any of the words are missing.

    A document's score is the sum of its own BM25 and that of its best chunk: the first finds what speaks of all words
    somewhere, the second what says them together.
    """
    if not words or not documents:
        return {}
    condition = "c.search @@ CAST(:any AS tsquery) AND c.document_id = ANY(:documents)"
    query = f"""{_scored(condition, words)}
        SELECT s.document_id, {_of_document(words, tokens="whole.tokens")} + s.best AS score, b.chunk_id
        FROM s JOIN (SELECT DISTINCT ON (c.document_id) c.document_id, c.chunk_id FROM chunks c
            ORDER BY c.document_id, c.score DESC, c.chunk_id) b USING (document_id)
        JOIN (SELECT k.document_id, sum(k.token_count) AS tokens FROM knowledge_chunks k
            WHERE k.superseded_at IS NULL AND k.document_id = ANY(:documents) GROUP BY k.document_id
        ) whole USING (document_id)"""
    rows = tx.connection.execute(text(query), {**_values(words), "documents": list(documents)})
    return {row.document_id: WordHit(row.document_id, row.score, row.chunk_id) for row in rows}


def summary_scores(tx: Transaction, words: Words, summaries: Sequence[str]) -> dict[str, float]:
    """Score summaries as if each were a document of one chunk; those without any of the words are missing."""
    if not words or not summaries:
        return {}
    once = _sum_of(words, tf="v.tf{n}", tokens="v.tokens", of="chunk")
    twice = _sum_of(words, tf="v.tf{n}", tokens="v.tokens", of="document")
    query = f"""SELECT v.summary_id, {once} + {twice} AS score FROM (
        SELECT s.summary_id, length(s.text) / 4.0 AS tokens, {_frequencies(words, "s.search")} FROM (
            SELECT summary_id, text, to_tsvector('english', title || ' ' || text) AS search FROM memory_summaries
            WHERE summary_id = ANY(:summaries)) s
        WHERE s.search @@ CAST(:any AS tsquery)) v"""
    rows = tx.connection.execute(text(query), {**_values(words), "summaries": list(summaries)})
    return {row.summary_id: row.score for row in rows}


def _scored(condition: str, words: Words) -> str:
    """Write the scores of chunks, and of their documents what a score needs.

    Vectors are unpacked once, by a function that changes nothing in them, and not once for each word.
    """
    sums = ", ".join(f"sum(c.tf{n}) AS tf{n}" for n in range(len(words.weights)))
    return f"""WITH frequencies AS MATERIALIZED (
            SELECT c.document_id, c.chunk_id, c.token_count AS tokens, {_frequencies(words, "c.vector")}
            FROM (SELECT c.*, setweight(c.search, 'D') AS vector FROM knowledge_chunks c
                WHERE c.superseded_at IS NULL AND {condition} OFFSET 0) c),
        chunks AS MATERIALIZED (SELECT f.*, {_sum_of(words, tf="f.tf{n}", tokens="f.tokens", of="chunk")} AS score
            FROM frequencies f),
        s AS (SELECT c.document_id, sum(c.tokens) AS tokens, max(c.score) AS best, {sums} FROM chunks c
            GROUP BY c.document_id)"""


def _of_document(words: Words, *, tokens: str = "s.tokens") -> str:
    return _sum_of(words, tf="s.tf{n}", tokens=tokens, of="document")


def _frequencies(words: Words, vector: str) -> str:
    return ", ".join(f"{_TF.format(vector=vector, n=n)} AS tf{n}" for n in range(len(words.weights)))


def _sum_of(words: Words, *, tf: str, tokens: str, of: str) -> str:
    terms = (_BM25.format(idf=f":w{n}", tf=tf.format(n=n), tokens=tokens, of=of) for n in range(len(words.weights)))
    return f"({' + '.join(terms)})"


def _telling(rarest: Sequence[str], counts: WordCounts) -> Iterator[str]:
    """Pick words from the rarest on, as long as a share of the chunks holds one of them: at least one, and all rare ones."""
    held_by = 0
    for lexeme in rarest:
        held_by += counts.held_by.get(lexeme, 1)
        if held_by > max(_LOOKED_AT_SHARE * counts.chunks, _LOOKED_AT_LEAST) and lexeme != rarest[0]:
            return
        yield lexeme


def _values(words: Words) -> dict[str, Any]:
    quoted = [_quoted(lexeme) for lexeme in words.weights]
    return {
        "any": " | ".join(quoted),
        "telling": " | ".join(_quoted(lexeme) for lexeme in words.telling),
        "k1": _K1,
        "b": _B,
        "mean_chunk": words.mean_chunk_tokens,
        "mean_document": words.mean_document_tokens,
        **{f"t{n}": lexeme for n, lexeme in enumerate(quoted)},
        **{f"w{n}": weight for n, weight in enumerate(words.weights.values())},
    }


def _quoted(lexeme: str) -> str:
    """Spell a lexeme in a tsquery; quotes and backslashes are doubled."""
    doubled = lexeme.replace("\\", "\\\\").replace("'", "''")
    return f"'{doubled}'"


def _weight(counts: WordCounts, lexeme: str) -> float:
    if not counts.chunks:
        return 1.0  # never counted: all words are alike
    held_by = min(counts.held_by.get(lexeme, 1), counts.chunks)
    return math.log(1 + (counts.chunks - held_by + 0.5) / (held_by + 0.5))

"""What a search is asked and what it answers: values alone. Nothing is searched here."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from neural_memory_pipelines.domain.query_filters import Filters


class Mode(StrEnum):
    """By what answers are found: meaning, words, or both and all else that is known."""

    DENSE = "dense"
    LEXICAL = "lexical"
    HYBRID = "hybrid"


@dataclass(frozen=True, slots=True)
class SearchRequest:
    """A question to a memory.

    Attributes:
        text: in plain words; filters such as `source:github after:2026-06` may stand in it.
        mode: how to search.
        limit: most hits.
        filters: beside those in the text.
        include_private: also what only some may read, such as direct messages.
        rerank: whether the configured reranker, if any, has the last word.
        reads_filters: whether filters in the text are read; in what nobody wrote as a query they are words.
    """

    text: str
    mode: Mode = Mode.HYBRID
    limit: int = 10
    filters: Filters = field(default_factory=Filters)
    include_private: bool = False
    rerank: bool = True
    reads_filters: bool = True


@dataclass(frozen=True, slots=True)
class ScoreTerm:
    """One term of a score: what was measured, its weight in the sum, and their product."""

    name: str
    value: float
    weight: float
    points: float


@dataclass(frozen=True, slots=True)
class UsedEdge:
    """An edge that brought a hit nearer: from one end to the other, and how many hops from what the question named."""

    type: str
    origin: str
    target: str
    hops: int
    relationship_id: str
    because: str


@dataclass(frozen=True, slots=True)
class Hit:
    """One answer.

    Attributes:
        kind: chunk, observation or summary: what says it.
        id: of that.
        document_id, source, source_id, url: the document it stands in; of a summary, `source` is "memory" and
            `source_id` its own id.
        title, text: what to show.
        score: the sum of the points of `terms`, or the relevance that a reranker gave, which is the last of them;
            greater is better, comparable within an answer alone.
        privacy: org, or private.
        occurred_at: when; aware.
        terms: how the score came about.
        edges: those of the graph that counted.
        evidence: of a summary, the observations that it cites.
    """

    kind: str
    id: str
    document_id: str
    source: str
    source_id: str
    title: str
    text: str
    url: str | None
    score: float
    privacy: str
    occurred_at: datetime
    terms: tuple[ScoreTerm, ...] = ()
    edges: tuple[UsedEdge, ...] = ()
    evidence: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Answer:
    """The answers to a question, best first.

    Attributes:
        hits: at most as many as asked for.
        embedding_version: the one that all of them are of.
        mode: by what they were found; "identifiers" if the question named things and nothing else.
        latency_ms: by stage, in the order of the stages; "model" is the embedder's own time.
        notes: what the asker should know, such as that the reranker did not answer.
    """

    hits: tuple[Hit, ...]
    embedding_version: str
    mode: str
    latency_ms: dict[str, float]
    notes: tuple[str, ...] = ()

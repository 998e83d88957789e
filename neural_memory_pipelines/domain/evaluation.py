"""Evaluations of a memory: which questions were asked, where the right answers stood, and what that is worth.

Nothing is asked here, and nothing kept.
"""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from neural_memory_pipelines.domain.questions import Expected, Quality, quality_of


class Suite(StrEnum):
    """Why questions are asked, and which."""

    POST_INGEST = "post-ingest-regression"
    """All questions, when documents were persisted."""
    NIGHTLY = "nightly"
    """All questions, when a night has consolidated."""
    CANARY = "canary"
    """All questions, at a version that may be promoted and at the one that is served."""
    SMOKE = "smoke"
    """A few questions: does the memory answer at all?"""


@dataclass(frozen=True, slots=True)
class ShownHit:
    """One place of a ranking as an evaluation keeps it: no texts. `kind` is chunk, observation or summary."""

    kind: str
    id: str
    source: str
    source_id: str
    score: float


@dataclass(frozen=True, slots=True)
class QuestionResult:
    """What came of one question.

    Attributes:
        question_id, question, expects, tags, weight: as asked; each of `expects` is a right answer.
        place: of the first right answer among `hits`, from 1; None if there was none.
        latency_ms: how long the search took, with the model.
        hits: the first ten, best first.
    """

    question_id: str
    question: str
    expects: tuple[Expected, ...]
    tags: tuple[str, ...]
    weight: float
    place: int | None
    latency_ms: float
    hits: tuple[ShownHit, ...]


@dataclass(frozen=True, slots=True)
class Metrics:
    """What a run of a suite measured.

    Attributes:
        questions: how many were asked.
        recall_at_5, recall_at_10, ndcg_at_10, mrr_at_10: 0..1, weighted by question; see `questions.quality_of`.
        latency_p50_ms, latency_p95_ms: of one search, with the model; percentiles, see `percentile`.
        share_chunks, share_observations, share_summaries: of the places shown, 0..1; their sum is 1 if any was shown.
        unindexed: live texts without a vector in the index.
        staleness_seconds: how long the oldest of them has waited; 0 if there is none.
    """

    questions: int
    recall_at_5: float
    recall_at_10: float
    ndcg_at_10: float
    mrr_at_10: float
    latency_p50_ms: float
    latency_p95_ms: float
    share_chunks: float
    share_observations: float
    share_summaries: float
    unindexed: int
    staleness_seconds: float


@dataclass(frozen=True, slots=True)
class EvalRun:
    """One run of a suite over a workspace at an embedding version.

    Attributes:
        run_id: its own; the same run that is kept twice is kept once.
        suite, embedding_version, at: what was asked, at which version, when it began (aware).
        are_own: whether the questions are the workspace's; else titles of documents stood in.
        questions_hash: of the questions with their answers: runs are compared where they asked the same.
        retrieval: the settings of the search that decide its ranking, as JSON values.
        reasons: the events that asked for it, such as {"document_id": .., "version": ..}.
        metrics: over all questions.
        results: per question, in the order of their ids.
    """

    run_id: str
    suite: Suite
    embedding_version: str
    at: datetime
    are_own: bool
    questions_hash: str
    retrieval: dict[str, object]
    reasons: tuple[dict[str, object], ...]
    metrics: Metrics
    results: tuple[QuestionResult, ...]


@dataclass(frozen=True, slots=True)
class Staleness:
    """What an index lacks: live texts without a vector there, and since when the oldest of them waits (aware)."""

    unindexed: int
    oldest_at: datetime | None


def percentile(values: Sequence[float], percent: int) -> float:
    """Find a percentile, with linear interpolation between the two nearest values; 0 if there are no values.

    Source: R. Hyndman, Y. Fan, Sample quantiles in statistical packages, The American Statistician 50(4), 1996, type 7.
    """
    if len(values) < 2:
        return values[0] if values else 0.0
    return statistics.quantiles(values, n=100, method="inclusive")[percent - 1]


def measure(results: Sequence[QuestionResult], staleness: Staleness, *, at: datetime) -> Metrics:
    """Sum up a run that began `at` (aware): answers, latencies, what kinds of things answered, what the index lacks."""
    quality: Quality = quality_of(results)
    latencies_ms = [result.latency_ms for result in results]
    kinds = Counter(hit.kind for result in results for hit in result.hits)
    shown = kinds.total() or 1
    waited = (at - staleness.oldest_at).total_seconds() if staleness.oldest_at else 0.0
    return Metrics(
        questions=quality.questions,
        recall_at_5=quality.recall_at_5,
        recall_at_10=quality.recall_at_10,
        ndcg_at_10=quality.ndcg_at_10,
        mrr_at_10=quality.mrr_at_10,
        latency_p50_ms=percentile(latencies_ms, 50),
        latency_p95_ms=percentile(latencies_ms, 95),
        share_chunks=kinds["chunk"] / shown,
        share_observations=kinds["observation"] / shown,
        share_summaries=kinds["summary"] / shown,
        unindexed=staleness.unindexed,
        staleness_seconds=max(waited, 0.0),
    )

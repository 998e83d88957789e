"""The terms that a score has beside meaning and words: names, threads, the graph, profiles, age, importance.

Each adds a term to candidates; what the terms weigh is in `domain/fusion.py`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from neural_memory_pipelines.domain.fusion import Weights
from neural_memory_pipelines.domain.ranking import recency
from neural_memory_pipelines.retrieval.candidates import Candidate
from neural_memory_pipelines.retrieval.graph_bias import Seed, graph_bias
from neural_memory_pipelines.retrieval.profile_similarity import NearEntity, profile_similarity
from neural_memory_pipelines.retrieval.thread_context import ReplyInThread, blended
from neural_memory_pipelines.retrieval.understanding import Understood
from neural_memory_pipelines.stores.postgres.engine import Transaction
from neural_memory_pipelines.stores.postgres.ranking_signals import ranking_signals

_BEST_AS_SEEDS = 3
_SECONDS_A_DAY = 86_400


def add_identified(candidates: Iterable[Candidate], understood: Understood, weights: Weights) -> None:
    """Add a term to what the question names by its identifier, and half of it to what belongs to that."""
    values: dict[str, float] = {}
    for one in understood.identified:
        values[one.document_id] = max(values.get(one.document_id, 0.0), 0.5 if one.is_below else 1.0)
    for candidate in candidates:
        if candidate.key in values:
            candidate.add("identifier", values[candidate.key], weights.identifier)


def add_threads(by_key: Mapping[str, Candidate], replies: Sequence[ReplyInThread], weights: Weights) -> None:
    """Lift short replies towards the score of the thread that they stand in."""
    for placed in replies:
        candidate = by_key.get(placed.reply.document_id)
        if candidate is None:
            continue
        own = candidate.score
        lifted = blended(own, placed.thread_score, share=weights.thread) - own
        if lifted > 0:
            candidate.add("thread", lifted / weights.thread, weights.thread)


def add_graph(
    tx: Transaction,
    documents: Sequence[Candidate],
    understood: Understood,
    weights: Weights,
    *,
    include_private: bool,
) -> None:
    """Lift what is near, in the graph, to what the question names and to the best candidates so far.

    What is near to a document is lifted towards that document's score, and never above it: else a page that many
    others link to would fall behind them.
    """
    seeds = [Seed(one.kind, one.entity_id) for one in understood.named]
    seeds += [Seed("document", one.document_id) for one in understood.identified if not one.is_below]
    best = sorted(documents, key=lambda candidate: (-candidate.score, candidate.key))[:_BEST_AS_SEEDS]
    most = max((candidate.score for candidate in best), default=0.0)
    seeds += [Seed("document", candidate.key, candidate.score / most) for candidate in best if candidate.score > 0]
    biases = graph_bias(tx, seeds, [candidate.key for candidate in documents], include_private=include_private)
    scores = {candidate.key: candidate.score for candidate in documents}
    for candidate in documents:
        bias = biases.get(candidate.key)
        if bias is None:
            continue
        # What is named and is no candidate has no score to be lifted to: nearness to it counts as it is.
        below = scores[bias.seed] - candidate.score if bias.seed in scores else 1.0
        if below > 0:
            candidate.add("graph", bias.value * below, weights.graph)
            candidate.edges = bias.edges


def add_profiles(tx: Transaction, documents: Sequence[Candidate], near: Sequence[NearEntity], weights: Weights) -> None:
    """Lift documents of the people and things whose profiles are like the question."""
    matches = profile_similarity(tx, near, [candidate.key for candidate in documents])
    for candidate in documents:
        if match := matches.get(candidate.key):
            candidate.add("profile", match.value, weights.profile)


def add_signals(
    tx: Transaction, documents: Sequence[Candidate], weights: Weights, *, now: datetime, include_private: bool
) -> None:
    """Add how recent and how important documents are."""
    known = ranking_signals(tx, [candidate.key for candidate in documents], include_private=include_private)
    for candidate in documents:
        if signals := known.get(candidate.key):
            age_days = (now - signals.occurred_at).total_seconds() / _SECONDS_A_DAY
            candidate.add("recency", recency(age_days), weights.recency)
            candidate.add("importance", signals.importance, weights.importance)

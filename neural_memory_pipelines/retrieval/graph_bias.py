"""How near documents are, in the graph, to what a question names and to the best that it has found so far.

It gives a number and the edges behind it; what the number weighs is decided in `search.py`.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from neural_memory_pipelines.domain.graph import NodeKind
from neural_memory_pipelines.retrieval.answers import UsedEdge
from neural_memory_pipelines.stores.postgres.engine import Transaction
from neural_memory_pipelines.stores.postgres.graph_walk import (
    Statement,
    Tie,
    statements_of,
    ties_between,
    ties_to_documents,
)

# Source: DESIGN section 8.
_ONE_HOP, _TWO_HOPS = 1.0, 0.6
# Measured on 20,000 documents with 120,000 edges, one node with 10,000 of them, and 300 candidates: 10 ms for 10 seeds,
# 26 ms for 50. On the sample three candidates as seeds ranked better than ten.
_MOST_SEEDS = 16
# What is tied to more than so many carries next to nothing: see `graph_bias`.
_MOST_TIES = 128
_LEAST_STRENGTH = 0.02
# One document that settles, blocks or replaces another answers with it; one that mentions it may do so for any reason.
_CLOSE = frozenset({"RESOLVES", "BLOCKED_BY", "SUPERSEDES", "IMPLEMENTS", "DUPLICATES"})
_LOOSE = 0.3


@dataclass(frozen=True, slots=True)
class Seed:
    """A node that nearness counts from: a document, or an entity. `weight` is 0..1: how sure it is that it is meant."""

    kind: str
    id: str
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class Bias:
    """How near a document is, 0..1, and the strongest path to it: the id of the seed that it begins at, its edges."""

    value: float
    seed: str
    edges: tuple[UsedEdge, ...]


@dataclass(frozen=True, slots=True)
class _Path:
    """From a seed to a document, over one tie or two; `strength` is 0..1."""

    seed: str
    document: str
    strength: float
    ties: tuple[Tie, ...]


def graph_bias(
    tx: Transaction, seeds: Sequence[Seed], documents: Sequence[str], *, include_private: bool
) -> dict[str, Bias]:
    """Tell how near documents are to seeds.

    Args:
        tx: of the workspace.
        seeds: the weightiest sixteen count.
        documents: ids; those that nothing ties to a seed are missing from the answer.
        include_private: also by edges that only private documents state.

    A path of one edge carries the weight of its seed times the confidence of the edge; 0.3 of that between documents,
    unless the edge says that one settles, blocks or replaces the other. One of two edges carries 0.6 of that, divided
    by log2(2 + degree) of the node between: what is tied to all says little of each. (Without, nDCG@10 of the sample
    fell by 0.03; a square root in place of the logarithm gave the same.) A document is not near itself. Of the paths
    from one seed the strongest counts, and of all seeds together `1 - product(1 - strength)`: more paths bring nearer,
    and no number of them beyond 1. A degree counts hidden edges too.
    """
    weights = _weights(seeds)
    named = {seed.id for seed in seeds if seed.kind != NodeKind.DOCUMENT}
    found = ties_between(tx, list(weights), documents, most_ties=_MOST_TIES)
    paths = list(_paths(weights, named, set(documents), found))
    ties = {tie.edge_id: tie for path in paths for tie in path.ties}
    statements = statements_of(tx, list(ties.values()), include_private=include_private)
    strongest: dict[str, dict[str, _Path]] = defaultdict(dict)
    for path in sorted(paths, key=_order):
        if all(tie.edge_id in statements for tie in path.ties):
            strongest[path.document].setdefault(path.seed, path)
    return {document: _bias(by_seed.values(), statements) for document, by_seed in strongest.items()}


def neighbours(tx: Transaction, seeds: Sequence[Seed], *, limit: int, include_private: bool) -> list[str]:
    """List documents that are tied to seeds, the surest first and then the latest, and none that is a seed.

    A seed of more than 128 ties, such as a busy person, has no neighbours here: its name narrows nothing down.
    """
    weights = _weights(seeds)
    ties = ties_to_documents(tx, list(weights), most_ties=_MOST_TIES)
    visible = statements_of(tx, ties, include_private=include_private)
    sure: dict[str, float] = {}
    for tie in ties:
        if tie.edge_id in visible and tie.far_id not in weights:
            sure[tie.far_id] = max(sure.get(tie.far_id, 0.0), weights[tie.near_id] * tie.confidence)
    return sorted(sure, key=lambda document: -sure[document])[:limit]  # stable: the latest first


def _weights(seeds: Sequence[Seed]) -> dict[str, float]:
    weights: dict[str, float] = {}
    for seed in sorted(seeds, key=lambda seed: (-seed.weight, seed.id))[:_MOST_SEEDS]:
        if seed.weight > 0:
            weights.setdefault(seed.id, min(seed.weight, 1.0))
    return weights


def _paths(weights: Mapping[str, float], named: set[str], documents: set[str], ties: Sequence[Tie]) -> Iterator[_Path]:
    """Put ties together to paths from seeds to documents."""
    onwards: dict[str, list[Tie]] = defaultdict(list)
    for tie in ties:
        if tie.hop > 1:
            onwards[tie.near_id].append(tie)
    for first in ties:
        if first.hop > 1:
            continue
        seed, carried = first.near_id, weights[first.near_id] * first.confidence
        carried *= 1.0 if seed in named else _closeness(first)
        if first.far_id in documents:
            yield _Path(seed, first.far_id, _ONE_HOP * carried, (first,))
        for last in onwards[first.far_id]:
            strength = _TWO_HOPS * carried * last.confidence * _closeness(last) / _damping(last.degree)
            if last.far_id != seed and strength >= _LEAST_STRENGTH:
                yield _Path(seed, last.far_id, strength, (first, last))


def _closeness(tie: Tie) -> float:
    return 1.0 if tie.type in _CLOSE else _LOOSE


def _damping(degree: int | None) -> float:
    return math.log2(2 + degree) if degree is not None else math.inf


def _order(path: _Path) -> tuple[float, int, list[str]]:
    return -path.strength, len(path.ties), [tie.edge_id for tie in path.ties]


def _bias(paths: Iterable[_Path], statements: Mapping[str, Statement]) -> Bias:
    ordered = sorted(paths, key=_order)
    value = 1 - math.prod(1 - path.strength for path in ordered)
    return Bias(
        value, ordered[0].seed, tuple(_used(tie, hops, statements) for hops, tie in enumerate(ordered[0].ties, 1))
    )


def _used(tie: Tie, hops: int, statements: Mapping[str, Statement]) -> UsedEdge:
    statement = statements[tie.edge_id]
    return UsedEdge(tie.type, statement.origin, statement.target, hops, tie.edge_id, statement.because)

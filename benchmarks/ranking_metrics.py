"""What a ranking is worth, and how sure that is. Nothing is ranked here."""

from __future__ import annotations

import math
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

TOP = 10
_RESAMPLES = 10_000
_SEED = 7
_BOUNDS_PERCENT = (2.5, 97.5)

Values = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Difference:
    """A mean of differences by question, and the bounds within which 95 % of its resamples lie."""

    mean: float
    low: float
    high: float


def ndcg(ranked: Sequence[str], right: AbstractSet[str]) -> float:
    """Give nDCG@10 with gains of 1, 0..1: the sum of 1 / log2(place + 1) over right places, by that of the best order.

    Source: K. Jaervelin, J. Kekaelaeinen, Cumulated gain-based evaluation of IR techniques, ACM TOIS 20(4), 2002; as
    trec_eval's ndcg_cut, which BEIR uses.
    """
    gained = math.fsum(1 / math.log2(place + 1) for place, key in enumerate(ranked[:TOP], 1) if key in right)
    best = math.fsum(1 / math.log2(place + 1) for place in range(1, min(len(right), TOP) + 1))
    return gained / best


def recall(ranked: Sequence[str], right: AbstractSet[str]) -> float:
    """Give recall@10, 0..1: how many of all right ones are among the first ten."""
    return len(right & set(ranked[:TOP])) / len(right)


def standard_error(values: Values) -> float:
    """Estimate by how much a mean over questions would vary with other questions of the kind: deviation / sqrt(n)."""
    return float(values.std(ddof=1) / math.sqrt(len(values)))


def difference(values: Values, others: Values) -> Difference:
    """Compare two ways of ranking question by question: the mean difference, and its bootstrap interval of 95 %.

    Source: B. Efron, R. Tibshirani, An Introduction to the Bootstrap, 1993, chapter 13 (percentile interval);
    T. Sakai, Evaluating evaluation metrics based on the bootstrap, SIGIR 2006 (over questions, paired).
    """
    differences = values - others
    chance = np.random.default_rng(_SEED)
    picked = chance.integers(len(differences), size=(_RESAMPLES, len(differences)))
    low, high = np.percentile(differences[picked].mean(axis=1), _BOUNDS_PERCENT)
    return Difference(float(differences.mean()), float(low), float(high))

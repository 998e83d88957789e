"""Scores of several rankings made one: standardized over candidates, weighted, added up. Nothing is searched here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

_LEAST_SPREAD = 1e-9  # less than that is rounding


@dataclass(frozen=True, slots=True)
class Weights:
    """What each term of a score weighs, in standard deviations of the candidates' scores.

    How they were found, and what others give, is in docs/evaluation.md.

    Attributes:
        vector, words: of the standardized scores by meaning and by words.
        graph, profile, recency, importance: of values 0..1.
        identifier: of being named by an identifier, 1, or belonging to what is, 1/2.
        thread: the share that a short reply takes of the score of what it replies to, 0..1.
        summary: added for summaries, which say much and answer little.
    """

    vector: float = 0.5
    words: float = 0.5
    graph: float = 0.6
    profile: float = 0.1
    recency: float = 0.1
    importance: float = 0.05
    identifier: float = 3.0
    thread: float = 0.3
    summary: float = -1.0


@dataclass(frozen=True, slots=True)
class Scale:
    """The mean and standard deviation of scores, and the lowest of them."""

    mean: float
    deviation: float
    lowest: float

    def standardized(self, value: float | None) -> float:
        """Give a score as its distance from the mean in standard deviations; a missing one is as low as the lowest.

        Where all scores were alike, all are 0: they tell nothing apart.
        """
        if not self.deviation:
            return 0.0
        return ((self.lowest if value is None else value) - self.mean) / self.deviation


def scale_of(values: Sequence[float | None]) -> Scale:
    """Measure the scores of candidates; a missing one counts as the lowest."""
    known = [value for value in values if value is not None]
    if not known:
        return Scale(0.0, 0.0, 0.0)
    lowest = min(known)
    filled = np.array([lowest if value is None else value for value in values])
    deviation = float(filled.std())
    is_one = deviation <= _LEAST_SPREAD * max(1.0, abs(lowest))
    return Scale(float(filled.mean()), 0.0 if is_one else deviation, lowest)

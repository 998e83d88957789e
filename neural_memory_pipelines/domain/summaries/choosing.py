"""Chooses the sentences of an extractive summary by their vectors: central to the topic, and not saying it twice.

Where the vectors come from is not known here.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from neural_memory_pipelines.domain.summaries.candidates import Candidate
from neural_memory_pipelines.domain.summaries.evidence import (
    DEFAULT_LIMITS,
    Sentence,
    SummaryLimits,
    chronological,
    render,
)
from neural_memory_pipelines.errors import PermanentError

FloatArray = npt.NDArray[np.float64]

# Found with benchmarks/summaries.py: more diversity loses keywords of the topic, less repeats itself.
RELEVANCE_SHARE = 0.45
_IMPORTANCE_WEIGHT = 0.3
_LEAD_WEIGHT = 0.15
_DANGLING_WEIGHT = 0.3
_FRAGMENT_WEIGHT = 0.2  # an item of a list that goes on from the line above it
_SHORT_WEIGHT, _SHORT_CHARS = 0.3, 60
_DECIMALS = 9  # beyond these, sums depend on the machine
# What such a sentence speaks of stands in the one before it, or is asked of somebody.
_DANGLING = re.compile(
    r"(?:this|that|these|those|it|they|he|she|his|her|their|its|but|and|so|then|also|still|or|such|both|neither|however"
    r"|therefore|otherwise|instead|yes|no|ok|okay|thanks|thank you)\b",
    re.IGNORECASE,
)


@dataclass(slots=True)
class _Choice:
    """What is chosen so far, and in which of its forms."""

    limits: SummaryLimits
    picked: dict[int, tuple[Candidate, int]] = field(default_factory=dict)

    def sentences(self) -> tuple[Sentence, ...]:
        return _sentences(self.picked.values())

    def add(
        self,
        at: int,
        candidate: Candidate,
        *,
        most_sentences: int,
        first_level: int = 0,
        reserved: Sequence[Candidate] = (),
    ) -> None:
        """Take a candidate in the fullest form that fits, with room for the reserved ones beside it, or leave it."""
        others = [pick for key, pick in self.picked.items() if key != at]
        others += [(reserve, 0) for reserve in reserved]
        for level in range(first_level, len(candidate.forms)):
            sentences = _sentences([*others, (candidate, level)])
            if len(sentences) <= most_sentences and len(render(sentences)) <= self.limits.most_chars:
                self.picked[at] = candidate, level
                return


def _sentences(picked: Iterable[tuple[Candidate, int]]) -> tuple[Sentence, ...]:
    chosen = sorted(picked, key=lambda pick: pick[0].rank)
    return chronological(sentence for candidate, level in chosen for sentence in candidate.spelled(level))


def choose_sentences(
    candidates: Sequence[Candidate],
    vectors: npt.NDArray[np.floating],
    *,
    limits: SummaryLimits = DEFAULT_LIMITS,
) -> tuple[Sentence, ...]:
    """Choose the sentences of a summary: first what was settled, then what is central to the topic and new.

    Relevance is the mean cosine to all other candidates, scaled to 0..1, with a bonus for importance and for the first
    sentence of an observation, and less for one that leans on the one before it, begins in the middle or says little.
    Each next sentence has the greatest `0.45 * relevance - 0.55 * (greatest cosine to a chosen one)`. Among what was
    settled, likeness is no fault: a decision and its reversal speak of the same things.

    Args:
        candidates: what there is to choose from, in any order.
        vectors: of their texts, shape (candidates, dim).
        limits: how large the summary may be.

    Returns:
        The sentences in the order of their times; the same for any order of the candidates. Fewer than
        `limits.least_sentences` only if there are no more, or they are too long to stand together.

    Source:
        Maximal marginal relevance: Carbonell and Goldstein, SIGIR 1998, doi.org/10.1145/290941.291025. Degree
        centrality of sentences: Erkan and Radev, JAIR 22 (2004), arxiv.org/abs/1109.2128.
    """
    if len(vectors) != len(candidates):
        raise PermanentError(f"{len(candidates)} candidates have {len(vectors)} vectors: give one to each")
    order = sorted(range(len(candidates)), key=lambda at: candidates[at].rank)
    ranked = [candidates[at] for at in order]
    if not ranked:
        return ()
    cosines = _cosines(np.asarray(vectors, dtype=np.float64)[order])
    relevance = _relevance(ranked, cosines)
    choice = _Choice(limits)
    settled = [at for at, candidate in enumerate(ranked) if candidate.settles]
    _pick_settled(choice, ranked, sorted(settled, key=lambda at: (-relevance[at], at)))
    _pick_others(choice, ranked, relevance, cosines)
    return choice.sentences()


def _cosines(vectors: FloatArray) -> FloatArray:
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    unit = np.divide(vectors, norms, out=np.zeros_like(vectors), where=norms > 0)
    cosines: FloatArray = np.round(unit @ unit.T, _DECIMALS)
    return cosines


def _relevance(ranked: Sequence[Candidate], cosines: FloatArray) -> FloatArray:
    centrality = (cosines.sum(axis=1) - cosines.diagonal()) / max(len(ranked) - 1, 1)
    span = float(np.ptp(centrality))
    scaled = (centrality - centrality.min()) / span if span > 0 else np.ones(len(ranked))
    bonus = [
        _IMPORTANCE_WEIGHT * candidate.importance
        + _LEAD_WEIGHT * (candidate.position == 0)
        - _DANGLING_WEIGHT * (_DANGLING.match(candidate.text) is not None)
        - _FRAGMENT_WEIGHT * candidate.text[0].islower()
        - _SHORT_WEIGHT * max(0.0, 1 - len(candidate.text) / _SHORT_CHARS)
        for candidate in ranked
    ]
    relevance: FloatArray = np.round(scaled + np.array(bonus), _DECIMALS)
    return relevance


def _pick_settled(choice: _Choice, ranked: Sequence[Candidate], settled: Sequence[int]) -> None:
    """Pick what was settled, the most relevant first: each in short rather than not at all."""
    limits = choice.limits
    most = limits.most_settled if len(settled) < len(ranked) else limits.most_sentences
    levels = range(len(ranked[0].forms))
    fits = (level for level in levels if sum(len(ranked[at].forms[level]) for at in settled) <= most)
    level = next(fits, levels[-1])
    for at in settled:
        choice.add(at, ranked[at], most_sentences=most, first_level=level)
    for at in settled:  # what room is left goes to what tells more about them
        if level and at in choice.picked:
            choice.add(at, ranked[at], most_sentences=limits.most_sentences)


def _pick_others(choice: _Choice, ranked: Sequence[Candidate], relevance: FloatArray, cosines: FloatArray) -> None:
    """Pick what is relevant and new, with room kept for the least number of sentences, if there can be so many."""
    limits = choice.limits
    wanted = _wanted_sentences(ranked, len(choice.sentences()), limits)
    others = [at for at, candidate in enumerate(ranked) if not candidate.settles]
    for keeps_room in (True, False):
        left = [at for at in others if at not in choice.picked]
        while left and (count := len(choice.sentences())) < (wanted if keeps_room else limits.least_sentences):
            at = max(left, key=lambda at: _marginal(at, choice, relevance, cosines))
            left.remove(at)
            missing = max(limits.least_sentences - count - 1, 0) if keeps_room else 0
            shortest = sorted((ranked[other] for other in left), key=lambda candidate: len(candidate.text))[:missing]
            choice.add(at, ranked[at], most_sentences=wanted, reserved=shortest)


def _marginal(at: int, choice: _Choice, relevance: FloatArray, cosines: FloatArray) -> float:
    likeness = max((float(cosines[at, other]) for other in choice.picked), default=0.0)
    return round(RELEVANCE_SHARE * float(relevance[at]) - (1 - RELEVANCE_SHARE) * likeness, _DECIMALS)


def _wanted_sentences(ranked: Sequence[Candidate], settled_sentences: int, limits: SummaryLimits) -> int:
    """Let a summary grow with the logarithm of what it stands for: 3 observations give 3 sentences, 32 give 7."""
    observations = len({key for candidate in ranked for key in candidate.observation_ids})
    wanted = max(limits.least_sentences, settled_sentences + 2, 2 + round(math.log2(observations)))
    return min(limits.most_sentences, wanted)

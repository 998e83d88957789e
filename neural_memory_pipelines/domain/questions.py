"""Questions with known answers: where the first right one stands in a ranking, and how good that is.

Nothing is asked here.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Protocol, TypeAlias

from neural_memory_pipelines.domain.ids import ContentHash, Json, hash_json

SMOKE_TAG = "smoke"
"""Marks the few questions that tell whether a memory answers at all."""

_SMOKE_QUESTIONS = 5


@dataclass(frozen=True, slots=True)
class ExpectedSource:
    """A document that answers a question by itself, as its source calls it."""

    source: str
    source_id: str


@dataclass(frozen=True, slots=True)
class ExpectedEvidence:
    """What answers a question by itself, by our id: an observation, a chunk, a summary or a document.

    Search shows each document once, by what of it fits best: an observation or a chunk is found where its document is.
    """

    evidence: str


Expected: TypeAlias = ExpectedSource | ExpectedEvidence


@dataclass(frozen=True, slots=True)
class Question:
    """A question, and the answers of which each is right. `weight` is above 0: how much it counts among others."""

    id: str
    text: str
    expects: tuple[Expected, ...]
    tags: tuple[str, ...] = ()
    weight: float = 1.0


class Ranked(Protocol):
    """What a ranking shows at a place."""

    @property
    def id(self) -> str:
        """Of what says it."""
        ...

    @property
    def document_id(self) -> str:
        """Of the document that it stands in."""
        ...

    @property
    def source(self) -> str:
        """The system of that document."""
        ...

    @property
    def source_id(self) -> str:
        """How that system calls it."""
        ...

    @property
    def evidence(self) -> Sequence[str]:
        """Ids of the observations that a summary cites."""
        ...


class Placed(Protocol):
    """A question that was asked."""

    @property
    def weight(self) -> float:
        """How much it counts."""
        ...

    @property
    def place(self) -> int | None:
        """Of its first right answer, from 1; None if there was none."""
        ...


@dataclass(frozen=True, slots=True)
class Answered:
    """How much a question counts, and where its first right answer stood, from 1; None if there was none."""

    weight: float
    place: int | None


@dataclass(frozen=True, slots=True)
class Quality:
    """How well questions were answered: 0..1, weighted by question; see `quality_of`."""

    questions: int
    recall_at_5: float
    recall_at_10: float
    ndcg_at_10: float
    mrr_at_10: float


def spell_expected(expected: Expected) -> dict[str, str]:
    """Spell an expected answer as JSON: `source` and `source_id`, or `evidence`."""
    return asdict(expected)


def read_expected(spelled: Mapping[str, str]) -> Expected:
    """Read an expected answer as `spell_expected` writes it."""
    if "evidence" in spelled:
        return ExpectedEvidence(spelled["evidence"])
    return ExpectedSource(spelled["source"], spelled["source_id"])


def answers_key(text: str, expects: Sequence[Expected]) -> ContentHash:
    """Hash a question with its right answers, in any order: two runs that asked it so asked the same."""
    answers: list[Json] = [*sorted((spell_expected(it) for it in expects), key=lambda it: sorted(it.items()))]
    return hash_json([text, answers])


def questions_hash(questions: Sequence[Question]) -> ContentHash:
    """Hash questions with their answers and weights, in any order: what runs that asked the same have in common."""
    spelled: list[Json] = [[it.id, answers_key(it.text, it.expects), it.weight] for it in questions]
    return hash_json(sorted(spelled, key=repr))


def smoke_questions(questions: Sequence[Question]) -> list[Question]:
    """Pick those that tell whether a memory answers at all: those tagged `smoke`, else the five that weigh most."""
    tagged = [question for question in questions if SMOKE_TAG in question.tags]
    return tagged or sorted(questions, key=lambda it: (-it.weight, it.id))[:_SMOKE_QUESTIONS]


def place_of_answer(
    expects: Sequence[Expected], ranked: Sequence[Ranked], *, documents: Mapping[str, str]
) -> int | None:
    """Find the place of the first right answer, from 1.

    A place is right if its document is expected by source, if it or its document is the expected evidence or holds it,
    or if it is a summary that cites the expected observation.

    Args:
        expects: the right answers.
        ranked: what was shown, best first.
        documents: the documents that expected chunks and observations stand in, by their ids.
    """
    sources = {(it.source, it.source_id) for it in expects if isinstance(it, ExpectedSource)}
    evidence = {it.evidence for it in expects if isinstance(it, ExpectedEvidence)}
    evidence |= {documents[key] for key in evidence if key in documents}

    def is_right(hit: Ranked) -> bool:
        ids = {hit.id, hit.document_id, *hit.evidence}
        return (hit.source, hit.source_id) in sources or not evidence.isdisjoint(ids)

    return next((place for place, hit in enumerate(ranked, 1) if is_right(hit)), None)


def quality_of(asked: Sequence[Placed]) -> Quality:
    """Sum up where the first right answers stood; what stands below the tenth place is not found.

    Each expected answer answers by itself, so one right place is all that is asked for. Hence, each a mean over the
    questions by weight:

    - recall@k: 1 if the first right answer is among the first k, else 0. With one right place that is what the
      literature calls recall, and also the success (or hit rate) at k.
    - nDCG@10: 1 / log2(place + 1), for the ideal ranking has the answer at the first place, with a gain of 1.
    - MRR@10: 1 / place.

    Source: K. Jaervelin, J. Kekaelaeinen, Cumulated gain-based evaluation of IR techniques, ACM TOIS 20(4), 2002;
    E. Voorhees, The TREC-8 Question Answering Track Report, 1999 (reciprocal rank).
    """
    total = sum(each.weight for each in asked)
    found = [(each.weight, each.place) for each in asked if each.place and each.place <= 10]

    def mean(gains: Sequence[float]) -> float:
        return math.fsum(gains) / total if total else 0.0

    return Quality(
        questions=len(asked),
        recall_at_5=mean([weight for weight, place in found if place <= 5]),
        recall_at_10=mean([weight for weight, _ in found]),
        ndcg_at_10=mean([weight / math.log2(place + 1) for weight, place in found]),
        mrr_at_10=mean([weight / place for weight, place in found]),
    )

"""Questions with known answers, and how well a ranking answers them. Nothing is asked here."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ExpectedSource:
    """A document that answers a question by itself."""

    source: str
    source_id: str


@dataclass(frozen=True, slots=True)
class Question:
    """A question, and the documents of which each answers it."""

    id: str
    text: str
    expects: tuple[ExpectedSource, ...]
    tags: tuple[str, ...] = ()
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class Answered:
    """Where the first right document stood among the answers to a question, from 1; None if there was none."""

    question: Question
    place: int | None


@dataclass(frozen=True, slots=True)
class Quality:
    """How well questions were answered: shares 0..1, weighted by question."""

    questions: int
    recall_at_10: float
    ndcg_at_10: float


def place_of_answer(question: Question, ranked: Sequence[tuple[str, str]]) -> Answered:
    """Find the first right document in a ranking of (source, source_id)."""
    right = {(expected.source, expected.source_id) for expected in question.expects}
    return Answered(question, next((place for place, key in enumerate(ranked, 1) if key in right), None))


def quality_of(answers: Sequence[Answered], *, top: int = 10) -> Quality:
    """Sum up answers.

    Each expected document answers by itself, so one relevant place counts: recall is the share of questions with a
    right document among the first `top`, and the ideal ranking has it at the first place.

    Source: K. Jaervelin, J. Kekaelaeinen, Cumulated gain-based evaluation of IR techniques, ACM TOIS 20(4), 2002.
    """
    total = sum(answer.question.weight for answer in answers)
    if not total:
        return Quality(len(answers), 0.0, 0.0)
    found = [(answer.question.weight, answer.place) for answer in answers if answer.place and answer.place <= top]
    return Quality(
        questions=len(answers),
        recall_at_10=sum(weight for weight, _ in found) / total,
        ndcg_at_10=sum(weight / math.log2(place + 1) for weight, place in found) / total,
    )

"""The sample workspace's questions: how many each way of searching answers, and what each term is worth.

What a right answer is, is decided in `domain/questions.py`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from product_rankings import Searched, searched

from neural_memory_pipelines.cli.question_files import read_questions
from neural_memory_pipelines.domain.fusion import Weights
from neural_memory_pipelines.domain.ids import WorkspaceId
from neural_memory_pipelines.domain.questions import Question, place_of_answer, quality_of
from neural_memory_pipelines.local.session import Session
from neural_memory_pipelines.retrieval.answers import Mode
from neural_memory_pipelines.retrieval.search import WEIGHTS

_QUESTIONS = Path(__file__).resolve().parents[1] / "samples" / "harbor" / "questions.yaml"
_LOOKED_AT = 200  # places, where a right answer is not among the first ten
_FOUND_WITHIN = 5


@dataclass(frozen=True, slots=True)
class Asked:
    """A question that was asked, and the place of its first right answer among ten, from 1; None if there was none."""

    question: Question
    place: int | None

    @property
    def weight(self) -> float:
        """How much it counts."""
        return self.question.weight


def sample_report(session: Session, workspace: WorkspaceId) -> dict[str, Any]:
    """Ask all questions by each way of searching, and then without each term of the score."""
    asked = searched(session, workspace, now=datetime.now(UTC))
    questions = read_questions(_QUESTIONS)
    answered = {mode: _ask(asked, questions, mode=mode) for mode in Mode}
    return {
        "questions": len(questions),
        "ways": {str(mode): _worth(answers) for mode, answers in answered.items()},
        "missed": {str(mode): _missed(asked, mode, answers) for mode, answers in answered.items()},
        "without": {
            term: _worth(_ask(asked, questions, weights=replace(WEIGHTS, **{term: 0.0})))
            for term in (each.name for each in fields(Weights))
        },
    }


def print_sample(told: Mapping[str, Any]) -> None:
    """Print a report as tables."""
    head = "recall@5 | recall@10 | nDCG@10 | MRR@10 |\n|---|---:|---:|---:|---:|"
    print(f"{told['questions']} questions, asked as an ordinary reader\n\n| way | {head}")
    for mode, worth in told["ways"].items():
        print(f"| {mode} | {_row(worth)} |")
    for mode, missed in told["missed"].items():
        print(f"\nNot among the first {_FOUND_WITHIN} by {mode}: {len(missed)}")
        for each in missed:
            print(f"- {each['id']} (first right answer at {each['place'] or 'no place'}): {each['question']}")
    print(f"\n| hybrid without | {head}")
    for term, worth in told["without"].items():
        print(f"| {term} ({getattr(WEIGHTS, term)}) | {_row(worth)} |")


def _ask(
    asked: Searched, questions: Sequence[Question], *, mode: Mode = Mode.HYBRID, weights: Weights = WEIGHTS
) -> list[Asked]:
    return [
        Asked(
            question,
            place_of_answer(question.expects, asked.hits(question.text, mode=mode, weights=weights), documents={}),
        )
        for question in questions
    ]


def _worth(answers: Sequence[Asked]) -> dict[str, float]:
    worth = asdict(quality_of(answers))
    return {name: 100 * worth[name] for name in ("recall_at_5", "recall_at_10", "ndcg_at_10", "mrr_at_10")}


def _missed(asked: Searched, mode: Mode, answers: Sequence[Asked]) -> list[dict[str, Any]]:
    return [
        {
            "id": each.question.id,
            "question": each.question.text,
            "place": each.place
            or place_of_answer(
                each.question.expects, asked.hits(each.question.text, mode=mode, limit=_LOOKED_AT), documents={}
            ),
        }
        for each in answers
        if each.place is None or each.place > _FOUND_WITHIN
    ]


def _row(worth: Mapping[str, float]) -> str:
    return " | ".join(f"{value:.1f}" for value in worth.values())

"""Compares two runs of evaluation on the questions that both asked, and tells whether that is a regression.

Which runs are compared is decided by the steps; nothing is read or written here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from neural_memory_pipelines.domain.evaluation import EvalRun, Metrics, QuestionResult, ShownHit, Suite
from neural_memory_pipelines.domain.evaluation_settings import EvaluationSettings
from neural_memory_pipelines.domain.questions import Answered, Quality, answers_key, quality_of

MEASURES: Mapping[str, str] = {
    "recall_at_5": "recall@5",
    "recall_at_10": "recall@10",
    "ndcg_at_10": "nDCG@10",
    "mrr_at_10": "MRR@10",
}
"""What tells how good answers are, and how people write it; fields of `Quality` and `Metrics`."""

_NOT_FOUND = 11  # a place after the last that counts
_ROUNDING = 1e-6  # places are exact; weights went through four bytes


@dataclass(frozen=True, slots=True)
class Change:
    """A question that is answered later or earlier than before.

    Attributes:
        question_id, question: as asked.
        place, place_before: of the first right answer, from 1; None if there was none among the first ten.
        first: what stands first now; None if nothing was shown.
    """

    question_id: str
    question: str
    place: int | None
    place_before: int | None
    first: ShownHit | None

    @property
    def is_lost(self) -> bool:
        """Whether it was answered, and is no longer."""
        return self.place is None and self.place_before is not None

    @property
    def fallen(self) -> int:
        """By how many places it fell; below 0 if it rose."""
        return (self.place or _NOT_FOUND) - (self.place_before or _NOT_FOUND)


@dataclass(frozen=True, slots=True)
class Comparison:
    """A run beside an earlier one, or beside one at another version, on the questions that both asked.

    Attributes:
        baseline_id, baseline_version, baseline_at: the other run.
        shared: how many questions both asked, with the same right answers.
        now, before: how well each answered those; weighted as the questions are now.
        metrics, metrics_before: of each, over all questions that it asked.
        worse: lost questions first, then by how far they fell.
        better: by how far they rose.
    """

    baseline_id: str
    baseline_version: str
    baseline_at: datetime
    shared: int
    now: Quality
    before: Quality
    metrics: Metrics
    metrics_before: Metrics
    worse: tuple[Change, ...]
    better: tuple[Change, ...]

    def loss(self, measure: str) -> float:
        """Tell by how much one of `MEASURES` fell; below 0 if it rose."""
        return float(getattr(self.before, measure) - getattr(self.now, measure))

    @property
    def p95_ms(self) -> float:
        """95th percentile of the time a search took."""
        return self.metrics.latency_p95_ms

    @property
    def p95_before_ms(self) -> float:
        """The same, of the other run."""
        return self.metrics_before.latency_p95_ms

    @property
    def lost_nothing(self) -> bool:
        """Whether none of the measures fell."""
        return all(self.loss(measure) <= _ROUNDING for measure in MEASURES)


@dataclass(frozen=True, slots=True)
class _Pair:
    """A question in both runs, by the weight that it has now."""

    result: QuestionResult
    before: QuestionResult


def compare_runs(run: EvalRun, baseline: EvalRun) -> Comparison | None:
    """Compare a run with another one on the questions that both asked with the same right answers.

    Returns:
        None if those are none, or fewer than half of the questions of the baseline: then it tells nothing.
    """
    asked_before = {(it.question_id, answers_key(it.question, it.expects)): it for it in baseline.results}
    pairs = [
        _Pair(it, before)
        for it in run.results
        if (before := asked_before.get((it.question_id, answers_key(it.question, it.expects))))
    ]
    if not pairs or 2 * len(pairs) < len(baseline.results):
        return None
    changes = [_change(pair) for pair in pairs]
    return Comparison(
        baseline_id=baseline.run_id,
        baseline_version=baseline.embedding_version,
        baseline_at=baseline.at,
        shared=len(pairs),
        now=quality_of([pair.result for pair in pairs]),
        before=quality_of([Answered(pair.result.weight, pair.before.place) for pair in pairs]),
        metrics=run.metrics,
        metrics_before=baseline.metrics,
        worse=_ordered([it for it in changes if it.fallen > 0]),
        better=_ordered([it for it in changes if it.fallen < 0]),
    )


def regressions(
    suite: Suite, metrics: Metrics, comparison: Comparison | None, settings: EvaluationSettings
) -> list[str]:
    """Say what got worse beyond what a workspace allows, a sentence each.

    Args:
        suite: what was asked.
        metrics: of the run.
        comparison: with the accepted run; None if there is none.
        settings: of the workspace.
    """
    said: list[str] = []
    if suite is Suite.SMOKE and metrics.questions and metrics.recall_at_5 < settings.min_smoke_recall_at_5 - _ROUNDING:
        said.append(f"recall@5 is {metrics.recall_at_5:.3f}, at least {settings.min_smoke_recall_at_5:g} is asked for")
    if comparison is None:
        return said
    allowed = {
        "recall_at_5": settings.max_recall_at_5_loss,
        "recall_at_10": settings.max_recall_at_10_loss,
        "ndcg_at_10": settings.max_ndcg_loss,
    }
    said += [
        f"{MEASURES[name]} fell from {getattr(comparison.before, name):.3f} to {getattr(comparison.now, name):.3f}, "
        f"at most {most:g} may be lost"
        for name, most in allowed.items()
        if comparison.loss(name) > most + _ROUNDING
    ]
    return said + _slower(comparison, settings.max_p95_latency_factor)


def _slower(comparison: Comparison, factor: float | None) -> list[str]:
    before_ms, now_ms = comparison.p95_before_ms, comparison.p95_ms
    if factor is None or not 0 < before_ms * factor < now_ms:
        return []
    return [
        f"the 95th percentile of a search's time rose from {before_ms:.0f} to {now_ms:.0f} ms, "
        f"at most {factor:g} times as long is allowed"
    ]


def _change(pair: _Pair) -> Change:
    result = pair.result
    first = result.hits[0] if result.hits else None
    return Change(result.question_id, result.question, result.place, pair.before.place, first)


def _ordered(changes: Sequence[Change]) -> tuple[Change, ...]:
    return tuple(sorted(changes, key=lambda it: (not it.is_lost, -abs(it.fallen), it.question_id)))

"""What a person wants to see of an evaluation in the UI: measures, pictures, worst questions.

Questions are shown by their ids: what they say may be private, and what a materialization shows stays for good.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import dagster as dg

from neural_memory_pipelines.defs.evaluation_pictures import DrawnRun, runs_over_time, versions_side_by_side
from neural_memory_pipelines.defs.metadata import table_of
from neural_memory_pipelines.domain.evaluation import EvalRun, Metrics, QuestionResult, ShownHit, Suite
from neural_memory_pipelines.domain.evaluation_compare import (
    MEASURES,
    Comparison,
    compare_runs,
    regressions,
)
from neural_memory_pipelines.domain.text import clip
from neural_memory_pipelines.errors import NotFoundError
from neural_memory_pipelines.stores.postgres import eval_runs
from neural_memory_pipelines.stores.postgres.engine import Transaction
from neural_memory_pipelines.stores.postgres.eval_runs import RunRow
from neural_memory_pipelines.stores.postgres.evaluation_settings import read_settings

_RUNS_DRAWN = 60
_QUESTIONS_LISTED = 25
_REASONS_LISTED = 25
_REASON_CHARS = 200
_QUESTIONS_NAMED = 10
_NO_PLACE = 11  # after the last that counts

Row = Mapping[str, str | int | float]


@dataclass(frozen=True, slots=True)
class ShownRun:
    """A run that was kept, with its results, and the run that it was compared with, on what both asked."""

    row: RunRow
    run: EvalRun
    baseline: EvalRun | None
    comparison: Comparison | None
    sentences: tuple[str, ...]

    @property
    def is_good(self) -> bool:
        """Whether nothing got worse beyond what is allowed, or somebody accepted that it did."""
        return self.row.passed or self.row.accepted_at is not None


def read_run(tx: Transaction, run_id: str) -> ShownRun:
    """Read a run that was kept.

    Raises:
        NotFoundError: there is none of this id.
    """
    row = eval_runs.find_run(tx, run_id)
    if row is None:
        raise NotFoundError(f"workspace {tx.workspace_id} has no evaluation {run_id!r}")
    run = eval_runs.with_results(tx, row)
    before = eval_runs.find_run(tx, row.compared_with) if row.compared_with else None
    baseline = eval_runs.with_results(tx, before) if before else None
    comparison = compare_runs(run, baseline) if baseline else None
    found = regressions(row.suite, row.metrics, comparison, read_settings(tx))
    return ShownRun(row, run, baseline, comparison, tuple(found))


def evaluation_metadata(tx: Transaction, run_id: str) -> dict[str, Any]:
    """Show a run that was kept: its numbers for the UI to plot, pictures and tables.

    Raises:
        NotFoundError: there is none of this id.
    """
    shown = read_run(tx, run_id)
    row = shown.row
    history = eval_runs.history(tx, row.suite, row.embedding_version, limit=_RUNS_DRAWN)
    drawn = [DrawnRun(it.at, it.metrics, it.passed, it.accepted_at is not None) for it in history]
    metadata: dict[str, Any] = {
        "over_time": dg.MetadataValue.md(runs_over_time(drawn)),
        **_versions_picture(shown.comparison, row.embedding_version),
        "evaluation": run_id,
        "passed": row.passed,
        "accepted": row.accepted_at is not None,
        "asked": "its own questions" if row.are_own else "titles that stand in for questions",
        **_numbers(row.metrics),
        "got_worse": len(row.worse),
        **_compared_metadata(shown),
        "events": sum(_events_of(reason) for reason in row.reasons),
    }
    if shown.sentences and not row.passed:
        metadata["why_not_passed"] = dg.MetadataValue.md("\n".join(f"- {sentence}" for sentence in shown.sentences))
    if worst := worst_questions(shown):
        metadata["worst_questions"] = table_of(worst)
    if row.reasons:
        metadata["reasons"] = table_of([{"reason": _told(reason)} for reason in row.reasons[:_REASONS_LISTED]])
    return metadata


def versions_metadata(tx: Transaction, version: str, served: str) -> dict[str, Any]:
    """Draw what two versions reached when the gate asked them the same questions; nothing if it did not."""
    latest = [eval_runs.latest(tx, Suite.CANARY, name) for name in (version, served)]
    if version == served or not all(latest):
        return {}
    run, other = (eval_runs.with_results(tx, row) for row in latest if row is not None)
    return _versions_picture(compare_runs(run, other), version)


def worst_questions(shown: ShownRun, *, only_worse: bool = False) -> list[Row]:
    """List questions that are not answered at the first place: those that got worse first, then the last places."""
    before = {it.question_id: it.place for it in shown.baseline.results} if shown.baseline else {}
    fallen = {change.question_id: number for number, change in enumerate(shown.row.worse)}

    def key(it: QuestionResult) -> tuple[int, int, str]:
        return fallen.get(it.question_id, len(fallen)), -(it.place or _NO_PLACE), it.question_id

    results = [it for it in shown.run.results if it.question_id in fallen or (it.place != 1 and not only_worse)]
    return [
        {
            "question": it.question_id,
            "place": _place(it.place),
            "place_before": _place(before[it.question_id]) if it.question_id in before else "",
            "stood_first": _named(it.hits[0]) if it.hits else "nothing",
            "tags": ", ".join(it.tags),
            "weight": round(it.weight, 4),
        }
        for it in sorted(results, key=key)[:_QUESTIONS_LISTED]
    ]


def told_regression(shown: ShownRun) -> str:
    """Say in a sentence what got worse, with the questions and both places of each."""
    named = ", ".join(
        f"{change.question_id} ({_place(change.place_before)} to {_place(change.place)})"
        for change in shown.row.worse[:_QUESTIONS_NAMED]
    )
    more = len(shown.row.worse) - _QUESTIONS_NAMED
    parts = [
        *shown.sentences,
        *([f"questions that got worse: {named}{f' and {more} more' if more > 0 else ''}"] if named else []),
    ]
    return "; ".join(parts)


def _numbers(metrics: Metrics) -> dict[str, int | float]:
    return {name: round(value, 4) if isinstance(value, float) else value for name, value in asdict(metrics).items()}


def _compared_metadata(shown: ShownRun) -> dict[str, Any]:
    comparison = shown.comparison
    if comparison is None:
        return {"compared_with": "nothing: no run before asked the same questions"}
    rows: list[Row] = [
        {
            "measure": label,
            "now": round(getattr(comparison.now, name), 4),
            "before": round(getattr(comparison.before, name), 4),
            "difference": round(-comparison.loss(name), 4),
        }
        for name, label in MEASURES.items()
    ]
    rows.append(
        {
            "measure": "p95 of a search, ms",
            "now": round(comparison.p95_ms, 1),
            "before": round(comparison.p95_before_ms, 1),
            "difference": round(comparison.p95_ms - comparison.p95_before_ms, 1),
        }
    )
    return {
        "compared_with": f"{comparison.baseline_id} of {comparison.baseline_at:%Y-%m-%d %H:%M:%S %Z} "
        f"at {comparison.baseline_version}, on {comparison.shared} questions that both asked",
        "differences": table_of(rows),
    }


def _versions_picture(comparison: Comparison | None, version: str) -> dict[str, Any]:
    if comparison is None or comparison.baseline_version == version:
        return {}
    sides = [(comparison.baseline_version, comparison.before), (version, comparison.now)]
    return {"versions": dg.MetadataValue.md(versions_side_by_side(sides))}


def _events_of(reason: Mapping[str, object]) -> int:
    """Count the events that a kept reason stands for: the last one may tell how many there were besides."""
    more = reason.get("more")
    return more if isinstance(more, int) else 1


def _told(reason: Mapping[str, object]) -> str:
    """Spell what an event tells of itself: ids, numbers and times."""
    said = (f"{name} {value}" for name, value in sorted(reason.items()) if isinstance(value, str | int | float))
    return clip(", ".join(said), _REASON_CHARS)


def _named(hit: ShownHit) -> str:
    return f"{hit.kind} of {hit.source} {hit.source_id}" if hit.kind != "summary" else f"summary {hit.id}"


def _place(place: int | None) -> str:
    return str(place or "none")

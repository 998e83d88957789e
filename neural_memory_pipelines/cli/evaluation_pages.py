"""Pages about an evaluation: its measures beside those of the run before, and the questions that fare worst.

What was asked and how it is judged is the part of `steps/evaluation/`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from neural_memory_pipelines.cli.output import err, out, plain, print_table
from neural_memory_pipelines.cli.pages import with_iso_times
from neural_memory_pipelines.domain.evaluation import EvalRun, QuestionResult, ShownHit
from neural_memory_pipelines.domain.evaluation_compare import MEASURES, Change, Comparison
from neural_memory_pipelines.domain.ids import WorkspaceId
from neural_memory_pipelines.domain.text import clip
from neural_memory_pipelines.steps.evaluation.run import Evaluated

_WORST_SHOWN = 20
_GOOD_PLACE = 5
_QUESTION_CHARS = 80
_OF_BOTH = "of both"
_OTHER_MEASURES: Mapping[str, tuple[str, str]] = {
    "latency_p50_ms": ("latency p50, ms", ".0f"),
    "latency_p95_ms": ("latency p95, ms", ".0f"),
    "share_chunks": ("share of chunks", ".2f"),
    "share_observations": ("share of observations", ".2f"),
    "share_summaries": ("share of summaries", ".2f"),
    "unindexed": ("texts not indexed", ",.0f"),
    "staleness_seconds": ("oldest of them, seconds", ",.0f"),
}


def print_evaluation(workspace: WorkspaceId, evaluated: Evaluated, *, beside: str = "accepted") -> None:
    """Show what came of a run: measures side by side, the worst questions first, and whether it passed.

    Args:
        workspace: whose memory was asked.
        evaluated: what came of it.
        beside: what to call the other run.
    """
    run, comparison = evaluated.run, evaluated.comparison
    if run is None:
        out.print(plain(f"{workspace}: {'; '.join(evaluated.notes)}"), markup=False)
        return
    kind = "own questions" if run.are_own else "titles of documents, which stand in for questions"
    title = f"{run.suite} of {workspace} at {run.embedding_version}, by {run.metrics.questions:,} {kind}"
    print_table(title, _measures(run, comparison, beside=beside), whole=["measure"])
    if comparison and comparison.shared != run.metrics.questions:
        out.print(f"({_OF_BOTH}, {beside}, difference: by the {comparison.shared:,} questions that both asked)")
    _print_worst(run, comparison)
    for note in evaluated.notes:
        err.print(plain(f"note: {note}"), markup=False)
    _print_verdict(workspace, evaluated, beside=beside)


def spell_evaluation(workspace: WorkspaceId, evaluated: Evaluated) -> dict[str, Any]:
    """Spell what came of a run for a program."""
    run, comparison = evaluated.run, evaluated.comparison
    if run is None:
        return {"workspace": workspace, "run_id": None, "notes": evaluated.notes}
    spelled: dict[str, Any] = with_iso_times(
        {
            "workspace": workspace,
            **{name: getattr(run, name) for name in ("run_id", "suite", "embedding_version", "at", "are_own")},
            "metrics": asdict(run.metrics),
            "compared_with": _spelled_other(comparison) if comparison else None,
            "passed": evaluated.passed,
            "accepted": evaluated.accepted,
            "regressions": evaluated.regressions,
            "worse": [_spelled_change(change) for change in evaluated.worse],
            "better": [_spelled_change(change) for change in comparison.better] if comparison else [],
            "results": [asdict(result) for result in run.results],
            "notes": evaluated.notes,
        }
    )
    return spelled


def _spelled_other(comparison: Comparison) -> dict[str, Any]:
    return {
        "run_id": comparison.baseline_id,
        "embedding_version": comparison.baseline_version,
        "at": comparison.baseline_at,
        "shared_questions": comparison.shared,
        "measures": {
            name: {
                "now": getattr(comparison.now, name),
                "before": getattr(comparison.before, name),
                "difference": getattr(comparison.now, name) - getattr(comparison.before, name),
            }
            for name in MEASURES
        },
        "metrics": asdict(comparison.metrics_before),
    }


def _spelled_change(change: Change) -> dict[str, Any]:
    return {**asdict(change), "lost": change.is_lost}


def _measures(run: EvalRun, comparison: Comparison | None, *, beside: str) -> list[dict[str, str]]:
    rows = []
    differ = comparison is not None and comparison.shared != run.metrics.questions
    for name, label in MEASURES.items():
        row = {"measure": label, "now": f"{getattr(run.metrics, name):.3f}"}
        if comparison:
            row |= {_OF_BOTH: f"{getattr(comparison.now, name):.3f}"} if differ else {}
            gained = round(-comparison.loss(name), 3) + 0.0  # and no -0.0
            row |= {beside: f"{getattr(comparison.before, name):.3f}", "difference": f"{gained:+.3f}"}
        rows.append(row)
    for name, (label, form) in _OTHER_MEASURES.items():
        now = float(getattr(run.metrics, name))
        row = {"measure": label, "now": format(now, form)}
        if comparison:
            row |= {_OF_BOTH: ""} if differ else {}
            before = float(getattr(comparison.metrics_before, name))
            row |= {beside: format(before, form), "difference": format(now - before, f"+{form}")}
        rows.append(row)
    return rows


def _print_worst(run: EvalRun, comparison: Comparison | None) -> None:
    changes = {change.question_id: change for change in comparison.worse} if comparison else {}
    by_id = {result.question_id: result for result in run.results}
    late = [it for it in run.results if (it.place is None or it.place > _GOOD_PLACE) and it.question_id not in changes]
    late.sort(key=lambda it: (it.place is not None, -(it.place or 0), it.question_id))
    before = "before" if comparison else None
    rows = [_row(by_id[key], change.place_before, before=before) for key, change in changes.items()]
    rows += [_row(it, it.place, before=before) for it in late]
    if not rows:
        out.print(f"all questions are answered among the first {_GOOD_PLACE}, none later than before")
        return
    fallen = f"{len(changes):,} answered later than before, " if comparison else ""
    title = f"worst questions first: {fallen}{len(late):,} not among the first {_GOOD_PLACE}"
    print_table(title, rows[:_WORST_SHOWN], whole=["question id"])
    if len(rows) > _WORST_SHOWN:
        out.print(f"and {len(rows) - _WORST_SHOWN:,} more: see them with --json")


def _row(result: QuestionResult, place_before: int | None, *, before: str | None) -> dict[str, str]:
    row = {
        "question id": result.question_id,
        "question": clip(result.question, _QUESTION_CHARS),
        "place": _place(result.place),
    }
    if before:
        row[before] = _place(place_before)
    return row | {"stood first": _first(result.hits[0] if result.hits else None)}


def _place(place: int | None) -> str:
    return "none" if place is None else str(place)


def _first(hit: ShownHit | None) -> str:
    return f"{hit.source} {hit.source_id}" if hit else "nothing"


def _print_verdict(workspace: WorkspaceId, evaluated: Evaluated, *, beside: str) -> None:
    assert evaluated.run is not None
    run_id = evaluated.run.run_id
    if not evaluated.passed:
        for sentence in evaluated.regressions:
            err.print(plain(f"regression: {sentence}"), markup=False, style="red")
        err.print(
            f"{run_id} is not accepted; if it should be: neural-memory evaluation accept {run_id} -w {workspace}",
            markup=False,
        )
    elif evaluated.comparison is None:
        out.print(f"{run_id}: there was none to compare with; later ones are compared with it", markup=False)
    else:
        other = evaluated.comparison.baseline_id
        out.print(f"{run_id}: nothing got worse beyond what is allowed, against {other} ({beside})", markup=False)

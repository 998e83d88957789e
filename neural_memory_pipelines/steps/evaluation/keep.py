"""Holds a run of evaluation against the accepted one, and keeps it with what came of that.

Nothing is asked here; how runs are compared is in `domain/evaluation_compare.py`.

A run that passes is accepted by itself. That must not let answers get a little worse with each run: a later run is
compared with the last accepted one only if that lost nothing against the one that it was compared with itself, else
with that one. So the run that others are compared with changes only for one that is as good by every measure, and all
runs together can lose what one may, until a person accepts one that lost more.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select

from neural_memory_pipelines.domain.evaluation import EvalRun
from neural_memory_pipelines.domain.evaluation_compare import Comparison, compare_runs, regressions
from neural_memory_pipelines.domain.evaluation_settings import EvaluationSettings
from neural_memory_pipelines.stores.postgres import eval_reports, eval_runs
from neural_memory_pipelines.stores.postgres.engine import Transaction
from neural_memory_pipelines.stores.postgres.eval_runs import RunVerdict
from neural_memory_pipelines.stores.postgres.tables import workspaces


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came of holding a run against another one.

    Attributes:
        comparison: None if there is no run to compare with.
        regressions: what got worse beyond what is allowed, a sentence each.
        is_accepted: whether later runs may be compared with it.
    """

    comparison: Comparison | None
    regressions: tuple[str, ...]
    is_accepted: bool


def judge_run(
    tx: Transaction, run: EvalRun, settings: EvaluationSettings, *, against: EvalRun | None = None
) -> Verdict:
    """Hold a run against the accepted one of its suite, or against the one that is named.

    Args:
        tx: a transaction of the workspace.
        run: to be judged.
        settings: what is allowed.
        against: another one to compare with, such as one at another version. Whoever says so decides himself what to
            make of it: then the run is not accepted.
    """
    baseline = against or accepted_run(tx, run)
    comparison = compare_runs(run, baseline) if baseline else None
    found = tuple(regressions(run.suite, run.metrics, comparison, settings))
    return Verdict(comparison, found, is_accepted=not found and against is None and bool(run.results))


def accepted_run(tx: Transaction, run: EvalRun) -> EvalRun | None:
    """Find the run to compare one with: the accepted one at the version that the workspace is served at.

    Where that version has none, it is the one at the version before; None if there is none at all.
    """
    served = tx.connection.scalar(select(workspaces.c.active_embedding_version))
    last = eval_runs.last_accepted(tx, run.suite, str(served))
    if last is None:
        return None
    accepted = eval_runs.with_results(tx, last)
    if last.accepted_by or last.compared_with is None:
        return accepted
    before = eval_runs.find_run(tx, last.compared_with)
    if before is None:
        return accepted
    mark = eval_runs.with_results(tx, before)
    compared = compare_runs(accepted, mark)
    return mark if compared and not compared.lost_nothing else accepted


def keep_run(tx: Transaction, run: EvalRun, verdict: Verdict, *, report: bool) -> bool:
    """Keep a run and what came of it; with `report`, note that others are to be told of it.

    Returns:
        Whether it is new; one with this id that is there already stays as it is.
    """
    comparison = verdict.comparison
    kept = RunVerdict(
        compared_with=comparison.baseline_id if comparison else None,
        passed=not verdict.regressions,
        worse=comparison.worse if comparison else (),
        accepted_at=run.at if verdict.is_accepted else None,
        accepted_by="" if verdict.is_accepted else None,
    )
    is_new = eval_runs.put_run(tx, run, kept)
    if is_new and report:
        eval_reports.put_report(tx, run.run_id)
    return is_new

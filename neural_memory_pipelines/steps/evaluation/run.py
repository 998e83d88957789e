"""Runs a suite of questions over a workspace: asks, compares, keeps, consumes what asked for it; all kept, or nothing.

A kill at any point leaves nothing behind, and the same run again is the same run. When one is due is decided elsewhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from neural_memory_pipelines.domain.evaluation import EvalRun, Suite
from neural_memory_pipelines.domain.evaluation_compare import Change, Comparison, compare_runs, regressions
from neural_memory_pipelines.domain.ids import Json, WorkspaceId, hash_json
from neural_memory_pipelines.domain.lifecycle import KEPT_UP_TO_DATE
from neural_memory_pipelines.errors import PermanentError
from neural_memory_pipelines.steps.evaluation.ask import Respondent, take_run
from neural_memory_pipelines.steps.evaluation.keep import judge_run, keep_run
from neural_memory_pipelines.steps.evaluation.suites import questions_of
from neural_memory_pipelines.steps.report import Progress, no_progress
from neural_memory_pipelines.stores.postgres import eval_events, eval_runs, lifecycles
from neural_memory_pipelines.stores.postgres.engine import Transaction
from neural_memory_pipelines.stores.postgres.eval_runs import RunRow
from neural_memory_pipelines.stores.postgres.evaluation_settings import read_settings

_REASONS_KEPT = 100


@dataclass(frozen=True, slots=True)
class Order:
    """How a run is asked for.

    Attributes:
        run_id: its own; asked for twice, it is run once.
        at: when it begins; aware.
        only_if_waiting: whether events alone ask for it: where none waits any more, nothing is done.
        report: whether others are to be told of it.
        against: id of the run to compare with; None for the accepted one.
    """

    run_id: str
    at: datetime
    only_if_waiting: bool = False
    report: bool = False
    against: str | None = None


@dataclass(frozen=True, slots=True)
class Evaluated:
    """What came of an order.

    Attributes:
        run: None if nothing was asked, for no event waited.
        comparison: with the accepted run, or the one that was named; None if there is none.
        regressions: what got worse beyond what the workspace allows, a sentence each.
        passed: whether nothing did.
        accepted: whether later runs are compared with it.
        events: how many reasons it consumed.
        is_new: False if it had been run before.
        notes: what the reader should know.
    """

    run: EvalRun | None
    comparison: Comparison | None = None
    regressions: tuple[str, ...] = ()
    passed: bool = True
    accepted: bool = False
    events: int = 0
    is_new: bool = False
    notes: tuple[str, ...] = ()

    @property
    def compared_with(self) -> str | None:
        """The id of the other run."""
        return self.comparison.baseline_id if self.comparison else None

    @property
    def worse(self) -> tuple[Change, ...]:
        """Questions that got worse, worst first."""
        return self.comparison.worse if self.comparison else ()


_NOTHING = Evaluated(None, notes=("no event waits for it: nothing was asked",))


def new_run_id(workspace: WorkspaceId, suite: Suite, version: str, at: datetime) -> str:
    """Name the run of a suite that somebody asks for at a moment."""
    return f"run_{hash_json([workspace, str(suite), version, at.isoformat()])[:32]}"


def run_suite(suite: Suite, respondent: Respondent, order: Order, *, on_progress: Progress = no_progress) -> Evaluated:
    """Ask a suite's questions and keep what came of it.

    Events that wait when it begins are consumed with it, each by one run alone; those that come meanwhile wait on.

    Args:
        suite: which questions.
        respondent: who is asked.
        order: how it is asked for.
        on_progress: called with the number of questions that were asked.

    Raises:
        PermanentError: the version is not built in this workspace, or the id is that of another suite or version.
        NotFoundError: there is no run to compare with of the id that was named.
    """
    database, workspace = respondent.stores.database, respondent.workspace
    with database.lock(workspace, f"evaluate:{suite}"):
        with database.transaction(workspace) as tx:
            known = _known(tx, suite, respondent, order)
            if known is not None:
                return known
            refuse_unbuilt(tx, respondent.version.name)
            waiting = eval_events.waiting_ids(tx, suite)
        if order.only_if_waiting and not waiting:
            return _NOTHING
        questions = questions_of(suite, workspace, respondent.stores)
        run = take_run(suite, respondent, questions, run_id=order.run_id, at=order.at, on_progress=on_progress)
        with database.transaction(workspace) as tx:
            refuse_unbuilt(tx, respondent.version.name)  # archived meanwhile, its answers say nothing
            return _known(tx, suite, respondent, order) or _keep(tx, run, order, waiting)


def refuse_unbuilt(tx: Transaction, version: str) -> None:
    """Refuse to ask at a version that is not kept up to date in the transaction's workspace.

    Raises:
        PermanentError: says where it stands, and what to do.
    """
    standing = lifecycles.standing(tx, version)
    if standing is not None and standing.status in KEPT_UP_TO_DATE:
        return
    what = f"is {standing.status}" if standing else "is not known"
    raise PermanentError(
        f"embedding version {version} {what} in workspace {tx.workspace_id}: there is nothing to ask; "
        "`neural-memory embeddings propose` and `build` make it"
    )


def accept(tx: Transaction, run_id: str, *, by: str, at: datetime) -> RunRow:
    """Have later runs compared with this one, whatever got worse in it, while its version is served.

    Args:
        tx: a transaction of its workspace.
        run_id: the run.
        by: who says so.
        at: when; aware.

    Raises:
        NotFoundError: there is no such run.
        PermanentError: it says not who accepts it, or the run asked nothing.
    """
    if not by.strip():
        raise PermanentError("say who accepts the run: --by NAME")
    run = eval_runs.run_named(tx, run_id)
    if not run.results:
        raise PermanentError(f"{run_id} asked no question: there is nothing to compare with it")
    eval_runs.accept_run(tx, run_id, by=by.strip(), at=at)
    accepted = eval_runs.find_run(tx, run_id)
    assert accepted is not None
    return accepted


def kept_evaluation(tx: Transaction, row: RunRow) -> Evaluated:
    """Read what came of a run that was kept."""
    run = eval_runs.with_results(tx, row)
    other = eval_runs.find_run(tx, row.compared_with) if row.compared_with else None
    comparison = compare_runs(run, eval_runs.with_results(tx, other)) if other else None
    found = [] if row.passed else regressions(row.suite, row.metrics, comparison, read_settings(tx))
    return Evaluated(
        run, comparison, tuple(found), passed=row.passed, accepted=row.accepted_at is not None, notes=_notes(run)
    )


def _known(tx: Transaction, suite: Suite, respondent: Respondent, order: Order) -> Evaluated | None:
    """Read the run of an order that was run before."""
    row = eval_runs.find_run(tx, order.run_id)
    if row is None:
        return None
    if (row.suite, row.embedding_version) != (suite, respondent.version.name):
        raise PermanentError(
            f"{order.run_id} is the run of suite {row.suite} at {row.embedding_version}, "
            f"not of {suite} at {respondent.version.name}: give each its own id"
        )
    return kept_evaluation(tx, row)


def _keep(tx: Transaction, run: EvalRun, order: Order, waiting: Sequence[str]) -> Evaluated:
    reasons = eval_events.consume(tx, waiting, run_id=run.run_id, now=order.at)
    if order.only_if_waiting and not reasons:
        return _NOTHING
    run = replace(run, reasons=_shortened(reasons))
    against = eval_runs.run_named(tx, order.against) if order.against else None
    verdict = judge_run(tx, run, read_settings(tx), against=against)
    keep_run(tx, run, verdict, report=order.report)
    return Evaluated(
        run,
        verdict.comparison,
        verdict.regressions,
        passed=not verdict.regressions,
        accepted=verdict.is_accepted,
        events=len(reasons),
        is_new=True,
        notes=_notes(run),
    )


def _shortened(reasons: Sequence[dict[str, Json]]) -> tuple[dict[str, object], ...]:
    """Keep the latest of very many reasons, and how many more there were; their events name the run for 30 days."""
    kept: list[dict[str, object]] = [dict(reason) for reason in reasons[:_REASONS_KEPT]]
    if len(reasons) > _REASONS_KEPT:
        kept.append({"more": len(reasons) - _REASONS_KEPT})
    return tuple(kept)


def _notes(run: EvalRun) -> tuple[str, ...]:
    notes = []
    if not run.results:
        notes.append("the workspace holds nothing to ask about")
    if run.metrics.unindexed:
        notes.append(f"{run.metrics.unindexed:,} texts have no vector in the index of {run.embedding_version} yet")
    return tuple(notes)

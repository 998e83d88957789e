"""Runs of evaluation as they are kept: what each measured, what it was compared with, whether it was accepted.

What is compared with what, and what may be accepted, is decided elsewhere.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import text

from neural_memory_pipelines.domain.evaluation import EvalRun, Metrics, QuestionResult, ShownHit, Suite
from neural_memory_pipelines.domain.evaluation_compare import Change
from neural_memory_pipelines.domain.questions import read_expected, spell_expected
from neural_memory_pipelines.errors import NotFoundError
from neural_memory_pipelines.stores.postgres.bulk import insert_rows
from neural_memory_pipelines.stores.postgres.engine import Transaction
from neural_memory_pipelines.stores.postgres.tables import eval_results, eval_runs

_COLUMNS = """run_id, suite, embedding_version, at, are_own, questions_hash, retrieval, reasons, metrics, compared_with,
    passed, worse, accepted_at, accepted_by"""
_LIST = f"""SELECT {_COLUMNS} FROM eval_runs WHERE (CAST(:suite AS text) IS NULL OR suite = :suite)
    AND (CAST(:version AS text) IS NULL OR embedding_version = :version) ORDER BY at DESC, run_id LIMIT :limit"""
# A workspace that has just been promoted is compared with what it was served at before.
_LAST_ACCEPTED = f"""SELECT {_COLUMNS} FROM eval_runs WHERE suite = :suite AND accepted_at IS NOT NULL
    ORDER BY embedding_version = :version DESC, accepted_at DESC, at DESC, run_id LIMIT 1"""
_RESULTS = """SELECT question_id, question, expects, tags, weight, place, latency_ms, hits FROM eval_results
    WHERE run_id = :run ORDER BY question_id"""


@dataclass(frozen=True, slots=True)
class RunRow:
    """A run as it is kept, without its results; times are aware UTC.

    Attributes:
        run_id, suite, embedding_version, at, are_own, questions_hash, retrieval, reasons, metrics: see `EvalRun`.
        compared_with: id of the run that it was compared with; None if there was none.
        passed: whether nothing got worse beyond what the workspace allows.
        worse: questions that got worse, worst first.
        accepted_at: when it became what later runs are compared with; None if it did not.
        accepted_by: who accepted it; empty if it was because it passed.
    """

    run_id: str
    suite: Suite
    embedding_version: str
    at: datetime
    are_own: bool
    questions_hash: str
    retrieval: dict[str, object]
    reasons: tuple[dict[str, object], ...]
    metrics: Metrics
    compared_with: str | None
    passed: bool
    worse: tuple[Change, ...]
    accepted_at: datetime | None
    accepted_by: str | None


@dataclass(frozen=True, slots=True)
class RunVerdict:
    """What came of comparing a run; the fields are those of `RunRow`."""

    compared_with: str | None
    passed: bool
    worse: tuple[Change, ...]
    accepted_at: datetime | None
    accepted_by: str | None


def put_run(tx: Transaction, run: EvalRun, verdict: RunVerdict) -> bool:
    """Keep a run with its results; one that is there already stays as it is.

    Returns:
        Whether it is new.
    """
    row = {
        "run_id": run.run_id,
        "suite": str(run.suite),
        "embedding_version": run.embedding_version,
        "at": run.at,
        "are_own": run.are_own,
        "questions_hash": run.questions_hash,
        "retrieval": run.retrieval,
        "reasons": list(run.reasons),
        "metrics": asdict(run.metrics),
        "compared_with": verdict.compared_with,
        "passed": verdict.passed,
        "worse": [asdict(change) for change in verdict.worse],
        "accepted_at": verdict.accepted_at,
        "accepted_by": verdict.accepted_by,
    }
    is_new = bool(insert_rows(tx, eval_runs, [row], on_conflict="DO NOTHING", returning="run_id"))
    if is_new:
        rows = [_result_row(run.run_id, result) for result in run.results]
        insert_rows(tx, eval_results, rows, on_conflict="DO NOTHING")
    return is_new


def find_run(tx: Transaction, run_id: str) -> RunRow | None:
    """Read a run without its results; None if there is none of this id."""
    query = text(f"SELECT {_COLUMNS} FROM eval_runs WHERE run_id = :run")
    row = tx.connection.execute(query, {"run": run_id}).one_or_none()
    return _read(row) if row else None


def run_named(tx: Transaction, run_id: str) -> EvalRun:
    """Read a run with its results.

    Raises:
        NotFoundError: there is none of this id.
    """
    found = find_run(tx, run_id)
    if found is None:
        raise NotFoundError(
            f"workspace {tx.workspace_id} has no evaluation {run_id!r}: "
            f"`neural-memory evaluation list --workspace {tx.workspace_id}` lists those that there are"
        )
    return with_results(tx, found)


def with_results(tx: Transaction, row: RunRow) -> EvalRun:
    """Read the results of a run that was found."""
    return EvalRun(
        run_id=row.run_id,
        suite=row.suite,
        embedding_version=row.embedding_version,
        at=row.at,
        are_own=row.are_own,
        questions_hash=row.questions_hash,
        retrieval=row.retrieval,
        reasons=row.reasons,
        metrics=row.metrics,
        results=tuple(_result(it) for it in tx.connection.execute(text(_RESULTS), {"run": row.run_id})),
    )


def runs_named(tx: Transaction, prefix: str, *, limit: int) -> list[RunRow]:
    """List runs whose ids begin like that, the latest first."""
    query = text(f"SELECT {_COLUMNS} FROM eval_runs WHERE starts_with(run_id, :prefix) ORDER BY at DESC LIMIT :limit")
    return [_read(row) for row in tx.connection.execute(query, {"prefix": prefix, "limit": limit})]


def list_runs(tx: Transaction, *, suite: Suite | None, version: str | None, limit: int) -> list[RunRow]:
    """List runs, the latest first; of all suites and versions where none is said."""
    values = {"suite": suite and str(suite), "version": version, "limit": limit}
    return [_read(row) for row in tx.connection.execute(text(_LIST), values)]


def history(tx: Transaction, suite: Suite, version: str, *, limit: int) -> list[RunRow]:
    """List the last runs of a suite at an embedding version, oldest first."""
    return list_runs(tx, suite=suite, version=version, limit=limit)[::-1]


def latest(tx: Transaction, suite: Suite, version: str) -> RunRow | None:
    """Read the last run of a suite at an embedding version; None if there is none."""
    return next(iter(list_runs(tx, suite=suite, version=version, limit=1)), None)


def last_accepted(tx: Transaction, suite: Suite, version: str) -> RunRow | None:
    """Read the run of a suite that was accepted last, at this embedding version or else at any."""
    values = {"suite": str(suite), "version": version}
    row = tx.connection.execute(text(_LAST_ACCEPTED), values).one_or_none()
    return _read(row) if row else None


def accept_run(tx: Transaction, run_id: str, *, by: str, at: datetime) -> bool:
    """Note that somebody accepts a run from now on.

    Returns:
        Whether there is such a run.
    """
    query = text("UPDATE eval_runs SET accepted_at = :at, accepted_by = :by WHERE run_id = :run")
    return bool(tx.connection.execute(query, {"run": run_id, "by": by, "at": at}).rowcount)


def _result_row(run_id: str, result: QuestionResult) -> dict[str, object]:
    return {
        "run_id": run_id,
        "question_id": result.question_id,
        "question": result.question,
        "expects": [spell_expected(it) for it in result.expects],
        "tags": list(result.tags),
        "weight": result.weight,
        "place": result.place,
        "latency_ms": result.latency_ms,
        "hits": [asdict(hit) for hit in result.hits],
    }


def _read(row: Any) -> RunRow:
    read = {
        "suite": Suite(row.suite),
        "reasons": tuple(row.reasons),
        "metrics": Metrics(**row.metrics),
        "worse": _changes(row.worse),
    }
    return RunRow(**{**row._mapping, **read})


def _changes(spelled: Sequence[Mapping[str, Any]]) -> tuple[Change, ...]:
    return tuple(Change(**{**it, "first": ShownHit(**it["first"]) if it["first"] else None}) for it in spelled)


def _result(row: Any) -> QuestionResult:
    return QuestionResult(
        question_id=row.question_id,
        question=row.question,
        expects=tuple(read_expected(it) for it in row.expects),
        tags=tuple(row.tags),
        weight=row.weight,
        place=row.place,
        latency_ms=row.latency_ms,
        hits=tuple(ShownHit(**hit) for hit in row.hits),
    )

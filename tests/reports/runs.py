"""Runs of evaluation, made up, for tests that send them."""

from __future__ import annotations

from datetime import UTC, datetime

from neural_memory_pipelines.domain.evaluation import EvalRun, QuestionResult, ShownHit, Staleness, Suite, measure
from neural_memory_pipelines.domain.ids import WorkspaceId
from neural_memory_pipelines.domain.questions import ExpectedEvidence, ExpectedSource
from neural_memory_pipelines.stores.bundle import Stores
from neural_memory_pipelines.stores.postgres.eval_reports import put_report
from neural_memory_pipelines.stores.postgres.eval_runs import RunVerdict, put_run

AT = datetime(2026, 11, 23, 6, 30, 15, 123_000, UTC)


def question(number: int, *, place: int | None) -> QuestionResult:
    """A question whose right answer stood at a place."""
    hits = tuple(
        ShownHit(kind, f"{kind}_{number}_{rank}", "github", f"harbor/payments#{number * 10 + rank}", 1 / rank)
        for rank, kind in enumerate(("chunk", "observation", "summary"), 1)
    )
    return QuestionResult(
        question_id=f"q{number:03}",
        question=f"Why was service {number} moved to another region?",
        expects=(ExpectedSource("github", f"harbor/payments#{number}"), ExpectedEvidence(f"obs_{number}")),
        tags=("moves", "moves", f"service-{number}"),
        weight=1.0 + number,
        place=place,
        latency_ms=12.5 + number,
        hits=hits,
    )


def made_run(run_id: str = "run-1", *, questions: int = 3, suite: Suite = Suite.POST_INGEST) -> EvalRun:
    """A run; the first answer stood at the first place, the second at the sixth, the third nowhere, and again."""
    places = (1, 6, None)
    results = tuple(question(number, place=places[number % 3]) for number in range(questions))
    return EvalRun(
        run_id=run_id,
        suite=suite,
        embedding_version="hash/char-ngram-1536@v1",
        at=AT,
        are_own=True,
        questions_hash="abc",
        retrieval={"mode": "hybrid", "weights": {"vector": 0.5, "rerank": None}},
        reasons=({"document_id": "doc_1", "version": 3}, {"night_at": "2026-11-23"}),
        metrics=measure(results, Staleness(unindexed=2, oldest_at=AT), at=AT),
        results=results,
    )


def keep(stores: Stores, workspace: WorkspaceId, *runs: EvalRun) -> None:
    """Keep runs, each with a report that waits, in the order given."""
    verdict = RunVerdict(compared_with=None, passed=True, worse=(), accepted_at=AT, accepted_by="")
    for run in runs:
        with stores.database.transaction(workspace) as tx:
            put_run(tx, run, verdict)
            put_report(tx, run.run_id)

"""A run of evaluation as Braintrust's objects: an experiment with a row per question.

No texts but the questions leave, and nothing is sent here.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import UTC
from typing import Any

import orjson

from neural_memory_pipelines.domain.evaluation import EvalRun, QuestionResult
from neural_memory_pipelines.domain.ids import WorkspaceId
from neural_memory_pipelines.domain.questions import quality_of, spell_expected

Row = dict[str, Any]


def experiment_name(workspace: WorkspaceId, run: EvalRun) -> str:
    """Name the experiment of a run: no other run has this name, and the same one always."""
    return f"{workspace} {run.suite} {run.at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ} {run.run_id}"


def experiment_metadata(workspace: WorkspaceId, run: EvalRun) -> dict[str, Any]:
    """Say what was asked of what, and how it went over all questions, weighted; the rows are not."""
    return {
        "workspace": workspace,
        "suite": run.suite.value,
        "run_id": run.run_id,
        "at": run.at.isoformat(),
        "embedding_version": run.embedding_version,
        "questions_are_own": run.are_own,
        "questions_hash": run.questions_hash,
        "retrieval": run.retrieval,
        "documents": [reason for reason in run.reasons if "document_id" in reason],
        "other_reasons": [reason for reason in run.reasons if "document_id" not in reason],
        "metrics": asdict(run.metrics),
    }


def rows_of(run: EvalRun) -> list[Row]:
    """Make a row per question; ids follow from the run and the question, so that a row sent again replaces itself."""
    return [_row(run, result) for result in run.results]


def scores_of(result: QuestionResult) -> dict[str, float]:
    """Score a question: each score is 0..1, and `quality_of` several is the mean of theirs, by weight."""
    quality = quality_of([result])
    return {
        "recall_at_5": quality.recall_at_5,
        "recall_at_10": quality.recall_at_10,
        "ndcg_at_10": quality.ndcg_at_10,
        "reciprocal_rank": quality.mrr_at_10,
    }


def batches_of(rows: Sequence[Row], *, most_rows: int, most_bytes: int) -> Iterator[list[Row]]:
    """Split rows into requests of at most so many rows and bytes of JSON; a row that is larger alone goes alone."""
    batch: list[Row] = []
    batch_bytes = 0
    for row in rows:
        row_bytes = len(orjson.dumps(row)) + 1
        if batch and (len(batch) == most_rows or batch_bytes + row_bytes > most_bytes):
            yield batch
            batch, batch_bytes = [], 0
        batch.append(row)
        batch_bytes += row_bytes
    if batch:
        yield batch


def _row(run: EvalRun, result: QuestionResult) -> Row:
    row_id = f"{run.run_id}:{result.question_id}"
    return {
        "id": row_id,
        # Named here, or the service would make up others at each sending.
        "span_id": row_id,
        "root_span_id": row_id,
        "created": run.at.isoformat(),
        "span_attributes": {"name": "question", "type": "eval"},
        "input": result.question,
        "expected": [spell_expected(answer) for answer in result.expects],
        "output": [asdict(hit) for hit in result.hits],
        "scores": scores_of(result),
        "metrics": {"latency_ms": result.latency_ms},
        "metadata": {"question_id": result.question_id, "place": result.place, "weight": result.weight},
        "tags": list(dict.fromkeys(result.tags)),
    }

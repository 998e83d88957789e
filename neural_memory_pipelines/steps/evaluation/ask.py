"""Asks a memory questions through its search, as anybody in the organization may, and notes what it shows.

What the answers are worth is judged elsewhere.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from neural_memory_pipelines.domain.documents import Privacy
from neural_memory_pipelines.domain.evaluation import EvalRun, QuestionResult, ShownHit, Suite, measure
from neural_memory_pipelines.domain.ids import Json, WorkspaceId
from neural_memory_pipelines.domain.questions import ExpectedEvidence, Question, place_of_answer
from neural_memory_pipelines.domain.versions import EmbeddingVersion
from neural_memory_pipelines.errors import ContractError, NotFoundError, TransientError
from neural_memory_pipelines.models.embedders.protocol import Embedder
from neural_memory_pipelines.models.rerankers.protocol import Reranker
from neural_memory_pipelines.retrieval.answers import Answer, Mode, SearchRequest
from neural_memory_pipelines.retrieval.search import ranking_of, search
from neural_memory_pipelines.steps.evaluation.suites import Questions
from neural_memory_pipelines.steps.report import Progress, no_progress
from neural_memory_pipelines.stores.bundle import Stores
from neural_memory_pipelines.stores.postgres.questions import documents_of
from neural_memory_pipelines.stores.postgres.staleness import staleness

# Words and names find much whatever the vectors are: beside them, a model of no use looks as good as any.
_MODES = {Suite.CANARY: Mode.DENSE}
_BY_NAME = "identifiers"  # such an answer needs no reranker
_TOP = 10
_SCORE_PLACES = 6


@dataclass(frozen=True, slots=True)
class Respondent:
    """The memory that is asked: a workspace's at an embedding version, with the models that its search uses."""

    workspace: WorkspaceId
    version: EmbeddingVersion
    stores: Stores
    embedder: Embedder
    reranker: Reranker | None = None


def take_run(
    suite: Suite,
    respondent: Respondent,
    questions: Questions,
    *,
    run_id: str,
    at: datetime,
    on_progress: Progress = no_progress,
) -> EvalRun:
    """Ask questions and measure the answers; nothing is kept.

    All suites search as people do, but that of embedding versions: it searches by meaning alone, for a version changes
    nothing else.

    Args:
        suite: why they are asked.
        respondent: who is asked.
        questions: what is asked.
        run_id: the run's own id.
        at: when it begins (aware); recency is judged by it.
        on_progress: called with the number of questions that were asked.
    """
    mode = _MODES.get(suite, Mode.HYBRID)
    results = ask(questions.asked, respondent, mode=mode, now=at, on_progress=on_progress)
    with respondent.stores.database.transaction(respondent.workspace) as tx:
        stale = staleness(tx, respondent.version)
    return EvalRun(
        run_id=run_id,
        suite=suite,
        embedding_version=respondent.version.name,
        at=at,
        are_own=questions.are_own,
        questions_hash=questions.hash,
        retrieval=dict(_how(respondent, mode)),
        reasons=(),
        metrics=measure(results, stale, at=at),
        results=tuple(results),
    )


def ask(
    questions: Sequence[Question],
    respondent: Respondent,
    *,
    mode: Mode,
    now: datetime,
    on_progress: Progress = no_progress,
) -> list[QuestionResult]:
    """Ask questions one after the other, and note the first ten that each is shown, in the order of their ids."""
    on_progress(0, total=len(questions))
    documents = _documents_of(questions, respondent)
    results = []
    for question in sorted(questions, key=lambda it: it.id):
        started = time.perf_counter()
        answer = _search(question, respondent, mode=mode, now=now)
        latency_ms = (time.perf_counter() - started) * 1_000
        place = place_of_answer(question.expects, answer.hits[:_TOP], documents=documents)
        results.append(_result(question, answer, place=place, latency_ms=latency_ms))
        on_progress(1)
    return results


def _search(question: Question, respondent: Respondent, *, mode: Mode, now: datetime) -> Answer:
    reranker = _reranker_of(respondent, mode)
    try:
        answer = search(
            # A title such as "type: fix" is no filter.
            SearchRequest(question.text, mode=mode, limit=_TOP, reads_filters=False),
            workspace=respondent.workspace,
            stores=respondent.stores,
            version=respondent.version,
            embedder=respondent.embedder,
            reranker=reranker,
            now=now,
        )
    except NotFoundError:  # nothing is indexed at this version yet: nothing is found
        return Answer((), respondent.version.name, str(mode), {})
    if answer.embedding_version != respondent.version.name:
        raise ContractError(f"search answered at {answer.embedding_version}, asked was {respondent.version.name}")
    if any(hit.privacy != Privacy.ORG for hit in answer.hits):
        raise ContractError(f"search showed something private to question {question.id}: nothing of it is kept")
    if reranker is not None and _lacks_reranker(answer):
        raise TransientError(
            f"{reranker.model} did not answer at question {question.id}: what is found without it is not "
            "what people see; ask again later"
        )
    return answer


def _lacks_reranker(answer: Answer) -> bool:
    asked = answer.hits and answer.mode != _BY_NAME
    return bool(asked) and all(term.name != "rerank" for term in answer.hits[0].terms)


def _documents_of(questions: Sequence[Question], respondent: Respondent) -> dict[str, str]:
    """Find the documents of expected chunks and observations: at one moment for all questions."""
    evidence = [it.evidence for each in questions for it in each.expects if isinstance(it, ExpectedEvidence)]
    if not evidence:
        return {}
    with respondent.stores.database.transaction(respondent.workspace) as tx:
        return documents_of(tx, evidence)


def _result(question: Question, answer: Answer, *, place: int | None, latency_ms: float) -> QuestionResult:
    return QuestionResult(
        question_id=question.id,
        question=question.text,
        expects=question.expects,
        tags=question.tags,
        weight=question.weight,
        place=place,
        latency_ms=latency_ms,
        hits=tuple(
            ShownHit(hit.kind, hit.id, hit.source, hit.source_id, round(hit.score, _SCORE_PLACES))
            for hit in answer.hits[:_TOP]
        ),
    )


def _how(respondent: Respondent, mode: Mode) -> dict[str, Json]:
    """Spell what decides the ranking."""
    ranking = ranking_of(mode, reranker=_reranker_of(respondent, mode))
    return {**ranking, "model": respondent.version.model, "limit": _TOP}


def _reranker_of(respondent: Respondent, mode: Mode) -> Reranker | None:
    """What has the last word among all that people search by; it would hide what one way alone finds."""
    return respondent.reranker if mode is Mode.HYBRID else None

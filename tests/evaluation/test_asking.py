"""What is asked of a real memory, by what search, and what is noted of the answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from neural_memory_pipelines.domain.evaluation import Suite
from neural_memory_pipelines.domain.ids import WorkspaceId
from neural_memory_pipelines.domain.questions import ExpectedEvidence, ExpectedSource, Question
from neural_memory_pipelines.errors import ContractError, TransientError
from neural_memory_pipelines.local.session import Session
from neural_memory_pipelines.retrieval.search import search
from neural_memory_pipelines.steps.evaluation import ask as asking
from neural_memory_pipelines.steps.evaluation.run import (
    Evaluated,
    Order,
    run_suite,
)
from tests.steps.pipeline import ingest_folder, run_path
from tests.steps.samples import guide, write_docs

from .memories import NOW, Memory


def test_the_smoke_suite_asks_what_is_tagged(questioned: Memory) -> None:
    questioned.keep(questioned.question("docks", tags=("smoke",)))
    done = questioned.evaluate("smoke", Suite.SMOKE)
    assert done.run is not None
    assert [it.question_id for it in done.run.results] == ["docks"]
    all_of_them = questioned.evaluate("all", Suite.NIGHTLY)
    assert all_of_them.run is not None
    assert len(all_of_them.run.results) == 4


def test_evidence_answers_as_documents_do(memory: Memory) -> None:
    ((observation,),) = memory.ask(
        "SELECT observation_id FROM memory_observations WHERE superseded_at IS NULL AND text LIKE '%anchors twice%'"
    )
    ((document,),) = memory.ask("SELECT document_id FROM knowledge_documents WHERE title LIKE '%docks'")
    memory.keep(
        Question("by-document", "Handbook of the docks", (ExpectedEvidence(document),)),
        Question("gone", "Handbook of the docks", (ExpectedEvidence("obs_gone"),)),
        Question(
            "either", "We check all anchors twice a week", (ExpectedEvidence(observation), ExpectedSource("docs", "no"))
        ),
    )
    done = memory.evaluate("evidence")
    assert done.run is not None
    places = {it.question_id: it.place for it in done.run.results}
    assert places["by-document"] == 1
    assert places["gone"] is None
    assert places["either"] == 1, "its document is shown, by whatever of it"


def test_texts_without_a_vector_are_told(questioned: Memory) -> None:
    lost = "SELECT min(vector_id) FROM vector_entries WHERE family = 'chunks'"
    with questioned.session.stores.database.transaction(questioned.workspace) as tx:
        tx.connection.exec_driver_sql(f"DELETE FROM vector_entries WHERE family = 'chunks' AND vector_id = ({lost})")
    done = questioned.evaluate("stale")
    assert done.run is not None
    assert done.run.metrics.unindexed == 1
    assert done.notes[0].startswith("1 texts have no vector in the index of")


def test_something_private_that_search_shows_is_not_kept(questioned: Memory, monkeypatch: pytest.MonkeyPatch) -> None:
    shown = search

    def careless(*args: object, **kwargs: object) -> object:
        answer = shown(*args, **kwargs)  # type: ignore[arg-type]  # whatever it was asked
        return replace(answer, hits=tuple(replace(hit, privacy="private") for hit in answer.hits))

    monkeypatch.setattr(asking, "search", careless)
    with pytest.raises(ContractError, match="something private"):
        questioned.evaluate("careless", Suite.POST_INGEST)
    assert questioned.ask("SELECT count(*) FROM eval_runs") == [(0,)]
    assert {by for _, _, by in questioned.events()} == {None}


class _Reranker:
    """Thinks most of what comes last; or does not answer."""

    model = "test/upside-down"

    def __init__(self, *, answers: bool) -> None:
        self.answers = answers

    def rerank(self, question: str, texts: Sequence[str]) -> list[float]:
        if not self.answers:
            raise TransientError("the reranker is away")
        return [number / len(texts) for number in range(len(texts))]


def _reranked(memory: Memory, run_id: str, suite: Suite, *, answers: bool) -> Evaluated:
    respondent = replace(memory.respondent, reranker=_Reranker(answers=answers))
    return run_suite(suite, respondent, Order(run_id, NOW))


def test_a_reranker_has_its_say_where_people_search_and_none_at_embedding_versions(questioned: Memory) -> None:
    plain = questioned.evaluate("plain", Suite.SMOKE)
    reranked = _reranked(questioned, "reranked", Suite.NIGHTLY, answers=True)
    by_meaning = _reranked(questioned, "by-meaning", Suite.CANARY, answers=True)
    assert plain.run is not None
    assert reranked.run is not None
    assert by_meaning.run is not None
    assert reranked.run.metrics.mrr_at_10 < plain.run.metrics.mrr_at_10
    told = [(it.retrieval["mode"], it.retrieval["reranker"]) for it in (plain.run, reranked.run, by_meaning.run)]
    assert told == [("hybrid", None), ("hybrid", "test/upside-down"), ("dense", None)]


def test_an_evaluation_waits_for_a_reranker_that_is_away(questioned: Memory) -> None:
    with pytest.raises(TransientError, match="test/upside-down did not answer at question anchors"):
        _reranked(questioned, "without", Suite.POST_INGEST, answers=False)
    assert questioned.ask("SELECT count(*) FROM eval_runs") == [(0,)]
    assert {by for _, _, by in questioned.events()} == {None}


def test_titles_that_look_like_filters_are_asked_as_they_are(session: Session, memory: Memory) -> None:
    titled = {"fix.md": guide("sluices", title="type: fix the sluice after:lunch author:nobody")}
    ingest_folder(session, memory.workspace, write_docs(memory.folder, titled))
    run_path(session, memory.workspace)
    done = memory.evaluate("titles")
    assert done.run is not None
    assert [(it.question, it.place) for it in done.run.results] == [
        ("type: fix the sluice after:lunch author:nobody", 1)
    ]


def test_what_was_never_indexed_answers_nothing(session: Session, workspace: WorkspaceId, tmp_path: Path) -> None:
    run_path(session, workspace)
    memory = Memory(session, workspace, tmp_path / "docs")
    memory.keep(memory.question("anchors"))
    done = memory.evaluate("nothing")
    assert done.run is not None
    assert [(it.place, it.hits) for it in done.run.results] == [(None, ())]

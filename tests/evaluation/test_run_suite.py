"""A suite is run over a real memory: what it keeps, consumes, names and refuses."""

from __future__ import annotations

from dataclasses import replace

import pytest

from neural_memory_pipelines.domain.evaluation import Suite
from neural_memory_pipelines.domain.ids import WorkspaceId
from neural_memory_pipelines.errors import NotFoundError, PermanentError
from neural_memory_pipelines.local.session import Session
from neural_memory_pipelines.steps.evaluation.ask import Respondent
from neural_memory_pipelines.steps.evaluation.run import (
    Order,
    accept,
    kept_evaluation,
    new_run_id,
    run_suite,
)
from neural_memory_pipelines.stores.postgres import eval_runs
from neural_memory_pipelines.stores.postgres.eval_events import waiting
from neural_memory_pipelines.stores.postgres.questions import own_questions
from tests.steps.pipeline import run_path
from tests.versions.migrating import promote_it, propose, successor_built
from tests.versions.models import turned

from .memories import NOW, TOPICS, Memory, days


def test_a_run_is_kept_with_all_that_it_found(questioned: Memory) -> None:
    done = questioned.evaluate("run-1")
    assert done.run is not None
    metrics = done.run.metrics
    assert (metrics.questions, metrics.recall_at_5, metrics.recall_at_10) == (4, 1.0, 1.0)
    assert (metrics.unindexed, metrics.staleness_seconds) == (0, 0.0)
    assert metrics.share_chunks + metrics.share_observations + metrics.share_summaries == pytest.approx(1)
    assert 0 < metrics.latency_p50_ms <= metrics.latency_p95_ms
    assert (done.passed, done.accepted, done.is_new, done.comparison) == (True, True, True, None)
    with questioned.session.stores.database.transaction(questioned.workspace) as tx:
        kept = eval_runs.run_named(tx, "run-1")
        asked = own_questions(tx)
    assert kept.results == tuple(sorted(kept.results, key=lambda it: it.question_id))
    assert [(it.question_id, it.question, it.expects) for it in kept.results] == [
        (it.id, it.text, it.expects) for it in asked
    ]
    assert replace(kept, results=()) == replace(done.run, results=())
    assert [it.place for it in kept.results] == [it.place for it in done.run.results]
    assert [it.hits for it in kept.results] == [it.hits for it in done.run.results]
    assert questioned.ask("SELECT count(*) FROM eval_reports") == [(0,)]


def test_the_same_run_twice_is_one_run(questioned: Memory) -> None:
    first = questioned.evaluate("run-1")
    again = questioned.evaluate("run-1", at=NOW + days(1))
    assert (first.is_new, again.is_new) == (True, False)
    assert again.run is not None
    assert first.run is not None
    assert (again.run.at, again.run.metrics) == (first.run.at, first.run.metrics)
    assert questioned.ask("SELECT count(*) FROM eval_runs") == [(1,)]
    with pytest.raises(PermanentError, match="run-1 is the run of suite nightly"):
        questioned.evaluate("run-1", Suite.SMOKE)


def test_a_regression_is_named_by_its_questions_and_not_accepted_until_somebody_does(questioned: Memory) -> None:
    questioned.evaluate("good")
    questioned.tell("anchors", "cranes", "docks")
    worse = questioned.evaluate("bad", at=NOW + days(1))
    assert (worse.passed, worse.accepted, worse.compared_with) == (False, False, "good")
    ((name, before, now),) = [(it.question_id, it.place_before, it.place) for it in worse.worse]
    assert (name, now) == ("berths", None)
    assert before is not None
    assert [said.partition(" fell")[0] for said in worse.regressions] == ["recall@5", "recall@10", "nDCG@10"]
    kept = "SELECT passed, accepted_at, worse -> 0 ->> 'question_id' FROM eval_runs WHERE run_id = 'bad'"
    assert questioned.ask(kept) == [(False, None, "berths")]

    still = questioned.evaluate("still-bad", at=NOW + days(2))
    assert (still.passed, still.compared_with) == (False, "good"), "what is not accepted is compared with by none"
    _accept(questioned, "bad")
    accepted = questioned.evaluate("as-bad", at=NOW + days(3))
    assert (accepted.passed, accepted.accepted, accepted.compared_with) == (True, True, "bad")

    questioned.tell(*TOPICS)
    better = questioned.evaluate("recovered", at=NOW + days(4))
    assert better.comparison is not None
    assert [it.question_id for it in better.comparison.better] == ["berths"]
    assert better.accepted


def _accept(memory: Memory, run_id: str) -> None:
    with memory.session.stores.database.transaction(memory.workspace) as tx:
        with pytest.raises(NotFoundError, match="has no evaluation 'no-such-run'"):
            accept(tx, "no-such-run", by="ada", at=NOW)
        with pytest.raises(PermanentError, match="say who accepts"):
            accept(tx, run_id, by=" ", at=NOW)
        row = accept(tx, run_id, by="ada", at=NOW + days(2.5))
    assert (row.accepted_by, row.passed) == ("ada", False)


def test_what_came_of_a_kept_run_can_be_read_again(questioned: Memory) -> None:
    questioned.evaluate("good")
    questioned.tell("anchors", "cranes", "docks")
    worse = questioned.evaluate("bad", at=NOW + days(1))
    with questioned.session.stores.database.transaction(questioned.workspace) as tx:
        row = eval_runs.latest(tx, Suite.NIGHTLY, questioned.respondent.version.name)
        assert row is not None
        read = kept_evaluation(tx, row)
        history = eval_runs.history(tx, Suite.NIGHTLY, questioned.respondent.version.name, limit=10)
    assert row.worse == worse.worse
    assert (read.regressions, read.worse, read.passed) == (worse.regressions, worse.worse, False)
    assert [it.run_id for it in history] == ["good", "bad"]


def test_a_burst_of_documents_is_one_run_which_names_them(questioned: Memory) -> None:
    assert [(title, version, by) for title, version, by in questioned.events() if by] == []
    assert len(questioned.events()) == len(TOPICS)
    mine = [it for it in waiting(questioned.session.stores.database) if it.workspace == questioned.workspace]
    assert [(it.suite, it.events) for it in mine] == [(Suite.POST_INGEST, 4)]
    assert mine[0].oldest_at <= mine[0].latest_at

    done = questioned.evaluate("burst", Suite.POST_INGEST, only_if_waiting=True)
    assert (done.events, done.is_new) == (4, True)
    assert done.run is not None
    assert {reason["version"] for reason in done.run.reasons} == {1}
    assert {by for _, _, by in questioned.events()} == {"burst"}
    idle = questioned.evaluate("idle", Suite.POST_INGEST, only_if_waiting=True)
    assert (idle.run, idle.events, idle.passed) == (None, 0, True)
    assert "no event waits" in idle.notes[0]
    by_hand = questioned.evaluate("by-hand", Suite.POST_INGEST)
    assert (by_hand.is_new, by_hand.events, by_hand.compared_with) == (True, 0, "burst")
    assert questioned.ask("SELECT run_id FROM eval_runs ORDER BY run_id") == [("burst",), ("by-hand",)]


def test_events_of_other_suites_wait_on(questioned: Memory) -> None:
    assert questioned.evaluate("night", Suite.NIGHTLY).events == 0
    assert {by for _, _, by in questioned.events()} == {None}


def test_reasons_are_many_and_few_are_kept(questioned: Memory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("neural_memory_pipelines.steps.evaluation.run._REASONS_KEPT", 3)
    done = questioned.evaluate("burst", Suite.POST_INGEST)
    assert done.run is not None
    assert len(done.run.reasons) == 4
    assert done.run.reasons[-1] == {"more": 1}


def test_old_consumed_events_are_dropped_with_a_run(questioned: Memory) -> None:
    questioned.evaluate("first", Suite.POST_INGEST)
    questioned.evaluate("second", Suite.POST_INGEST, at=NOW + days(29))
    assert len(questioned.events()) == 4
    questioned.evaluate("third", Suite.POST_INGEST, at=NOW + days(31))
    assert questioned.events() == []


def test_titles_stand_in_where_there_are_no_questions(memory: Memory) -> None:
    done = memory.evaluate("titles")
    assert done.run is not None
    assert not done.run.are_own
    assert {it.question for it in done.run.results} == {f"Handbook of the {topic}" for topic in TOPICS}
    memory.keep(*(memory.question(topic) for topic in TOPICS))
    own = memory.evaluate("own", at=NOW + days(1))
    assert own.run is not None
    assert own.run.are_own
    assert (own.comparison, own.accepted) == (None, True), "other questions: the first of its kind"


def test_an_empty_workspace_has_nothing_to_ask_and_is_nothing_to_compare_with(
    session: Session, workspace: WorkspaceId, memory: Memory
) -> None:
    run_path(session, workspace)
    memory.tell()
    done = memory.evaluate("empty", Suite.POST_INGEST)
    assert done.run is not None
    assert done.run.metrics.questions == 0
    assert (done.passed, done.accepted) == (True, False)
    assert done.events == 8, "four pages came and went"
    assert done.notes == ("the workspace holds nothing to ask about",)


def test_a_version_that_is_not_built_is_refused_and_nothing_is_consumed(questioned: Memory) -> None:
    session, workspace = questioned.session, questioned.workspace
    version = turned(session.new_workspace_version)
    respondent = Respondent(workspace, version, session.stores, questioned.respondent.embedder)
    order = Order(new_run_id(workspace, Suite.POST_INGEST, version.name, NOW), NOW)
    with pytest.raises(PermanentError, match="is not known in workspace"):
        run_suite(Suite.POST_INGEST, respondent, order)
    propose(session, workspace, version)
    with pytest.raises(PermanentError, match="is proposed in workspace"):
        run_suite(Suite.POST_INGEST, respondent, order)
    assert {by for _, _, by in questioned.events()} == {None}


def test_another_version_is_held_against_the_one_that_is_served(questioned: Memory) -> None:
    session, workspace = questioned.session, questioned.workspace
    questioned.evaluate("served")
    served = session.active_version(workspace)
    other = successor_built(session, workspace, served.model, topology="store")
    respondent = Respondent(workspace, other, session.stores, session.embedder(other))
    tried = run_suite(Suite.NIGHTLY, respondent, Order("tried", NOW + days(1)))
    assert (tried.compared_with, tried.accepted) == ("served", True)
    again = run_suite(Suite.NIGHTLY, respondent, Order("again", NOW + days(2)))
    assert again.compared_with == "served", "its own accepted run is none for it until it is served"
    assert questioned.evaluate("still-served", at=NOW + days(3)).compared_with == "served"
    promote_it(session, workspace, other)
    assert questioned.evaluate("promoted", at=NOW + days(4)).compared_with == "again"


def test_a_run_may_be_held_against_another_one_and_is_not_accepted_for_that(questioned: Memory) -> None:
    questioned.evaluate("other")
    done = questioned.evaluate("held", at=NOW + days(1), against="other")
    assert (done.passed, done.accepted, done.compared_with) == (True, False, "other")
    with pytest.raises(NotFoundError, match="has no evaluation 'nowhere'"):
        questioned.evaluate("lost", Suite.POST_INGEST, against="nowhere")
    assert {by for _, _, by in questioned.events()} == {None}, "what fails consumes nothing"


def test_a_run_that_is_to_be_reported_waits_for_that(questioned: Memory) -> None:
    questioned.evaluate("told", report=True)
    questioned.evaluate("told", report=True)
    assert questioned.ask("SELECT run_id, destination, sent_at FROM eval_reports") == [("told", "braintrust", None)]

"""A run that is killed at any write consumes nothing and is run again; two at once consume each event once."""

from __future__ import annotations

import multiprocessing
from contextlib import nullcontext
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import Any

import pytest

from neural_memory_pipelines.domain.evaluation import Suite
from neural_memory_pipelines.local.session import Session
from neural_memory_pipelines.stores.postgres.engine import Database
from tests.steps.killing import Moment, Switch, counted_session, was_killed

from .memories import TOPICS, Memory

_FORK = multiprocessing.get_context("fork")
_SUITE = Suite.POST_INGEST


def _state(memory: Memory) -> dict[str, Any]:
    """All that evaluation keeps, but for how long it took."""
    return {
        "events": memory.events(),
        "runs": memory.ask("SELECT run_id, passed, accepted_by, jsonb_array_length(reasons) FROM eval_runs ORDER BY 1"),
        "results": memory.ask("SELECT run_id, question_id, place FROM eval_results ORDER BY 1, 2"),
        "reports": memory.ask("SELECT run_id FROM eval_reports ORDER BY 1"),
    }


@pytest.mark.parametrize("moment", ["before", "after"])
def test_killed_at_every_write_a_run_is_kept_whole_or_not_at_all(
    questioned: Memory, tmp_path: Path, moment: Moment
) -> None:
    nothing = _state(questioned)
    assert (nothing["runs"], len(nothing["events"])) == ([], len(TOPICS))
    number = 0

    def work() -> None:
        own = counted_session(questioned.session, tmp_path / "objects", Switch(number, moment))
        Memory(own, questioned.workspace, questioned.folder).evaluate("run", _SUITE, only_if_waiting=True, report=True)

    killed_before = 0
    while _state(questioned) == nothing:
        number += 1
        killed_before += was_killed(work)
        assert number < 20
    assert killed_before >= 1
    whole = _state(questioned)
    assert {by for _, _, by in whole["events"]} == {"run"}
    assert whole["runs"] == [("run", True, "", len(TOPICS))]
    assert [question for _, question, _ in whole["results"]] == sorted(TOPICS)
    assert whole["reports"] == [("run",)]
    questioned.evaluate("run", _SUITE, only_if_waiting=True, report=True)
    assert _state(questioned) == whole, "the same run again is the same run"


def _at_once(memory: Memory, *run_ids: str, only_if_waiting: bool) -> None:
    barrier: Barrier = _FORK.Barrier(len(run_ids))

    def work(run_id: str) -> None:
        own = Session(memory.session.settings, memory.session.endpoints)  # connections do not survive a fork
        barrier.wait(timeout=60)
        Memory(own, memory.workspace, memory.folder).evaluate(run_id, _SUITE, only_if_waiting=only_if_waiting)
        own.close()

    processes = [_FORK.Process(target=work, args=(run_id,)) for run_id in run_ids]
    for process in processes:
        process.start()
    for process in processes:
        process.join(timeout=120)
    assert [process.exitcode for process in processes] == [0] * len(run_ids)


@pytest.fixture(params=["with the lock", "without the lock"])
def _locking(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param == "without the lock":  # it spares work; that each event is consumed once must not hang on it
        monkeypatch.setattr(Database, "lock", lambda *_: nullcontext())


@pytest.mark.usefixtures("_locking")
def test_of_two_that_events_ask_for_one_is_run(questioned: Memory) -> None:
    _at_once(questioned, "one", "two", only_if_waiting=True)
    state = _state(questioned)
    ((run, *_, reasons),) = state["runs"]
    assert reasons == len(TOPICS)
    assert {by for _, _, by in state["events"]} == {run}
    assert {name for name, _, _ in state["results"]} == {run}


@pytest.mark.usefixtures("_locking")
def test_of_two_that_people_ask_for_both_are_run_and_one_consumes(questioned: Memory) -> None:
    _at_once(questioned, "one", "two", only_if_waiting=False)
    state = _state(questioned)
    assert [run for run, *_ in state["runs"]] == ["one", "two"]
    assert sorted(reasons for *_, reasons in state["runs"]) == [0, len(TOPICS)]
    ((consumer,),) = [[run for run, *_, reasons in state["runs"] if reasons]]
    assert {by for _, _, by in state["events"]} == {consumer}


@pytest.mark.usefixtures("_locking")
def test_the_same_run_twice_at_once_is_one_run(questioned: Memory) -> None:
    _at_once(questioned, "same", "same", only_if_waiting=True)
    state = _state(questioned)
    assert state["runs"] == [("same", True, "", len(TOPICS))]
    assert len(state["results"]) == len(TOPICS)

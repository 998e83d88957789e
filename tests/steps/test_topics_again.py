"""In whatever order observations came, wherever a run was killed, and with whom it ran: topics are the same."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from neural_memory_pipelines.domain.ids import WorkspaceId
from neural_memory_pipelines.domain.topics.nights import NightPlan, plan_night
from neural_memory_pipelines.domain.versions import EmbeddingVersion
from neural_memory_pipelines.errors import TransientError
from neural_memory_pipelines.local.session import Session
from neural_memory_pipelines.steps.consolidation import cluster
from neural_memory_pipelines.stores.bundle import Stores
from neural_memory_pipelines.stores.postgres.engine import Database
from neural_memory_pipelines.stores.postgres.workspaces import register_version

from .killing import Moment, Switch, counted_session, was_killed
from .profile_world import NIGHT
from .topic_world import TopicWorld

DAY = timedelta(days=1)
_MOMENTS: tuple[Moment, ...] = ("before", "after")
_FORK = multiprocessing.get_context("fork")


@pytest.fixture
def world(stores: Stores, workspace: WorkspaceId, version: EmbeddingVersion) -> TopicWorld:
    register_version(stores.database, version)
    return TopicWorld(stores, workspace, version)


def _nights(world: TopicWorld) -> list[Callable[[], Any]]:
    """Tell what happens before each of three nights: topics are born; some join, leave and wait; one dies."""
    ada = world.entity("Ada")

    def begin() -> None:
        world.document("handbook", [("AUTHORED_BY", ada)])
        world.say("ferries", *range(6))
        world.say("gulls", *range(8))
        world.say("lone", 1)

    def go_on() -> None:
        world.say("ferries", 10, days=1)
        world.say("lanterns", 0, 1, days=1)
        world.supersede(*world.ids("gulls", 0))

    def end() -> None:
        world.supersede(*world.ids("ferries", 0, 1, 2, 3, 10))
        world.say("lanterns", 2, days=2)

    return [begin, go_on, end]


def _run_all(world: TopicWorld) -> list[dict[str, list[str]]]:
    states = []
    for number, tell in enumerate(_nights(world)):
        tell()
        world.find(now=NIGHT + number * DAY)
        states.append(world.dump())
    return states


def test_an_unchanged_night_reads_no_vector_and_writes_nothing(
    world: TopicWorld, session: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    *_, before = _run_all(world)
    assert all(before[name] for name in ("clusters", "members", "pending", "events", "standing"))
    for name in ("vectors_of", "cluster", "write_plan"):
        monkeypatch.setattr(cluster, name, None)
    switch = Switch()
    counted = counted_session(session, tmp_path, switch)
    report = world.find(now=NIGHT + 3 * DAY, stores=counted.stores)
    counted.close()
    assert (report.written, report.deleted, report.is_changed, report.full) == (0, 0, False, None)
    assert (report.seen, report.topics, report.pending) == (13, 2, 3)
    assert switch.writes == []
    assert world.dump() == before


def test_the_same_content_gives_the_same_ids_in_any_order_and_database(
    world: TopicWorld, second_session: Session
) -> None:
    said = [("ferries", range(6)), ("gulls", range(8)), ("lanterns", range(4)), ("lone", range(2))]
    for theme, numbers in said:
        world.say(theme, *numbers)
    world.find()
    expected = world.dump()

    world.forget()
    for theme, numbers in reversed(said):
        world.say(theme, *reversed(numbers))
    world.find()
    assert world.dump() == expected

    register_version(second_session.stores.database, world.version)
    other = replace(world, stores=second_session.stores)
    for theme, numbers in said[2:] + said[:2]:
        other.say(theme, *numbers)
    other.find()
    assert other.dump() == expected


def test_other_workspaces_are_neither_seen_nor_touched(world: TopicWorld) -> None:
    other = replace(world, workspace=WorkspaceId(f"{world.workspace}-b"))
    for each in (world, other):
        each.say("ferries", *range(5))
        each.find()
    assert not world.topics().keys() & other.topics().keys()
    before = other.dump()
    world.supersede(*world.ids("ferries", *range(5)))
    world.find(now=NIGHT + DAY)
    assert (world.topics(), other.dump()) == ({}, before)


def test_killed_at_any_write_the_next_run_ends_where_one_run_does(
    world: TopicWorld, session: Session, tmp_path: Path
) -> None:
    expected = _run_all(world)

    def run(number: int, switch: Switch) -> None:
        counted = counted_session(session, tmp_path, switch)
        world.find(now=NIGHT + number * DAY, stores=counted.stores)
        counted.close()

    for moment in _MOMENTS:
        world.forget()
        for number, tell in enumerate(_nights(world)):
            tell()
            switch = Switch(1, moment)
            assert was_killed(lambda number=number, switch=switch: run(number, switch))  # type: ignore[misc]  # bound now
            is_done = world.dump() == expected[number]
            assert is_done is (moment == "after"), "one commit, and all is in it"
            world.find(now=NIGHT + number * DAY)
            assert world.dump() == expected[number], f"night {number}, killed {moment} the commit"


def _run_twice_at_once(run: Callable[[], None]) -> None:
    processes = [_FORK.Process(target=run) for _ in range(2)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(timeout=120)
    assert [process.exitcode for process in processes] == [0, 0]


def test_two_runs_at_once_end_as_one(world: TopicWorld, session: Session) -> None:
    expected = _run_all(world)
    world.forget()

    def run(number: int) -> None:
        own = Session(session.settings, session.endpoints)
        world.find(now=NIGHT + number * DAY, stores=own.stores)
        own.close()

    for number, tell in enumerate(_nights(world)):
        tell()
        _run_twice_at_once(partial(run, number))
        assert world.dump() == expected[number]


def test_of_two_runs_that_decided_at_once_one_writes_and_the_other_is_to_try_again(
    world: TopicWorld, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = _run_all(world)
    world.forget()
    # The lock spares work; that the result is right must not hang on it.
    monkeypatch.setattr(Database, "lock", lambda *_: nullcontext())
    barrier, refused = _FORK.Barrier(2), _FORK.Value("i", 0)

    def planned_by_both(*args: Any, **kwargs: Any) -> NightPlan:
        plan = plan_night(*args, **kwargs)
        barrier.wait(timeout=60)  # both have read, and none has written
        return plan

    monkeypatch.setattr(cluster, "plan_night", planned_by_both)

    def run(number: int) -> None:
        own = Session(session.settings, session.endpoints)
        find = partial(world.find, now=NIGHT + number * DAY, stores=own.stores)
        try:
            find()
        except TransientError as error:
            if "another run found the topics" not in str(error):
                raise
            with refused.get_lock():
                refused.value += 1
            find()
        own.close()

    for number, tell in enumerate(_nights(world)):
        tell()
        _run_twice_at_once(partial(run, number))
        assert world.dump() == expected[number]
        assert refused.value == number + 1


def test_vectors_that_go_away_meanwhile_are_an_error_to_try_again(
    world: TopicWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.say("ferries", *range(5))
    before = world.dump()
    with monkeypatch.context() as patch:
        patch.setattr(cluster, "vectors_of", lambda *_: {})
        with pytest.raises(TransientError, match=f"5 vectors of {world.workspace} at .* went away"):
            world.find()
    assert world.dump() == before
    assert world.find().topics == 1

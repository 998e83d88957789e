"""The sensor `source_data`, tick by tick, as the daemon evaluates it: what is asked for once, again, or not at all."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.remote_origin import RegisteredCodeLocationOrigin, RemoteRepositoryOrigin

from neural_memory_pipelines.defs import sensors
from neural_memory_pipelines.defs.build import build_definitions
from neural_memory_pipelines.defs.sensors import ASK_AGAIN_SECONDS, source_data
from neural_memory_pipelines.local.session import Session
from neural_memory_pipelines.stores.objects.directory import DirectoryObjectStore
from tests.defs.running import memory_of, with_stores


class Clock:
    """Stands in for `datetime` in the sensor's module."""

    def __init__(self) -> None:
        self.utc = datetime.now(UTC)

    def now(self, zone: object) -> datetime:
        return self.utc


class Daemon:
    """Looks into an inbox of its own, and does with a tick's result what the daemon does before it starts runs."""

    def __init__(self, session: Session, folder: Path, instance: dg.DagsterInstance) -> None:
        self.objects = DirectoryObjectStore(folder)
        self.instance = instance
        self._memory = memory_of(with_stores(session, objects=self.objects))
        self._repository = build_definitions(self._memory).get_repository_def()

    def put(self, *keys: str, text: str = "{}") -> None:
        self.objects.put_many({f"inbox/{key}": text.encode() for key in keys})

    def take(self, *keys: str) -> None:
        for key in keys:
            assert self.objects.delete(f"inbox/{key}")

    def tick(self, cursor: str | None) -> tuple[dict[str, str], str]:
        """Evaluate a tick; gives the run key of each workspace that was asked for, and the next cursor."""
        with dg.build_sensor_context(
            instance=self.instance,
            instance_ref=self.instance.get_ref(),
            cursor=cursor,
            repository_def=self._repository,
            resources={"memory": self._memory},
        ) as context:
            done = source_data.evaluate_tick(context)
        added = {key for request in done.dynamic_partitions_requests or [] for key in request.partition_keys}
        asked = {str(request.partition_key): str(request.run_key) for request in done.run_requests or []}
        assert added == set(asked)
        assert bool(asked) != bool(done.skip_message)
        self.instance.add_dynamic_partitions("workspace", sorted(added))
        assert done.cursor is not None
        json.loads(done.cursor)
        return asked, done.cursor


@pytest.fixture
def daemon(session: Session, tmp_path: Path, stored_instance: dg.DagsterInstance) -> Daemon:
    """A daemon with an empty inbox, and no partition."""
    for key in stored_instance.get_dynamic_partitions("workspace"):
        stored_instance.delete_dynamic_partition("workspace", key)
    return Daemon(session, tmp_path / "objects", stored_instance)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The sensor's clock, which stands still."""
    clock = Clock()
    monkeypatch.setattr(sensors, "datetime", clock)
    return clock


def test_empty_inbox_asks_for_nothing(daemon: Daemon) -> None:
    assert daemon.tick(None) == ({}, "{}")


def test_new_objects_ask_for_one_run_per_workspace_and_add_unknown_ones(daemon: Daemon) -> None:
    daemon.instance.add_dynamic_partitions("workspace", ["known"])
    daemon.put("known/a.jsonl", "known/b.jsonl", "unknown/a.jsonl")
    asked, _cursor = daemon.tick(None)
    assert set(asked) == {"known", "unknown"}
    assert sorted(daemon.instance.get_dynamic_partitions("workspace")) == ["known", "unknown"]


def test_same_objects_are_asked_for_once(daemon: Daemon) -> None:
    daemon.put("one/a.jsonl", "two/a.jsonl")
    _asked, cursor = daemon.tick(None)
    assert daemon.tick(cursor) == ({}, cursor)


def test_daemon_that_was_killed_before_it_stored_the_cursor_asks_under_the_same_keys(
    daemon: Daemon, clock: Clock
) -> None:
    daemon.put("one/a.jsonl")
    first, cursor = daemon.tick(None)
    clock.utc += timedelta(seconds=60)
    assert daemon.tick(None)[0] == first

    clock.utc += timedelta(seconds=ASK_AGAIN_SECONDS)
    again, _lost = daemon.tick(cursor)
    clock.utc += timedelta(seconds=60)
    assert daemon.tick(cursor)[0] == again != first


def test_more_objects_ask_for_one_run_of_their_workspace(daemon: Daemon) -> None:
    daemon.put("one/a.jsonl", "two/a.jsonl")
    first, cursor = daemon.tick(None)
    daemon.put("two/b.jsonl", "two/c.jsonl")
    more, cursor = daemon.tick(cursor)
    assert set(more) == {"two"}
    assert more["two"] != first["two"]
    assert daemon.tick(cursor)[0] == {}


def test_object_that_was_replaced_is_asked_for(daemon: Daemon) -> None:
    daemon.put("one/a.jsonl")
    first, cursor = daemon.tick(None)
    daemon.put("one/a.jsonl", text='{"other": 1}')
    assert daemon.tick(cursor)[0]["one"] != first["one"]


def test_object_that_comes_back_after_it_was_taken_in_gets_a_run(daemon: Daemon) -> None:
    daemon.put("one/a.jsonl")
    first, cursor = daemon.tick(None)
    daemon.take("one/a.jsonl")
    nothing, cursor = daemon.tick(cursor)
    daemon.put("one/a.jsonl")
    second, _cursor = daemon.tick(cursor)
    assert (nothing, set(second)) == ({}, {"one"})
    assert second["one"] != first["one"], "a key that was used starts no run"


def test_objects_that_are_still_there_are_asked_for_again_under_another_key(daemon: Daemon, clock: Clock) -> None:
    daemon.put("one/a.jsonl")
    keys = set()
    cursor = None
    for _ in range(3):
        asked, cursor = daemon.tick(cursor)
        keys.add(asked["one"])
        clock.utc += timedelta(seconds=ASK_AGAIN_SECONDS - 1)
        nothing, cursor = daemon.tick(cursor)
        assert nothing == {}
        clock.utc += timedelta(seconds=1)
    assert len(keys) == 3


def _run(daemon: Daemon, workspace: str, status: dg.DagsterRunStatus) -> None:
    origin = RemoteRepositoryOrigin(RegisteredCodeLocationOrigin("here"), "__repository__").get_job_origin
    run = dg.DagsterRun(
        job_name="ingest_workspace",
        status=status,
        tags={"dagster/partition": workspace},
        remote_job_origin=origin("ingest_workspace"),
    )
    daemon.instance.run_storage.add_run(run)


@pytest.mark.parametrize("status", sorted(dg.DagsterRunStatus, key=str))
def test_run_that_has_not_begun_takes_in_what_came_since(
    daemon: Daemon, clock: Clock, status: dg.DagsterRunStatus
) -> None:
    begins_later = status.value in {"QUEUED", "NOT_STARTED", "STARTING"}
    name = f"w-{status.value}"
    daemon.put(f"{name}/a.jsonl")
    _first, cursor = daemon.tick(None)
    _run(daemon, name, status)
    for number in range(3):
        clock.utc += timedelta(seconds=10)
        daemon.put(f"{name}/more{number}.jsonl")
        asked, cursor = daemon.tick(cursor)
        # A run that has begun may have listed the inbox already.
        assert set(asked) == (set() if begins_later else {name})
    clock.utc += timedelta(seconds=ASK_AGAIN_SECONDS)
    assert name in daemon.tick(cursor)[0], "a run that never begins must not hold its workspace for ever"


def test_unsorted_objects_are_routed_and_asked_for(daemon: Daemon) -> None:
    lines = [json.dumps({"workspaceId": name}) for name in ("one", "two")] + ["not json"]
    daemon.put("dropped.jsonl", text="\n".join(lines))
    asked, _cursor = daemon.tick(None)
    assert set(asked) == {"one", "two"}
    assert [info.key for info in daemon.objects.list("inbox/dropped")] == []
    assert len(list(daemon.objects.list("rejected/"))) == 1


def test_cursor_stays_small(daemon: Daemon) -> None:
    daemon.put(*(f"w{number % 20}/{number}.jsonl" for number in range(400)))
    asked, cursor = daemon.tick(None)
    assert len(asked) == 20
    assert len(cursor) < 20 * 100
    for number in range(400):
        daemon.take(f"w{number % 20}/{number}.jsonl")
    assert daemon.tick(cursor) == ({}, "{}"), "workspaces without waiting objects leave the cursor"


@pytest.mark.parametrize("broken", ["", "{", "[]", '{"one": 1}', '{"one": {"digest": 1}}'])
def test_broken_cursor_starts_anew_under_the_same_keys(daemon: Daemon, broken: str) -> None:
    daemon.put("one/a.jsonl")
    first, _cursor = daemon.tick(None)
    asked, cursor = daemon.tick(broken)
    assert asked == first
    assert daemon.tick(cursor) == ({}, cursor)

"""The sensor `evaluations_due`: one run for a burst, once it rests and is indexed; nothing is lost, nobody stopped."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import dagster as dg
import pytest
from sqlalchemy import event, text

from neural_memory_pipelines.defs import evaluation_times
from neural_memory_pipelines.defs.build import build_definitions
from neural_memory_pipelines.defs.evaluation_times import evaluations_due, ripe_of
from neural_memory_pipelines.defs.partitions import workspace_version_key
from neural_memory_pipelines.defs.resources import MemoryResource
from neural_memory_pipelines.domain.evaluation import Suite
from neural_memory_pipelines.domain.ids import WorkspaceId
from neural_memory_pipelines.errors import TransientError
from neural_memory_pipelines.local.session import Session
from neural_memory_pipelines.stores.postgres.engine import Database
from neural_memory_pipelines.stores.postgres.eval_events import Waiting, put_event, waiting
from tests.defs.running import metadata_by_asset, run_job
from tests.defs.versions import served_workspace

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


@pytest.fixture
def served(session: Session, workspace: WorkspaceId, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> WorkspaceId:
    """An indexed workspace whose documents wait to be evaluated; ticks see it and those that are named after it."""

    def only_these(database: Database) -> list[Waiting]:
        return [found for found in waiting(database) if found.workspace.startswith(workspace)]

    monkeypatch.setattr(evaluation_times, "waiting", only_these)
    served_workspace(session, workspace, tmp_path / "docs")
    return workspace


def _age(session: Session, workspace: WorkspaceId, age: timedelta) -> None:
    """Make the events of a workspace as old as that."""
    with session.stores.database.transaction(workspace) as tx:
        tx.connection.execute(text("UPDATE eval_events SET created_at = now() - :age"), {"age": age})


def _tick(instance: dg.DagsterInstance) -> tuple[list[dg.RunRequest], str | None]:
    with dg.build_sensor_context(
        instance=instance,
        instance_ref=instance.get_ref(),
        repository_def=build_definitions().get_repository_def(),
        resources={"memory": MemoryResource()},
    ) as context:
        done = evaluations_due.evaluate_tick(context)
    return list(done.run_requests or []), done.skip_message


def _key(session: Session, workspace: WorkspaceId) -> dg.MultiPartitionKey:
    return workspace_version_key(workspace, session.active_version(workspace).name)


def _waits(session: Session, workspace: WorkspaceId) -> dict[Suite, int]:
    return {found.suite: found.events for found in waiting(session.stores.database) if found.workspace == workspace}


def _found(*, oldest: timedelta, latest: timedelta) -> Waiting:
    return Waiting(WorkspaceId("w"), Suite.NIGHTLY, 3, NOW - oldest, NOW - latest)


@pytest.mark.parametrize(
    ("oldest", "latest", "is_ripe"),
    [
        (0, 0, False),
        (0.9, 0.9, False),
        (1, 1, True),
        (9, 0.5, False),
        (9, 1, True),
        (10, 0, True),
        (600, 0, True),
    ],
)
def test_events_wait_until_they_rest_or_have_waited_long_enough(oldest: float, latest: float, is_ripe: bool) -> None:
    assert (ripe_of(_found(oldest=oldest * MINUTE, latest=latest * MINUTE), NOW) is not None) is is_ripe


def _keys(found: Waiting, minutes: int) -> list[str]:
    ripe = (ripe_of(found, NOW + minute * MINUTE) for minute in range(minutes))
    return [one.run_key(NOW + minute * MINUTE) for minute, one in enumerate(ripe) if one]


def test_the_same_events_name_the_same_run_and_after_long_another_less_and_less_often() -> None:
    keys = _keys(_found(oldest=2 * MINUTE, latest=MINUTE), 8 * 60)
    assert keys[0] == "nightly-w-2026-11-23T11:59:00.000000Z-0"
    changes = [minute for minute, (before, after) in enumerate(pairwise(keys), 1) if before != after]
    assert changes == [15, 45, 105, 225, 465]
    assert len(set(keys)) == 6


def test_a_stream_that_never_rests_names_one_run_as_long_as_none_has_consumed_its_oldest_event() -> None:
    streams = [Waiting(WorkspaceId("w"), Suite.NIGHTLY, 3, NOW, NOW + minute * MINUTE) for minute in range(10, 24)]
    found = [ripe_of(stream, stream.latest_at) for stream in streams]
    assert {one.run_key(NOW + 24 * MINUTE) for one in found if one} == {"nightly-w-2026-11-23T12:00:00.000000Z-0"}


def test_a_burst_gives_one_run_once_it_rests_and_a_repeated_tick_asks_for_the_same(
    session: Session, served: WorkspaceId, stored_instance: dg.DagsterInstance
) -> None:
    assert _waits(session, served) == {Suite.POST_INGEST: 2}
    assert _tick(stored_instance) == ([], "1 wait for more to come")
    _age(session, served, 2 * MINUTE)
    (request,), (again,) = _tick(stored_instance)[0], _tick(stored_instance)[0]
    assert (request.job_name, request.partition_key) == ("evaluate_post_ingest", _key(session, served))
    assert request.run_config == {"ops": {"post_ingest_regression": {"config": {"only_if_waiting": True}}}}
    assert request.run_key == again.run_key
    assert str(request.run_key).startswith(f"post-ingest-regression-{served}-")
    assert stored_instance.has_dynamic_partition("workspace", served)
    assert _waits(session, served) == {Suite.POST_INGEST: 2}, "the sensor consumes nothing"


def test_each_suite_that_is_due_gets_its_run(
    session: Session, served: WorkspaceId, stored_instance: dg.DagsterInstance
) -> None:
    with session.stores.database.transaction(served) as tx:
        put_event(tx, "a-night", suite=Suite.NIGHTLY, payload={})
    _age(session, served, 2 * MINUTE)
    assert {request.job_name for request in _tick(stored_instance)[0]} == {"evaluate_post_ingest", "evaluate_nightly"}


def test_texts_are_indexed_first_but_not_waited_for_for_ever(
    session: Session, served: WorkspaceId, stored_instance: dg.DagsterInstance
) -> None:
    with session.stores.database.transaction(served) as tx:
        lost = "SELECT min(vector_id) FROM vector_entries"
        tx.connection.exec_driver_sql(f"DELETE FROM vector_entries WHERE vector_id = ({lost})")
    _age(session, served, 2 * MINUTE)
    assert _tick(stored_instance) == ([], "0 are under way, 1 wait until their texts are indexed")
    _age(session, served, 22 * MINUTE)
    assert len(_tick(stored_instance)[0]) == 1


@pytest.mark.parametrize("status", [dg.DagsterRunStatus.NOT_STARTED, dg.DagsterRunStatus.STARTED])
def test_nothing_is_asked_for_while_a_run_of_the_suite_is_under_way(
    session: Session, served: WorkspaceId, stored_instance: dg.DagsterInstance, status: dg.DagsterRunStatus
) -> None:
    _age(session, served, 2 * MINUTE)
    definitions = build_definitions()
    tags = {"dagster/partition": str(_key(session, served))}
    for job, asked in (("evaluate_nightly", 1), ("evaluate_post_ingest", 0)):
        run = stored_instance.create_run_for_job(definitions.resolve_job_def(job), status=status, tags=tags)
        assert len(_tick(stored_instance)[0]) == asked
        stored_instance.delete_run(run.run_id)


def test_the_run_consumes_the_events_and_then_nothing_waits(
    session: Session, served: WorkspaceId, stored_instance: dg.DagsterInstance
) -> None:
    _age(session, served, 2 * MINUTE)
    (request,) = _tick(stored_instance)[0]
    ops = {name: said["config"] for name, said in request.run_config["ops"].items()}
    first, second = (
        run_job(str(request.job_name), stored_instance, key=str(request.partition_key), ops=ops) for _ in range(2)
    )
    assert first.success
    assert second.success
    assert _waits(session, served) == {}
    assert _tick(stored_instance) == ([], "nothing waits")
    (shown,), (nothing,) = metadata_by_asset(first).values(), metadata_by_asset(second).values()
    assert (shown["questions"], shown["events"]) == (2, 2)
    assert "questions" not in nothing
    assert "no event waits" in nothing["notes"]


def test_an_event_that_came_while_it_was_evaluated_is_asked_for_afterwards(
    session: Session, served: WorkspaceId, stored_instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    _age(session, served, 2 * MINUTE)
    (request,) = _tick(stored_instance)[0]
    with session.stores.database.transaction(served) as tx:
        put_event(tx, "later", suite=Suite.POST_INGEST, payload={})
        tx.connection.execute(text("UPDATE eval_events SET consumed_at = now() WHERE event_id <> 'later'"))
    assert _tick(stored_instance)[0] == []
    _age(session, served, 1.5 * MINUTE)
    (after,) = _tick(stored_instance)[0]
    assert after.run_key != request.run_key


def test_a_workspace_that_cannot_be_judged_is_named_and_stops_no_other(
    session: Session,
    served: WorkspaceId,
    stored_instance: dg.DagsterInstance,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    other = WorkspaceId(f"{served}-b")
    served_workspace(session, other, tmp_path / "other")
    _age(session, served, 3 * MINUTE)
    known = Session.active_version

    def away(self: Session, workspace: WorkspaceId) -> object:
        if workspace == served:
            raise TransientError("it is away")
        return known(self, workspace)

    monkeypatch.setattr(Session, "active_version", away)
    sentence = f"0 are under way, 0 wait until their texts are indexed; {served} was passed over: it is away"
    assert _tick(stored_instance) == ([], sentence)
    _age(session, other, 2 * MINUTE)
    (request,) = _tick(stored_instance)[0]
    assert request.partition_key == _key(session, other)


def test_a_tick_asks_for_so_many_runs_at_most_the_longest_waiting_first(
    session: Session,
    served: WorkspaceId,
    stored_instance: dg.DagsterInstance,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    other = WorkspaceId(f"{served}-b")
    served_workspace(session, other, tmp_path / "other")
    _age(session, served, 2 * MINUTE)
    _age(session, other, 3 * MINUTE)
    monkeypatch.setattr(evaluation_times, "_MOST_REQUESTS", 1)
    (request,) = _tick(stored_instance)[0]
    assert request.partition_key == _key(session, other)


@pytest.fixture
def statements(session: Session, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """The statements that the session's engine executes; ticks work on this session."""
    executed: list[str] = []

    def note(*arguments: object) -> None:
        executed.append(str(arguments[2]))

    engine = session.stores.database.engine
    event.listen(engine, "before_cursor_execute", note)
    yield executed
    event.remove(engine, "before_cursor_execute", note)


def test_workspaces_with_nothing_waiting_cost_one_query(
    session: Session, stored_instance: dg.DagsterInstance, statements: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def none_of(database: Database) -> list[Waiting]:
        return [found for found in waiting(database) if found.workspace == "nobody"]

    monkeypatch.setattr(evaluation_times, "waiting", none_of)
    monkeypatch.setattr(MemoryResource, "session", property(lambda _: session))
    assert _tick(stored_instance) == ([], "nothing waits")
    asked = [said for said in statements if "set_config" not in said]
    assert len(asked) == 1
    assert "eval_events" in asked[0]

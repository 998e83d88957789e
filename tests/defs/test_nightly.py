"""The schedule `nightly` and the sensors beside it: which runs are asked for, once, and no workspace stops others."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from neural_memory_pipelines.defs.assets.indexes import IndexConfig
from neural_memory_pipelines.defs.build import build_definitions
from neural_memory_pipelines.defs.consolidation_times import consolidated, early_consolidation, nightly
from neural_memory_pipelines.defs.partitions import add_partitions, workspace_version_key
from neural_memory_pipelines.defs.resources import MemoryResource
from neural_memory_pipelines.domain.ids import WorkspaceId
from neural_memory_pipelines.errors import NotFoundError
from neural_memory_pipelines.local.session import Session
from neural_memory_pipelines.steps.versions.propose import begin_build
from neural_memory_pipelines.stores.postgres import nights
from neural_memory_pipelines.stores.postgres.consolidation_settings import change_setting
from neural_memory_pipelines.stores.postgres.engine import Database
from neural_memory_pipelines.stores.postgres.nights import NightSchedule
from tests.defs.running import run_job
from tests.defs.versions import propose
from tests.steps.summarized import NIGHT, TOPICS, Summarized, summarized

DAY = timedelta(days=1)


@pytest.fixture
def made(session: Session, workspace: WorkspaceId, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Summarized:
    """A workspace that was never consolidated; ticks see it and those that are named after it."""
    all_schedules = nights.night_schedules

    def only_these(database: Database) -> list[NightSchedule]:
        return [scheduled for scheduled in all_schedules(database) if scheduled.workspace.startswith(workspace)]

    monkeypatch.setattr(nights, "night_schedules", only_these)
    return summarized(session, workspace, tmp_path / "docs")


def _set(made: Summarized, name: str, value: str) -> None:
    with made.session.stores.database.transaction(made.workspace) as tx:
        change_setting(tx, name, value)


def _tick(instance: dg.DagsterInstance, now: datetime = NIGHT) -> tuple[list[dg.RunRequest], str | None]:
    with dg.build_schedule_context(
        instance=instance,
        scheduled_execution_time=now,
        repository_def=build_definitions().get_repository_def(),
        resources={"memory": MemoryResource()},
    ) as context:
        done = nightly.evaluate_tick(context)
    return list(done.run_requests or []), done.skip_message


def _early(instance: dg.DagsterInstance) -> tuple[list[dg.RunRequest], str | None]:
    with dg.build_sensor_context(
        instance=instance,
        instance_ref=instance.get_ref(),
        repository_def=build_definitions().get_repository_def(),
        resources={"memory": MemoryResource()},
    ) as context:
        done = early_consolidation.evaluate_tick(context)
    return list(done.run_requests or []), done.skip_message


def _key(made: Summarized) -> dg.MultiPartitionKey:
    return workspace_version_key(made.workspace, made.session.active_version(made.workspace).name)


def _asked(requests: list[dg.RunRequest]) -> dict[str, str]:
    return {request.tags["dagster/partition"]: str(request.run_key) for request in requests}


def _pretend_run(instance: dg.DagsterInstance, key: dg.MultiPartitionKey, status: dg.DagsterRunStatus) -> dg.DagsterRun:
    job = build_definitions().resolve_job_def("consolidate_workspace")
    return instance.create_run_for_job(job, status=status, tags={"dagster/partition": str(key)})


def test_a_workspace_that_is_due_is_asked_for_under_a_key_of_its_night(
    made: Summarized, stored_instance: dg.DagsterInstance
) -> None:
    requests, _ = _tick(stored_instance)
    version = made.session.active_version(made.workspace).name
    key = f"night-2026-11-22T02:00Z-{made.workspace}-{version}"
    assert _asked(requests) == {_key(made): key}
    assert _asked(_tick(stored_instance)[0]) == {_key(made): key}, "a tick that is repeated"
    assert _asked(_tick(stored_instance, NIGHT + timedelta(hours=5))[0]) == {_key(made): key}, "a later one"
    assert stored_instance.has_dynamic_partition("workspace", made.workspace)
    made.night()
    assert _tick(stored_instance, NIGHT + DAY) == ([], "no night is due")


def test_a_night_compares_the_ids_of_all_indexes(made: Summarized, stored_instance: dg.DagsterInstance) -> None:
    (request,) = _tick(stored_instance)[0]
    job = build_definitions().resolve_job_def("consolidate_workspace")
    compared = {node.name for node in job.nodes if IndexConfig.to_fields_dict().keys() <= _config_of(node)}
    assert set(request.run_config["ops"]) == compared
    assert len(compared) == 4
    assert all(said == {"config": {"compare_ids": True}} for said in request.run_config["ops"].values())


def _config_of(node: Any) -> set[str]:
    return set(getattr(node.definition.config_schema.config_type, "fields", {}))


@pytest.mark.parametrize("ask", [_tick, _early], ids=["nightly", "early"])
def test_nothing_is_asked_for_while_a_run_is_under_way(
    made: Summarized,
    stored_instance: dg.DagsterInstance,
    ask: Callable[[dg.DagsterInstance], tuple[list[dg.RunRequest], str | None]],
) -> None:
    _set(made, "early_observations", "1")
    assert len(ask(stored_instance)[0]) == 1
    for status in (dg.DagsterRunStatus.NOT_STARTED, dg.DagsterRunStatus.STARTED):
        run = _pretend_run(stored_instance, _key(made), status)
        requests, skipped = ask(stored_instance)
        assert requests == []
        assert skipped is not None
        assert skipped.endswith("; 1 are under way")
        stored_instance.delete_run(run.run_id)
    _pretend_run(stored_instance, _key(made), dg.DagsterRunStatus.FAILURE)
    assert len(ask(stored_instance)[0]) == 1


@pytest.mark.parametrize("ask", [_tick, _early], ids=["nightly", "early"])
def test_a_workspace_that_fails_is_named_and_stops_no_other(
    made: Summarized,
    stored_instance: dg.DagsterInstance,
    tmp_path: Path,
    ask: Callable[[dg.DagsterInstance], tuple[list[dg.RunRequest], str | None]],
) -> None:
    made.execute(
        "UPDATE workspaces SET settings = jsonb_build_object('consolidation', '{\"timezone\": \"Mars\"}'::jsonb)"
    )
    requests, skipped = ask(stored_instance)
    assert requests == []
    assert f"; {made.workspace} was passed over: " in str(skipped)
    assert "there is no zone 'Mars'" in str(skipped)
    other = summarized(made.session, WorkspaceId(f"{made.workspace}-b"), tmp_path / "other")
    _set(other, "early_observations", "1")
    assert set(_asked(ask(stored_instance)[0])) == {_key(other)}


def test_many_idle_workspaces_of_which_few_changed_ask_for_these_alone(
    made: Summarized, stored_instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    made.night()
    others = [
        summarized(made.session, WorkspaceId(f"{made.workspace}-{letter}"), tmp_path / letter) for letter in "abcd"
    ]
    for other in others:
        other.night()
    others[2].tell(*TOPICS, "engines")
    requests, _ = _tick(stored_instance, NIGHT + DAY)
    assert set(_asked(requests)) == {_key(others[2])}


def test_early_is_asked_for_once_for_each_portion(made: Summarized, stored_instance: dg.DagsterInstance) -> None:
    assert _early(stored_instance) == ([], "nowhere is enough new")
    _set(made, "early_observations", "2")
    first, again = (_asked(_early(stored_instance)[0]) for _ in range(2))
    assert first == again
    assert first[_key(made)].startswith(f"early-the-first-2-{made.workspace}")
    made.tell(*TOPICS, "engines", "ferries")
    assert _asked(_early(stored_instance)[0])[_key(made)].startswith("early-the-first-3-")


def _follow(instance: dg.DagsterInstance, key: dg.MultiPartitionKey) -> dict[str, str]:
    run = _pretend_run(instance, key, dg.DagsterRunStatus.SUCCESS)
    with dg.build_run_status_sensor_context(
        sensor_name="consolidated",
        dagster_event=_success_of(run),
        dagster_instance=instance,
        dagster_run=run,
        resources={"memory": MemoryResource()},
    ) as context:
        result = consolidated(context)
    if isinstance(result, dg.SkipReason):
        return {}
    assert isinstance(result, dg.SensorResult)
    return {str(request.partition_key): str(request.run_key) for request in result.run_requests or []}


def _success_of(run: dg.DagsterRun) -> dg.DagsterEvent:
    return dg.DagsterEvent(event_type_value=dg.DagsterEventType.RUN_SUCCESS.value, job_name=run.job_name)


def test_other_versions_follow_a_run_at_the_active_one_and_no_other_run(
    made: Summarized, stored_instance: dg.DagsterInstance
) -> None:
    add_partitions(stored_instance, [made.workspace], [made.session.active_version(made.workspace).name])
    assert _follow(stored_instance, _key(made)) == {}
    beside, unbuilt = propose(made.session, made.workspace), propose(made.session, made.workspace, dim=384)
    begin_build(made.workspace, beside, stores=made.session.stores)
    followed = _follow(stored_instance, _key(made))
    follower = workspace_version_key(made.workspace, beside.name)
    assert set(followed) == {follower}
    assert unbuilt.name not in stored_instance.get_dynamic_partitions("embedding_version")
    assert _follow(stored_instance, follower) == {}, "a follower is not followed"


def test_a_workspace_that_is_gone_is_an_error_of_ours(stored_instance: dg.DagsterInstance) -> None:
    with pytest.raises(NotFoundError):  # at one of Dagster's own, the sensor would stand still
        _follow(stored_instance, workspace_version_key(WorkspaceId("gone"), "none"))


def test_after_the_run_that_was_asked_for_nothing_is_due(made: Summarized, stored_instance: dg.DagsterInstance) -> None:
    (request,) = _tick(stored_instance, datetime.now(UTC))[0]
    ops = {name: said["config"] for name, said in request.run_config["ops"].items()}
    done = run_job("consolidate_workspace", stored_instance, key=_key(made), ops=ops)
    assert done.success
    assert _tick(stored_instance, datetime.now(UTC) + DAY) == ([], "no night is due")
    made.tell(*TOPICS, "engines")
    assert set(_asked(_tick(stored_instance, datetime.now(UTC) + 2 * DAY)[0])) == {_key(made)}

"""The sensor `knowledge_changed`: which indexing follows which ingestion, and that none is lost."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.storage.tags import ASSET_PARTITION_RANGE_END_TAG, ASSET_PARTITION_RANGE_START_TAG

from neural_memory_pipelines.defs.build import build_definitions
from neural_memory_pipelines.defs.partitions import workspace_version_key
from neural_memory_pipelines.defs.resources import MemoryResource
from neural_memory_pipelines.defs.sensors import BUILD_TAG, knowledge_changed
from neural_memory_pipelines.domain.ids import WorkspaceId
from neural_memory_pipelines.errors import NotFoundError, TransientError
from neural_memory_pipelines.local.session import Session
from neural_memory_pipelines.steps.versions.propose import begin_build
from tests.defs.running import memory_of, run_job
from tests.defs.versions import propose
from tests.steps.pipeline import ingest_folder


@pytest.fixture
def three(session: Session, instance: dg.DagsterInstance, workspace: WorkspaceId, tmp_path: Path) -> list[WorkspaceId]:
    """Three workspaces, each with a waiting document; all are partitions."""
    names = [WorkspaceId(f"{workspace}-{letter}") for letter in "abc"]
    (tmp_path / "page.md").write_text("# Page\n\nSome words.\n")
    for name in names:
        ingest_folder(session, name, tmp_path)
    return names


def _follow(instance: dg.DagsterInstance, ingested: dg.ExecuteInProcessResult) -> dict[str, str]:
    """Call the sensor for a run that succeeded; gives the run key of each partition that is asked for."""
    assert ingested.success
    with dg.build_run_status_sensor_context(
        sensor_name="knowledge_changed",
        dagster_event=ingested.get_run_success_event(),
        dagster_instance=instance,
        dagster_run=ingested.dagster_run,
        resources={"memory": MemoryResource()},
    ) as context:
        result = knowledge_changed(context)
    if isinstance(result, dg.SkipReason):
        return {}
    assert isinstance(result, dg.SensorResult)
    return {str(request.partition_key): str(request.run_key) for request in result.run_requests or []}


def _ingest(
    instance: dg.DagsterInstance, names: list[WorkspaceId], tags: Mapping[str, str] | None = None
) -> dg.ExecuteInProcessResult:
    instance.add_dynamic_partitions("workspace", names)
    return run_job("ingest_workspace", instance, key=names[0], tags=tags)


def test_ingestion_is_followed_by_indexing_at_every_version_that_is_kept(
    session: Session, instance: dg.DagsterInstance, three: list[WorkspaceId]
) -> None:
    ingested = _ingest(instance, three[:1])
    beside, unbuilt = propose(session, three[0]), propose(session, three[0], dim=384)
    begin_build(three[0], beside, stores=session.stores)
    kept = [session.active_version(three[0]).name, beside.name]
    asked = _follow(instance, ingested)
    assert set(asked) == {workspace_version_key(three[0], version) for version in kept}
    assert len(set(asked.values())) == 2
    assert unbuilt.name not in instance.get_dynamic_partitions("embedding_version")


def test_ingestion_is_followed_by_indexing_at_the_active_version(
    session: Session, instance: dg.DagsterInstance, three: list[WorkspaceId]
) -> None:
    ingested = _ingest(instance, three[:1])
    version = session.active_version(three[0]).name
    asked = _follow(instance, ingested)
    assert asked == {workspace_version_key(three[0], version): f"{ingested.run_id}-{three[0]}-{version}"}
    assert _follow(instance, ingested) == asked, "a tick that is repeated asks under the same key"
    assert instance.get_dynamic_partitions("embedding_version") == [version]
    assert run_job("index_workspace", instance, key=next(iter(asked))).success


def test_run_over_a_range_is_followed_by_indexing_each_of_its_workspaces(
    session: Session, instance: dg.DagsterInstance, three: list[WorkspaceId]
) -> None:
    instance.add_dynamic_partitions("workspace", [*three, "not-in-the-range"])
    tags = {ASSET_PARTITION_RANGE_START_TAG: three[0], ASSET_PARTITION_RANGE_END_TAG: three[2]}
    ingested = run_job("ingest_workspace", instance, tags=tags)
    version = session.active_version(three[0]).name
    asked = _follow(instance, ingested)
    assert set(asked) == {workspace_version_key(name, version) for name in three}
    assert len(set(asked.values())) == 3


def test_range_whose_partitions_were_deleted_is_an_error_and_stops_nothing(
    instance: dg.DagsterInstance, three: list[WorkspaceId]
) -> None:
    instance.add_dynamic_partitions("workspace", three)
    tags = {ASSET_PARTITION_RANGE_START_TAG: three[0], ASSET_PARTITION_RANGE_END_TAG: three[2]}
    ingested = run_job("ingest_workspace", instance, tags=tags)
    instance.delete_dynamic_partition("workspace", three[2])
    # Not an error of Dagster's own: at such a one the sensor would stand still.
    with pytest.raises(NotFoundError, match="no partitions any more"):
        _follow(instance, ingested)


def test_build_command_indexes_by_itself(instance: dg.DagsterInstance, three: list[WorkspaceId]) -> None:
    assert _follow(instance, _ingest(instance, three[:1], tags={BUILD_TAG: "host:1:2"})) == {}


class _Away(Session):
    """A session whose database is away for a while."""

    def __init__(self, working: Session, *, failures: int) -> None:
        self.__dict__.update(copy.copy(working.__dict__))
        self.failures = failures

    def kept_versions(self, workspace: WorkspaceId) -> list[str]:
        if self.failures:
            self.failures -= 1
            raise TransientError("Postgres is away")
        return super().kept_versions(workspace)


def test_no_run_is_forgotten_when_postgres_is_away_at_a_tick(
    session: Session, stored_instance: dg.DagsterInstance, three: list[WorkspaceId]
) -> None:
    memory = memory_of(_Away(session, failures=2))
    repository = build_definitions(memory).get_repository_def()

    def tick(cursor: str | None) -> tuple[set[str], str | None]:
        with dg.build_sensor_context(
            instance=stored_instance,
            instance_ref=stored_instance.get_ref(),
            cursor=cursor,
            repository_def=repository,
            resources={"memory": memory},
        ) as context:
            done = knowledge_changed.evaluate_tick(context)
        assert not [reaction for reaction in done.dagster_run_reactions or [] if reaction.error]
        return {str(request.partition_key) for request in done.run_requests or []}, done.cursor

    _nothing, cursor = tick(None)
    _ingest(stored_instance, three[:1])
    for _ in range(2):
        with pytest.raises(dg.DagsterError, match="Postgres is away"):
            tick(cursor)
    asked, cursor = tick(cursor)
    assert asked == {workspace_version_key(three[0], session.active_version(three[0]).name)}
    assert tick(cursor)[0] == set()

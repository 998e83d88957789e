"""The check on dead letters: it warns and stops nothing, says why, and passes after a replay."""

from __future__ import annotations

import json
from typing import Any

import dagster as dg
import pytest

from neural_memory_pipelines.domain.ids import WorkspaceId
from neural_memory_pipelines.errors import InvalidEventError
from neural_memory_pipelines.local.session import Session
from neural_memory_pipelines.sources.protocol import Source
from neural_memory_pipelines.sources.registry import SOURCES
from neural_memory_pipelines.steps.dead_letters import replay_dead_letters
from neural_memory_pipelines.steps.inbox import put_lines
from tests.defs.running import checks_by_name, metadata_by_asset, run_both, run_job
from tests.steps.samples import envelope, issue

_CHECK = "documents.no_dead_letters"
_FAULT = "payload.issue: not today"


def _refuse(patch: pytest.MonkeyPatch) -> None:
    def parse(event: Any) -> Any:
        if event.payload["number"] > 1:
            raise InvalidEventError(_FAULT)
        return SOURCES["github"].parse(event)

    patch.setattr(
        "neural_memory_pipelines.sources.registry.SOURCES",
        {**SOURCES, "github": Source(parse, SOURCES["github"].subject)},
    )


@pytest.fixture
def waiting(session: Session, workspace: WorkspaceId) -> WorkspaceId:
    """A workspace whose inbox holds one good event, two that will be refused for now, and a line that is no JSON."""
    lines = [envelope(workspace, key=str(number), payload=issue(number)) for number in (1, 2, 3)]
    put_lines(session.stores.objects, workspace, [*lines, b"no JSON"])
    return workspace


def _check(result: dg.ExecuteInProcessResult) -> dg.AssetCheckEvaluation:
    return checks_by_name(result)[_CHECK]


def _reasons(value: Any) -> dict[str, int]:
    return {record.data["reason"]: record.data["events"] for record in value.records}


def test_dead_letters_warn_and_stop_nothing(
    session: Session, instance: dg.DagsterInstance, waiting: WorkspaceId, monkeypatch: pytest.MonkeyPatch
) -> None:
    _refuse(monkeypatch)
    ingested, indexed = run_both(session, instance, waiting)
    assert (ingested.success, indexed.success) == (True, True)
    check = _check(ingested)
    assert (check.passed, check.severity, check.blocking) == (False, dg.AssetCheckSeverity.WARN, False)
    assert check.partition == waiting
    assert check.description == "3 events could not be processed"
    assert check.metadata["dead_letters"].value == 3
    reasons = _reasons(check.metadata["reasons"].value)
    assert reasons[_FAULT] == 2
    assert sum(reasons.values()) == 3
    assert next(iter(reasons)) == _FAULT

    # What comes after it in the same run was made, of the event that was good.
    metadata = metadata_by_asset(ingested) | metadata_by_asset(indexed)
    assert metadata["documents", waiting]["dagster/row_count"] == 1
    assert {asset for asset, _ in metadata} >= {"relationships", "graph_adjacency_cache", "chunk_index"}


def test_the_materialization_of_documents_shows_dead_letters(
    session: Session, instance: dg.DagsterInstance, waiting: WorkspaceId, monkeypatch: pytest.MonkeyPatch
) -> None:
    instance.add_dynamic_partitions("workspace", [waiting])
    with monkeypatch.context() as patch:
        _refuse(patch)
        metadata = metadata_by_asset(run_job("ingest_workspace", instance, key=waiting))
    documents = metadata["documents", waiting]
    assert (documents["events_failed"], documents["events_written"], documents["dead_letters"]) == (2, 1, 3)
    assert _reasons(documents["events_reasons"]) == {_FAULT: 2}
    assert metadata["raw_artifacts", waiting]["failed"] == 1
    # They are shown for as long as they are there.
    later = metadata_by_asset(run_job("ingest_workspace", instance, key=waiting))["documents", waiting]
    assert (later["events_failed"], later["dead_letters"]) == (0, 3)


def test_the_check_passes_after_a_replay(
    session: Session, instance: dg.DagsterInstance, waiting: WorkspaceId, monkeypatch: pytest.MonkeyPatch
) -> None:
    instance.add_dynamic_partitions("workspace", [waiting])
    with monkeypatch.context() as patch:
        _refuse(patch)
        assert not _check(run_job("ingest_workspace", instance, key=waiting)).passed

    replay_dead_letters(waiting, [], stores=session.stores)
    still = _check(run_job("ingest_workspace", instance, key=waiting))
    assert still.metadata["dead_letters"].value == 1  # the line that is no JSON, whatever is mended
    (reason,) = _reasons(still.metadata["reasons"].value)
    assert "JSON" in reason

    with session.stores.database.transaction(waiting) as tx:
        tx.connection.exec_driver_sql("DELETE FROM dead_letters")
    passed = _check(run_job("ingest_workspace", instance, key=waiting))
    assert passed.passed
    assert passed.description == "every event could be processed"
    assert {name: value.value for name, value in passed.metadata.items()} == {"dead_letters": 0}


def test_the_most_frequent_of_many_reasons_are_shown_each_on_one_short_line(
    session: Session, instance: dg.DagsterInstance, workspace: WorkspaceId
) -> None:
    lines = [json.dumps({"workspaceId": workspace, "source": f"s{n}" + "x" * 2_000}).encode() for n in range(40)]
    put_lines(session.stores.objects, workspace, [*lines, b"no", b"JSON", b"no JSON"])
    instance.add_dynamic_partitions("workspace", [workspace])
    check = _check(run_job("ingest_workspace", instance, key=workspace))
    assert check.metadata["dead_letters"].value == 43
    reasons = _reasons(check.metadata["reasons"].value)
    assert len(reasons) <= 25
    assert all(len(reason) <= 300 for reason in reasons)


def test_a_range_of_workspaces_is_judged_as_a_whole(
    session: Session, instance: dg.DagsterInstance, workspace: WorkspaceId
) -> None:
    names = [WorkspaceId(f"{workspace}-{letter}") for letter in "ab"]
    for name in names:
        put_lines(session.stores.objects, name, [name.encode()])
    instance.add_dynamic_partitions("workspace", names)
    tags = {"dagster/asset_partition_range_start": names[0], "dagster/asset_partition_range_end": names[1]}
    result = run_job("ingest_workspace", instance, tags=tags)
    assert result.success
    evaluations = result.get_asset_check_evaluations()
    assert sum(int(str(check.metadata["dead_letters"].value)) for check in evaluations if not check.passed) >= 2

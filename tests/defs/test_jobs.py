"""The jobs, run for real: what they report, that a second run does nothing, and runs over several workspaces."""

from __future__ import annotations

from pathlib import Path

import dagster as dg
import pytest
from dagster._core.storage.tags import ASSET_PARTITION_RANGE_END_TAG, ASSET_PARTITION_RANGE_START_TAG

from neural_memory_pipelines.defs.partitions import workspace_version_key
from neural_memory_pipelines.domain.ids import WorkspaceId
from neural_memory_pipelines.local.session import Session
from neural_memory_pipelines.stores.postgres.status import workspace_status
from tests.conftest import SAMPLES
from tests.defs.running import checks_by_name, index_key, metadata_by_asset, run_both, run_job
from tests.steps.pipeline import ingest_folder

ASSETS = {
    "raw_artifacts",
    "documents",
    "chunks",
    "observations",
    "entities",
    "relationships",
    "graph_adjacency_cache",
    "chunk_embeddings",
    "observation_embeddings",
    "chunk_index",
    "observation_index",
    "knowledge_cache",
}
OF_NIGHTS = {"summary_embeddings", "summary_index", "profile_index"}
"""What has nothing to do before the first night."""
COUNTS = {"seen", "written", "unchanged", "deleted", "skipped", "failed", "tokens", "seconds"}


def test_both_jobs_make_the_samples_searchable_and_say_what_they_did(
    session: Session, instance: dg.DagsterInstance, workspace: WorkspaceId
) -> None:
    ingest_folder(session, workspace, SAMPLES / "docs")
    runs = run_both(session, instance, workspace)

    assert [run.success for run in runs] == [True, True]
    checks = checks_by_name(runs[0]) | checks_by_name(runs[1])
    assert len(checks) == 16
    assert {name: check.description for name, check in checks.items() if not check.passed} == {}

    metadata = {asset: values for run in runs for (asset, _), values in metadata_by_asset(run).items()}
    assert set(metadata) == ASSETS | OF_NIGHTS
    for asset, values in metadata.items():
        assert set(values) >= COUNTS, asset
        assert values["failed"] == 0, asset
    for asset, values in ((name, metadata[name]) for name in ASSETS):
        assert values["seen"] >= values["written"] > 0, asset
        assert values["examples"].records, asset
    assert metadata["documents"]["events_seen"] == metadata["raw_artifacts"]["written"]
    assert metadata["chunk_embeddings"]["tokens"] > 0
    assert "dollars" not in metadata["chunk_embeddings"], "a model of this machine costs none"
    index = metadata["chunk_index"]
    assert index["vectors_desired"] == index["vectors_indexed"] == index["vectors_upserted"] == index["written"]
    assert index["vectors_deleted"] == 0

    with session.stores.database.transaction(workspace) as tx:
        status = workspace_status(tx)
    for table in ("documents", "chunks", "observations"):
        assert metadata[table]["dagster/row_count"] == getattr(status, table) == metadata[table]["written"]


def test_second_run_writes_nothing(session: Session, instance: dg.DagsterInstance, workspace: WorkspaceId) -> None:
    ingest_folder(session, workspace, SAMPLES / "docs")
    first, second = run_both(session, instance, workspace), run_both(session, instance, workspace)

    written = {asset: values["written"] for run in second for (asset, _), values in metadata_by_asset(run).items()}
    assert written == dict.fromkeys(ASSETS | OF_NIGHTS, 0)
    assert all(run.success for run in second)
    assert all(check.passed for check in checks_by_name(second[1]).values())
    rows = [metadata_by_asset(runs[0])["chunks", workspace]["dagster/row_count"] for runs in (first, second)]
    assert rows[0] == rows[1] > 0


@pytest.fixture
def three(session: Session, workspace: WorkspaceId, tmp_path: Path) -> list[WorkspaceId]:
    """Three workspaces, where the n-th has n waiting documents."""
    names = [WorkspaceId(f"{workspace}-{letter}") for letter in "abc"]
    for number, name in enumerate(names, start=1):
        folder = tmp_path / name
        folder.mkdir()
        for index in range(number):
            (folder / f"page{index}.md").write_text(f"# Page {index}\n\nDecision: {name} keeps page {index}.\n")
        ingest_folder(session, name, folder)
    return names


def test_one_run_over_a_range_of_workspaces_reports_each_on_its_own_partition(
    session: Session, instance: dg.DagsterInstance, three: list[WorkspaceId]
) -> None:
    instance.add_dynamic_partitions("workspace", three)
    ingested = run_job("ingest_workspace", instance, tags=_range(three[0], three[-1]))
    assert ingested.success
    documents = {
        partition: (values["written"], values["dagster/row_count"], values["events_written"])
        for (asset, partition), values in metadata_by_asset(ingested).items()
        if asset == "documents"
    }
    assert documents == {name: (number, number, number) for number, name in enumerate(three, start=1)}

    keys = [index_key(session, instance, name) for name in three]
    indexed = run_job("index_workspace", instance, tags=_range(keys[0], keys[-1]))
    assert indexed.success
    assert all(check.passed for check in checks_by_name(indexed).values())
    version = session.active_version(three[0]).name
    primed = {key: values["written"] for key, values in metadata_by_asset(indexed).items() if "cache" in key[0]}
    assert primed == {
        ("knowledge_cache", workspace_version_key(name, version)): number for number, name in enumerate(three, start=1)
    }


def _range(start: str, end: str) -> dict[str, str]:
    return {ASSET_PARTITION_RANGE_START_TAG: start, ASSET_PARTITION_RANGE_END_TAG: end}

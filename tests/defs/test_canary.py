"""The asset `canary`, its blocking checks, and `served_version` below it, run for real."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import dagster as dg
import pytest

from neural_memory_pipelines.defs.partitions import add_partitions, workspace_version_key
from neural_memory_pipelines.domain.ids import WorkspaceId
from neural_memory_pipelines.domain.lifecycle import VersionStatus
from neural_memory_pipelines.domain.versions import EmbeddingVersion, Family
from neural_memory_pipelines.local.session import Session
from neural_memory_pipelines.steps.scope import Scope
from neural_memory_pipelines.steps.versions.archive import archive
from neural_memory_pipelines.steps.versions.gate import GATE
from tests.defs.running import checks_by_name, failure_of, memory_of, metadata_by_asset, run_job
from tests.defs.versions import PAGES, CountingSession, build, propose, served_workspace, status_of, the_standing

_GATE = {f"canary.{name}" for name in GATE}
_PROMOTE = {"served_version": {"promote": True, "by": "ada", "reason": "the gate passed"}}


def _run(
    instance: dg.DagsterInstance,
    workspace: WorkspaceId,
    version: EmbeddingVersion,
    *assets: str,
    session: Session | None = None,
    promote: bool = False,
) -> dg.ExecuteInProcessResult:
    """Run `build_version` on a version, or some of its assets."""
    add_partitions(instance, [workspace], [version.name])
    return run_job(
        "build_version",
        instance,
        key=workspace_version_key(workspace, version.name),
        assets=list(assets) or None,
        memory=memory_of(session) if session else None,
        ops=_PROMOTE if promote else None,
    )


def test_proposed_version_is_built_judged_and_left_beside_the_active_one(
    session: Session, instance: dg.DagsterInstance, workspace: WorkspaceId, tmp_path: Path
) -> None:
    active = served_workspace(session, workspace, tmp_path)
    version = propose(session, workspace)
    result = _run(instance, workspace, version)

    assert result.success
    checks = checks_by_name(result)
    assert {name for name, check in checks.items() if check.passed} == set(checks) >= _GATE
    assert all(checks[name].blocking for name in _GATE)
    assert {checks[name].partition for name in _GATE} == {workspace_version_key(workspace, version.name)}
    metadata = {asset: values for (asset, _), values in metadata_by_asset(result).items()}
    judged = metadata["canary"]
    assert (judged["passed"], judged["served"]) == (True, active.name)
    assert [record.data["check"] for record in judged["findings"].records] == list(GATE)
    assert judged["questions"] == len(PAGES)
    assert judged["recall_at_10"] == judged["served_recall_at_10"] == judged["ndcg_at_10"] == 1.0
    assert metadata["chunk_index"]["vectors_indexed"] == metadata["chunk_index"]["vectors_upserted"] == len(PAGES)

    shown = metadata["served_version"]
    assert shown["served"] == active.name
    status = {record.data["version"]: record.data["status"] for record in shown["versions"].records}
    assert status == {active.name: "active", version.name: "canary"}
    assert [record.data["to"] for record in shown["history"].records] == ["canary", "proposed", "active"]
    assert session.active_version(workspace) == active


def test_gate_embeds_no_text_of_a_version_twice(
    session: Session, instance: dg.DagsterInstance, workspace: WorkspaceId, tmp_path: Path
) -> None:
    served_workspace(session, workspace, tmp_path)
    version = propose(session, workspace)
    build(session, workspace, version)
    counting = CountingSession(session)
    assert _run(instance, workspace, version, "canary", session=counting).success
    asked = counting.embedded[version.name]
    assert len(asked) == len(set(asked)) > len(PAGES)


def test_passed_gate_lets_the_same_run_promote_and_then_there_is_nothing_to_judge(
    session: Session, instance: dg.DagsterInstance, workspace: WorkspaceId, tmp_path: Path
) -> None:
    active = served_workspace(session, workspace, tmp_path)
    version = propose(session, workspace)
    build(session, workspace, version)
    promoted = _run(instance, workspace, version, "canary", "served_version", promote=True)
    assert promoted.success
    assert session.active_version(workspace) == version
    assert status_of(session, workspace, active) is VersionStatus.RETIRED
    (shown,) = [v for (asset, _), v in metadata_by_asset(promoted).items() if asset == "served_version"]
    latest = shown["history"].records[0].data
    assert (latest["by"], latest["reason"], latest["to"]) == ("ada", "the gate passed", "active")

    again = _run(instance, workspace, version, "canary")
    assert again.success
    sentence = f"{version.name} is served: there is nothing to judge"
    assert {check.description for check in checks_by_name(again).values()} == {sentence}


def test_failed_check_stops_the_promotion_of_the_same_run(
    session: Session, instance: dg.DagsterInstance, workspace: WorkspaceId, tmp_path: Path
) -> None:
    active = served_workspace(session, workspace, tmp_path)
    version = propose(session, workspace)
    build(session, workspace, version)
    scope = Scope(workspace, version, Family.CHUNKS, session.stores)
    place = scope.places()[0]
    session.stores.vectors.delete(place.index, place.namespace, [min(scope.indexed_ids())])

    result = _run(instance, workspace, version, "canary", "served_version", promote=True)
    assert not result.success
    failed = {name: check for name, check in checks_by_name(result).items() if not check.passed}
    assert "canary.vectors_are_whole" in failed
    assert "1 missing" in str(failed["canary.vectors_are_whole"].description)
    materialized = {asset for asset, _ in metadata_by_asset(result)}
    assert materialized == {"canary"}, "what was found is shown, and nothing below it runs"
    assert session.active_version(workspace) == active
    assert the_standing(session, workspace, version).gate_passed is False


def test_promotion_without_a_name_or_a_passed_gate_is_refused(
    session: Session, instance: dg.DagsterInstance, workspace: WorkspaceId, tmp_path: Path
) -> None:
    served_workspace(session, workspace, tmp_path)
    version = propose(session, workspace)
    build(session, workspace, version)
    add_partitions(instance, [workspace], [version.name])
    run = partial(
        run_job,
        "build_version",
        instance,
        key=workspace_version_key(workspace, version.name),
        assets=["served_version"],
    )
    nobody = run(ops={"served_version": {"promote": True, "reason": "so"}})
    assert "say `by` and `reason` too" in str(failure_of(nobody))
    assert "was not asked yet" in str(failure_of(run(ops=_PROMOTE)))
    assert status_of(session, workspace, version) is VersionStatus.CANARY


@pytest.mark.parametrize("asset", ["chunk_embeddings", "chunk_index", "canary"])
def test_archived_version_is_not_built(
    session: Session, instance: dg.DagsterInstance, workspace: WorkspaceId, tmp_path: Path, asset: str
) -> None:
    served_workspace(session, workspace, tmp_path)
    version = propose(session, workspace)
    archive(workspace, version, stores=session.stores, decided_by="tester", reason="given up")
    result = _run(instance, workspace, version, asset)
    assert "is archived" in str(failure_of(result))
    assert "propose it" in str(failure_of(result))
    assert Scope(workspace, version, Family.CHUNKS, session.stores).places() == []


def test_version_that_the_workspace_does_not_know_is_not_built(
    session: Session, instance: dg.DagsterInstance, workspace: WorkspaceId, tmp_path: Path
) -> None:
    served_workspace(session, workspace, tmp_path / "a")
    other = WorkspaceId(f"{workspace}-b")
    served_workspace(session, other, tmp_path / "b")
    version = propose(session, other)
    result = _run(instance, workspace, version, "chunk_embeddings")
    assert f"workspace {workspace} does not know the embedding version {version.name}" in str(failure_of(result))

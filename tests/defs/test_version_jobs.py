"""The lifecycle jobs, run as the launchpad runs them: what they do, refuse, and show."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from neural_memory_pipelines.defs.lifecycle_jobs import LIFECYCLE_JOBS
from neural_memory_pipelines.defs.resources import MemoryResource
from neural_memory_pipelines.domain.ids import WorkspaceId
from neural_memory_pipelines.domain.lifecycle import VersionStatus
from neural_memory_pipelines.domain.versions import Family
from neural_memory_pipelines.local.session import Session
from neural_memory_pipelines.steps.scope import Scope
from neural_memory_pipelines.steps.versions.gate import Judged, judge
from neural_memory_pipelines.stores.postgres.lifecycles import transitions
from tests.defs.running import failure_of, memory_of, run_job
from tests.defs.versions import PAGES, CountingSession, build, propose, served_workspace, status_of

_OPS = {named.name: named.op for named in LIFECYCLE_JOBS}
_SAID = {"by": "ada", "reason": "a trial"}


def _start(
    instance: dg.DagsterInstance, job: str, config: Mapping[str, Any], *, session: Session | None = None
) -> dg.ExecuteInProcessResult:
    memory: MemoryResource | None = memory_of(session) if session else None
    return run_job(job, instance, ops={_OPS[job]: config}, memory=memory)


def _tables(result: dg.ExecuteInProcessResult) -> dict[str, Any]:
    """Read the metadata that a job shows, of its output or of its failure; tables as lists of rows."""
    outputs = [event.step_output_data.metadata for event in result.all_events if event.is_successful_output]
    failures = [
        event.step_failure_data.user_failure_data.metadata
        for event in result.get_step_failure_events()
        if event.step_failure_data.user_failure_data
    ]
    (metadata,) = [*outputs, *failures]
    return {
        name: [record.data for record in value.records] if isinstance(value, dg.TableMetadataValue) else value.value
        for name, value in metadata.items()
    }


def _judge(session: Session, workspace: WorkspaceId, version: str) -> None:
    found = judge(
        Judged(
            workspace,
            session.version(version),
            session.active_version(workspace),
            stores=session.stores,
            load_embedder=session.embedder,
        )
    )
    assert all(finding.passed for finding in found)


def test_proposal_is_refused_in_one_workspace_and_asks_for_a_build_in_the_others(
    session: Session, instance: dg.DagsterInstance, workspace: WorkspaceId, tmp_path: Path
) -> None:
    names = [WorkspaceId(f"{workspace}-{letter}") for letter in "ab"]
    for name in names:
        active = served_workspace(session, name, tmp_path / name)
    config = {
        **_SAID,
        "workspaces": [names[0], "nobody", names[1]],
        "model": active.model,
        "topology": "store",
        "backfill": True,
    }
    result = _start(instance, "propose_embedding_version", config)

    assert "refused in 1 workspaces: nobody: workspace 'nobody' does not exist yet" in str(failure_of(result))
    shown = _tables(result)
    assert (shown["done"], shown["refused"]) == (2, 1)
    assert [row["workspace"] for row in shown["why_refused"]] == ["nobody"]
    (version,) = {row["version"] for row in shown["outcomes"]}
    assert {row["workspace"]: row["status"] for row in shown["outcomes"]} == dict.fromkeys(names, "proposed")
    assert set(instance.get_dynamic_partitions("workspace")) == set(names)
    assert instance.get_dynamic_partitions("embedding_version") == [version]
    (backfill,) = instance.get_backfills()
    assert backfill.backfill_id == shown["backfills"][0]["backfill"]
    assert shown["backfills"][0]["workspaces"] == 2


def test_life_of_a_version_through_the_jobs(
    session: Session, instance: dg.DagsterInstance, workspace: WorkspaceId, tmp_path: Path
) -> None:
    old = served_workspace(session, workspace, tmp_path)
    new = propose(session, workspace)
    config = {"workspaces": [workspace], "version": new.name}

    (estimated,) = _tables(
        _start(
            instance,
            "estimate_embedding_version",
            {"workspaces": [workspace], "model": new.model, "topology": "store"},
        )
    )["outcomes"]
    assert (estimated["version"], estimated["dollars"]) == (new.name, 0.0)
    assert estimated["vectors"] > len(PAGES)

    build(session, workspace, new)
    _judge(session, workspace, new.name)
    (compared,) = _tables(_start(instance, "compare_embedding_versions", config))["outcomes"]
    assert (compared["questions"], compared["asked"], compared["worse"]) == (len(PAGES), "titles", 0)
    assert compared["recall_at_10"] == compared["served_recall_at_10"] == 1.0

    promoted = _start(instance, "promote_embedding_version", {**config, **_SAID})
    assert _tables(promoted)["outcomes"] == [{"workspace": workspace, "version": new.name, "served_before": old.name}]
    assert session.active_version(workspace) == new

    assert "it is served" in str(failure_of(_start(instance, "archive_embedding_version", {**config, **_SAID})))

    # Started twice, as after a lost connection: the second time must not go forward again.
    for _ in range(2):
        assert _start(instance, "rollback_embedding_version", {**config, **_SAID}).success
        assert session.active_version(workspace) == old
    assert status_of(session, workspace, new) is VersionStatus.RETIRED

    counting = CountingSession(session)
    rebuilt = _tables(_start(instance, "rebuild_index", config, session=counting))
    assert rebuilt["outcomes"][0]["dropped"] == rebuilt["outcomes"][0]["written"] == estimated["vectors"]
    assert {row["family"] for row in rebuilt["families"]} >= {"chunks", "observations"}
    assert counting.embedded == {}

    assert _start(instance, "archive_embedding_version", {**config, **_SAID}).success
    assert status_of(session, workspace, new) is VersionStatus.ARCHIVED
    assert Scope(workspace, new, Family.CHUNKS, session.stores).places() == []
    assert "is archived" in str(failure_of(_start(instance, "rebuild_index", config)))


def test_promotion_without_a_passed_gate_needs_force_and_history_says_so(
    session: Session, instance: dg.DagsterInstance, workspace: WorkspaceId, tmp_path: Path
) -> None:
    served_workspace(session, workspace, tmp_path)
    version = propose(session, workspace)
    build(session, workspace, version)
    config = {"version": version.name, "by": "ada", "reason": "the model goes away"}
    refused = _start(instance, "promote_embedding_version", {**config, "workspaces": [workspace]})
    assert f"{workspace}: the gate of {version.name} was not asked yet" in str(failure_of(refused))

    assert _start(instance, "promote_embedding_version", {**config, "workspaces": [workspace], "force": True}).success
    with session.stores.database.transaction(workspace) as tx:
        last = transitions(tx)[-1]
    assert (last.decided_by, last.reason, last.forced) == ("ada", "the model goes away", True)


def test_workspaces_are_all_that_know_the_version_where_none_is_named(
    session: Session, instance: dg.DagsterInstance, workspace: WorkspaceId, tmp_path: Path
) -> None:
    served_workspace(session, workspace, tmp_path / "a")
    other = WorkspaceId(f"{workspace}-b")
    served_workspace(session, other, tmp_path / "b")
    # A dimension of its own, that no other test's workspace has a version of.
    version = propose(session, other, dim=99)
    archived = _tables(_start(instance, "archive_embedding_version", {"version": version.name, **_SAID}))
    assert [row["workspace"] for row in archived["outcomes"]] == [other]

    unknown = _start(instance, "archive_embedding_version", {"version": "no-such-version", **_SAID})
    assert "embedding version 'no-such-version' does not exist" in str(failure_of(unknown))


@pytest.mark.parametrize("blank", ["by", "reason"])
def test_nothing_is_decided_by_nobody_or_for_no_reason(
    session: Session, instance: dg.DagsterInstance, workspace: WorkspaceId, tmp_path: Path, blank: str
) -> None:
    active = served_workspace(session, workspace, tmp_path)
    config = {**_SAID, blank: " ", "workspaces": [workspace], "model": active.model, "topology": "store"}
    assert "fill in `by` and `reason`" in str(failure_of(_start(instance, "propose_embedding_version", config)))


def test_versions_are_archived_when_their_grace_is_over(
    session: Session, instance: dg.DagsterInstance, workspace: WorkspaceId, tmp_path: Path
) -> None:
    old = served_workspace(session, workspace, tmp_path)
    new = propose(session, workspace)
    build(session, workspace, new)
    _judge(session, workspace, new.name)
    config = {"workspaces": [workspace]}
    assert _start(instance, "promote_embedding_version", {**config, **_SAID, "version": new.name}).success

    assert _tables(_start(instance, "archive_due_versions", config)) == {"done": 0, "refused": 0}
    hurried = CountingSession(session)
    hurried.settings = session.settings.model_copy(update={"archive_grace_days": 0.0})
    (row,) = _tables(_start(instance, "archive_due_versions", config, session=hurried))["outcomes"]
    assert (row["version"], row["durable_vectors"]) == (old.name, "kept")
    assert row["vectors_deleted"] > len(PAGES)
    assert status_of(session, workspace, old) is VersionStatus.ARCHIVED


@pytest.mark.parametrize("named", LIFECYCLE_JOBS, ids=lambda named: named.name)
def test_launchpad_explains_every_field(definitions: dg.Definitions, named: Any) -> None:
    (op,) = definitions.resolve_job_def(named.name).all_node_defs
    assert op.description
    fields: dict[str, dg.Field] = op.config_schema.config_type.fields  # type: ignore[union-attr]  # a shape, as all are
    assert [name for name, field in fields.items() if not field.description] == []
    assert not fields["workspaces"].is_required

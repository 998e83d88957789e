"""`embeddings`: the life of a version from its proposal to the archive, on the stack and a local Cohere server."""

from __future__ import annotations

import getpass
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from neural_memory_pipelines.cli import runs
from neural_memory_pipelines.cli.opening import ready_stores
from neural_memory_pipelines.cli.runs import opened_instance
from neural_memory_pipelines.defs.partitions import EMBEDDING_VERSION, WORKSPACE
from neural_memory_pipelines.domain.ids import WorkspaceId
from neural_memory_pipelines.domain.versions import Family
from neural_memory_pipelines.local.session import Session
from neural_memory_pipelines.steps.scope import Scope
from tests.cli.conftest import Run
from tests.models.cohere_server import CohereServer
from tests.steps.pipeline import ingest_folder, run_path
from tests.steps.samples import guide, write_docs

MODEL = "cohere/embed-v4.0"
TOPICS = ("ferries", "lighthouses", "anchors", "harbours", "tides")


@pytest.fixture(scope="module", autouse=True)
def _cohere(cohere_server: CohereServer) -> Iterator[None]:
    """Commands reach the server as if it were Cohere."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COHERE_API_KEY", cohere_server.api_key)
        patch.setenv("CO_API_URL", cohere_server.url)
        yield


@pytest.fixture
def served(session: Session, workspace: WorkspaceId, tmp_path: Path) -> WorkspaceId:
    """A workspace with five pages and two questions, served at the version of new workspaces."""
    ingest_pages(session, workspace, tmp_path / "docs", *TOPICS)
    return workspace


def ingest_pages(session: Session, workspace: WorkspaceId, folder: Path, *topics: str) -> None:
    folder.mkdir(exist_ok=True)
    write_docs(folder, {f"{topic}.md": guide(topic, title=topic.capitalize()) for topic in topics})
    ingest_folder(session, workspace, folder)
    run_path(session, workspace)


def propose(run: Run, workspace: WorkspaceId, *more: str) -> str:
    (row,) = run("embeddings", "propose", "--model", MODEL, "--dim", "256", "-w", workspace, "--json", *more).json
    assert row["refused"] is None
    return str(row["version"])


def statuses(run: Run, workspace: WorkspaceId) -> dict[str, str]:
    (told,) = run("embeddings", "list", "-w", workspace, "--json").json
    return {version["name"]: version["status"] for version in told["versions"]}


def steps(run: Run, workspace: WorkspaceId, version: str) -> list[tuple[Any, ...]]:
    (told,) = run("embeddings", "list", "-w", workspace, "--history", "--json").json
    names = ("from_status", "to_status", "decided_by", "reason", "forced")
    return [tuple(step[name] for name in names) for step in told["history"] if step["embedding_version"] == version]


def test_an_estimate_and_a_proposal_spend_nothing(
    run: Run, session: Session, served: WorkspaceId, cohere: CohereServer
) -> None:
    old = session.active_version(served).name
    (before,) = run("embeddings", "estimate", "--model", MODEL, "--dim", "256", "-w", served, "--json").json
    assert before["texts"] >= len(TOPICS)
    assert before["tokens"] > 0
    assert before["dollars"] == pytest.approx(before["tokens"] * 0.12 / 1e6)
    assert before["seconds"] > 0
    assert statuses(run, served) == {old: "active"}

    proposed = run("embeddings", "propose", "--model", MODEL, "--dim", "256", "-w", served)
    assert proposed.code == 0, proposed.err
    assert statuses(run, served) == {old: "active", before["version"]: "proposed"}
    assert f"neural-memory embeddings build {before['version']} -w {served}" in proposed.err
    with opened_instance(ready_stores()) as instance:
        assert instance.has_dynamic_partition(EMBEDDING_VERSION, before["version"])
        assert instance.has_dynamic_partition(WORKSPACE, served)
    (after,) = run("embeddings", "estimate", before["version"], "-w", served, "--json").json
    assert after == before
    assert f"{before['tokens']:,}" in run("embeddings", "estimate", before["version"], "-w", served).out
    assert cohere.requests == []


def test_a_version_is_built_compared_promoted_and_rolled_back(
    run: Run, session: Session, served: WorkspaceId, tmp_path: Path, cohere: CohereServer
) -> None:
    old, new = session.active_version(served).name, propose(run, served, "--by", "ada")
    questions = one_question(tmp_path / "questions.yaml", "tides rule", "docs/tides.md")
    assert run("questions", "import", questions, "-w", served).code == 0

    built = run("embeddings", "build", new, "-w", served)
    assert built.code == 0, built.err + built.out
    assert f"gate of {new}" in built.out
    assert f"neural-memory embeddings promote {new} -w {served}" in built.err
    assert statuses(run, served) == {old: "active", new: "canary"}
    assert len(cohere.requests) > 0

    (compared,) = run("embeddings", "compare", new[:8], "-w", served, "--json").json
    assert (compared["with"], compared["questions"], compared["questions_are_own"]) == (old, 1, True)
    assert compared["measures"]["recall_at_10"] == {"version": 1.0, "with": 1.0, "difference": 0.0}
    shown = run("embeddings", "compare", new, "--with", old).out
    assert f"workspace {served}, by 1 own questions" in shown
    assert "no question is answered later" in shown

    promoted = run("embeddings", "promote", new, "-w", served, "--reason", "it is better")
    assert (promoted.code, promoted.err) == (0, "")
    assert session.active_version(served).name == new
    assert (
        run("search", "tides rule", "-w", served, "-k", "1", "--json").json["hits"][0]["source_id"] == "docs/tides.md"
    )
    again = run("embeddings", "promote", new, "-w", served, "--json")
    assert (again.code, again.json[0]["outcome"]) == (0, "was served already")

    (back,) = run("embeddings", "rollback", "-w", served, "--json").json
    assert (back["version"], back["served_before"]) == (old, new)
    assert session.active_version(served).name == old
    assert statuses(run, served) == {old: "active", new: "retired"}


def test_a_version_is_archived_twice_and_its_history_tells_all(run: Run, session: Session, served: WorkspaceId) -> None:
    new = propose(run, served, "--by", "ada")
    assert run("embeddings", "build", new, "-w", served).code == 0
    assert indexed(session, served, new) > 0
    archive = ("embeddings", "archive", new, "-w", served, "--json")
    (first,) = run(*archive, "--drop-vectors", "--reason", "too dear").json
    assert (first["outcome"], first["vectors"] > 0) == ("archived", True)
    assert "durable vectors were dropped" in first["note"]
    second = run(*archive)
    assert (second.code, second.json[0]["outcome"], second.json[0]["vectors"]) == (0, "was archived already", 0)
    assert indexed(session, served, new) == 0

    assert steps(run, served, new) == [
        (None, "proposed", "ada", "no reason given", False),
        ("proposed", "canary", "neural-memory", "its build began", False),
        ("canary", "archived", getpass.getuser(), "too dear", False),
    ]
    shown = run("embeddings", "list", "-w", served, "--history").out
    assert f"embedding versions of {served}" in shown
    assert f"history of {served}" in shown
    assert "too dear" in shown


def indexed(session: Session, workspace: WorkspaceId, version: str) -> int:
    scopes = [Scope(workspace, session.version(version), family, session.stores) for family in Family]
    return sum(scope.indexed_count() for scope in scopes)


def test_a_gate_that_did_not_pass_exits_1_and_is_only_passed_by_force_with_a_reason(
    run: Run, session: Session, served: WorkspaceId
) -> None:
    old, new = session.active_version(served).name, propose(run, served)
    assert run("embeddings", "build", new, "-w", served).code == 0
    with session.stores.database.transaction(served) as tx:
        tx.connection.execute(
            text(
                "UPDATE embeddings SET vector = substr(vector, 5) || substr(vector, 1, 4) "
                "WHERE embedding_version = :new"
            ),
            {"new": new},
        )
    built = run("embeddings", "build", new, "-w", served)
    assert built.code == 1
    assert "check failed: canary.texts_embed_the_same" in built.err
    assert "error:" not in built.err
    assert "next:" not in built.err
    (row,) = run("embeddings", "build", new, "-w", served, "--json").json
    assert (row["passed"], row["status"]) == (False, "canary")
    assert [check["name"] for check in row["gate"] if not check["passed"]] == ["texts_embed_the_same"]

    refused = run("embeddings", "promote", new, "-w", served)
    assert refused.code == 1
    assert f"error: {served}: the gate of {new} did not pass" in refused.err
    unsaid = run("embeddings", "promote", new, "-w", served, "--force")
    assert (unsaid.code, "--force needs --reason" in unsaid.err) == (2, True)
    assert session.active_version(served).name == old

    assert run("embeddings", "promote", new, "-w", served, "--force", "--reason", "a drill", "--by", "zoe").code == 0
    assert steps(run, served, new)[-1] == ("canary", "active", "zoe", "a drill", True)


def test_one_workspace_that_is_refused_does_not_stop_the_others(
    run: Run, session: Session, served: WorkspaceId, tmp_path: Path
) -> None:
    other = WorkspaceId(f"{served}-other")
    ingest_pages(session, other, tmp_path / "other", "sails")
    new = propose(run, served)
    assert propose(run, other) == new
    assert run("embeddings", "build", new, "-w", other).code == 0

    outcome = run("embeddings", "promote", new, "-w", served, "-w", other, "--json")
    assert outcome.code == 1
    refused, promoted = outcome.json
    assert (refused["workspace"], promoted["workspace"]) == (served, other)
    assert f"embedding version {new} is proposed and cannot become active: build it first" in refused["refused"]
    assert (promoted["outcome"], promoted["refused"]) == ("promoted", None)
    assert session.active_version(other).name == new
    shown = run("embeddings", "promote", new, "-w", served, "-w", other)
    assert shown.code == 1
    assert "was served already" in shown.out
    assert f"error: {served}: embedding version" in shown.err


def test_new_events_go_to_all_versions_that_are_kept(
    run: Run, session: Session, served: WorkspaceId, tmp_path: Path
) -> None:
    old, new = session.active_version(served).name, propose(run, served)
    assert run("embeddings", "build", new, "-w", served).code == 0
    write_docs(tmp_path / "docs", {f"{topic}.md": guide(topic) for topic in (*TOPICS, "pilots")})
    ingest_folder(session, served, tmp_path / "docs")
    build = run("build", "-w", served, "--json")
    assert build.code == 0, build.err
    indexing = [row["version"] for row in build.json[0]["assets"] if row["asset"] == "chunk_index" and row["written"]]
    assert indexing == [old, new]
    assert indexed(session, served, old) == indexed(session, served, new)
    assert new in run("build", "-w", served).out
    (status,) = run("status", "-w", served, "--json").json
    assert {known["name"]: known["status"] for known in status["versions"]} == {old: "active", new: "canary"}
    assert f"other version: {new}" in run("status", "-w", served).out
    hits = run("search", "pilots", "-w", served, "--version", new, "-k", "1", "--json").json["hits"]
    assert hits[0]["source_id"] == "docs/pilots.md"


def test_versions_that_are_due_are_archived_together(
    run: Run, session: Session, served: WorkspaceId, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, new = session.active_version(served).name, propose(run, served)
    assert run("embeddings", "build", new, "-w", served).code == 0
    assert run("embeddings", "promote", new, "-w", served).code == 0
    assert run("embeddings", "archive", "--due", "-w", served).out == "nothing is due\n"
    monkeypatch.setenv("NEURAL_MEMORY_ARCHIVE_GRACE_DAYS", "0")
    (row,) = run("embeddings", "archive", "--due", "-w", served, "--json").json
    assert (row["version"], row["outcome"]) == (old, "archived")
    assert steps(run, served, old)[-1][3] == "its grace period is over"
    gone = run("embeddings", "rollback", "-w", served)
    assert gone.code == 1
    assert "has no earlier version to go back to" in gone.err


def test_a_build_that_is_interrupted_says_that_it_can_go_on(
    run: Run, served: WorkspaceId, monkeypatch: pytest.MonkeyPatch
) -> None:
    new = propose(run, served)

    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(runs, "build_version", interrupted)
        outcome = run("embeddings", "build", new, "-w", served)
    assert (outcome.code, outcome.out) == (130, "")
    assert "what is done stays, the next build goes on from there" in outcome.err
    assert run("embeddings", "build", new, "-w", served).code == 0


def test_questions_that_are_answered_later_come_worst_first(
    run: Run, session: Session, served: WorkspaceId, tmp_path: Path
) -> None:
    new = propose(run, served)
    assert run("embeddings", "build", new, "-w", served).code == 0
    run("questions", "import", one_question(tmp_path / "q.json", "anchors rule", "docs/anchors.md"), "-w", served)
    with session.stores.database.transaction(served) as tx:
        tx.connection.execute(
            text("DELETE FROM vector_namespaces WHERE embedding_version = :new AND family = 'chunks'"), {"new": new}
        )
    (compared,) = run("embeddings", "compare", new, "-w", served, "--json").json
    assert compared["worse"] == [{"id": "q1", "question": "anchors rule", "place": None, "place_before": 1}]
    assert compared["measures"]["recall_at_10"]["difference"] == -1.0
    shown = run("embeddings", "compare", new, "-w", served).out
    assert "answered later" in shown
    assert "anchors rule" in shown
    assert "-1.000" in shown


def one_question(file: Path, question: str, source_id: str) -> Path:
    expected = {"source": "docs", "source_id": source_id}
    file.write_text(json.dumps({"questions": [{"id": "q1", "question": question, "expects": [expected]}]}))
    return file


def test_a_backfill_is_asked_of_dagster(run: Run, served: WorkspaceId) -> None:
    outcome = run("embeddings", "propose", "--model", MODEL, "--dim", "512", "-w", served, "--backfill")
    assert outcome.code == 0, outcome.err
    assert "is asked for: Dagster's daemon builds it, while `neural-memory up` runs" in outcome.err

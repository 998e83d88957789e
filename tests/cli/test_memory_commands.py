"""`build`, `search`, `status` and `demo`, on the stack of the session."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from neural_memory_pipelines.cli import runs
from neural_memory_pipelines.cli.build_result import BuildResult
from neural_memory_pipelines.domain.ids import WorkspaceId
from neural_memory_pipelines.errors import ContractError, TransientError
from neural_memory_pipelines.local.session import Session
from neural_memory_pipelines.steps.receive import receive_events
from tests.cli.conftest import Run, envelope, write_lines


@pytest.fixture(scope="module")
def built(run: Run, tmp_path_factory: pytest.TempPathFactory) -> WorkspaceId:
    """A workspace with two pages, built."""
    workspace, folder = WorkspaceId("birds"), tmp_path_factory.mktemp("birds")
    pages = [
        envelope(workspace, 1, text="# Kestrels\n\nThe kestrel hovers above the meadow.\n"),
        envelope(workspace, 2, text="# \x1b[31mRed[/bold]\n\nHerons \x1b[2J wade [link] :bug: in shallow water.\n"),
        envelope(workspace, 3, source="jira"),
    ]
    assert run("ingest", "events", write_lines(folder / "pages.jsonl", *pages)).code == 1
    assert run("build", "--workspace", workspace).code == 0
    return workspace


def test_a_hit_has_all_that_a_caller_needs(run: Run, built: WorkspaceId) -> None:
    answer = run("search", "Which bird hovers?", "--workspace", built, "-k", "1", "--json").json
    hits = answer["hits"]
    assert len(hits) == 1
    assert answer["embedding_version"]
    assert {"model", "vectors", "words", "total"} <= set(answer["latency_ms"])
    assert hits[0]["score"] == pytest.approx(sum(term["points"] for term in hits[0]["terms"]))
    fields = {"kind", "id", "document_id", "source", "source_id", "title", "score", "text"}
    assert fields <= set(hits[0])
    assert (hits[0]["source"], hits[0]["source_id"], hits[0]["title"]) == ("docs", "s/1.md", "Kestrels")
    shown = run("search", "Which bird hovers?", "-w", built)
    assert "1. Kestrels" in shown.out
    assert "docs s/1.md" in shown.out


def test_what_was_ingested_does_not_steer_the_terminal(run: Run, built: WorkspaceId) -> None:
    shown = run("search", "herons wade in shallow water", "-w", built).out
    assert "\x1b" not in shown
    assert "[link] :bug: in" in shown


def test_status_counts_everything(run: Run, session: Session, built: WorkspaceId) -> None:
    (value,) = run("status", "--workspace", built, "--json").json
    assert value["workspace"] == built
    assert (value["documents"], value["chunks"], value["pending_events"], value["dead_letters"]) == (2, 2, 0, 0)
    assert value["active_embedding_version"] == session.new_workspace_version.name
    families = {entry["family"]: entry for entry in value["vectors"]}
    assert families["chunks"]["vectors"] == 2
    assert families["chunks"]["embedding_version"] == session.new_workspace_version.name
    assert value["last_build_at"] is not None
    assert value["waiting_inbox_objects"] == 0
    assert value["events"] == [{"source": "docs", "status": "persisted", "reason": None, "events": 2}]
    shown = run("status").out
    assert f"workspace {built}" in shown
    assert "last build at" in shown


def test_a_build_without_news_does_nothing_and_says_so_in_json(run: Run, built: WorkspaceId) -> None:
    (result,) = run("build", "-w", built, "--json").json
    assert (result["workspace"], result["succeeded"]) == (built, True)
    assert result["failed_checks"] == result["errors"] == []
    assert {row["asset"]: row["written"] + row["deleted"] for row in result["assets"]} == dict.fromkeys(
        [row["asset"] for row in result["assets"]], 0
    )
    assert {"raw_artifacts", "documents", "chunk_index", "knowledge_cache"} <= {
        row["asset"] for row in result["assets"]
    }


def test_events_without_a_workspace_folder_are_routed_and_the_rest_is_told(
    run: Run, session: Session, workspace: WorkspaceId, tmp_path: Path
) -> None:
    dropped = write_lines(tmp_path / "x", envelope(workspace, 1), {"no": "workspace"})
    session.stores.objects.put_many({"inbox/dropped.jsonl": dropped.read_bytes()})
    outcome = run("build", "-w", workspace)
    assert outcome.code == 0
    assert "1 waiting events name no workspace; they lie under rejected/" in outcome.err
    assert run("status", "-w", workspace, "--json").json[0]["documents"] == 1


@pytest.mark.parametrize("command", [("build",), ("search", "anything"), ("status",)])
def test_an_unknown_workspace_exits_2_and_is_named(run: Run, session: Session, command: tuple[str, ...]) -> None:
    outcome = run(*command, "--workspace", "nobody")
    assert (outcome.code, outcome.out) == (2, "")
    assert "there is no workspace 'nobody'" in outcome.err
    outcome = run(*command, "--workspace", "no/body")
    assert outcome.code == 2
    assert "'no/body'" in outcome.err


def test_what_is_ingested_but_not_built_is_told_so(run: Run, workspace: WorkspaceId, tmp_path: Path) -> None:
    run("ingest", "events", write_lines(tmp_path / "x.jsonl", envelope(workspace, 1)))
    outcome = run("search", "anything", "-w", workspace)
    assert outcome.code == 2
    assert f"run `neural-memory build --workspace {workspace}`" in outcome.err
    (value,) = run("status", "-w", workspace, "--json").json
    assert (value["waiting_inbox_objects"], value["documents"], value["last_build_at"]) == (1, 0, None)
    assert "never" in run("status", "-w", workspace).out


def test_what_is_received_but_not_indexed_is_told_so(run: Run, session: Session, workspace: WorkspaceId) -> None:
    receive_events(
        workspace,
        stores=session.stores,
        new_workspace_version=session.new_workspace_version,
        organization_id="org",
    )
    outcome = run("search", "anything", "-w", workspace)
    assert outcome.code == 0
    assert "nothing is indexed yet (`neural-memory build`)" in outcome.out
    assert run("search", "anything", "-w", workspace, "--json").json["hits"] == []


@pytest.mark.parametrize("question", ["", "  \n"])
def test_an_empty_question_exits_2(run: Run, question: str) -> None:
    outcome = run("search", question, "-w", "x")
    assert outcome.code == 2
    assert "the question is empty" in outcome.err


@pytest.mark.parametrize("limit", ["0", "101", "many"])
def test_a_limit_out_of_range_exits_2(run: Run, limit: str) -> None:
    assert run("search", "x", "-w", "x", "-k", limit).code == 2


def test_a_failed_step_or_check_exits_1_with_one_line_each(
    run: Run, built: WorkspaceId, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(*_: object, **__: object) -> None:
        raise ContractError("the index answers [nonsense]\nand more")

    monkeypatch.setattr("neural_memory_pipelines.defs.assets.indexes.reconcile_index", failing)
    outcome = run("build", "-w", built)
    assert outcome.code == 1
    assert outcome.err.count("error: chunk_index: the index answers [nonsense] and more\n") == 1
    assert "Traceback" not in outcome.err + outcome.out
    monkeypatch.undo()

    monkeypatch.setattr(runs, "build_workspace", _fails_a_check)
    outcome = run("build", "-w", built)
    assert outcome.code == 1
    assert "check failed: chunk_index.index_parity: 3 are missing" in outcome.err
    result = run("build", "-w", built, "--json")
    assert (result.code, result.json[0]["succeeded"]) == (1, False)


def _fails_a_check(result: BuildResult, **_: object) -> None:
    result.failed_checks.append("chunk_index.index_parity: 3 are missing")


def test_postgres_away_exits_3_with_one_line(run: Run, built: WorkspaceId, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_: object, **__: object) -> None:
        raise TransientError("Postgres at host: gone")

    monkeypatch.setattr(runs, "build_workspace", away)
    outcome = run("build", "-w", built)
    assert (outcome.code, outcome.err) == (3, "error: Postgres at host: gone\n")


def test_dagster_is_not_imported_before_a_command_needs_it() -> None:
    code = "import sys, neural_memory_pipelines.cli.main; print([m for m in sys.modules if m.startswith('dagster')])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_demo_answers_and_its_second_run_changes_nothing(run: Run) -> None:
    first = run("demo")
    assert first.code == 0, first.err
    assert "1. " in first.out
    assert "unchanged: nothing was embedded" not in first.out
    assert len(run("questions", "list", "-w", "harbor", "--json").json) == 30
    for asset in ("post_ingest_regression", "nightly_evaluation"):
        assert f"{asset}: 30 questions, recall@5 0." in first.out
    assert "persons whose accounts are known: 7; 15 accounts were joined" in first.out
    (sanne,) = (it for it in run("persons", "list", "-w", "harbor", "--json").json if it["name"] == "Sanne de Vries")
    assert {"github-login:sdevries", "docs-login:sanne de vries", "slack:U07C8N5P1ZK"} <= set(sanne["accounts"])
    second = run("demo")
    assert second.code == 0, second.err
    assert "persons whose accounts are known: 7; unchanged" in second.out
    assert "Everything was unchanged: nothing was embedded, nothing was written." in second.out
    assert "recall@5" not in second.out
    assert run("demo", "--samples", "/nope").code == 2

"""`ingest`: counts, faults by line, and exit codes."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest

from neural_memory_pipelines.domain.ids import WorkspaceId
from neural_memory_pipelines.local.session import Session
from neural_memory_pipelines.sources.registry import SOURCES
from neural_memory_pipelines.steps.inbox import list_inbox
from tests.cli.conftest import Run, envelope, write_lines
from tests.steps.git_repositories import Repository
from tests.steps.samples import issue, issue_comment


def test_docs_are_counted_and_changes_alone_go_in(
    run: Run, session: Session, workspace: WorkspaceId, tmp_path: Path
) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "a.md").write_text("# A")
    (tmp_path / "docs" / "b.md").write_bytes(b"\0")
    first = run("ingest", "docs", tmp_path / "docs", "--workspace", workspace)
    assert first.code == 1
    assert "1 added or changed, 0 removed, 0 unchanged, 1 refused" in first.out
    assert f"refused: {tmp_path / 'docs' / 'b.md'}: binary" in first.err
    assert "next: neural-memory build" in first.out
    assert len(list_inbox(session.stores.objects).by_workspace[workspace]) == 1
    (tmp_path / "docs" / "b.md").unlink()
    second = run("ingest", "docs", tmp_path / "docs", "-w", workspace, "--json")
    assert second.code == 0
    assert second.json == {
        "put": 0,
        "put_by_workspace": {},
        "removed": 0,
        "unchanged": 1,
        "faults": [],
        "notes": [],
    }


@pytest.mark.parametrize(
    ("name", "says"),
    [("nope", "no such folder"), ("a.png", "this is a file"), ("empty", "no file with text is included")],
)
def test_docs_that_are_not_there_exit_2(run: Run, workspace: WorkspaceId, tmp_path: Path, name: str, says: str) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "a.png").touch()
    outcome = run("ingest", "docs", tmp_path / name, "-w", workspace)
    assert outcome.code == 2
    assert f"error: {tmp_path / name}: " in outcome.err
    assert says in outcome.err


def test_a_lost_manifest_is_made_good_from_the_database(
    run: Run, session: Session, workspace: WorkspaceId, tmp_path: Path
) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "a.md").write_text("# A\n\nabout")
    (tmp_path / "docs" / "b.md").write_text("# B\n\nabout")
    run("ingest", "docs", tmp_path / "docs", "-w", workspace)
    assert run("build", "-w", workspace).code == 0
    objects = session.stores.objects
    for info in list(objects.list(f"workspaces/{workspace}/stores/")):
        objects.delete(info.key)
    (tmp_path / "docs" / "b.md").unlink()
    assert "1 added or changed, 1 removed" in run("ingest", "docs", tmp_path / "docs", "-w", workspace).out


def test_events_go_in_and_bad_lines_are_named(
    run: Run, session: Session, workspace: WorkspaceId, tmp_path: Path
) -> None:
    good = write_lines(tmp_path / "good.jsonl", envelope(workspace, 1), envelope(workspace, 2))
    outcome = run("ingest", "events", good)
    assert (outcome.code, outcome.err) == (0, "")
    assert f"2 put into the inbox (2 for {workspace}), 0 refused" in outcome.out

    mixed = write_lines(
        tmp_path / "mixed.jsonl", "", envelope(workspace, 3), "", "{", envelope(workspace, 4, source=None)
    )
    outcome = run("ingest", "events", good, mixed, tmp_path / "nope.jsonl", tmp_path)
    assert outcome.code == 1
    assert f"3 put into the inbox (3 for {workspace}), 4 refused" in outcome.out
    assert f"refused: {mixed}:4: not JSON" in outcome.err
    assert f"refused: {mixed}:5: source: " in outcome.err
    assert f"refused: {tmp_path / 'nope.jsonl'}: no such file" in outcome.err
    assert f"refused: {tmp_path}: this is a folder" in outcome.err
    assert len(list_inbox(session.stores.objects).by_workspace[workspace]) == 3


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["nope.jsonl"], "no event is usable"),
        (["empty.jsonl"], "there is no event"),
        (["bad.jsonl"], "no event is usable"),
        (["bad.jsonl", "--source", "github"], "--workspace is needed"),
        (["bad.jsonl", "--source", "jira", "-w", "x"], "expected one of github"),
        (["bad.jsonl", "-w", "a/b"], "workspace 'a/b'"),
        (["bad.jsonl", "-w", ""], "workspace ''"),
        ([], "Missing argument"),
    ],
)
def test_nothing_usable_and_wrong_usage_exit_2(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], says: str
) -> None:
    monkeypatch.chdir(tmp_path)
    write_lines(tmp_path / "empty.jsonl", "")
    write_lines(tmp_path / "bad.jsonl", "{", "{}")
    outcome = run("ingest", "events", *arguments)
    assert outcome.code == 2
    assert says in outcome.err


def test_many_faults_are_cut_short(run: Run, tmp_path: Path) -> None:
    bad = write_lines(tmp_path / "bad.jsonl", *["{}"] * 1_234)
    outcome = run("ingest", "events", bad)
    assert outcome.err.count("refused: ") == 50
    assert "and 1,184 more" in outcome.err
    assert len(run("ingest", "events", bad, "--json").json["faults"]) == 1_234


def test_a_file_name_cannot_steer_the_terminal(run: Run, workspace: WorkspaceId, tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "\x1b[2Jevil[bold].md").write_bytes(b"\0")
    outcome = run("ingest", "docs", tmp_path / "docs", "-w", workspace)
    assert "\x1b" not in outcome.err
    assert "evil[bold].md: binary" in outcome.err


def test_a_history_goes_in_push_by_push_and_the_folder_is_unchanged_then(
    run: Run, session: Session, workspace: WorkspaceId, tmp_path: Path
) -> None:
    repo = Repository(tmp_path / "handbook")
    repo.commit({"a.md": "# A\n\nThe lighthouse is painted white.", "b.md": "b", "x.py": "1"})
    repo.git("tag", "v1")
    repo.commit({"a.md": "# A\n\nThe lighthouse is painted red."})
    last = repo.commit({"a.md": "# A\n\nThe lighthouse is painted blue.", "bad.md": b"\0", "b.md": None})
    outcome = run("ingest", "docs", repo.folder, "-w", workspace, "--since", "v1")
    assert outcome.code == 1
    assert "2 commits walked, 2 pushes put into the inbox, with 3 files; 1 refused" in outcome.out
    assert f"refused: bad.md@{last}: binary" in outcome.err
    outcome = run("ingest", "docs", repo.folder, "-w", workspace, "--since", "root", "--json")
    assert (outcome.code, outcome.json["commits"], outcome.json["put"], outcome.json["files"]) == (1, 3, 3, 5)
    plain = run("ingest", "docs", repo.folder, "-w", workspace)
    assert "0 added or changed, 0 removed, 1 unchanged, 1 refused" in plain.out

    assert run("build", "-w", workspace).code == 0
    with session.stores.database.transaction(workspace) as tx:
        rows = tx.connection.exec_driver_sql("SELECT source_id, version, deleted_at FROM knowledge_documents").all()
    assert {row.source_id: row.deleted_at is None for row in rows} == {"handbook/a.md": True, "handbook/b.md": False}
    assert {row.source_id: row.version for row in rows}["handbook/a.md"] == 3


def test_a_history_that_cannot_be_read_exits_2_and_no_news_is_no_fault(
    run: Run, workspace: WorkspaceId, tmp_path: Path
) -> None:
    repo = Repository(tmp_path / "handbook")
    repo.commit({"a.md": "a"})
    for arguments, says in (
        ([repo.folder, "--since", "nope"], "no commit 'nope'"),
        ([repo.folder, "--since", "root", "--full"], "give one of them"),
        ([tmp_path, "--since", "root"], "not a git repository"),
    ):
        outcome = run("ingest", "docs", "-w", workspace, *arguments)
        assert outcome.code == 2
        assert says in outcome.err
    outcome = run("ingest", "docs", repo.folder, "-w", workspace, "--since", "HEAD")
    assert (outcome.code, outcome.err) == (0, "")
    assert "0 commits walked" in outcome.out


def test_a_github_backup_goes_in_and_is_counted_by_kind(
    run: Run, session: Session, workspace: WorkspaceId, tmp_path: Path
) -> None:
    backup = tmp_path / "backup"
    backup.mkdir()
    write_lines(backup / "1.json", {"issue": issue(1), "comments": [issue_comment(1, 11)["comment"]]})
    outcome = run("ingest", "github-export", backup, "-w", workspace)
    assert (outcome.code, outcome.err) == (0, "")
    assert "2 put into the inbox (1 issue_comment, 1 issues), 0 refused" in outcome.out
    assert "next: neural-memory build" in outcome.out
    assert len(list_inbox(session.stores.objects).by_workspace[workspace]) == 1
    write_lines(backup / "bad.json", "{")
    outcome = run("ingest", "github-export", backup, "-w", workspace, "--json")
    assert (outcome.code, outcome.json["kinds"]) == (1, {"issues": 1, "issue_comment": 1})
    assert f"{backup / 'bad.json'}: not JSON" in outcome.json["faults"][0]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["github-export", "nope"], "no such folder"),
        (["github-export", "empty"], "no issue, pull request or comment"),
        (["github-export", "empty", "--repository", "shop"], "expected owner/name"),
        (["slack-export", "nope"], "nope"),
    ],
)
def test_exports_that_hold_nothing_exit_2(
    run: Run, workspace: WorkspaceId, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], says: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    outcome = run("ingest", *arguments, "-w", workspace)
    assert outcome.code == 2
    assert says in outcome.err


def test_a_slack_export_goes_in(run: Run, session: Session, workspace: WorkspaceId, tmp_path: Path) -> None:
    user = {"id": "U1", "name": "ada", "profile": {"real_name": "Ada"}}
    message = {
        "type": "message",
        "user": "U1",
        "ts": "1781187180.000100",
        "text": "Decision: we keep carts for a week.",
    }
    with zipfile.ZipFile(tmp_path / "export.zip", "w") as archive:
        archive.writestr("users.json", json.dumps([user]))
        archive.writestr("channels.json", json.dumps([{"id": "C1", "name": "general", "members": ["U1"]}]))
        archive.writestr("general/2026-06-11.json", json.dumps([message]))
    outcome = run("ingest", "slack-export", tmp_path / "export.zip", "-w", workspace)
    assert (outcome.code, outcome.err) == (0, "")
    assert "put into the inbox, 0 refused" in outcome.out
    waiting = [
        session.stores.objects.get(info.key) for info in list_inbox(session.stores.objects).by_workspace[workspace]
    ]
    assert b"we keep carts for a week" in b"".join(waiting)


def test_the_help_names_every_source_of_bare_payloads(run: Run) -> None:
    said = " ".join(run("ingest", "events", "--help").out.replace("\u2502", " ").split())
    for name, source in SOURCES.items():
        assert (name in said) == (source.envelope_fields is not None), name


@pytest.mark.parametrize("command", ["docs", "events", "github-export", "slack-export"])
def test_help_tells_the_exit_codes(run: Run, command: str) -> None:
    said = " ".join(run("ingest", command, "--help").out.split())
    for words in ("0 all went in", "1 something was refused", "2 nothing usable was found", "3 a store does not"):
        assert words in said

"""`ingest`: counts, faults by line, and exit codes."""

from __future__ import annotations

from pathlib import Path

import pytest

from neural_memory_pipelines.domain.ids import WorkspaceId
from neural_memory_pipelines.local.session import Session
from neural_memory_pipelines.steps.inbox import list_inbox
from tests.cli.conftest import Run, envelope, write_lines


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


@pytest.mark.parametrize("command", ["docs", "events"])
def test_help_tells_the_exit_codes(run: Run, command: str) -> None:
    said = " ".join(run("ingest", command, "--help").out.split())
    for words in ("0 all went in", "1 something was refused", "2 nothing usable was found", "3 a store does not"):
        assert words in said

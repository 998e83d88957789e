"""`dead-letters`: listed, shown, replayed after a fix and dropped, on the stack of the session."""

from __future__ import annotations

import gzip
import io
import json
import sys
from typing import Any

import pytest

from neural_memory_pipelines.cli.main import main
from neural_memory_pipelines.domain.ids import WorkspaceId
from neural_memory_pipelines.errors import InvalidEventError
from neural_memory_pipelines.local.session import Session
from neural_memory_pipelines.sources.protocol import Source
from neural_memory_pipelines.sources.registry import SOURCES
from neural_memory_pipelines.steps.inbox import put_lines
from tests.cli.conftest import Run, envelope
from tests.steps.pipeline import run_path

TOKEN = "ghp_" + "aB3dE6gH9jK2" * 3
MAIL = "ada@planted.example"


def _broken(workspace: WorkspaceId, number: int, **payload: Any) -> bytes:
    """A page whose path no store can hold."""
    value = envelope(workspace, number)
    return json.dumps(value | {"payload": value["payload"] | {"path": f"/{number}.md", **payload}}).encode()


@pytest.fixture
def buried(session: Session, workspace: WorkspaceId) -> WorkspaceId:
    """A workspace with one good page, an event that cannot be read, and a line that is no JSON."""
    torn = json.dumps({"note": f"a \x1b[31mline\ncall {MAIL}\n{TOKEN}"}).encode()[:-2]
    lines = [
        json.dumps(envelope(workspace, 1)).encode(),
        _broken(workspace, 2, content=f"first\n{TOKEN}\n{MAIL} \x1b[2J \x9b31m", author={"email": MAIL}),
        torn,
    ]
    put_lines(session.stores.objects, workspace, lines)
    run_path(session, workspace)
    return workspace


def _letters(run: Run, workspace: WorkspaceId) -> dict[bool, dict[str, Any]]:
    """The two letters, by whether their envelope could be read."""
    return {
        letter["source"] is not None: letter for letter in run("dead-letters", "list", "-w", workspace, "--json").json
    }


def test_the_list_says_what_is_dead_and_why(run: Run, buried: WorkspaceId) -> None:
    letters = _letters(run, buried)
    assert (letters[True]["source"], letters[True]["action"]) == ("docs", "docs.upserted")
    assert "payload.path: expected a path relative to the store" in letters[True]["reason"]
    assert letters[False]["reason"].startswith("Invalid JSON")
    fields = {"dead_letter_id", "idempotency_key", "source", "action", "origin", "raw_key", "reason", "created_at"}
    assert set(letters[True]) == fields

    shown = run("dead-letters", "list", "--workspace", buried)
    assert shown.code == 0
    assert f"dead letters of {buried}" in shown.out
    for words in ("docs docs.upserted", "unreadable", "payload.path: expected", letters[True]["dead_letter_id"][:17]):
        assert words in shown.out
    (only,) = run("dead-letters", "list", "-w", buried, "-n", "1", "--json").json
    assert only in letters.values()


def test_a_letter_is_shown_redacted_whatever_its_escapes_and_steers_no_terminal(run: Run, buried: WorkspaceId) -> None:
    for is_in_ledger, letter in _letters(run, buried).items():
        shown = run("dead-letters", "show", letter["dead_letter_id"], "-w", buried)
        assert shown.code == 0
        assert TOKEN not in shown.out
        assert MAIL not in shown.out
        assert "[redacted:github-token]" in shown.out
        assert shown.out.count("[redacted:email]") == 1 + is_in_ledger
        assert not set("\x1b\x9b") & set(shown.out)


@pytest.mark.parametrize(("policy", "has_mail"), [("tokens", True), ("off", True), ("all", False)])
def test_secrets_are_on_no_screen_whatever_the_policy(
    run: Run, session: Session, workspace: WorkspaceId, policy: str, has_mail: bool
) -> None:
    put_lines(session.stores.objects, workspace, [b"{}"])
    run_path(session, workspace)
    run("redaction", "set", policy, "-w", workspace)
    put_lines(session.stores.objects, workspace, [_broken(workspace, 1, content=f"{TOKEN} {MAIL}")])
    run_path(session, workspace)
    letter = _letters(run, workspace)[True]
    shown = run("dead-letters", "show", letter["dead_letter_id"], "-w", workspace).out
    assert TOKEN not in shown
    assert (MAIL in shown) is has_mail


def test_raw_prints_nothing_but_the_bytes_as_received(
    run: Run, buried: WorkspaceId, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    letter = _letters(run, buried)[True]
    stream = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
    arguments = ["neural-memory", "dead-letters", "show", letter["dead_letter_id"], "-w", buried, "--raw"]
    monkeypatch.setattr(sys, "argv", arguments)
    monkeypatch.setattr(sys, "stdout", stream)
    with pytest.raises(SystemExit) as ended:
        main()
    assert not ended.value.code
    assert stream.buffer.getvalue() == _raw(session, letter) + b"\n"


def _raw(session: Session, letter: dict[str, Any]) -> bytes:
    return session.stores.objects.get_many([letter["raw_key"]])[letter["raw_key"]]


def test_bytes_that_are_gone_are_told_so(run: Run, session: Session, buried: WorkspaceId) -> None:
    letter = _letters(run, buried)[True]
    session.stores.objects.delete(letter["raw_key"])
    shown = run("dead-letters", "show", letter["dead_letter_id"], "-w", buried)
    assert (shown.code, "its bytes are gone" in shown.out) == (0, True)
    raw = run("dead-letters", "show", letter["dead_letter_id"], "-w", buried, "--raw")
    assert (raw.code, raw.out) == (2, "")
    assert f"{letter['raw_key']}, are gone" in raw.err


def test_a_replay_after_a_fix_ends_persisted(
    run: Run, session: Session, workspace: WorkspaceId, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(event: object) -> Any:
        raise InvalidEventError("payload.path: not today")

    with monkeypatch.context() as patch:
        broken = {**SOURCES, "docs": Source(fail, SOURCES["docs"].subject)}
        patch.setattr("neural_memory_pipelines.sources.registry.SOURCES", broken)
        put_lines(session.stores.objects, workspace, [json.dumps(envelope(workspace, 1)).encode()])
        assert run("build", "-w", workspace).code == 0
    assert run("status", "-w", workspace, "--json").json[0]["dead_letters"] == 1

    replayed = run("dead-letters", "replay", "-w", workspace)
    assert (replayed.code, replayed.out) == (0, "1 dead letters wait to be processed again\n")
    assert f"next: neural-memory build --workspace {workspace}" in replayed.err
    assert run("build", "-w", workspace).code == 0
    (status,) = run("status", "-w", workspace, "--json").json
    assert (status["dead_letters"], status["documents"]) == (0, 1)
    again = run("dead-letters", "replay", "-w", workspace)
    assert (again.code, again.out, again.err) == (0, "no dead letters\n", "")
    assert run("dead-letters", "list", "-w", workspace).out == "no dead letters\n"
    assert run("dead-letters", "list", "-w", workspace, "--json").json == []


def test_what_is_dropped_leaves_the_list_and_its_bytes_stay(run: Run, session: Session, buried: WorkspaceId) -> None:
    letters = _letters(run, buried)
    dropped = run("dead-letters", "drop", "-w", buried, letters[True]["dead_letter_id"][:20])
    assert dropped.code == 0
    assert f"dropped {letters[True]['dead_letter_id']}; its bytes stay in" in dropped.out
    assert list(_letters(run, buried)) == [False]
    assert _raw(session, letters[True])
    assert any(event["reason"] == "dropped" for event in run("status", "-w", buried, "--json").json[0]["events"])


@pytest.mark.parametrize("command", ["show", "replay", "drop"])
def test_an_id_that_is_not_clear_exits_2_and_changes_nothing(run: Run, buried: WorkspaceId, command: str) -> None:
    before = run("dead-letters", "list", "-w", buried, "--json").json
    unknown = run("dead-letters", command, "nothing\x1b[2J", "-w", buried)
    assert (unknown.code, unknown.out) == (2, "")
    assert "there is no dead letter" in unknown.err
    assert "`dead-letters list` shows their ids" in unknown.err
    assert "\x1b" not in unknown.err
    unclear = run("dead-letters", command, "dead_", "-w", buried)
    assert (unclear.code, unclear.out) == (2, "")
    assert "2 dead letters begin with 'dead_': give more of the id" in unclear.err
    assert run("dead-letters", "list", "-w", buried, "--json").json == before


@pytest.mark.parametrize("command", [("list",), ("show", "dead_1"), ("replay",), ("drop", "dead_1")])
def test_an_unknown_workspace_exits_2_and_is_named(run: Run, command: tuple[str, ...]) -> None:
    outcome = run("dead-letters", *command, "-w", "nobody")
    assert (outcome.code, outcome.out) == (2, "")
    assert "there is no workspace 'nobody'" in outcome.err


@pytest.mark.parametrize("command", [("drop",), ("show",), ("list", "-n", "0")])
def test_bad_usage_exits_2(run: Run, workspace: WorkspaceId, command: tuple[str, ...]) -> None:
    assert run("dead-letters", *command, "-w", workspace).code == 2


def test_an_object_that_cannot_be_split_is_replayed_as_it_was(
    run: Run, session: Session, workspace: WorkspaceId, monkeypatch: pytest.MonkeyPatch
) -> None:
    packed = gzip.compress(json.dumps(envelope(workspace, 1)).encode())
    torn = {f"inbox/{workspace}/torn.jsonl.gz": packed[:-9], f"inbox/{workspace}/large.jsonl.gz": packed}
    session.stores.objects.put_many(torn)
    with monkeypatch.context() as patch:
        patch.setattr("neural_memory_pipelines.steps.inbox._UNPACKED_LIMIT_BYTES", 20)
        run_path(session, workspace)
    before = run("dead-letters", "list", "-w", workspace, "--json").json
    assert len(before) == 2
    assert all("more than 20 bytes" in letter["reason"] for letter in before)

    for _ in range(2):
        assert run("dead-letters", "replay", "-w", workspace).code == 0
        run_path(session, workspace)
    (left,) = run("dead-letters", "list", "-w", workspace, "--json").json
    assert "broken gzip" in left["reason"]
    assert left["dead_letter_id"] in {letter["dead_letter_id"] for letter in before}
    assert run("status", "-w", workspace, "--json").json[0]["documents"] == 1


def test_help_names_every_command(run: Run) -> None:
    shown = run("dead-letters", "--help")
    assert shown.code == 0
    assert all(name in shown.out for name in ("list", "show", "replay", "drop"))

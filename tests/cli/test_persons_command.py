"""`persons`: listed with their accounts, joined and parted by people, with an audit, on the stack of the session."""

from __future__ import annotations

import getpass
import json
from typing import Any

import pytest

from neural_memory_pipelines.domain.ids import WorkspaceId
from neural_memory_pipelines.local.session import Session
from neural_memory_pipelines.steps.inbox import put_lines
from tests.cli.conftest import Outcome, Run
from tests.steps.pipeline import run_path
from tests.steps.samples import envelope, issue, slack_message

_BOT = {"login": "robot[bot]", "id": 9, "type": "Bot"}


@pytest.fixture
def told(session: Session, workspace: WorkspaceId) -> WorkspaceId:
    """A workspace with two people in GitHub, one of them also in Slack under another name, a namesake, and a bot."""
    red = "Ada \x1b[31m[bold]\x9b2J"
    lines = [
        envelope(workspace, key="1", payload=issue(1)),
        envelope(workspace, key="2", payload={**issue(2), "user": {"login": "ben", "id": 8, "type": "User"}}),
        envelope(workspace, key="3", payload={**issue(3), "user": _BOT}),
        slack_message(workspace, user="U1", name=red, email="", ts="1772445600.000100"),
        slack_message(workspace, user="U2", name="Ben", email="", ts="1772445660.000100"),
    ]
    put_lines(session.stores.objects, workspace, lines)
    run_path(session, workspace)
    return workspace


def _persons(run: Run, workspace: WorkspaceId) -> list[set[str]]:
    return [set(person["accounts"]) for person in run("persons", "list", "-w", workspace, "--json").json]


def _decide(run: Run, workspace: WorkspaceId, kind: str, first: str, second: str, *more: str) -> Outcome:
    return run("persons", kind, first, second, "-w", workspace, "--reason", "she said so", *more)


def test_persons_are_listed_with_their_accounts_and_bots_are_none(run: Run, told: WorkspaceId) -> None:
    assert sorted(map(sorted, _persons(run, told))) == [["github:7"], ["github:8"], ["slack:U1"], ["slack:U2"]]
    shown = run("persons", "list", "--workspace", told)
    assert shown.code == 0
    assert f"persons of {told}" in shown.out
    assert "[bold]" in shown.out
    assert not set("\x1b\x9b") & set(shown.out)
    as_json = run("persons", "list", "-w", told, "--json").out
    assert not set("\x1b\x9b") & set(as_json)
    (red,) = (person for person in json.loads(as_json) if "slack:U1" in person["accounts"])
    assert red["name"].startswith("Ada \x1b[31m")
    assert red["documents"] == 1


def test_a_merge_and_a_split_are_followed_at_once_and_kept_in_the_audit(run: Run, told: WorkspaceId) -> None:
    merged = _decide(run, told, "merge", "slack:U1", "github-login:ada", "--by", "zoe")
    assert merged.code == 0, merged.err
    assert "slack:U1 and github:7 are one person now (dec_" in merged.out.replace("github-login:ada", "github:7")
    assert {"slack:U1", "github:7"} in _persons(run, told)
    assert "she said so" not in run("persons", "list", "-w", told).out
    assert "github:7" in run("persons", "list", "-w", told).out

    split = _decide(run, told, "split", "slack:U1", "github:7")
    assert split.code == 0, split.err
    assert "are not one person now" in split.out
    assert {"slack:U1"} in _persons(run, told)

    audit = run("persons", "audit", "-w", told, "--json").json
    assert [(row["kind"], row["decided_by"], row["reason"]) for row in audit] == [
        ("merge", "zoe", "she said so"),
        ("split", getpass.getuser(), "she said so"),
    ]
    shown = run("persons", "audit", "-w", told)
    assert f"identity decisions of {told}" in shown.out
    assert "she said so" in shown.out


def test_a_decision_outlives_a_rebuild(run: Run, session: Session, told: WorkspaceId) -> None:
    _decide(run, told, "merge", "slack:U1", "github:8")
    run("redaction", "set", "off", "-w", told)
    assert _persons(run, told) == []
    run_path(session, told)
    assert {"slack:U1", "github:8"} in _persons(run, told)


@pytest.mark.parametrize(
    ("names", "words"),
    [
        (("zoe\x1b[2J", "github:7"), "nobody answers to"),
        (("github:7", "github-login:ada"), "are the same account, github:7"),
        (("github:7", "robot[bot]"), "is a bot, github:9: bots are no persons"),
        (("github:7", "Ben"), "'Ben' may be any of github:8, slack:U2: give one of these"),
    ],
)
@pytest.mark.parametrize("kind", ["merge", "split"])
def test_names_that_are_not_clear_exit_2_and_change_nothing(
    run: Run, told: WorkspaceId, kind: str, names: tuple[str, str], words: str
) -> None:
    before = _persons(run, told)
    outcome = _decide(run, told, kind, *names)
    assert (outcome.code, outcome.out) == (2, "")
    assert words in outcome.err
    assert "\x1b" not in outcome.err
    assert _persons(run, told) == before
    assert run("persons", "audit", "-w", told).out == "no decisions\n"
    assert run("persons", "audit", "-w", told, "--json").json == []


def test_a_split_of_a_name_with_several_accounts_asks_which(run: Run, told: WorkspaceId) -> None:
    _decide(run, told, "merge", "slack:U1", "github:7")
    outcome = _decide(run, told, "split", "ada", "github:8")
    assert outcome.code == 2
    assert "'ada' has several accounts (github:7, slack:U1): say which of them" in outcome.err


def test_a_decision_needs_a_reason(run: Run, told: WorkspaceId) -> None:
    outcome = run("persons", "merge", "slack:U1", "github:7", "-w", told)
    assert outcome.code == 2
    assert "--reason" in outcome.err


@pytest.mark.parametrize("command", [("list",), ("audit",), ("merge", "a", "b"), ("split", "a", "b")])
def test_an_unknown_workspace_exits_2_and_is_named(run: Run, command: tuple[Any, ...]) -> None:
    reason = ("--reason", "x") if command[0] in {"merge", "split"} else ()
    outcome = run("persons", *command, "-w", "nobody", *reason)
    assert (outcome.code, outcome.out) == (2, "")
    assert "there is no workspace 'nobody'" in outcome.err


def test_a_workspace_without_people_says_so(run: Run, session: Session, workspace: WorkspaceId) -> None:
    run_path(session, workspace)
    assert run("persons", "list", "-w", workspace).out == "no persons yet\n"
    assert run("persons", "list", "-w", workspace, "--json").json == []

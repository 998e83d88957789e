"""`redaction`: what is taken out of texts, shown and set, on the stack of the session."""

from __future__ import annotations

import json

import pytest

from neural_memory_pipelines.domain.ids import WorkspaceId
from neural_memory_pipelines.local.session import Session
from neural_memory_pipelines.steps.inbox import put_lines
from tests.cli.conftest import Run, envelope

TOKEN = "ghp_" + "aB3dE6gH9jK2" * 3
MAIL = "ada@planted.example"


@pytest.fixture
def built(run: Run, session: Session, workspace: WorkspaceId) -> WorkspaceId:
    """A workspace with one page, which names a secret and an address."""
    page = envelope(workspace, 1, text=f"# Kestrels\n\nThe kestrel hovers: {TOKEN}, ask {MAIL}.\n")
    put_lines(session.stores.objects, workspace, [json.dumps(page).encode()])
    assert run("build", "-w", workspace).code == 0
    return workspace


def _found(run: Run, workspace: WorkspaceId) -> str:
    (hit,) = run("search", "Which bird hovers?", "-w", workspace, "--json").json["hits"]
    return str(hit["text"])


def test_all_is_redacted_unless_a_person_says_otherwise(run: Run, built: WorkspaceId) -> None:
    shown = run("redaction", "show", "-w", built)
    assert (shown.code, shown.out) == (0, "all\n")
    assert "[redacted:github-token], ask [redacted:email]" in _found(run, built)


def test_a_policy_that_is_set_holds_for_what_is_there_after_the_next_build(run: Run, built: WorkspaceId) -> None:
    changed = run("redaction", "set", "tokens", "--workspace", built)
    assert changed.code == 0
    assert f"redaction of {built} is tokens now; 1 events will be read again" in changed.out
    assert f"next: neural-memory build --workspace {built}" in changed.err
    assert run("redaction", "show", "-w", built).out == "tokens\n"
    assert run("search", "Which bird hovers?", "-w", built, "--json").json["hits"] == []  # forgotten at once

    assert run("build", "-w", built).code == 0
    assert f"[redacted:github-token], ask {MAIL}" in _found(run, built)
    again = run("redaction", "set", "tokens", "-w", built)
    assert (again.code, again.err) == (0, "")
    assert again.out == f"redaction of {built} is tokens: nothing needs to be read again\n"
    (result,) = run("build", "-w", built, "--json").json
    assert sum(row["written"] + row["deleted"] for row in result["assets"]) == 0


def test_what_earlier_runs_showed_is_told_to_stay(run: Run, built: WorkspaceId) -> None:
    run("redaction", "set", "off", "-w", built)
    assert run("build", "-w", built).code == 0
    changed = run("redaction", "set", "all", "-w", built)
    assert "earlier runs" in changed.err
    assert "Dagster" in changed.err


@pytest.mark.parametrize("command", [("set", "most"), ("set",), ("show", "all")])
def test_bad_usage_exits_2(run: Run, built: WorkspaceId, command: tuple[str, ...]) -> None:
    outcome = run("redaction", *command, "-w", built)
    assert (outcome.code, outcome.out) == (2, "")
    assert run("redaction", "show", "-w", built).out == "all\n"


@pytest.mark.parametrize("command", [("show",), ("set", "off")])
def test_an_unknown_workspace_exits_2_and_is_named(run: Run, command: tuple[str, ...]) -> None:
    outcome = run("redaction", *command, "-w", "nobody")
    assert (outcome.code, outcome.out) == (2, "")
    assert "there is no workspace 'nobody'" in outcome.err

"""`neural-memory evaluation reports` and `send`."""

from __future__ import annotations

from pathlib import Path

import pytest

from neural_memory_pipelines.domain.ids import WorkspaceId
from neural_memory_pipelines.local.session import Session
from tests.cli.conftest import Run
from tests.steps.pipeline import ingest_folder, run_path

from .braintrust_server import Fault
from .conftest import Chosen
from .runs import keep, made_run


@pytest.fixture
def reporting(session: Session, workspace: WorkspaceId, tmp_path: Path) -> WorkspaceId:
    """A built workspace with two runs whose reports wait."""
    (tmp_path / "a.md").write_text("# The lighthouse\n\nIt was painted red in spring.\n")
    ingest_folder(session, workspace, tmp_path)
    run_path(session, workspace)
    keep(session.stores, workspace, made_run("run-a"), made_run("run-b"))
    return workspace


def states(run: Run, workspace: WorkspaceId) -> dict[str, str]:
    outcome = run("evaluation", "reports", "-w", workspace, "--json")
    assert outcome.code == 0
    return {row["run_id"]: row["state"] for row in outcome.json}


def test_what_waits_is_listed_and_sent(run: Run, reporting: WorkspaceId, braintrust_chosen: Chosen) -> None:
    server = braintrust_chosen()
    assert states(run, reporting) == {"run-a": "waiting", "run-b": "waiting"}
    outcome = run("evaluation", "send", "-w", reporting, "--json")
    assert (outcome.code, outcome.json) == (0, [{"workspace": reporting, "sent": 2, "failed": 0, "notes": []}])
    assert states(run, reporting) == {"run-a": "sent", "run-b": "sent"}
    told = run("evaluation", "reports", "--json").json
    pages = [row["url"] for row in told if row["workspace"] == reporting]
    assert all(page.startswith(f"{server.url}/app/harbor-labs/p/neural-memory/experiments/") for page in pages)
    assert len(set(pages)) == 2
    assert "nothing waits" in run("evaluation", "send", "-w", reporting).out
    assert len(server.experiments) == 2


def test_what_fails_is_told_with_its_reason_and_tried_again_when_asked(
    run: Run, reporting: WorkspaceId, braintrust_chosen: Chosen
) -> None:
    server = braintrust_chosen()
    server.faults.at(Fault(status=503, message="maintenance"), "/insert")
    outcome = run("evaluation", "send", "-w", reporting)
    assert outcome.code == 1
    assert "503 (maintenance)" in outcome.err
    listed = run("evaluation", "reports", "-w", reporting)
    assert "tried again at" in listed.out
    server.faults.clear()
    server.faults.at(Fault(status=400, message="bad row"), "/insert", times=1)
    assert run("evaluation", "send", "-w", reporting).code == 1
    assert sorted(states(run, reporting).values()) == ["refused", "sent"]
    assert run("evaluation", "send", "-w", reporting).code == 0
    assert set(states(run, reporting).values()) == {"sent"}
    assert server.api_key not in outcome.out + outcome.err + listed.out


def test_without_a_key_there_is_nobody_to_send_to(run: Run, reporting: WorkspaceId) -> None:
    outcome = run("evaluation", "send", "-w", reporting)
    assert outcome.code == 2
    assert "BRAINTRUST_API_KEY is not set" in outcome.err
    assert states(run, reporting) == {"run-a": "waiting", "run-b": "waiting"}


def test_a_workspace_that_is_not_there_is_named(run: Run, reporting: WorkspaceId) -> None:
    outcome = run("evaluation", "reports", "-w", f"{reporting}-not")
    assert outcome.code == 2
    assert f"there is no workspace '{reporting}-not'" in outcome.err
    table = run("evaluation", "reports", "-w", reporting, "--limit", 1).out
    assert ("run-b" in table, "run-a" in table) == (True, False)  # the latest first

"""`build` asks a workspace's own questions when documents changed, says what came of it, and else asks nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from neural_memory_pipelines.domain.evaluation import Suite
from neural_memory_pipelines.domain.ids import WorkspaceId
from neural_memory_pipelines.local.session import Session
from neural_memory_pipelines.stores.postgres.eval_events import waiting
from tests.cli.conftest import Run, envelope, write_lines

KESTREL, HERON = "# Kestrels\n\nThe kestrel hovers above the meadow.\n", "# Herons\n\nHerons wade in shallow water.\n"
QUESTIONS = """questions:
- {id: hover, question: "Which bird hovers?", expects: [{source: docs, source_id: s/1.md}]}
- {id: wade, question: "Which bird wades?", expects: [{source: docs, source_id: s/2.md}]}
"""


@pytest.fixture
def built(run: Run, workspace: WorkspaceId, tmp_path: Path) -> WorkspaceId:
    """A workspace of two pages, built before it had questions, and now with two."""
    lines = [envelope(workspace, number, text=said) for number, said in enumerate((KESTREL, HERON), 1)]
    run("ingest", "events", write_lines(tmp_path / "pages.jsonl", *lines))
    assert run("build", "-w", workspace).code == 0
    (tmp_path / "questions.yaml").write_text(QUESTIONS)
    assert run("questions", "import", tmp_path / "questions.yaml", "-w", workspace).code == 0
    return workspace


def _waits(session: Session, workspace: WorkspaceId) -> list[Suite]:
    return [found.suite for found in waiting(session.stores.database) if found.workspace == workspace]


def test_what_waits_is_asked_once_and_an_unchanged_build_asks_nothing(
    run: Run, session: Session, built: WorkspaceId
) -> None:
    assert _waits(session, built) == [Suite.POST_INGEST], "without questions of its own, it is the daemon's"
    outcome = run("build", "-w", built)
    assert outcome.code == 0, outcome.err
    assert outcome.out.count("post_ingest_regression: 2 questions, recall@5 1.000, ") == 1
    assert _waits(session, built) == []
    (again,) = run("build", "-w", built, "--json").json
    assert (again["evaluations"], again["succeeded"]) == ([], True)


def test_answers_that_are_lost_fail_the_build_by_name_and_what_was_built_stays(
    run: Run, built: WorkspaceId, tmp_path: Path
) -> None:
    assert run("build", "-w", built).code == 0
    later = envelope(built, 1, action="docs.removed", idempotencyKey="gone", occurredAt="2026-02-02T03:04:05Z")
    run("ingest", "events", write_lines(tmp_path / "gone.jsonl", later))
    outcome = run("build", "-w", built)
    assert outcome.code == 1
    assert "; worse than before" in outcome.out
    assert "check failed: post_ingest_regression.no_regression: recall@5 fell from 1.000 to 0.500" in outcome.err
    assert "questions that got worse: hover (1 to none)" in outcome.err
    assert run("status", "-w", built, "--json").json[0]["documents"] == 1
    assert run("build", "-w", built).code == 0, "it was told, and waits for somebody who accepts it or mends it"

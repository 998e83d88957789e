"""`questions`: files of questions come in whole or not at all, by id, and are listed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from neural_memory_pipelines.domain.ids import WorkspaceId
from neural_memory_pipelines.local.session import Session
from tests.cli.conftest import Run
from tests.conftest import SAMPLES
from tests.evaluation.memories import Memory
from tests.steps.pipeline import run_path

EXPECTS = [{"source": "docs", "source_id": "docs/a.md"}]


@pytest.fixture
def known(session: Session, workspace: WorkspaceId) -> WorkspaceId:
    """A workspace without anything in it."""
    run_path(session, workspace)
    return workspace


def question(name: object = "q1", **changes: Any) -> dict[str, Any]:
    return {"id": name, "question": f"What of {name}?", "expects": EXPECTS} | changes


def write(file: Path, *questions: Any) -> Path:
    file.write_text(json.dumps({"questions": questions}))
    return file


def test_the_sample_is_imported_and_listed(run: Run, known: WorkspaceId) -> None:
    outcome = run("questions", "import", SAMPLES / "questions.yaml", "-w", known)
    assert (outcome.code, outcome.out) == (0, f"30 questions of {known}: 30 new, 0 replaced\n")
    listed = run("questions", "list", "-w", known, "--json").json
    assert [item["id"] for item in listed] == [f"q{number:02}" for number in range(1, 31)]
    assert listed[4]["expects"] == [{"source": "github", "source_id": "harbor-labs/platform#92"}]
    assert listed[4]["tags"] == ["github"]
    shown = run("questions", "list", "-w", known).out
    assert f"questions of {known}" in shown
    assert "github harbor-labs/platform#92" in shown


def test_to_import_again_replaces_by_id(run: Run, known: WorkspaceId, tmp_path: Path) -> None:
    run("questions", "import", write(tmp_path / "a.json", question("a"), question("b")), "-w", known)
    changed = write(tmp_path / "b.yaml", question("b", question="And now?", weight=2), question("c"))
    outcome = run("questions", "import", changed, "-w", known)
    assert outcome.out == f"2 questions of {known}: 1 new, 1 replaced\n"
    listed = {item["id"]: item for item in run("questions", "list", "-w", known, "--json").json}
    assert set(listed) == {"a", "b", "c"}
    assert (listed["b"]["text"], listed["b"]["weight"]) == ("And now?", 2.0)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (
            {"questions": [question(), question("q2", expects=[])]},
            "question 2 (q2), expects: list should have",
        ),
        (
            {"questions": [question(expects=[{"source": "docs"}])]},
            "question 1 (q1), expects[1].source_id: field",
        ),
        ({"questions": [{"id": "q9", "expects": EXPECTS}]}, "question 1 (q9), question: field required"),
        ({"questions": [question(7)]}, "question 1 (7), id: input should be a valid string"),
        ({"questions": [question(weight=0)]}, "question 1 (q1), weight: input should be greater than 0"),
        ({"questions": [question(anwser="x")]}, "question 1 (q1), anwser: extra inputs are not permitted"),
        ({"questions": ["why?"]}, "question 1: expected names with values"),
        ({"questions": [question(), question()]}, "question q1 is there more than once"),
        ({"questions": []}, "questions: list should have at least 1 item"),
        ([question()], "the file: expected names with values"),
    ],
)
def test_what_is_wrong_is_named_with_its_place_and_nothing_is_kept(
    run: Run, known: WorkspaceId, tmp_path: Path, content: Any, words: str
) -> None:
    file = tmp_path / "questions.yaml"
    file.write_text(json.dumps(content))
    outcome = run("questions", "import", file, "-w", known)
    assert (outcome.code, outcome.out) == (2, "")
    assert f"error: {file}: " in outcome.err
    assert words in outcome.err
    assert run("questions", "list", "-w", known).out.startswith("no questions: titles of documents stand in")


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("x.yaml", "questions:\n  - id: [\n", "line 3, column 1: "),
        ("x.json", '{"questions": [,]}', "line 1, column 16: "),
        ("x.yaml", b"\xff\xfe\xff", "cannot be read as text"),
        ("missing.yaml", None, "there is no such file"),
    ],
)
def test_a_file_that_cannot_be_read_is_named_with_its_place(
    run: Run, known: WorkspaceId, tmp_path: Path, name: str, content: str | bytes | None, words: str
) -> None:
    file = tmp_path / name
    if content is not None:
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
    outcome = run("questions", "import", file, "-w", known)
    assert outcome.code == 2
    assert f"{file}: {words}" in outcome.err


@pytest.mark.parametrize("command", [("import", SAMPLES / "questions.yaml"), ("list",)])
def test_an_unknown_workspace_exits_2_and_is_named(run: Run, session: Session, command: tuple[object, ...]) -> None:
    outcome = run("questions", *command, "-w", "nobody")
    assert (outcome.code, outcome.out) == (2, "")
    assert "there is no workspace 'nobody'" in outcome.err


def test_a_question_is_added_with_its_answers_marked_and_removed(
    run: Run, session: Session, known: WorkspaceId
) -> None:
    added = run(
        *("questions", "add", "Who  mends\nthe till?", "-w", known, "--tag", "smoke", "--weight", "2"),
        *("--answer", "github:acme/shop#12", "--answer", "docs:docs/a:b.md", "--evidence", "obs_1"),
    )
    ((item),) = run("questions", "list", "-w", known, "--json").json
    name = item["id"]
    assert (added.code, added.out) == (0, f"question {name} of {known}: new\n")
    missing = [("github", "acme/shop#12"), ("docs", "docs/a:b.md")]
    assert added.err.splitlines() == [
        *(f"note: {name}: {source} {source_id} is not in the workspace yet" for source, source_id in missing),
        f"note: {name}: obs_1 is not in the workspace yet",
    ]
    expects = [{"source": source, "source_id": source_id} for source, source_id in missing] + [{"evidence": "obs_1"}]
    assert (item["text"], item["tags"], item["weight"]) == ("Who mends the till?", ["smoke"], 2.0)
    assert item["expects"] == item["missing"] == expects
    assert run("questions", "list", "-w", known).out.count("not in the workspace") == 3

    again = run("questions", "add", "Who mends the till?", "-w", known, "--evidence", "obs_2")
    assert again.out == f"question {name} of {known}: replaced\n"
    refused = run("questions", "remove", name, "other", "-w", known)
    assert (refused.code, refused.out) == (2, "")
    assert f"workspace {known} has no question other: nothing was removed" in refused.err
    assert run("questions", "remove", name, "-w", known).out == f"1 questions of {known} were removed\n"
    assert run("questions", "list", "-w", known, "--json").json == []


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["why?"], "say what answers it: --answer SOURCE:ID or --evidence ID"),
        ([" ", "--evidence", "obs_1"], "the question is empty"),
        (["why?", "--answer", "wiki:1"], "--answer: expected SOURCE:ID with a source of docs, github, linear, notion"),
        (["why?", "--answer", "docs:"], "not 'docs:'"),
        (["why?", "--evidence", "obs_1", "--weight", "0"], "--weight: expected a number above 0, not 0"),
        (["why?", "--evidence", "obs_1", "--weight", "nan"], "--weight: expected a number above 0, not nan"),
    ],
)
def test_a_question_that_cannot_be_asked_is_refused(
    run: Run, known: WorkspaceId, options: list[str], words: str
) -> None:
    outcome = run("questions", "add", "-w", known, *options)
    assert (outcome.code, outcome.out) == (2, "")
    assert words in outcome.err


def test_evidence_in_a_file_is_kept_and_what_is_there_is_not_marked(
    run: Run, session: Session, workspace: WorkspaceId, tmp_path: Path
) -> None:
    made = Memory(session, workspace, tmp_path / "docs")
    made.tell("anchors")
    ((observation,),) = made.ask("SELECT min(observation_id) FROM memory_observations")
    there = [{"evidence": observation}, {"source": "docs", "source_id": "docs/anchors.md"}]
    file = write(tmp_path / "q.yaml", question("a", expects=there), question("b", expects=[{"evidence": "chk_none"}]))
    outcome = run("questions", "import", file, "-w", workspace)
    assert (outcome.code, outcome.err) == (0, "note: b: chk_none is not in the workspace yet\n")
    listed = {item["id"]: item for item in run("questions", "list", "-w", workspace, "--json").json}
    assert (listed["a"]["expects"], listed["a"]["missing"]) == (there, [])
    both = write(tmp_path / "both.yaml", question("c", expects=[{"evidence": "obs_1", "source": "docs"}]))
    refused = run("questions", "import", both, "-w", workspace)
    assert "question 1 (c), expects[1].source: extra inputs are not permitted" in refused.err

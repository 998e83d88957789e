"""`embeddings`: what is asked wrongly is refused in one line, and changes nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from neural_memory_pipelines.domain.ids import WorkspaceId
from neural_memory_pipelines.local.session import Session
from tests.cli.conftest import Run
from tests.steps.pipeline import ingest_folder, run_path
from tests.steps.samples import guide, write_docs

HASHED = "hash/char-ngram-1536"
MINILM = "local/minilm-l6-v2"


@pytest.fixture(scope="module")
def proposed(run: Run, session: Session, tmp_path_factory: pytest.TempPathFactory) -> tuple[WorkspaceId, str]:
    """A workspace, and a version that is proposed to it: the same model, with an index of its own."""
    workspace, folder = WorkspaceId("refusing"), tmp_path_factory.mktemp("docs")
    ingest_folder(session, workspace, write_docs(folder, {"a.md": guide("ferries")}))
    run_path(session, workspace)
    (row,) = run("embeddings", "propose", "--model", HASHED, "--topology", "store", "-w", workspace, "--json").json
    assert row["texts"] == 0  # the vectors are those of the version that is served
    return workspace, row["version"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("promote", "nonsense"), "there is no embedding version 'nonsense': known here are hash-char-ngram-"),
        (("promote", "hash"), "'hash' may be any of hash-char-ngram-"),
        (("build", ""), "there is no embedding version ''"),
        (("estimate", "hash", "--model", MINILM), "give the name of a version, or --model, and not both"),
        (("estimate",), "give the name of a version, or --model, and not both"),
        (("estimate", "hash", "--dim", "256"), "--dim and --topology go with --model"),
        (("estimate", "--model", "no/model"), "--model: there is no embedding model 'no/model'; known are cohere/"),
        (("propose", "--model", MINILM, "--dim", "7"), "--dim: local/minilm-l6-v2 has no vectors of 7 dimensions"),
        (("archive",), "give the name of a version, or --due, and not both"),
        (("archive", "hash", "--due"), "give the name of a version, or --due, and not both"),
        (("rollback", "--force"), "--force needs --reason"),
        (("rollback", "--all"), "--workspace and --all: give one of them"),
    ],
)
def test_bad_usage_exits_2_and_says_why(
    run: Run, proposed: tuple[WorkspaceId, str], arguments: tuple[str, ...], words: str
) -> None:
    outcome = run("embeddings", *arguments, "-w", proposed[0])
    assert (outcome.code, outcome.out) == (2, "")
    assert words in outcome.err
    assert len(outcome.err.splitlines()) == 1


@pytest.mark.parametrize("command", [("promote", "hash"), ("rollback",), ("propose", "--model", MINILM)])
def test_workspaces_are_named_or_all_are_asked_for(run: Run, command: tuple[str, ...]) -> None:
    outcome = run("embeddings", *command)
    assert outcome.code == 2
    assert "say which workspaces: --workspace NAME, as often as needed, or --all" in outcome.err
    outcome = run("embeddings", *command, "-w", "nobody")
    assert outcome.code == 2
    assert "there is no workspace 'nobody'" in outcome.err


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("promote", "is proposed and cannot become active: build it first"),
        ("compare", "is proposed: there is nothing to ask; build it"),
    ],
)
def test_what_is_not_built_is_neither_promoted_nor_compared(
    run: Run, session: Session, proposed: tuple[WorkspaceId, str], command: str, words: str
) -> None:
    workspace, version = proposed
    active = session.active_version(workspace).name
    outcome = run("embeddings", command, version, "-w", workspace)
    assert outcome.code == 1
    assert words in outcome.err
    assert session.active_version(workspace).name == active


def test_the_active_version_is_not_archived_proposed_or_compared_with_itself(
    run: Run, session: Session, proposed: tuple[WorkspaceId, str]
) -> None:
    workspace, _ = proposed
    active = session.active_version(workspace).name
    archived = run("embeddings", "archive", active, "-w", workspace)
    assert (archived.code, "it is served; promote another version first" in archived.err) == (1, True)
    again = run("embeddings", "propose", "--model", HASHED, "--topology", "shared", "-w", workspace)
    assert (again.code, f"embedding version {active} is active" in again.err) == (1, True)
    compared = run("embeddings", "compare", active, "-w", workspace)
    assert (compared.code, "is the active version: compare another one" in compared.err) == (1, True)
    compared = run("embeddings", "compare", active, "--with", active, "-w", workspace)
    assert (compared.code, "cannot be compared with itself" in compared.err) == (1, True)


def test_what_is_archived_is_not_built_or_promoted_until_it_is_proposed_again(
    run: Run, session: Session, workspace: WorkspaceId, tmp_path: Path
) -> None:
    ingest_folder(session, workspace, write_docs(tmp_path, {"a.md": guide("ferries")}))
    run_path(session, workspace)
    propose = ("embeddings", "propose", "--model", HASHED, "--topology", "store", "-w", workspace, "--json")
    version = run(*propose).json[0]["version"]
    assert run("embeddings", "archive", version, "-w", workspace).code == 0
    built = run("embeddings", "build", version, "-w", workspace)
    assert built.code == 1
    assert f"{version} is archived in workspace {workspace}: propose it again to build it" in built.err
    promoted = run("embeddings", "promote", version, "-w", workspace, "--force", "--reason", "hurry")
    assert (promoted.code, "propose and build it again" in promoted.err) == (1, True)
    rebuilt = run("rebuild", "index", "-w", workspace, "--version", version)
    assert (rebuilt.code, "is archived in workspace" in rebuilt.err) == (2, True)
    assert run(*propose).json[0]["outcome"] == "proposed"


def test_a_model_without_its_key_is_not_registered(
    run: Run, session: Session, proposed: tuple[WorkspaceId, str]
) -> None:
    workspace, _ = proposed
    before = run("embeddings", "list", "-w", workspace, "--json").json
    outcome = run("embeddings", "propose", "--model", "cohere/embed-v4.0", "-w", workspace)
    assert outcome.code == 1
    assert "COHERE_API_KEY is not set" in outcome.err
    assert run("embeddings", "list", "-w", workspace, "--json").json == before


def test_without_a_workspace_all_are_listed(run: Run, proposed: tuple[WorkspaceId, str]) -> None:
    shown = run("embeddings", "list").out
    assert f"embedding versions of {proposed[0]}" in shown
    assert proposed[1] in shown

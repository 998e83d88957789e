"""`trace`: a tree for people, JSON for programs, bytes for `--raw`, on the stack of the session."""

from __future__ import annotations

import io
import json
import os

import pytest

from neural_memory_pipelines.domain.ids import WorkspaceId
from neural_memory_pipelines.local.session import Session
from tests.cli.conftest import Run
from tests.cli.topic_rows import Gulls
from tests.retrieval.traced import PAGE, SECRET, Told, tell
from tests.steps.dumps import rows


@pytest.fixture(scope="module")
def told(session: Session) -> Told:
    """Read by all tests of this module, changed by none."""
    return tell(session, WorkspaceId(f"trace-command-{os.getpid()}"))


def _bytes_of(run: Run, *arguments: object) -> tuple[bytes, str]:
    """Run a command that writes bytes; gives them, and what it said on stderr."""
    held = io.BytesIO()

    class Kept(io.StringIO):
        """What the command takes for its stdout."""

        buffer = held

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tests.cli.conftest.io.StringIO", Kept)
        outcome = run(*arguments)
    return held.getvalue(), outcome.err


def _raw(session: Session, told: Told, where: str) -> list[bytes]:
    query = f"SELECT raw_key FROM source_events WHERE {where} ORDER BY occurred_at DESC"
    return [session.stores.objects.get(key) for (key,) in rows(session, told.workspace, query)]


def test_a_summary_is_shown_as_a_tree_down_to_raw_keys(run: Run, session: Session, told: Told) -> None:
    shown = run("trace", told.summary, "--workspace", told.workspace, "--all")
    assert shown.code == 0, shown.err
    lines = shown.out.splitlines()
    assert lines[0].startswith(f"summary {told.summary}  Piers")
    for number, observation in enumerate(told.cited, start=1):
        assert sum(f"[{number}] observation {observation}" in line for line in lines) == 1
    for (key,) in rows(session, told.workspace, "SELECT raw_pointer FROM knowledge_documents WHERE privacy = 'org'"):
        assert any(f"raw artifact {key}" in line for line in lines)
    assert "version 2" in shown.out
    assert "this description holds" in shown.out


def test_what_uses_a_document_is_shown_as_a_tree(run: Run, told: Told) -> None:
    shown = run("trace", PAGE, "-w", told.workspace, "--used-by")
    for words in ("chunks (", "observations (", "vectors (", "superseded 2026-", "vector entry doc_", told.summary):
        assert words in shown.out


def test_branches_are_cut_unless_all_is_asked_for(run: Run, session: Session, workspace: WorkspaceId) -> None:
    gulls = Gulls(session, workspace)
    insert = """INSERT INTO document_versions (workspace_id, document_id, event_key, part_id, as_of, deletes,
        content_hash, raw_pointer, link_ids) SELECT workspace_id, document_id, event_key || n, part_id, as_of, deletes,
        content_hash, raw_pointer, link_ids FROM document_versions, generate_series(1, 6) n RETURNING 1"""
    rows(session, workspace, insert)
    short, whole = (run("trace", gulls.observations[0], "-w", workspace, *more).out for more in ((), ("--all",)))
    assert "described by (7)" in short
    assert "... and 2 more; --all shows them" in short
    assert (short.count("description gulls-"), whole.count("description gulls-")) == (5, 7)
    assert "more; --all" not in whole


def test_the_json_holds_all_of_it(run: Run, told: Told) -> None:
    value = run("trace", told.summary, "-w", told.workspace, "--json").json
    assert (value["kind"], value["id"]) == ("summary", told.summary)
    cites = value["branches"][0]
    assert (cites["name"], cites["more"], cites["hidden"]) == ("cites", 0, 0)
    assert [node["number"] for node in cites["nodes"]] == list(range(1, len(told.cited) + 1))


def test_raw_prints_the_bytes_of_the_latest_artifact_alone(run: Run, session: Session, told: Told) -> None:
    latest, first = _raw(session, told, "idempotency_key LIKE 'piers %'")
    assert b"cranes" in latest
    assert b"cranes" not in first
    assert _bytes_of(run, "trace", PAGE, "-w", told.workspace, "--raw") == (latest, "")


def test_raw_all_prints_each_and_names_it_on_stderr(run: Run, session: Session, told: Told) -> None:
    artifacts = _raw(session, told, "idempotency_key LIKE 'piers %'")
    out, err = _bytes_of(run, "trace", PAGE, "-w", told.workspace, "--raw", "--all")
    assert out == b"".join(artifacts)
    named = [line for line in err.splitlines() if f" of {PAGE} as of " in line]
    assert [line.rpartition(", ")[2] for line in named] == [f"{len(data):,} bytes" for data in artifacts]


def test_raw_bytes_that_only_some_may_read_need_private(run: Run, session: Session, told: Told) -> None:
    query = "SELECT source_id FROM knowledge_documents WHERE privacy = 'private'"
    name = told.one(session, query)
    (raw,) = _raw(session, told, "raw_key IN (SELECT raw_pointer FROM knowledge_documents WHERE privacy = 'private')")
    refused = run("trace", name, "-w", told.workspace, "--raw")
    assert (refused.code, refused.out) == (2, "")
    assert "--private" in refused.err
    assert SECRET not in refused.err
    key = told.one(session, "SELECT raw_pointer FROM knowledge_documents WHERE privacy = 'private'")
    by_key = run("trace", key, "-w", told.workspace, "--raw")
    assert (by_key.code, by_key.out) == (1, "")
    assert f"not printed: {key}" in by_key.err
    assert _bytes_of(run, "trace", name, "-w", told.workspace, "--raw", "--private")[0] == raw
    assert SECRET in json.loads(raw)["payload"]["event"]["text"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nothing"], "nothing in workspace"),
        ([" "], "the id is empty"),
        (["x", "--raw", "--json"], "--raw prints bytes"),
        (["x", "--raw", "--used-by"], "--raw prints bytes"),
    ],
)
def test_what_cannot_be_traced_exits_2(run: Run, told: Told, arguments: list[str], said: str) -> None:
    outcome = run("trace", *arguments, "-w", told.workspace)
    assert (outcome.code, outcome.out) == (2, "")
    assert said in outcome.err


def test_an_unknown_workspace_exits_2(run: Run, told: Told) -> None:
    outcome = run("trace", told.summary, "-w", "no-such-workspace")
    assert outcome.code == 2
    assert "there is no workspace 'no-such-workspace'" in outcome.err


def test_words_of_sources_do_not_steer_the_terminal(run: Run, session: Session, workspace: WorkspaceId) -> None:
    gulls = Gulls(session, workspace)
    for more in ((), ("--used-by",), ("--json",)):
        shown = run("trace", gulls.summary, "-w", workspace, *more)
        assert shown.code == 0
        assert not set("\x1b\x9b") & set(shown.out)
    assert "[bold]" in run("trace", gulls.summary, "-w", workspace).out


def test_the_help_says_that_raw_artifacts_are_as_received(run: Run) -> None:
    assert "as received" in " ".join(run("trace", "--help").out.replace("│", " ").split())

"""`similar` and `contents` as people and programs see them, on the stack of the session."""

from __future__ import annotations

import os

import pytest

from neural_memory_pipelines.domain.ids import WorkspaceId
from neural_memory_pipelines.local.session import Session
from tests.cli.conftest import Run
from tests.cli.topic_rows import Gulls
from tests.retrieval.traced import ISSUE, PAGE, SECRET, Told, tell


@pytest.fixture(scope="module")
def told(session: Session) -> Told:
    """Read by all tests of this module, changed by none."""
    return tell(session, WorkspaceId(f"reading-{os.getpid()}"))


def _private(session: Session, told: Told) -> str:
    return told.one(session, "SELECT observation_id FROM memory_observations WHERE privacy = 'private'")


def test_contents_are_printed_whole_in_the_order_asked_for(run: Run, told: Told) -> None:
    shown = run("contents", ISSUE, PAGE, "-w", told.workspace)
    assert (shown.code, shown.err) == (0, "")
    assert shown.out.index("Carts are emptied at midnight") < shown.out.index("Anchors rule 1 ")
    assert "Anchors rule 14 tells the anchors crew what to check on round 14." in shown.out


def test_contents_names_what_is_unknown_prints_the_rest_and_exits_1(run: Run, session: Session, told: Told) -> None:
    for more in ((), ("--json",)):
        shown = run("contents", "nothing", _private(session, told), told.summary, "-w", told.workspace, *more)
        assert shown.code == 1
        assert "not shown: nothing: nothing in workspace" in shown.err
        assert f"not shown: {_private(session, told)}: only some may read it" in shown.err
        assert told.summary in shown.out
        assert SECRET not in shown.out + shown.err


def test_contents_as_json(run: Run, told: Told) -> None:
    (value,) = run("contents", ISSUE, "-w", told.workspace, "--json").json
    assert (value["asked"], value["kind"], value["source_id"]) == (ISSUE, "document", "acme/shop#1")
    assert value["read_from"] in {"cache", "database"}
    assert value["occurred_at"].startswith("2026-03-0")


def test_contents_of_what_is_private_are_shown_if_asked_for(run: Run, session: Session, told: Told) -> None:
    shown = run("contents", _private(session, told), "-w", told.workspace, "--private")
    assert shown.code == 0
    assert SECRET in shown.out
    assert ", private" in shown.out


def test_similar_shows_scores_and_where_things_are_from(run: Run, told: Told) -> None:
    shown = run("similar", ISSUE, "-w", told.workspace, "-k", "1")
    values = run("similar", ISSUE, "-w", told.workspace, "-k", "1", "--json").json
    assert len(values) == 1
    assert f" 1. {values[0]['title']}  ({values[0]['similarity_cosine']:.3f}, document)" in shown.out
    assert f"{values[0]['source']} {values[0]['source_id']}  {values[0]['id']}" in shown.out


@pytest.mark.parametrize("asked", ["nothing", " "])
def test_similar_to_nothing_exits_2(run: Run, told: Told, asked: str) -> None:
    outcome = run("similar", asked, "-w", told.workspace)
    assert (outcome.code, outcome.out) == (2, "")
    assert "error: " in outcome.err


def test_similar_to_what_is_private_exits_2_without_a_word_of_it(run: Run, session: Session, told: Told) -> None:
    outcome = run("similar", _private(session, told), "-w", told.workspace)
    assert (outcome.code, outcome.out) == (2, "")
    assert SECRET not in outcome.err
    assert run("similar", _private(session, told), "-w", told.workspace, "--private").code == 0


def test_words_of_sources_do_not_steer_the_terminal(run: Run, session: Session, workspace: WorkspaceId) -> None:
    gulls = Gulls(session, workspace)
    for command in (("contents", gulls.summary, "\x1b[2J"), ("contents", gulls.observations[0], "--json"),
                    ("similar", gulls.observations[0])):  # fmt: skip
        shown = run(*command, "-w", workspace)
        assert shown.out
        assert not set("\x1b\x9b") & set(shown.out + shown.err)
    assert "[red]" in run("similar", gulls.observations[0], "-w", workspace).out

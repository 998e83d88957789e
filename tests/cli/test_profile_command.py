"""`profile`: what entities have to do with, how far that drifted, and accepting it, on the stack of the session."""

from __future__ import annotations

import getpass
from datetime import datetime, timedelta

import pytest

from neural_memory_pipelines.domain.ids import WorkspaceId
from neural_memory_pipelines.local.session import Session
from tests.cli.conftest import Run
from tests.steps.pipeline import run_path
from tests.steps.profile_world import NIGHT, ProfileWorld

_RED = "Ada \x1b[31m[bold]\x9b2J"


@pytest.fixture
def world(session: Session, workspace: WorkspaceId) -> ProfileWorld:
    """Ada owns the till and worked on it with Ben; she then turned to boats. Ben stayed as he was."""
    run_path(session, workspace)
    world = ProfileWorld(session.stores, workspace, session.active_version(workspace))
    ada, ben = world.entity(_RED), world.entity("Ben")
    till = world.entity("till", kind="component")
    issue = world.document("issue-1", [("AUTHORED_BY", ada), ("ASSIGNED_TO", ben), ("TOUCHES_COMPONENT", till)])
    _state(world, world.tie("OWNED_BY", till, ada), issue)
    world.observe("the till jams at noon", issue)
    world.observe("the till prints twice", issue, days=0.1)
    world.rebuild(now=NIGHT - timedelta(days=7))
    boats = world.document("issue-2", [("AUTHORED_BY", ada)], kind="pull_request")
    world.observe("boats are moored by number", boats, days=100)
    world.rebuild()
    return world


def _state(world: ProfileWorld, edge: str, document: str) -> None:
    world.execute(
        "INSERT INTO relationship_evidence (workspace_id, relationship_id, link_id, document_id, start_char, end_char, "
        "quote, field, weight, since) VALUES (:workspace, :edge, :edge, :document, 0, 0, '', '', 1, now())",
        edge=edge, document=document,
    )  # fmt: skip


def test_a_profile_tells_what_an_entity_has_to_do_with(run: Run, world: ProfileWorld) -> None:
    shown = run("profile", f"{world.workspace}:{_RED}", "--workspace", world.workspace)
    assert shown.code == 0, shown.err
    assert not set("\x1b\x9b") & set(shown.out)
    assert "[bold]" in shown.out
    said = " ".join(shown.out.split())
    for words in (
        "person",
        "seen 2026-03-02 to 2026-06-10, in 3 observations and 0 summaries",
        "keywords till",
        "owns till (1)",
        "works with Ben (1)",
        "authored issue 1",
        "authored pull_request 1",
        "active hours 0 h ·········█·▄·",
        "23 h, UTC; most at 9 h",
        "since 2026-11-15, as neural-memory accepted it: flagged, for 0.25 is allowed",
        "over time 2026-11-15 ·█ 2026-11-22, at most 0.",
    ):
        assert words in said
    ben = " ".join(run("profile", "ben", "-w", world.workspace).out.split())
    assert "drift 0.00 since 2026-11-15, as neural-memory accepted it; 0.25 is allowed" in ben
    assert "components till (1)" in ben
    till = " ".join(run("profile", "till", "-w", world.workspace).out.split())
    assert "owned by Ada" in till


def test_all_of_it_is_in_the_json_with_iso_times(run: Run, world: ProfileWorld) -> None:
    value = run("profile", "Ben", "-w", world.workspace, "--json").json
    assert (value["name"], value["kind"], value["observation_count"], value["key"]) == ("Ben", "person", 2, "Ben")
    assert value["descriptors"]["collaborators"][0]["works"] == 1
    assert value["descriptors"]["contributions"] == [
        {"edge": "ASSIGNED_TO", "type": "issue", "documents": 1, "said": "assigned issue"}
    ]
    assert datetime.fromisoformat(value["descriptors"]["first_seen_at"]).tzinfo is not None
    assert "T" in value["accepted_at"]
    assert (value["drift_cosine"], value["drift_allowed_cosine"], value["is_flagged"]) == (0, 0.25, False)
    assert [point["drift_cosine"] for point in value["history"]] == [0]


def test_without_an_entity_the_one_that_drifted_most_comes_first(run: Run, world: ProfileWorld) -> None:
    values = run("profile", "-w", world.workspace, "--json").json
    assert values[0]["name"] == _RED
    assert [value["is_flagged"] for value in values] == [True, False, False]
    drifts = [value["drift_cosine"] for value in values]
    assert drifts == sorted(drifts, reverse=True)
    shown = run("profile", "-w", world.workspace, "--limit", "2").out
    assert "yes" in shown
    assert "and 1 more; --limit shows them" in shown
    assert not set("\x1b\x9b") & set(shown)


def test_accepting_a_profile_makes_it_the_one_that_drift_is_measured_from(run: Run, world: ProfileWorld) -> None:
    entity = f"{world.workspace}:{_RED}"
    accepted = run("profile", entity, "-w", world.workspace, "--accept", "--by", "zoe \x1b[2J")
    assert accepted.code == 0, accepted.err
    assert "is accepted as it is, by zoe" in accepted.out
    assert "\x1b" not in accepted.out
    value = run("profile", entity, "-w", world.workspace, "--json").json
    assert (value["drift_cosine"], value["is_flagged"]) == (0, False)
    assert value["accepted_by"] == "zoe \x1b[2J"
    assert [point["drift_cosine"] > 0 for point in value["history"]] == [False, True, False]
    again = run("profile", entity, "-w", world.workspace, "--accept", "--json").json
    assert again["accepted_by"] == getpass.getuser()


def test_names_that_are_unknown_or_not_clear_exit_2(run: Run, world: ProfileWorld) -> None:
    unknown = run("profile", "zo\x1b[2Je", "-w", world.workspace)
    assert (unknown.code, unknown.out) == (2, "")
    assert "answers to" in unknown.err
    assert "\x1b" not in unknown.err
    world.entity("BEN", kind="team")
    several = run("profile", "bEn", "-w", world.workspace)
    assert (several.code, several.out) == (2, "")
    assert "may be any of" in several.err


def test_an_entity_without_a_profile_says_so(run: Run, world: ProfileWorld) -> None:
    world.entity("Cleo")
    outcome = run("profile", "Cleo", "-w", world.workspace)
    assert (outcome.code, outcome.out) == (2, "")
    assert "has no profile" in outcome.err
    assert run("profile", "Cleo", "-w", world.workspace, "--accept").code == 2


@pytest.mark.parametrize("arguments", [("--accept",), ("ben", "--by", "zoe")])
def test_options_that_make_no_sense_alone_exit_2(run: Run, arguments: tuple[str, ...]) -> None:
    outcome = run("profile", *arguments, "-w", "any")
    assert (outcome.code, outcome.out) == (2, "")
    assert "--accept needs an entity, and --by needs --accept" in outcome.err


def test_a_workspace_without_profiles_says_how_to_have_them(run: Run, session: Session, workspace: WorkspaceId) -> None:
    run_path(session, workspace)
    assert (
        f"no profiles yet: `neural-memory consolidate --workspace {workspace}`" in run("profile", "-w", workspace).out
    )
    assert run("profile", "-w", workspace, "--json").json == []

"""`topics`: what a memory is about, how much of it, and what became of topics, on the stack of the session."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from neural_memory_pipelines.domain.ids import WorkspaceId
from neural_memory_pipelines.local.session import Session
from neural_memory_pipelines.stores.postgres import clusters
from neural_memory_pipelines.stores.postgres.consolidation_settings import change_setting
from tests.cli.conftest import Run
from tests.cli.topic_rows import Gulls, observe, write_topic
from tests.steps.pipeline import run_path


@pytest.fixture
def gulls(session: Session, workspace: WorkspaceId) -> Gulls:
    """Four observations, three of them in a topic with a summary, and a topic that died."""
    return Gulls(session, workspace)


def test_topics_are_listed_with_size_trend_keywords_days_and_summaries(run: Run, gulls: Gulls) -> None:
    shown = run("topics", "-w", gulls.workspace)
    assert shown.code == 0, shown.err
    assert f"topics of {gulls.workspace}" in shown.out
    assert "[bold]" in shown.out
    assert not set("\x1b\x9b") & set(shown.out)
    for words in ("gull, pier, paint", "2026-02-01", "2026-04-11", gulls.gulls[:12], "up"):
        assert words in shown.out
    assert gulls.dead[:12] not in shown.out
    assert "3 of 4 observations are in 1 topic; 1 pending, until others are like them" in shown.out
    assert "last consolidated: never; next night: 20" in shown.out
    assert f"next: neural-memory summary ID --workspace {gulls.workspace}" in shown.err


def test_all_of_it_is_in_the_json_with_iso_times(run: Run, gulls: Gulls) -> None:
    value = run("topics", "-w", gulls.workspace, "--json").json
    (topic,) = value["topics"]
    assert topic["cluster_id"] == gulls.gulls
    assert topic["summaries"] == [gulls.summary]
    assert (topic["size"], topic["keywords"], topic["trend"]) == (3, ["gull", "pier", "paint"], "up")
    assert topic["first_at"] == "2026-02-01T08:00:00+00:00"
    assert (value["observations"], value["in_topics"], value["pending"], value["too_few"]) == (4, 3, 1, False)
    assert value["last_night_at"] is None
    assert datetime.fromisoformat(value["next_night_at"]) > datetime.now(UTC)


def test_events_tell_what_became_of_topics_the_latest_first(run: Run, gulls: Gulls) -> None:
    events = run("topics", "-w", gulls.workspace, "--events", "--json").json
    assert [(event["event"], event["cluster_id"]) for event in events] == [
        ("merge", gulls.dead),
        ("birth", gulls.dead),
        ("birth", gulls.gulls),
    ]
    assert events[0]["others"] == [gulls.gulls]
    shown = run("topics", "-w", gulls.workspace, "--events", "--limit", "1").out
    assert "merge" in shown
    assert "birth" not in shown
    assert gulls.gulls[:12] in shown


def test_what_does_not_fit_the_limit_is_counted(run: Run, session: Session, gulls: Gulls) -> None:
    with session.stores.database.transaction(gulls.workspace) as tx:
        write_topic(tx, "piers", gulls.observations[3:])
    shown = run("topics", "-w", gulls.workspace, "--limit", "1").out
    assert "and 1 more; --limit shows them" in shown
    assert "4 of 4 observations are in 2 topics\n" in shown


def test_a_workspace_with_too_few_observations_says_so(run: Run, session: Session, workspace: WorkspaceId) -> None:
    run_path(session, workspace)
    assert "no topics: 0 observations are too few, a topic takes 3" in run("topics", "-w", workspace).out
    value = run("topics", "-w", workspace, "--json").json
    assert (value["topics"], value["too_few"]) == ([], True)
    assert run("topics", "-w", workspace, "--events").out == "nothing became of topics yet\n"


def test_before_the_first_night_it_says_how_to_have_it_now(run: Run, session: Session, workspace: WorkspaceId) -> None:
    observe(session, workspace)
    assert (
        "no topics yet: 4 observations wait for the first night; "
        f"`neural-memory consolidate --workspace {workspace}` does it now"
    ) in " ".join(run("topics", "-w", workspace).out.split())


def test_nights_are_told_in_the_time_zone_of_the_workspace(run: Run, session: Session, gulls: Gulls) -> None:
    with session.stores.database.transaction(gulls.workspace) as tx:
        change_setting(tx, "timezone", "Asia/Tokyo")
        change_setting(tx, "night_at", "03:30")
    assert " 03:30 (Asia/Tokyo)" in run("topics", "-w", gulls.workspace).out
    following = run("topics", "-w", gulls.workspace, "--json").json["next_night_at"]
    assert datetime.fromisoformat(following).astimezone(UTC).strftime("%H:%M") == "18:30"


@pytest.mark.parametrize("command", [("topics",), ("summary", "sum_1"), ("profile",), ("consolidate",)])
def test_an_unknown_workspace_exits_2_and_is_named(run: Run, stack: object, command: tuple[str, ...]) -> None:
    outcome = run(*command, "-w", "nobody")
    assert (outcome.code, outcome.out) == (2, "")
    assert "there is no workspace 'nobody'" in outcome.err


def test_topics_of_one_workspace_are_not_those_of_another(
    run: Run, session: Session, gulls: Gulls, workspace: WorkspaceId
) -> None:
    other = WorkspaceId(f"{workspace}-b")
    run_path(session, other)
    assert run("topics", "-w", other, "--json").json["topics"] == []
    assert run("summary", gulls.summary, "-w", other).code == 2
    with session.stores.database.transaction(other) as tx:
        assert clusters.living_clusters(tx, clusters.TOPIC) == []

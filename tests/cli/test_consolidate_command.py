"""`consolidate`: a night now, with what it did, on the stack of the session."""

from __future__ import annotations

from typing import Any

import pytest

from neural_memory_pipelines.cli import runs
from neural_memory_pipelines.domain.ids import WorkspaceId
from neural_memory_pipelines.errors import ContractError, TransientError
from neural_memory_pipelines.local.session import Session
from neural_memory_pipelines.steps.consolidation.cluster import find_topics
from neural_memory_pipelines.steps.inbox import put_lines
from tests.cli.conftest import Run
from tests.models.cohere_server import CohereServer
from tests.steps.pipeline import run_path
from tests.steps.profile_world import ProfileWorld
from tests.steps.samples import envelope, page_event

_FIND_TOPICS = "neural_memory_pipelines.defs.assets.consolidation.find_topics"
_STORY = {
    "gulls": "We feed no gulls at pier {0}, for gulls eat the paint of pier {0} and scare guests.",
    "ferries": "The night ferry number {0} moors in the north, as the southern berth of ferry {0} silts up.",
}


def _tell(session: Session, workspace: WorkspaceId, *numbers: int) -> None:
    pages = [
        page_event(
            workspace,
            key=f"{topic}-{number}",
            path=f"{topic}/{number}.md",
            content=f"# {topic.capitalize()} {number}\n\n## Decision\n\n{words.format(number)}\n",
            at=f"2026-03-{number:02}T08:00:00Z",
        )
        for topic, words in _STORY.items()
        for number in numbers
    ]
    put_lines(session.stores.objects, workspace, pages)
    run_path(session, workspace)


@pytest.fixture
def told(session: Session, workspace: WorkspaceId) -> WorkspaceId:
    """A workspace with two stories of six decisions each."""
    _tell(session, workspace, *range(1, 7))
    return workspace


def test_a_night_makes_topics_summaries_and_profiles_and_tells_of_them(run: Run, told: WorkspaceId) -> None:
    outcome = run("consolidate", "--workspace", told)
    assert outcome.code == 0, outcome.err
    for words in ("observation_clusters", "summaries were written", "what became of topics", "birth", "written by"):
        assert words in outcome.out
    assert f"next: neural-memory topics --workspace {told}" in outcome.err
    value = run("topics", "-w", told, "--json").json
    told_of = [" ".join([topic["label"], *topic["keywords"]]) for topic in value["topics"]]
    assert sorted(("gull" in it, "ferr" in it) for it in told_of) == [(False, True), (True, False)]
    assert all(topic["summaries"] for topic in value["topics"])
    assert value["last_night_at"] is not None
    (summary,) = run("summary", value["topics"][0]["cluster_id"], "-w", told, "--json").json
    assert len(summary["evidence"]) >= 3
    assert "written by" in run("summary", summary["summary_id"][:12], "-w", told).out


def test_a_second_night_changes_nothing_and_says_so(run: Run, session: Session, told: WorkspaceId) -> None:
    first = run("consolidate", "-w", told, "--json").json
    assert first["succeeded"]
    assert {event["event"] for event in first["events"]} == {"birth"}
    assert first["summaries_written"] == len(first["summaries"]) >= 2
    again = run("consolidate", "-w", told, "--json").json
    assert {row["asset"]: row["written"] + row["deleted"] for row in again["assets"]} == dict.fromkeys(
        [row["asset"] for row in again["assets"]], 0
    )
    assert (again["events"], again["summaries_written"], again["summaries"]) == ([], 0, [])
    assert "Nothing has changed: topics are as they were" in run("consolidate", "-w", told).out

    _tell(session, told, 7, 8, 9)
    third = run("consolidate", "-w", told, "--json").json
    assert third["succeeded"]
    assert third["summaries_written"] >= 1
    assert run("topics", "-w", told, "--json").json["in_topics"] > 12


def test_what_still_waits_in_the_inbox_is_told(run: Run, session: Session, told: WorkspaceId) -> None:
    put_lines(session.stores.objects, told, [envelope(told, key="later")])
    outcome = run("consolidate", "-w", told)
    assert outcome.code == 0
    assert f"1 inbox objects are not in it yet: neural-memory build --workspace {told}" in outcome.err


def test_full_is_handed_on(run: Run, told: WorkspaceId, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[bool] = []

    def noting(*arguments: Any, full: bool, **named: Any) -> Any:
        asked.append(full)
        return find_topics(*arguments, full=full, **named)

    monkeypatch.setattr(_FIND_TOPICS, noting)
    assert run("consolidate", "-w", told).code == run("consolidate", "-w", told, "--full").code == 0
    assert asked == [False, True]


def test_a_version_that_is_kept_beside_the_active_one_is_indexed_too(
    run: Run, told: WorkspaceId, cohere_server: CohereServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COHERE_API_KEY", cohere_server.api_key)
    monkeypatch.setenv("CO_API_URL", cohere_server.url)
    (proposed,) = run(
        "embeddings", "propose", "--model", "cohere/embed-v4.0", "--dim", "256", "-w", told, "--json"
    ).json
    assert run("embeddings", "build", proposed["version"], "-w", told).code in {0, 1}  # whatever its gate says
    value = run("consolidate", "-w", told, "--json").json
    assert value["succeeded"], value
    rows = {(row["version"], row["asset"]): row["written"] for row in value["assets"]}
    beside = {asset: written for (version, asset), written in rows.items() if version == proposed["version"]}
    assert beside["summary_index"] == sum(
        written for (version, asset), written in rows.items() if asset == "summaries" and version != proposed["version"]
    )
    assert "observation_clusters" not in beside
    assert len([note for note in value["warnings"] if "which serves the workspace" in note]) == 1


def test_a_failed_asset_exits_1_with_one_line(run: Run, told: WorkspaceId, monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(*_: object, **__: object) -> None:
        raise ContractError("the topics answer [nonsense]\nand more")

    monkeypatch.setattr(_FIND_TOPICS, failing)
    outcome = run("consolidate", "-w", told)
    assert outcome.code == 1
    assert outcome.err.count("error: observation_clusters: the topics answer [nonsense] and more\n") == 1
    assert "Traceback" not in outcome.err + outcome.out
    result = run("consolidate", "-w", told, "--json")
    assert (result.code, result.json["succeeded"]) == (1, False)


def test_a_profile_that_drifted_is_a_warning_and_exits_0(run: Run, session: Session, workspace: WorkspaceId) -> None:
    run_path(session, workspace)
    world = ProfileWorld(session.stores, workspace, session.active_version(workspace))
    ada = world.entity("Ada [bold]")
    world.observe("the till jams", world.document("issue-1", [("AUTHORED_BY", ada)]))
    world.rebuild()
    world.observe("boats are moored by number", world.document("issue-2", [("AUTHORED_BY", ada)]), days=100)
    outcome = run("consolidate", "-w", workspace)
    assert outcome.code == 0, outcome.err
    assert "note: profiles.no_profile_drifted: 1 profiles drifted: Ada [bold]" in outcome.err
    assert "check failed" not in outcome.err


def test_an_interrupted_night_exits_130_and_a_lost_store_3(
    run: Run, told: WorkspaceId, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    def away(*_: object, **__: object) -> None:
        raise TransientError("Postgres at host: gone")

    monkeypatch.setattr(runs, "consolidate_workspace", interrupted)
    outcome = run("consolidate", "-w", told)
    assert (outcome.code, outcome.out) == (130, "")
    assert "the next night goes on from there" in outcome.err
    monkeypatch.setattr(runs, "consolidate_workspace", away)
    outcome = run("consolidate", "-w", told)
    assert (outcome.code, outcome.err) == (3, "error: Postgres at host: gone\n")

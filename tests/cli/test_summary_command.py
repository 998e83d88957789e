"""`summary`: sentences with what each rests on, found by id or its beginning, on the stack of the session."""

from __future__ import annotations

import re

import pytest
from sqlalchemy import text

from neural_memory_pipelines.domain.ids import ClusterId, WorkspaceId
from neural_memory_pipelines.local.session import Session
from neural_memory_pipelines.stores.postgres import clusters, summaries
from neural_memory_pipelines.stores.postgres.engine import Transaction
from tests.cli.conftest import Run
from tests.cli.topic_rows import HOSTILE, NOW, Gulls, write_summary_of, write_topic


@pytest.fixture
def gulls(session: Session, workspace: WorkspaceId) -> Gulls:
    """Four observations, three of them in a topic with a summary, and a topic that died."""
    return Gulls(session, workspace)


def test_a_summary_is_shown_with_its_evidence_coverage_and_writer(run: Run, gulls: Gulls) -> None:
    shown = run("summary", gulls.summary[:10], "--workspace", gulls.workspace)
    assert shown.code == 0, shown.err
    assert not set("\x1b\x9b") & set(shown.out)
    assert "[bold]" in shown.out
    said = " ".join(shown.out.split())
    for words in (
        "2026-02-01 to 2026-04-10 sum_",
        "2026-02-01 Sentence 1 says so. [1] 2026-04-10 Sentence 2 says so. [2]",
        "[1, 2]",
        "[1] 2026-02-01 docs handbook/gulls/1.md",
        gulls.observations[0],
        "We feed no gulls [red] at pier 1",
        "2 observations, 2 of them cited",
        "docs 2",
        "by month 2026-02 █·█ 2026-04",
        "extractive/1; 2 sentences that nothing supported were dropped",
    ):
        assert words in said


def test_every_citation_is_in_the_list_of_evidence(run: Run, gulls: Gulls) -> None:
    shown = run("summary", gulls.summary, "-w", gulls.workspace).out
    listed = re.findall(r"^ *\[(\d+)\] ", shown, re.MULTILINE)
    assert listed == ["1", "2"]
    cited = {number for group in re.findall(r"says so\. \[([\d, ]+)\]", shown) for number in group.split(", ")}
    assert cited == set(listed)


def test_all_of_it_is_in_the_json(run: Run, gulls: Gulls) -> None:
    (value,) = run("summary", gulls.summary, "-w", gulls.workspace, "--json").json
    assert (value["summary_id"], value["cluster_id"], value["title"]) == (gulls.summary, gulls.gulls, HOSTILE)
    assert [item["number"] for item in value["evidence"]] == [1, 2]
    assert value["evidence"][0]["observation_id"] == gulls.observations[0]
    assert (value["evidence"][0]["source"], value["evidence"][0]["source_id"]) == ("docs", "handbook/gulls/1.md")
    assert value["evidence"][0]["occurred_at"] == "2026-02-01T08:00:00+00:00"
    assert value["sentences"][2]["observation_ids"] == gulls.observations[:2]
    assert value["coverage"]["by_month"] == {"2026-02": 1, "2026-03": 0, "2026-04": 1}
    assert (value["written_by"], value["unsupported"], value["superseded_at"]) == ("extractive/1", 2, None)


def test_the_id_of_a_topic_shows_all_its_summaries(run: Run, session: Session, gulls: Gulls) -> None:
    with session.stores.database.transaction(gulls.workspace) as tx:
        later = write_summary_of(tx, gulls.gulls, "Gulls, later", gulls.observations[1:3])
    found = run("summary", gulls.gulls[:12], "-w", gulls.workspace, "--json").json
    assert [item["summary_id"] for item in found] == [later, gulls.summary]
    assert run("summary", gulls.gulls, "-w", gulls.workspace).out.count("Sentence 1 says so.") == 2


@pytest.mark.parametrize("unknown", ["sum_nothing", "clu_nothing", "%", "_", "\x1b[2J"])
def test_an_unknown_id_exits_2_and_says_where_to_look(run: Run, gulls: Gulls, unknown: str) -> None:
    outcome = run("summary", unknown, "-w", gulls.workspace)
    assert (outcome.code, outcome.out) == (2, "")
    assert f"`neural-memory topics --workspace {gulls.workspace}` lists those that there are" in outcome.err
    assert "\x1b" not in outcome.err


def test_an_empty_id_exits_2(run: Run, gulls: Gulls) -> None:
    outcome = run("summary", " ", "-w", gulls.workspace)
    assert outcome.code == 2
    assert "the id is empty" in outcome.err


def test_a_beginning_that_several_have_lists_them(run: Run, session: Session, gulls: Gulls) -> None:
    with session.stores.database.transaction(gulls.workspace) as tx:
        topic = write_topic(tx, "piers", gulls.observations[3:])
        other = write_summary_of(tx, topic, "Piers", gulls.observations[3:])
    outcome = run("summary", "sum_", "-w", gulls.workspace)
    assert (outcome.code, outcome.out) == (2, "")
    assert gulls.summary in outcome.err
    assert f"{other} (Piers)" in outcome.err
    assert "give more of the id" in outcome.err
    assert "\x1b" not in outcome.err


def test_a_topic_that_died_says_so_and_one_without_a_summary_too(run: Run, session: Session, gulls: Gulls) -> None:
    outcome = run("summary", gulls.dead, "-w", gulls.workspace)
    assert outcome.code == 2
    assert "(ferries) is a topic that ended on 2026-11-20" in outcome.err
    assert "topics --events" in outcome.err
    with session.stores.database.transaction(gulls.workspace) as tx:
        bare = write_topic(tx, "bare", gulls.observations[3:])
    outcome = run("summary", bare, "-w", gulls.workspace)
    assert outcome.code == 2
    assert "is a topic without a summary" in outcome.err


def test_a_summary_that_was_taken_out_is_shown_by_its_id_alone(run: Run, session: Session, gulls: Gulls) -> None:
    with session.stores.database.transaction(gulls.workspace) as tx:
        summaries.retire_summaries(tx, [gulls.summary], at=NOW)
    shown = run("summary", gulls.summary, "-w", gulls.workspace)
    assert "taken out on 2026-11-20" in shown.out
    assert run("summary", gulls.gulls, "-w", gulls.workspace).code == 2


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE memory_observations SET privacy = 'private' WHERE observation_id = :id",
        "UPDATE knowledge_documents SET privacy = 'private' WHERE document_id IN "
        "(SELECT document_id FROM memory_observations WHERE observation_id = :id)",
        "UPDATE knowledge_documents SET deleted_at = now() WHERE document_id IN "
        "(SELECT document_id FROM memory_observations WHERE observation_id = :id)",
    ],
    ids=["observation", "document", "deleted"],
)
def test_what_not_all_may_read_any_more_is_not_shown(run: Run, session: Session, gulls: Gulls, change: str) -> None:
    with session.stores.database.transaction(gulls.workspace) as tx:
        tx.connection.execute(text(change), {"id": gulls.observations[1]})
    for asked in (gulls.summary, gulls.gulls):
        for more in ((), ("--json",)):
            outcome = run("summary", asked, "-w", gulls.workspace, *more)
            assert (outcome.code, outcome.out) == (2, "")
            assert "rests on what not all may read any more" in outcome.err
            assert "gulls" not in outcome.err.lower()


def test_of_a_topic_what_may_be_read_is_shown_and_the_rest_counted(run: Run, session: Session, gulls: Gulls) -> None:
    with session.stores.database.transaction(gulls.workspace) as tx:
        readable = write_summary_of(tx, gulls.gulls, "Gulls, later", gulls.observations[2:3])
        hide = "UPDATE memory_observations SET privacy = 'private' WHERE observation_id = :id"
        tx.connection.execute(text(hide), {"id": gulls.observations[0]})
    outcome = run("summary", gulls.gulls, "-w", gulls.workspace, "--json")
    assert [item["summary_id"] for item in outcome.json] == [readable]
    assert "note: 1 are not shown" in outcome.err


def test_evidence_that_is_gone_or_says_something_else_is_marked(run: Run, session: Session, gulls: Gulls) -> None:
    with session.stores.database.transaction(gulls.workspace) as tx:
        tx.connection.execute(
            text("UPDATE memory_observations SET superseded_at = now() WHERE observation_id = :id"),
            {"id": gulls.observations[0]},
        )
        tx.connection.execute(
            text("DELETE FROM memory_observations WHERE observation_id = :id"), {"id": gulls.observations[1]}
        )
    shown = run("summary", gulls.summary, "-w", gulls.workspace)
    assert shown.code == 0
    assert "which says something else now" in shown.out
    assert f"{gulls.observations[1]}: gone" in shown.out


def test_the_window_of_an_entity_has_a_summary_too(run: Run, session: Session, gulls: Gulls) -> None:
    with session.stores.database.transaction(gulls.workspace) as tx:
        row = {name: value for name, value in _columns(tx, gulls.gulls).items() if name != "workspace_id"}
        window = ClusterId("clu_entity")
        clusters.write_clusters(tx, [row | {"cluster_id": window, "kind": clusters.ENTITY, "entity_id": "ent_1"}])
        write_summary_of(tx, window, "Ada, 1 Feb to 2 May 2026", gulls.observations[:1])
    assert "Ada, 1 Feb to 2 May 2026" in run("summary", "clu_entity", "-w", gulls.workspace).out


def _columns(tx: Transaction, topic: ClusterId) -> dict[str, object]:
    found = tx.connection.execute(text("SELECT * FROM memory_clusters WHERE cluster_id = :id"), {"id": topic})
    return dict(found.one()._mapping)

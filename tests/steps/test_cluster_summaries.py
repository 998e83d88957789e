"""Summaries of clusters: written when what they rest on changed, and not otherwise; gone when that is gone."""

from __future__ import annotations

import os
import re
import signal
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from neural_memory_pipelines.domain.consolidation import DEFAULT_CONSOLIDATION
from neural_memory_pipelines.domain.ids import WorkspaceId
from neural_memory_pipelines.domain.versions import EmbeddingVersion, Family
from neural_memory_pipelines.errors import TransientError
from neural_memory_pipelines.local.session import Session
from neural_memory_pipelines.models.embedders.protocol import Embedder
from neural_memory_pipelines.steps.consolidation.sentences import sentence_vectors
from neural_memory_pipelines.steps.embed import embed_pending
from neural_memory_pipelines.steps.index import reconcile_index
from neural_memory_pipelines.steps.report import StepReport
from neural_memory_pipelines.steps.scope import Scope
from neural_memory_pipelines.steps.verify import index_parity, no_superseded_indexed
from neural_memory_pipelines.stores.bundle import Stores
from neural_memory_pipelines.stores.postgres.workspaces import register_version

from .doubles import RefusingEmbedder, SpyEmbedder
from .killing import Moment, Switch, counted_session, was_killed
from .profile_world import NIGHT
from .topic_world import SpySummarizer, TopicWorld

DAY = timedelta(days=1)
_THEMES = ("ferries", "gulls", "lanterns")
_LIVE = "SELECT * FROM memory_summaries WHERE superseded_at IS NULL"


@pytest.fixture
def world(stores: Stores, workspace: WorkspaceId, version: EmbeddingVersion) -> TopicWorld:
    """Three topics of four, of which nothing is summarized yet."""
    register_version(stores.database, version)
    world = TopicWorld(stores, workspace, version)
    for theme in _THEMES:
        world.say(theme, *range(4), document=theme)
    world.find()
    return world


@pytest.fixture
def spy(version: EmbeddingVersion) -> SpySummarizer:
    return SpySummarizer(version.dim)


def _search(world: TopicWorld, embedder: Embedder) -> tuple[StepReport, set[str]]:
    """Bring the index of summaries up to date; gives what that did, and which are in it."""
    scope = Scope(world.workspace, world.version, Family.SUMMARIES, world.stores)
    embed_pending(scope, load_embedder=lambda: embedder)
    report = reconcile_index(scope)
    assert index_parity(scope).passed
    assert no_superseded_indexed(scope).passed
    return report, scope.indexed_ids()


def _of(world: TopicWorld, theme: str) -> Any:
    """Read the live summary of the topic of a theme."""
    topic = world.topic_of(min(world.ids(theme, 3)))
    (row,) = world.execute(f"{_LIVE} AND cluster_id = :topic", topic=topic)
    return row


def test_a_summary_is_short_cites_its_members_and_counts_them(world: TopicWorld, spy: SpySummarizer) -> None:
    report = world.summarize_all(spy)
    assert (report.seen, report.written, report.unchanged, report.skipped) == (3, 3, 0, 0)
    assert [item.is_new for item in report.written_now] == [True] * 3
    assert len(world.execute(_LIVE)) == 3
    for theme in _THEMES:
        row, members = _of(world, theme), world.ids(theme, *range(4))
        assert 0 < len(row.text) <= 1_200
        assert set(row.evidence) <= members
        assert [key for item in row.sentences for key in item["observation_ids"]] == row.evidence
        assert all(item["text"] in row.text for item in row.sentences)
        assert {int(number) for number in re.findall(r"\[(\d+)\]", row.text)} == set(range(1, len(row.evidence) + 1))
        assert (row.written_by, row.embedding_version) == ("spy/1", world.version.name)
        assert row.window_json["topic"] == row.cluster_id
        cited = len(row.evidence)
        assert row.coverage_json == {
            "observations": 4,
            "cited": cited,
            "share_cited": cited / 4,
            "by_source": {"github": 4},
            "by_type": {"issue": 4},
            "by_tag": {},
            "by_month": {"2026-03": 4},
        }
    shown = {item.summary_id: item for item in report.written_now}
    assert {key: item.text for key, item in shown.items()} == dict(
        world.execute("SELECT summary_id, text FROM memory_summaries")
    )
    assert {item.coverage.observations for item in shown.values()} == {4}


def test_only_clusters_whose_members_changed_are_written_again(world: TopicWorld, spy: SpySummarizer) -> None:
    world.summarize_all(spy)
    assert len(spy.asked) == 3
    spy.asked.clear()
    world.say("ferries", 10, days=1, document="ferries")
    world.find(now=NIGHT + DAY)
    report = world.summarize_all(spy, now=NIGHT + DAY)
    assert (report.seen, report.written, report.unchanged) == (3, 1, 2)
    assert [set(evidence) for _, evidence in spy.asked] == [world.ids("ferries", *range(4), 10)]
    assert [item.is_new for item in report.written_now] == [False]
    assert len(world.execute("SELECT FROM memory_summaries")) == 3, "in place of the one before"


def test_an_unchanged_night_calls_nothing_and_writes_nothing(
    world: TopicWorld, spy: SpySummarizer, session: Session, tmp_path: Path
) -> None:
    world.summarize_all(spy)
    before = world.dump()
    spy.asked.clear()
    switch = Switch()
    counted = counted_session(session, tmp_path, switch)
    report = world.summarize_all(spy, now=NIGHT + DAY, stores=counted.stores)
    counted.close()
    assert (report.written, report.deleted, report.unchanged, report.written_now) == (0, 0, 3, [])
    assert (spy.asked, switch.writes) == ([], [])
    assert world.dump() == before


def test_another_writer_writes_all_again(world: TopicWorld, spy: SpySummarizer) -> None:
    world.summarize_all(spy)
    other = SpySummarizer(world.version.dim, writer="spy/2")
    assert world.summarize_all(other, now=NIGHT + DAY).written == len(other.asked) == 3
    assert {row.written_by for row in world.execute(_LIVE)} == {"spy/2"}
    assert world.summarize_all(other, now=NIGHT + DAY).written == 0


def test_of_what_nothing_can_be_said_nobody_asks_twice(world: TopicWorld, spy: SpySummarizer) -> None:
    world.summarize_all(spy)
    silent = SpySummarizer(world.version.dim, writer="silent/1", says=False)
    first = world.summarize_all(silent, now=NIGHT + DAY)
    assert (first.written, first.skipped, len(silent.asked)) == (0, 3, 3)
    assert first.reasons == {"no observation has a sentence that can stand in a summary": 3}
    assert world.execute(_LIVE) == [], "what was said of other members by another writer holds no more"
    again = world.summarize_all(silent, now=NIGHT + 2 * DAY)
    assert (again.written, again.skipped, again.unchanged, again.reasons) == (0, 3, 0, first.reasons)
    assert len(silent.asked) == 3
    world.say("gulls", 10, document="gulls")
    world.find(now=NIGHT + 3 * DAY)
    assert (world.summarize_all(silent, now=NIGHT + 3 * DAY).skipped, len(silent.asked)) == (3, 4)
    assert world.summarize_all(spy, now=NIGHT + 4 * DAY).written == 3


def test_long_topics_have_a_summary_for_each_time(world: TopicWorld, spy: SpySummarizer) -> None:
    world.summarize_all(spy)
    spy.asked.clear()
    world.say("gulls", 10, 15, 20, days=120, document="gulls")
    world.find(now=NIGHT + DAY)
    report = world.summarize_all(spy, now=NIGHT + DAY)
    assert (report.seen, report.written, report.unchanged) == (4, 1, 3)
    assert [set(evidence) for _, evidence in spy.asked] == [world.ids("gulls", 10, 15, 20)]
    told = Counter(window["topic"] for (window,) in world.execute("SELECT window_json FROM memory_summaries"))
    assert told == Counter(world.topics().keys()) + Counter([world.topic_of(min(world.ids("gulls", 0)))])
    one = replace(DEFAULT_CONSOLIDATION, topic_window_days=365)
    merged = world.summarize_all(spy, now=NIGHT + 2 * DAY, settings=one)
    assert (merged.seen, merged.written, merged.deleted) == (3, 1, 1)


def test_an_entity_has_summaries_of_its_windows(world: TopicWorld, spy: SpySummarizer) -> None:
    world.document("ferries", [("AUTHORED_BY", world.entity("Ada"))])
    world.find(now=NIGHT + DAY)
    report = world.summarize_all(spy, now=NIGHT + DAY)
    assert (report.seen, len(spy.asked), spy.labels[-1]) == (4, 4, "Ada, 2 Mar to 8 Mar 2026")
    (row,) = world.execute(f"{_LIVE} AND window_json ->> 'entity' IS NOT NULL")
    assert (row.title, row.window_json["entity"]) == ("Ada, 2 Mar to 8 Mar 2026", f"{world.workspace}:Ada")
    assert set(row.evidence) <= world.ids("ferries", *range(4))


def test_a_summary_whose_cluster_died_leaves_the_memory_and_the_index(
    world: TopicWorld, spy: SpySummarizer, embedder: Embedder
) -> None:
    world.summarize_all(spy)
    embedded = SpyEmbedder(embedder)
    first, indexed = _search(world, embedded)
    assert (first.written, len(indexed), len(embedded.embedded)) == (3, 3, 3)
    gone = _of(world, "gulls").summary_id
    world.supersede(*world.ids("gulls", 0, 1))
    world.find(now=NIGHT + DAY)
    report = world.summarize_all(spy, now=NIGHT + DAY)
    assert (report.deleted, report.seen, report.written) == (1, 2, 0)
    second, left = _search(world, RefusingEmbedder(embedder))
    assert (second.written, second.deleted, indexed - left) == (0, 1, {gone})


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE knowledge_documents SET deleted_at = now() WHERE source_id = 'gulls'",
        "UPDATE knowledge_documents SET privacy = 'private' WHERE source_id = 'gulls'",
        "UPDATE memory_observations SET privacy = 'private' WHERE text LIKE '%gulls%'",
    ],
    ids=["deleted", "private document", "private observations"],
)
def test_what_must_not_be_shown_leaves_the_index_before_the_next_night(
    world: TopicWorld, spy: SpySummarizer, embedder: Embedder, change: str
) -> None:
    world.summarize_all(spy)
    _, indexed = _search(world, embedder)
    hidden = _of(world, "gulls").summary_id
    world.execute(change)
    report, left = _search(world, embedder)
    assert (report.deleted, indexed - left) == (1, {hidden})
    # Summaries alone are run again, by another writer: what is not to be read is not evidence either.
    other = SpySummarizer(world.version.dim, writer="spy/2")
    world.summarize_all(other, now=NIGHT + DAY)
    assert not {key for _, evidence in other.asked for key in evidence} & world.ids("gulls", *range(4))
    world.find(now=NIGHT + 2 * DAY)
    world.summarize_all(other, now=NIGHT + 2 * DAY)
    assert not any("gulls" in row.text + row.title for row in world.execute(_LIVE))


def test_killed_between_summaries_the_next_run_writes_only_the_rest(
    world: TopicWorld, spy: SpySummarizer, session: Session, tmp_path: Path
) -> None:
    world.summarize_all(spy)
    expected = world.dump()
    world.execute("DELETE FROM memory_summaries")
    spy.asked.clear()

    def kill(asked: int) -> None:
        if asked == 2:
            os.kill(os.getpid(), signal.SIGKILL)

    def run() -> None:
        own = Session(session.settings, session.endpoints)
        world.summarize_all(SpySummarizer(world.version.dim, before=kill), stores=own.stores)

    assert was_killed(run)
    assert len(world.execute(_LIVE)) == 2
    report = world.summarize_all(spy)
    assert (report.written, report.unchanged, len(spy.asked)) == (1, 2, 1)
    assert world.dump() == expected


@pytest.mark.parametrize("moment", ["before", "after"])
def test_killed_at_any_commit_nothing_is_lost_or_twice(
    world: TopicWorld, session: Session, tmp_path: Path, moment: Moment
) -> None:
    world.summarize_all()
    expected = world.dump()

    def run(at: int) -> None:
        counted = counted_session(session, tmp_path, Switch(at, moment))
        world.summarize_all(stores=counted.stores)
        counted.close()

    for at in (1, 2, 3):
        world.execute("DELETE FROM memory_summaries")
        assert was_killed(partial(run, at))
        assert len(world.execute(_LIVE)) == (at if moment == "after" else at - 1)
        world.summarize_all()
        assert world.dump() == expected


def test_a_service_that_fails_in_the_middle_leaves_what_was_written(world: TopicWorld, spy: SpySummarizer) -> None:
    def fail(asked: int) -> None:
        if asked == 2:
            raise TransientError("the model does not answer", retry_after_seconds=1)

    with pytest.raises(TransientError, match="does not answer"):
        world.summarize_all(SpySummarizer(world.version.dim, before=fail))
    kept = world.execute(_LIVE)
    assert len(kept) == 2
    report = world.summarize_all(spy, now=NIGHT + DAY)
    assert (report.written, report.unchanged, len(spy.asked)) == (1, 2, 1)
    assert {row.summary_id: row.created_at for row in kept}.items() <= {
        row.summary_id: row.created_at for row in world.execute(_LIVE)
    }.items()


def test_sentences_are_embedded_once_and_their_vectors_kept(world: TopicWorld, embedder: Embedder) -> None:
    spied = SpyEmbedder(embedder)
    vectors = sentence_vectors(world.workspace, world.version, stores=world.stores, load_embedder=lambda: spied)
    first = vectors(["one sentence", "another", "one sentence"])
    assert first.shape == (3, world.version.dim)
    assert (first[0] == first[2]).all()
    assert sorted(spied.embedded) == ["another", "one sentence"]
    refusing = RefusingEmbedder(embedder)
    kept = sentence_vectors(world.workspace, world.version, stores=world.stores, load_embedder=lambda: refusing)
    assert (kept(["another", "one sentence"]) == first[[1, 0]]).all()
    assert kept([]).shape == (0, world.version.dim)

"""Topics night by night: who joins, who waits, what is born, dies, merges and splits, and who must not be seen."""

from __future__ import annotations

from datetime import timedelta

import pytest

from neural_memory_pipelines.domain.ids import WorkspaceId
from neural_memory_pipelines.domain.topics.due import FullReason
from neural_memory_pipelines.domain.versions import EmbeddingVersion, successor
from neural_memory_pipelines.stores.bundle import Stores
from neural_memory_pipelines.stores.postgres.workspaces import register_version

from .profile_world import NIGHT
from .topic_world import THEMES, TopicWorld

DAY = timedelta(days=1)


@pytest.fixture
def world(stores: Stores, workspace: WorkspaceId, version: EmbeddingVersion) -> TopicWorld:
    register_version(stores.database, version)
    return TopicWorld(stores, workspace, version)


@pytest.fixture
def settled(world: TopicWorld) -> TopicWorld:
    """Two topics of ten, and one observation that fits nowhere."""
    world.say("ferries", *range(10))
    world.say("gulls", *range(10))
    world.say("lone", 1)
    world.find()
    return world


def _one(world: TopicWorld, theme: str) -> str:
    """Name the topic in which the first observation of a theme is."""
    (first,) = world.ids(theme, 0)
    found = world.topic_of(first)
    assert found is not None
    return found


def test_too_few_observations_are_no_topic_and_the_report_says_so(world: TopicWorld) -> None:
    empty = world.find()
    assert (empty.seen, empty.topics, empty.is_changed) == (0, 0, False)
    assert "there are 0 observations that all may read, and a topic takes 3" in empty.notes[0]
    world.say("ferries", 0, 1)
    report = world.find(now=NIGHT + DAY)
    assert (report.seen, report.topics, report.pending, world.topics()) == (2, 0, 2, {})
    assert "there are 2 observations that all may read, and a topic takes 3: there are no topics yet" in report.notes
    world.say("ferries", 2)
    third = world.find(now=NIGHT + 2 * DAY)
    assert (third.topics, third.pending, third.full) == (1, 0, str(FullReason.NO_TOPICS))
    assert third.notes == ["everything was clustered anew: there are no topics yet"]


def test_themes_are_topics_with_names_of_their_own(settled: TopicWorld) -> None:
    assert set(settled.topics().values()) == {settled.ids(theme, *range(10)) for theme in ("ferries", "gulls")}
    assert settled.waiting() == settled.ids("lone", 1)
    assert sorted(settled.events()) == sorted(("birth", key, (), 10) for key in settled.topics())
    names = settled.execute("SELECT cluster_id, label, keywords, size, embedding_version FROM memory_clusters")
    told = {row.cluster_id: row for row in names}
    for theme, words in (("ferries", ("ferry", "berth")), ("gulls", ("gulls", "guests"))):
        row = told[_one(settled, theme)]
        assert all(any(word in keyword for keyword in row.keywords) for word in words), row.keywords
        assert any(word in row.label for word in words)
        assert (row.size, row.embedding_version) == (10, settled.version.name)
    assert settled.execute("SELECT min(similarity_cosine) > 0.8 FROM cluster_members")[0][0]


def test_new_ones_join_what_fits_and_wait_elsewhere_until_they_are_enough(settled: TopicWorld) -> None:
    before = settled.topics()
    settled.say("ferries", 10, 15, days=1)
    settled.say("lanterns", 0, 1, days=1)
    joined = settled.find(now=NIGHT + DAY)
    assert (joined.full, joined.topics, joined.written, joined.unchanged, joined.pending) == (None, 2, 1, 1, 3)
    ferries, gulls = _one(settled, "ferries"), _one(settled, "gulls")
    assert settled.topics() == {ferries: settled.ids("ferries", *range(11), 15), gulls: before[gulls]}
    assert set(before) == {ferries, gulls}
    assert settled.waiting() == settled.ids("lanterns", 0, 1) | settled.ids("lone", 1)

    settled.say("lanterns", 2, days=2)
    born = settled.find(now=NIGHT + 2 * DAY)
    assert (born.kinds, born.topics, born.written, born.pending) == ({"birth": 1}, 3, 1, 1)
    lanterns = _one(settled, "lanterns")
    assert settled.topics()[lanterns] == settled.ids("lanterns", 0, 1, 2)
    assert settled.events()[-1] == ("birth", lanterns, (), 3)
    assert settled.waiting() == settled.ids("lone", 1)


def test_who_is_superseded_leaves_and_a_topic_with_too_few_dies(settled: TopicWorld) -> None:
    ferries = _one(settled, "ferries")
    settled.supersede(*settled.ids("ferries", 0, 1, 2))
    report = settled.find(now=NIGHT + DAY)
    assert (report.seen, report.written, report.deleted, report.topics) == (18, 1, 0, 2)
    assert settled.topics()[ferries] == settled.ids("ferries", *range(3, 10))
    settled.supersede(*settled.ids("ferries", *range(3, 8)))
    died = settled.find(now=NIGHT + 2 * DAY)
    assert (died.kinds, died.deleted, died.topics, died.pending) == ({"death": 1}, 1, 1, 3)
    assert settled.events()[-1] == ("death", ferries, (), 7)
    assert settled.waiting() == settled.ids("ferries", 8, 9) | settled.ids("lone", 1)
    assert settled.execute("SELECT died_at FROM memory_clusters WHERE cluster_id = :id", id=ferries)[0][0] is not None

    settled.say("ferries", 20, days=3)
    again = settled.find(now=NIGHT + 3 * DAY)
    assert again.kinds == {"birth": 1}, "those who were freed are a topic again when one joins them"
    assert settled.topic_of(next(iter(settled.ids("ferries", 20)))) not in {None, ferries}


def test_everything_is_clustered_anew_after_a_week_if_something_changed(settled: TopicWorld) -> None:
    for days in (7, 30):
        assert settled.find(now=NIGHT + days * DAY).full is None
    settled.say("ferries", 10)
    early = settled.find(now=NIGHT + 6 * DAY)
    assert (early.full, early.written) == (None, 1)
    late = settled.find(now=NIGHT + 7 * DAY)
    assert (late.full, late.topics) == (str(FullReason.AGE), 2)
    assert "everything was clustered anew: the last time is long ago" in late.notes
    assert settled.find(now=NIGHT + 14 * DAY).full is None, "a week after, and nothing changed"
    assert settled.find(now=NIGHT + 15 * DAY, full=True).full == "it was asked for"


def test_a_large_pool_asks_for_a_full_night_and_what_that_leaves_out_does_not(settled: TopicWorld) -> None:
    settled.say("lone", *range(2, 9), days=1)
    assert (settled.find(now=NIGHT + DAY).full, len(settled.waiting())) == (None, 8)
    settled.say("ferries", 10, days=2)
    report = settled.find(now=NIGHT + 2 * DAY)
    assert (report.full, report.pending) == (str(FullReason.POOL), 8)
    for day, number in enumerate((15, 20, 25), start=3):
        settled.say("ferries", number, days=day)
        quiet = settled.find(now=NIGHT + day * DAY)
        assert (quiet.full, quiet.written, quiet.pending) == (None, 1, 8)


def test_a_smaller_least_finds_what_was_too_small_and_a_larger_one_lets_it_go(settled: TopicWorld) -> None:
    settled.say("lanterns", 0, 1)
    settled.find(now=NIGHT + DAY)
    assert len(settled.topics()) == 2
    smaller = settled.find(now=NIGHT + 2 * DAY, least_members=2)
    assert (smaller.full, smaller.kinds) == (str(FullReason.NEVER), {"birth": 1})
    assert settled.topics()[_one(settled, "lanterns")] == settled.ids("lanterns", 0, 1)
    larger = settled.find(now=NIGHT + 3 * DAY, least_members=4)
    assert (larger.kinds, larger.topics) == ({"death": 1}, 2)
    assert settled.waiting() == settled.ids("lanterns", 0, 1) | settled.ids("lone", 1)


def test_what_has_no_vector_yet_is_told_and_grouped_once_it_has(settled: TopicWorld) -> None:
    late = settled.say("ferries", 10, days=1, embedded=False)
    report = settled.find(now=NIGHT + DAY)
    assert (report.seen, report.failed, report.is_changed) == (21, 1, False)
    assert "1 observations have no vector yet" in report.notes[0]
    settled.embed_themes()
    settled.find(now=NIGHT + DAY)
    assert settled.topic_of(late[0]) == _one(settled, "ferries")


def test_promotion_keeps_ids_and_brings_sums_and_thresholds_of_its_own(settled: TopicWorld) -> None:
    before = settled.topics()
    thresholds = dict(settled.execute("SELECT cluster_id, threshold_cosine FROM memory_clusters"))
    promoted = successor(settled.version, model="test/narrow", dim=64)
    register_version(settled.stores.database, promoted)
    settled.embed_themes(version=promoted)
    report = settled.find(now=NIGHT + DAY, version=promoted)
    assert (report.full, report.is_changed, report.kinds) == (str(FullReason.NEVER), False, {})
    assert settled.topics() == before
    rows = settled.execute("SELECT * FROM memory_clusters")
    assert {(row.embedding_version, len(row.vector_sum)) for row in rows} == {(promoted.name, 64 * 4)}
    assert all(row.threshold_cosine != thresholds[row.cluster_id] for row in rows)
    assert {row.changed_at for row in rows} == {NIGHT}, "no member came or went"
    settled.say("gulls", 10, embedded=False)
    settled.embed_themes([THEMES["gulls"].format(10)], version=promoted)
    assert settled.find(now=NIGHT + 2 * DAY, version=promoted).written == 1


def test_merges_and_splits_are_recorded(settled: TopicWorld) -> None:
    ferries, gulls = _one(settled, "ferries"), _one(settled, "gulls")
    settled.say("gulls", 10, 15)
    settled.find(now=NIGHT)
    joint, apart = (successor(settled.version, model=f"test/{name}", dim=64) for name in ("joint", "apart"))
    for version in (joint, apart):
        register_version(settled.stores.database, version)
    settled.embed_themes(version=joint, same={"ferries": "gulls"})
    merged = settled.find(now=NIGHT + DAY, version=joint)
    assert merged.kinds == {"merge": 1}
    assert settled.events()[-1] == ("merge", ferries, (gulls,), 10)
    assert settled.topics() == {gulls: settled.ids("ferries", *range(10)) | settled.ids("gulls", *range(11), 15)}

    settled.embed_themes(version=apart)
    split = settled.find(now=NIGHT + 2 * DAY, version=apart)
    assert split.kinds == {"split": 1}
    new = _one(settled, "ferries")
    assert settled.events()[-1] == ("split", new, (gulls,), 10)
    assert settled.topics()[gulls] == settled.ids("gulls", *range(11), 15)


def test_what_few_may_read_is_in_no_topic_label_or_keyword(world: TopicWorld) -> None:
    world.say("ferries", *range(5))
    hidden = world.say("gulls", *range(5), privacy="private")
    world.document("letters", privacy="private")
    hidden += world.say("lanterns", *range(5), document="letters")
    assert world.find().seen == 5
    assert set(world.topics().values()) == {world.ids("ferries", *range(5))}
    assert not any(word in str(world.dump()) for word in ("gull", "lantern", *hidden))


def test_what_turns_private_leaves_at_the_next_night_with_its_words(settled: TopicWorld) -> None:
    settled.hide(*settled.ids("gulls", *range(5)))
    settled.document("letters", privacy="private")
    settled.execute(
        "UPDATE memory_observations SET document_id = :letters WHERE observation_id = ANY(:ids)",
        letters=f"{settled.workspace}:letters", ids=list(settled.ids("ferries", *range(10))),
    )  # fmt: skip
    report = settled.find(now=NIGHT + DAY)
    assert (report.seen, report.kinds) == (6, {"death": 1})
    assert set(settled.topics().values()) == {settled.ids("gulls", *range(5, 10))}
    living = settled.execute("SELECT label, keywords FROM memory_clusters WHERE died_at IS NULL")
    assert "ferry" not in str(living)
    gone = settled.ids("ferries", *range(10)) | settled.ids("gulls", *range(5))
    assert not gone & settled.waiting()

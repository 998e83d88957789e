"""Old observations leave the hot index once a summary tells of them, and come back: nothing is lost or paid for."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from neural_memory_pipelines.domain.consolidation import DEFAULT_CONSOLIDATION, ConsolidationSettings
from neural_memory_pipelines.domain.ids import ObservationId, WorkspaceId
from neural_memory_pipelines.domain.versions import Family
from neural_memory_pipelines.errors import NotFoundError, PermanentError
from neural_memory_pipelines.local.session import Session
from neural_memory_pipelines.retrieval.answers import Mode
from neural_memory_pipelines.steps.consolidation.age import pin_observation, unpin_observation
from neural_memory_pipelines.steps.embed import embed_pending
from neural_memory_pipelines.steps.index import reconcile_index
from neural_memory_pipelines.steps.scope import Scope
from neural_memory_pipelines.steps.verify import every_live_row_embedded, index_parity, no_superseded_indexed
from neural_memory_pipelines.stores.postgres import aging
from tests.versions.migrating import bring_up_to_date, build, hits, propose
from tests.versions.models import TrialSession, turned

from .doubles import RefusingEmbedder
from .dumps import rows
from .summarized import NIGHT, TOPICS, Summarized, indexed, summarized

DAY = timedelta(days=1)
QUESTION = "check all cranes twice a week, as the storms of January broke some of the cranes"


@pytest.fixture
def made(session: Session, workspace: WorkspaceId, tmp_path: Path) -> Summarized:
    """Four old observations with a summary."""
    return summarized(session, workspace, tmp_path / "docs")


def _scope(made: Summarized, family: Family = Family.OBSERVATIONS) -> Scope:
    return Scope(made.workspace, made.session.active_version(made.workspace), family, made.session.stores)


def _reconcile(made: Summarized) -> None:
    """Embed and index, with a model that must not be asked."""
    scope = _scope(made)
    refusing = RefusingEmbedder(made.session.embedder(scope.version))
    embed_pending(scope, load_embedder=lambda: refusing)
    reconcile_index(scope)


def test_what_left_is_found_no_more_and_its_summary_and_chunks_are(made: Summarized) -> None:
    kinds = {hit.kind for hit in hits(made.session, made.workspace, QUESTION, limit=1, mode=Mode.DENSE)}
    assert kinds == {"observation"}, "the statement itself is the nearest"
    before = rows(made.session, made.workspace, "SELECT count(*) FROM embeddings")
    report = made.age()
    assert (report.seen, report.written, report.skipped) == (4, 4, 0)
    _reconcile(made)
    found = hits(made.session, made.workspace, QUESTION, limit=10, mode=Mode.DENSE)
    assert found[0].source_id.endswith("cranes.md")
    assert "observation" not in {hit.kind for hit in found}
    assert "chunk" in {hit.kind for hit in found}
    assert indexed(made) == set()
    assert indexed(made, Family.SUMMARIES) == {f"sum_{made.workspace}_moorings"}
    assert rows(made.session, made.workspace, "SELECT count(*) FROM embeddings") == before
    assert len(made.ids) == 4, "rows stay"


def test_keeping_all_hot_brings_the_same_ids_back_and_embeds_nothing(made: Summarized) -> None:
    before = _scope(made).indexed_ids()
    made.age()
    _reconcile(made)
    report = made.age(replace(DEFAULT_CONSOLIDATION, keep_hot=True))
    assert (report.deleted, report.seen) == (4, 0)
    _reconcile(made)
    assert _scope(made).indexed_ids() == before
    assert hits(made.session, made.workspace, QUESTION, mode=Mode.DENSE)[0].kind == "observation"


def test_checks_see_what_left_as_not_wanted(made: Summarized) -> None:
    made.age()
    scope = _scope(made)
    assert not no_superseded_indexed(scope).passed, "the index was not reconciled yet"
    assert not index_parity(scope).passed
    _reconcile(made)
    for check in (index_parity, no_superseded_indexed, every_live_row_embedded):
        assert check(scope).passed, check.__name__


def test_every_version_that_is_kept_follows(session: Session, workspace: WorkspaceId, tmp_path: Path) -> None:
    with closing(TrialSession.beside(session)) as trial:
        made = summarized(trial, workspace, tmp_path / "docs")
        beside = turned(trial.active_version(workspace))
        propose(trial, workspace, beside)
        build(trial, workspace, beside)
        scopes = [_scope(made), Scope(workspace, beside, Family.OBSERVATIONS, trial.stores)]
        assert all(len(scope.indexed_ids()) >= 4 for scope in scopes)
        made.age()
        bring_up_to_date(trial, workspace)
        assert [scope.indexed_ids() for scope in scopes] == [set(), set()]
        assert all(index_parity(scope).passed for scope in scopes)
        embedded = rows(trial, workspace, "SELECT count(*) FROM embeddings GROUP BY embedding_version")
        assert len(set(embedded)) == 1, (
            "a version that is built later has the vectors of all, or topics would lack them"
        )


def _pin(made: Summarized, key: ObservationId) -> None:
    pin_observation(made.workspace, key, stores=made.session.stores, pinned_by="ada", reason="we look it up")


def _make_private(made: Summarized, key: ObservationId) -> None:
    made.execute("UPDATE memory_observations SET privacy = 'private' WHERE observation_id = :key", key=key)


def _make_young(made: Summarized, key: ObservationId) -> None:
    at = NIGHT - timedelta(days=DEFAULT_CONSOLIDATION.age_after_days) + timedelta(seconds=1)
    made.execute("UPDATE memory_observations SET occurred_at = :at WHERE observation_id = :key", key=key, at=at)


def _take_out_of_its_topic(made: Summarized, key: ObservationId) -> None:
    made.execute("DELETE FROM cluster_members WHERE observation_id = :key", key=key)


def _into_a_topic_without_summary(made: Summarized, key: ObservationId) -> None:
    _take_out_of_its_topic(made, key)
    made.group([key], topic="silent")
    made.retire_summary("silent")


def _into_a_dead_topic(made: Summarized, key: ObservationId) -> None:
    _take_out_of_its_topic(made, key)
    made.group([key], topic="dead")
    made.execute("UPDATE memory_clusters SET died_at = :at WHERE cluster_id LIKE '%dead'", at=NIGHT)


def _into_the_window_of_an_entity(made: Summarized, key: ObservationId) -> None:
    _take_out_of_its_topic(made, key)
    made.group([key], topic="entity")
    made.execute("UPDATE memory_clusters SET kind = 'entity' WHERE cluster_id LIKE '%entity'")


NO_LONGER = pytest.mark.parametrize(
    "change",
    [
        _pin,
        _make_private,
        _make_young,
        _take_out_of_its_topic,
        _into_a_topic_without_summary,
        _into_a_dead_topic,
        _into_the_window_of_an_entity,
    ],
)


@NO_LONGER
def test_stays(made: Summarized, change: Callable[[Summarized, ObservationId], None]) -> None:
    stays, *leave = made.ids
    change(made, stays)
    made.age()
    assert set(made.aged) == set(leave)


@NO_LONGER
def test_comes_back(made: Summarized, change: Callable[[Summarized, ObservationId], None]) -> None:
    made.age()
    back, *out = made.ids
    change(made, back)
    report = made.age()
    assert set(made.aged) == set(out)
    assert (report.deleted, report.written, report.unchanged) == (1, 0, 3)


def test_all_come_back_when_the_topic_dies_or_the_age_is_raised(made: Summarized) -> None:
    made.age()
    assert made.age(replace(DEFAULT_CONSOLIDATION, age_after_days=400)).deleted == 4
    made.age()
    made.bury()
    assert made.age().deleted == 4
    assert made.aged == {}


def test_what_is_said_again_after_it_left_and_was_taken_back_is_hot(made: Summarized) -> None:
    made.age()
    gone = made.ids[2]  # the crane's
    made.tell(*(topic for topic in TOPICS if topic != "cranes"))
    assert gone not in made.ids
    made.age()
    assert gone not in made.aged
    made.tell(*TOPICS)
    assert gone in indexed(made)


def test_the_least_important_leave_first_then_the_oldest(made: Summarized) -> None:
    first, second, third, fourth = made.ids
    for key, importance, days in ((first, 0.9, 9), (second, 0.1, 0), (third, 0.1, 5), (fourth, 0.0, 0)):
        made.execute(
            "UPDATE memory_observations SET importance = :importance, "
            "occurred_at = occurred_at - make_interval(days => :days) WHERE observation_id = :key",
            importance=importance, key=key, days=days,
        )  # fmt: skip
    settings = replace(DEFAULT_CONSOLIDATION, age_per_night=3)
    report = made.age(settings)
    assert [row["observation"] for row in report.examples] == [fourth, third, second]
    assert report.skipped == 1
    assert report.kinds == {"left": 3, "came back": 0, "out in all": 3}


def test_the_same_night_twice_takes_no_second_share_and_the_next_night_does(made: Summarized) -> None:
    settings = replace(DEFAULT_CONSOLIDATION, age_per_night=2)
    made.age(settings)
    once = made.aged
    assert len(once) == 2
    for hours in (0, 1, 23):
        report = made.age(settings, now=NIGHT + timedelta(hours=hours))
        assert (report.written, report.unchanged, report.skipped) == (0, 2, 2)
    assert made.aged == once
    made.age(settings, now=NIGHT + DAY)
    assert len(made.aged) == 4
    assert once.items() < made.aged.items()


def test_next_leaving_tells_when_something_will_have_to_be_done(made: Summarized) -> None:
    def leaving_after(settings: ConsolidationSettings) -> timedelta | None:
        with made.session.stores.database.transaction(made.workspace) as tx:
            at = aging.next_leaving(tx, settings)
        return at - NIGHT if at else None

    after = replace(DEFAULT_CONSOLIDATION, age_after_days=400)
    waits = leaving_after(after)
    assert waits is not None
    assert waits > timedelta()
    assert made.age(after, now=NIGHT + waits).written == 0, "old enough only a moment later"
    assert made.age(after, now=NIGHT + waits + timedelta(microseconds=1)).written == 1
    made.age()
    assert leaving_after(DEFAULT_CONSOLIDATION) is None
    assert leaving_after(replace(DEFAULT_CONSOLIDATION, keep_hot=True)) is None


def test_a_pin_tells_who_and_why_and_needs_both(made: Summarized) -> None:
    key = made.ids[0]
    stores = made.session.stores
    _pin(made, key)
    pin_observation(made.workspace, key, stores=stores, pinned_by=" ben ", reason="the audit asks for it")
    with stores.database.transaction(made.workspace) as tx:
        (pin,) = aging.list_pins(tx)
    assert (pin.observation_id, pin.pinned_by, pin.reason) == (key, "ben", "the audit asks for it")
    for by, why in (("", "a reason"), ("ada", "  ")):
        with pytest.raises(PermanentError, match="who wants it and why"):
            pin_observation(made.workspace, key, stores=stores, pinned_by=by, reason=why)
    with pytest.raises(NotFoundError, match="no observation 'obs_none'"):
        pin_observation(made.workspace, ObservationId("obs_none"), stores=stores, pinned_by="ada", reason="r")
    unpin_observation(made.workspace, key, stores=stores)
    with pytest.raises(NotFoundError, match="is not pinned"):
        unpin_observation(made.workspace, key, stores=stores)
    made.age()
    assert key in made.aged

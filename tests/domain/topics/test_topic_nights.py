"""Nights: who joins, what is born, what dies, and what stays as it was."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from topic_worlds import SUBJECTS, by_axis, named, night, vectors_of

from neural_memory_pipelines.domain.ids import ObservationId
from neural_memory_pipelines.domain.topics import nights
from neural_memory_pipelines.domain.topics.events import TopicChange
from neural_memory_pipelines.domain.topics.nights import NightPlan, plan_night
from neural_memory_pipelines.domain.topics.values import Topic, TopicsState, Vectors
from neural_memory_pipelines.errors import ContractError

_RAIN, _BREAD, _LONE = named("rain", range(8)), named("bread", range(5)), named("lone", range(4))
_LAWS = settings(max_examples=60, deadline=None)
_WORLD = [key for subject in (*SUBJECTS, "lone") for key in named(subject, range(7))]
_SOME = st.lists(st.sampled_from(_WORLD), unique=True, max_size=len(_WORLD))


def _first(observations: Sequence[ObservationId]) -> NightPlan:
    return plan_night(TopicsState(), observations, full=True, night=night())


def _topic_of(plan: NightPlan, key: ObservationId) -> Topic:
    return next(topic for topic in plan.state.topics if key in topic.members)


def _changes(plan: NightPlan) -> list[TopicChange]:
    return [event.change for event in plan.events]


class TestFull:
    def test_groups_are_topics_and_the_others_are_left_out(self) -> None:
        plan = _first([*_RAIN, *_BREAD, *_LONE])
        assert sorted(sorted(topic.members) for topic in plan.state.topics) == [sorted(_BREAD), sorted(_RAIN)]
        assert (plan.state.left_out, plan.state.pending) == (frozenset(_LONE), frozenset())
        assert _changes(plan) == [TopicChange.BIRTH, TopicChange.BIRTH]
        assert plan.changed == {topic.cluster_id for topic in plan.state.topics}

    def test_an_old_topic_keeps_its_id_with_other_members(self) -> None:
        before = _first(_RAIN)
        after = plan_night(before.state, [*_RAIN[2:], *named("rain", range(20, 24))], full=True, night=night())
        assert [topic.cluster_id for topic in after.state.topics] == [before.state.topics[0].cluster_id]
        assert (after.events, after.changed) == ((), {before.state.topics[0].cluster_id})

    def test_a_topic_that_stayed_is_not_changed(self) -> None:
        before = _first([*_RAIN, *_BREAD])
        after = plan_night(before.state, [*_RAIN, *_BREAD, *named("bread", [9])], full=True, night=night())
        assert after.changed == {_topic_of(after, _BREAD[0]).cluster_id}

    def test_too_few_observations_give_no_topics_and_read_no_vectors(self) -> None:
        read: list[ObservationId] = []
        plan = plan_night(TopicsState(), _RAIN[:2], full=True, night=night(read))
        assert (plan.state.topics, plan.state.left_out, read) == ((), frozenset(_RAIN[:2]), [])

    def test_a_new_topic_never_takes_the_id_of_a_living_one(self) -> None:
        born = _first(_RAIN[:3])
        grown = plan_night(born.state, named("rain", range(60)), full=False, night=night())
        elsewhere = replace(grown.state.topics[0], members=dict.fromkeys(named("opera", range(50)), 1.0))
        again = plan_night(
            TopicsState((elsewhere,)), [*_RAIN[:3], *named("opera", range(50))], full=True, night=night()
        )
        ids = [topic.cluster_id for topic in again.state.topics]
        assert len(set(ids)) == 2
        assert _topic_of(again, named("opera", [0])[0]).cluster_id == born.state.topics[0].cluster_id

    def test_of_very_many_a_sample_is_clustered_and_the_rest_joins(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(nights, "MOST_CLUSTERED", 40)
        sizes: list[int] = []

        def cluster(vectors: Vectors) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
            sizes.append(len(vectors))
            return by_axis(vectors)

        many = [*named("rain", range(60)), *named("bread", range(60)), *named("lone", range(9))]
        plan = plan_night(TopicsState(), many, full=True, night=replace(night(), cluster=cluster))
        assert len(sizes) == 1
        assert sizes[0] <= 40
        assert len(plan.state.topics) == 2
        assert all(len(topic.members) > 40 for topic in plan.state.topics)
        # What is further from the centroid than nine in ten of the sample waits.
        assert not frozenset(named("lone", range(9))) & {m for topic in plan.state.topics for m in topic.members}


class TestNightByNight:
    def test_who_is_new_joins_the_topic_that_takes_it_in(self) -> None:
        before = _first([*_RAIN, *_BREAD])
        topic = _topic_of(before, _RAIN[0])
        newcomers = named("rain", range(20, 60))
        near = [key for key in newcomers if float(vectors_of([key])[0] @ topic.centroid) >= topic.threshold_cosine]
        assert near
        plan = plan_night(before.state, [*_RAIN, *_BREAD, *newcomers], full=False, night=night())
        grown = _topic_of(plan, _RAIN[0])
        assert grown.cluster_id == topic.cluster_id
        assert grown.members.keys() == {*_RAIN, *near}
        np.testing.assert_allclose(
            grown.vector_sum, vectors_of(sorted(grown.members)).sum(axis=0), rtol=1e-5, atol=1e-5
        )

    def test_only_new_and_waiting_vectors_are_read(self) -> None:
        before = _first([*_RAIN, *_BREAD])
        read: list[ObservationId] = []
        plan_night(before.state, [*_RAIN, *_BREAD, *_LONE[:2]], full=False, night=night(read))
        assert set(read) == set(_LONE[:2])

    def test_those_who_wait_become_a_topic_when_they_are_enough(self) -> None:
        chess = named("chess", range(4))
        first = plan_night(_first(_RAIN).state, [*_RAIN, *chess[:2]], full=False, night=night())
        assert first.state.pending == frozenset(chess[:2])
        assert first.events == ()
        second = plan_night(first.state, [*_RAIN, *chess], full=False, night=night())
        assert _topic_of(second, chess[0]).members.keys() == set(chess)
        assert (second.state.pending, _changes(second)) == (frozenset(), [TopicChange.BIRTH])

    @pytest.mark.parametrize(("few", "born"), [(1_000, True), (5, False)])
    def test_those_left_out_wait_with_them_in_small_workspaces_alone(
        self, monkeypatch: pytest.MonkeyPatch, few: int, born: bool
    ) -> None:
        monkeypatch.setattr(nights, "FEW_OBSERVATIONS", few)
        chess = named("chess", range(3))
        before = _first([*_RAIN, *chess[:2]])
        plan = plan_night(before.state, [*_RAIN, *chess], full=False, night=night())
        assert (len(plan.state.topics) == 2) is born
        assert plan.state.left_out == (frozenset() if born else frozenset(chess[:2]))
        assert plan.state.pending == (frozenset() if born else frozenset(chess[2:]))

    def test_who_is_gone_leaves_the_topic_and_its_centroid(self) -> None:
        plan = plan_night(_first(_RAIN).state, _RAIN[2:], full=False, night=night())
        topic = plan.state.topics[0]
        assert topic.members.keys() == set(_RAIN[2:])
        np.testing.assert_array_equal(
            topic.vector_sum, vectors_of(_RAIN[2:]).sum(axis=0, dtype=np.float64).astype(np.float32)
        )

    def test_a_topic_with_too_few_members_dies_and_frees_them(self) -> None:
        before = _first([*_RAIN, *_BREAD])
        died = _topic_of(before, _BREAD[0]).cluster_id
        plan = plan_night(before.state, [*_RAIN, *_BREAD[:2]], full=False, night=night())
        assert (plan.gone, plan.state.pending) == ({died}, frozenset(_BREAD[:2]))
        assert _changes(plan) == [TopicChange.DEATH]

    def test_a_lost_vector_is_an_error(self) -> None:
        broken = replace(night(), vectors_of=lambda ids: vectors_of(ids[1:]))
        with pytest.raises(ContractError, match="asked for 8 vectors and got 7"):
            plan_night(TopicsState(), _RAIN, full=True, night=broken)


class TestLaws:
    @_LAWS
    @given(_SOME, _SOME, st.booleans(), st.randoms(use_true_random=False))
    def test_order_does_not_matter(
        self, before: list[ObservationId], now: list[ObservationId], full: bool, chance: random.Random
    ) -> None:
        state = _first(before).state
        plan = plan_night(state, now, full=full, night=night())
        chance.shuffle(now)
        shuffled = list(state.topics)
        chance.shuffle(shuffled)
        assert plan_night(replace(state, topics=tuple(shuffled)), now, full=full, night=night()) == plan

    @_LAWS
    @given(_SOME, _SOME)
    def test_a_night_done_again_changes_nothing(self, before: list[ObservationId], now: list[ObservationId]) -> None:
        plan = plan_night(_first(before).state, now, full=False, night=night())
        again = plan_night(plan.state, now, full=False, night=night())
        assert again.state == plan.state
        assert (again.changed, again.gone, again.events) == (frozenset(), frozenset(), ())

    @_LAWS
    @given(_SOME, st.booleans())
    def test_all_clustered_again_is_the_same(self, now: list[ObservationId], full: bool) -> None:
        plan = _first(now)
        again = plan_night(plan.state, now, full=full, night=night())
        assert again.state == plan.state
        assert (again.changed, again.gone, again.events) == (frozenset(), frozenset(), ())

    @_LAWS
    @given(_SOME, _SOME, st.booleans())
    def test_each_observation_is_in_one_place(
        self, before: list[ObservationId], now: list[ObservationId], full: bool
    ) -> None:
        plan = plan_night(_first(before).state, now, full=full, night=night())
        places = [key for topic in plan.state.topics for key in topic.members]
        assert sorted([*places, *plan.state.pending, *plan.state.left_out]) == sorted(now)
        assert all(len(topic.members) >= 3 for topic in plan.state.topics)

    @_LAWS
    @given(_SOME, _SOME, st.booleans())
    def test_what_appears_and_goes_is_told_once(
        self, before: list[ObservationId], now: list[ObservationId], full: bool
    ) -> None:
        state = _first(before).state
        plan = plan_night(state, now, full=full, night=night())
        old, new = ({topic.cluster_id for topic in topics} for topics in (state.topics, plan.state.topics))
        appeared = [e.cluster_id for e in plan.events if e.change in {TopicChange.BIRTH, TopicChange.SPLIT}]
        went = [e.cluster_id for e in plan.events if e.change in {TopicChange.DEATH, TopicChange.MERGE}]
        assert (sorted(appeared), sorted(went)) == (sorted(new - old), sorted(old - new))
        assert plan.gone == old - new

"""Which new groups are old topics, and what became of those that are not."""

from __future__ import annotations

import itertools
import time

from hypothesis import given, settings
from hypothesis import strategies as st
from topic_worlds import named

from neural_memory_pipelines.domain.ids import ClusterId, ObservationId
from neural_memory_pipelines.domain.topics.events import TopicChange, TopicEvent, events_between
from neural_memory_pipelines.domain.topics.matching import LEAST_JACCARD, match

_A, _B, _C = ClusterId("a"), ClusterId("b"), ClusterId("c")


def _set(*numbers: int) -> frozenset[ObservationId]:
    return frozenset(named("rain", numbers))


def _jaccard(one: frozenset[ObservationId], other: frozenset[ObservationId]) -> float:
    return len(one & other) / len(one | other)


class TestMatch:
    def test_the_best_sum_counts_and_not_the_best_pair(self) -> None:
        old = {_A: _set(1, 2, 3, 4, 5), _B: _set(6, 7, 8)}
        # The first group is most like a, but b has no other group, and the second is a to some degree.
        new = [_set(1, 2, 3, 6, 7, 8), _set(4, 5)]
        assert match(old, new) == [_B, _A]

    def test_too_little_in_common_is_another_topic(self) -> None:
        assert match({_A: _set(1, 2, 3, 4)}, [_set(4, 5, 6, 7)]) == [None]

    def test_more_than_half_of_each_is_the_same(self) -> None:
        assert match({_A: _set(1, 2, 3, 4, 5)}, [_set(3, 4, 5, 6, 7)]) == [_A]

    def test_nothing_old_or_nothing_new(self) -> None:
        assert match({}, [_set(1)]) == [None]
        assert match({_A: _set(1)}, []) == []

    @settings(max_examples=100, deadline=None)
    @given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2)), min_size=1, max_size=16))
    def test_it_is_as_good_as_trying_all(self, owners: list[tuple[int, int]]) -> None:
        old = {ClusterId(f"c{one}"): _set(*(n for n, (a, _) in enumerate(owners) if a == one)) for one, _ in owners}
        new = [_set(*(n for n, (_, b) in enumerate(owners) if b == other)) for other in sorted({b for _, b in owners})]
        found = match(old, new)
        assert len({c for c in found if c}) == len([c for c in found if c])
        choices = itertools.permutations([*old, *[None] * len(new)], len(new))
        best = max(
            sum(j for j in (_jaccard(g, old[c]) for g, c in zip(new, choice, strict=True) if c) if j >= LEAST_JACCARD)
            for choice in choices
        )
        reached = [_jaccard(group, old[c]) for group, c in zip(new, found, strict=True) if c]
        assert all(value >= LEAST_JACCARD for value in reached)
        assert abs(sum(reached) - best) < 1e-9

    def test_thousands_of_topics_need_no_square_of_them(self) -> None:
        old = {ClusterId(f"c{n:05}"): _set(*range(10 * n, 10 * n + 10)) for n in range(5_000)}
        new = [_set(*range(10 * n + 3, 10 * n + 13)) for n in range(5_000)]
        started = time.process_time()
        assert match(old, new) == sorted(old)
        assert time.process_time() - started < 20


class TestEvents:
    def test_what_appears_is_born_or_split_off(self) -> None:
        old = {_A: _set(*range(10))}
        new = {_A: _set(*range(6)), _B: _set(6, 7, 8, 20), _C: _set(9, 30, 31)}
        assert events_between(old, new) == [
            TopicEvent(TopicChange.SPLIT, _B, (_A,), 4),
            TopicEvent(TopicChange.BIRTH, _C, (), 3),
        ]

    def test_what_goes_has_died_or_was_merged(self) -> None:
        old = {_A: _set(1, 2, 3), _B: _set(4, 5, 6), _C: _set(7, 8, 9)}
        new = {_A: _set(1, 2, 3, 4, 5)}
        assert events_between(old, new) == [
            TopicEvent(TopicChange.MERGE, _B, (_A,), 3),
            TopicEvent(TopicChange.DEATH, _C, (), 3),
        ]

    def test_other_members_are_no_event(self) -> None:
        assert events_between({_A: _set(1, 2, 3)}, {_A: _set(2, 3, 4)}) == []

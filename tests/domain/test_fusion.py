"""Scores of different kinds are compared in standard deviations, whatever scale each came on."""

from __future__ import annotations

import math
from dataclasses import astuple
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neural_memory_pipelines.domain.fusion import Scale, Weights, scale_of

_SCORES = st.lists(
    st.one_of(st.none(), st.integers(min_value=-1_000, max_value=1_000).map(lambda value: value / 8)),
    min_size=1,
    max_size=40,
)
_MOVES = st.sampled_from([-700.0, -1.0, 0.0, 0.3, 12.0])
_STRETCHES = st.sampled_from([0.01, 0.5, 1.0, 3.0, 250.0])


def _standardized(values: list[float | None]) -> list[float]:
    scale = scale_of(values)
    return [scale.standardized(value) for value in values]


def test_a_scale_is_the_mean_the_deviation_and_the_lowest() -> None:
    scale = scale_of([2.0, 4.0, 4.0, 4.0, 5.0, 5.0, 7.0, 9.0])
    assert scale == Scale(mean=5.0, deviation=2.0, lowest=2.0)
    assert (scale.standardized(9.0), scale.standardized(5.0), scale.standardized(2.0)) == (2.0, 0.0, -1.5)


def test_a_missing_score_counts_as_the_lowest() -> None:
    assert scale_of([None, 1.0, 3.0]) == scale_of([1.0, 1.0, 3.0])
    scale = scale_of([None, 1.0, 3.0])
    assert scale.standardized(None) == scale.standardized(1.0) < 0


def test_a_missing_score_of_negative_ones_is_no_zero() -> None:
    assert scale_of([None, -3.0, -1.0]).standardized(None) == pytest.approx(
        scale_of([-3.0, -3.0, -1.0]).standardized(-3)
    )


@pytest.mark.parametrize(
    "values",
    [[], [None], [None, None], [0.4], [0.4, 0.4, 0.4], [0.0, 0.0], [None, 7.0], [0.1 + 0.2, 0.3], [1e9, 1e9 + 0.1]],
)
def test_scores_that_are_alike_tell_nothing_apart(values: list[float | None]) -> None:
    scale = scale_of(values)
    assert scale.deviation == 0
    assert [scale.standardized(value) for value in [*values, None, 0.9]] == [0.0] * (len(values) + 2)


def test_scores_that_differ_a_little_are_told_apart() -> None:
    assert _standardized([0.5, 0.500001]) == pytest.approx([-1.0, 1.0])


def test_what_was_not_measured_with_the_others_is_put_on_their_scale() -> None:
    scale = scale_of([0.2, 0.4])
    assert scale.standardized(0.6) == pytest.approx(3.0)
    assert scale.standardized(0.0) == pytest.approx(-3.0)


@given(values=_SCORES, move=_MOVES, stretch=_STRETCHES)
def test_moving_and_stretching_all_scores_changes_nothing(
    values: list[float | None], move: float, stretch: float
) -> None:
    moved = [None if value is None else stretch * value + move for value in values]
    assert _standardized(moved) == pytest.approx(_standardized(values), abs=1e-6)


@given(data=st.data(), values=_SCORES)
def test_the_order_of_candidates_changes_nothing(data: st.DataObject, values: list[float | None]) -> None:
    places = data.draw(st.permutations(range(len(values))))
    standardized = _standardized(values)
    shuffled = _standardized([values[place] for place in places])
    assert shuffled == pytest.approx([standardized[place] for place in places], abs=1e-9)


@given(values=_SCORES)
def test_standardized_scores_have_no_mean_and_a_deviation_of_one(values: list[float | None]) -> None:
    standardized = _standardized(values)
    assert all(math.isfinite(value) for value in standardized)
    assert sum(standardized) == pytest.approx(0, abs=1e-6)
    deviation = math.sqrt(sum(value * value for value in standardized) / len(values))
    assert deviation == pytest.approx(1) or set(standardized) == {0.0}


@given(values=_SCORES)
def test_standardizing_keeps_the_order(values: list[float | None]) -> None:
    lowest = min((value for value in values if value is not None), default=0.0)
    pairs = sorted(zip([lowest if value is None else value for value in values], _standardized(values), strict=True))
    assert all(low[1] <= high[1] for low, high in pairwise(pairs))


def test_summaries_alone_are_weighed_down_and_shares_are_shares() -> None:
    weights = Weights()
    assert [name for name in Weights.__dataclass_fields__ if getattr(weights, name) < 0] == ["summary"]
    assert 0 <= weights.thread <= 1
    assert weights.vector > 0 < weights.words
    assert all(math.isfinite(value) for value in astuple(weights))

"""How recent something is, and what stands out."""

from __future__ import annotations

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neural_memory_pipelines.domain.ranking import HALF_LIFE_DAYS, recency, standing_out


def test_recency_halves_with_every_half_life() -> None:
    assert [recency(days) for days in (0, 90, 180)] == [1.0, 0.5, 0.25]
    assert recency(10, half_life_days=10) == 0.5
    assert HALF_LIFE_DAYS == 90


def test_what_is_of_the_future_is_new_and_what_is_of_long_ago_is_not() -> None:
    assert recency(-5) == 1.0
    assert recency(1e12) < 1e-9


@given(st.floats(0, 1e6), st.floats(0, 1e6), st.floats(0.01, 1e4))
def test_what_is_later_is_no_less_recent(one: float, other: float, half_life_days: float) -> None:
    early, late = (recency(days, half_life_days=half_life_days) for days in sorted((one, other), reverse=True))
    assert 0 <= early <= late <= 1


def test_one_that_is_far_nearer_than_all_others_stands_out() -> None:
    usual = [0.20, 0.22, 0.24, 0.21, 0.23, 0.19, 0.25, 0.20, 0.22]
    assert standing_out([*usual, 0.60]) == [*[0.0] * 9, 1.0]
    (*others, last) = standing_out([*usual, 0.30])
    assert others == [0.0] * 9
    assert 0 < last < 1


@pytest.mark.parametrize("cosines", [[], [0.9], [*[0.1] * 8, 0.9]], ids=len)
def test_among_too_few_none_stands_out(cosines: list[float]) -> None:
    assert standing_out(cosines) == [0.0] * len(cosines)


def test_equal_ones_do_not_stand_out_by_rounding() -> None:
    assert standing_out([0.1 + 0.2] * 9 + [0.3]) == [0.0] * 10


@pytest.mark.parametrize("count", [10, 100])
def test_chance_alone_seldom_stands_out(count: int) -> None:
    dice = random.Random(7)
    trials = [max(standing_out([dice.gauss(0.3, 0.1) for _ in range(count)])) for _ in range(300)]
    assert sum(value > 0 for value in trials) / 300 < 0.1
    assert sum(value > 0.5 for value in trials) / 300 < 0.03


@given(st.lists(st.floats(-1, 1), max_size=30))
def test_values_are_of_0_to_1_and_keep_the_order(cosines: list[float]) -> None:
    values = standing_out(cosines)
    assert len(values) == len(cosines)
    assert all(0 <= value <= 1 and math.isfinite(value) for value in values)
    by_cosine = [value for _, value in sorted(zip(cosines, values, strict=True))]
    assert by_cosine == sorted(by_cosine)

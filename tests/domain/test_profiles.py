"""Centroids do not depend on the order or the batches of their evidence, and drift is a cosine distance."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neural_memory_pipelines.domain.ids import EntityId
from neural_memory_pipelines.domain.profiles.centroids import (
    WeightedSums,
    centroid_hash,
    distance_cosine,
    recency_weights,
)
from neural_memory_pipelines.domain.profiles.descriptors import Contribution, Descriptors, Related, read_descriptors
from neural_memory_pipelines.domain.profiles.keywords import keywords_of_entities
from neural_memory_pipelines.errors import ContractError

_DIM = 16


def _units(count: int, seed: int) -> np.ndarray:
    values = np.random.default_rng(seed).standard_normal((count, _DIM))
    return (values / np.linalg.norm(values, axis=1, keepdims=True)).astype(np.float32)


@given(seed=st.integers(0, 1_000), count=st.integers(1, 60), cut=st.integers(0, 60))
def test_sums_depend_on_neither_order_nor_batches(seed: int, count: int, cut: int) -> None:
    rng = np.random.default_rng(seed)
    vectors, weights = _units(count, seed), recency_weights(rng.uniform(0, 400, count), 90)
    keys = [f"k{number}" for number in rng.integers(0, 4, count)]
    one, other = WeightedSums[str](_DIM), WeightedSums[str](_DIM)
    one.add(keys, vectors, weights)
    order = rng.permutation(count)
    for part in (order[:cut], order[cut:]):
        other.add([keys[index] for index in part], vectors[part], weights[part])

    for key in set(keys):
        got = one.unit(key)
        assert got is not None
        assert got.tobytes() == other.unit(key).tobytes()  # type: ignore[union-attr]  # it has the same keys
        mine = np.array([name == key for name in keys])
        mean = (vectors[mine].astype(np.float64) * weights[mine, None]).sum(axis=0)
        np.testing.assert_allclose(got, mean / np.linalg.norm(mean), atol=1e-6)
    assert one.unit("nobody") is None


@given(seed=st.integers(0, 1_000), later_days=st.floats(0, 3_000), half_life_days=st.floats(1, 400))
def test_a_later_moment_of_reference_leaves_the_direction_as_it_is(
    seed: int, later_days: float, half_life_days: float
) -> None:
    vectors = _units(5, seed).astype(np.float64)
    ages = np.random.default_rng(seed).uniform(0, 500, 5)
    ages -= ages.min()
    now, later = (recency_weights(ages + days, half_life_days) for days in (0.0, min(later_days, half_life_days * 500)))
    one, other = (np.asarray(weights @ vectors) for weights in (now, later))
    np.testing.assert_allclose(one / np.linalg.norm(one), other / np.linalg.norm(other), atol=1e-9)


def test_a_weight_halves_with_each_half_life() -> None:
    np.testing.assert_allclose(recency_weights(np.array([0.0, 90, 180]), 90), [1, 0.5, 0.25])


def test_what_cancels_out_has_no_centroid_and_what_is_not_finite_is_refused() -> None:
    sums = WeightedSums[str](_DIM)
    vector = _units(1, 1)
    sums.add(["a", "a"], np.vstack([vector, -vector]), np.ones(2))
    assert sums.unit("a") is None
    with pytest.raises(ContractError, match="finite"):
        sums.add(["a"], np.full((1, _DIM), np.nan, dtype=np.float32), np.ones(1))
    with pytest.raises(ContractError, match="16 values"):
        sums.add(["a"], np.ones((1, _DIM + 1), dtype=np.float32), np.ones(1))


def test_a_distance_is_one_minus_the_cosine() -> None:
    x, y = np.array([1, 0], dtype=np.float32), np.array([0, 2], dtype=np.float32)
    assert [distance_cosine(x, x), distance_cosine(x, y), distance_cosine(x, -x)] == [0, 1, 2]
    with pytest.raises(ContractError, match="no cosine"):
        distance_cosine(x, np.zeros(2, dtype=np.float32))
    assert centroid_hash(x) != centroid_hash(y)


def test_descriptors_are_read_as_they_were_spelled() -> None:
    ada = Related(EntityId("ent_ada"), "Ada", 3)
    berths = Related(EntityId("ent_berths"), "/berths/", 1, owns=True)
    said = Descriptors(
        keywords=("berth", "crane"),
        collaborators=(ada,),
        components=(berths,),
        repositories=(),
        projects=(),
        teams=(),
        owners=(ada,),
        contributions=(Contribution("AUTHORED_BY", "pull_request", 5),),
        active_hours=tuple(range(24)),
        timezone="Europe/Berlin",
        first_seen_at=datetime(2026, 1, 2, 3, tzinfo=UTC),
        last_seen_at=datetime(2026, 2, 2, 3, tzinfo=UTC),
    )
    assert read_descriptors(said.spelled()) == said
    assert said.contributions[0].said == "authored pull_request"


def test_keywords_are_what_others_do_not_say() -> None:
    texts = {
        EntityId("a"): ["The team moors ferries at the pier", "Ferries wait for the team"],
        EntityId("b"): ["The team paints cranes", "Cranes lift what the team brings"],
        EntityId("c"): ["..."],
    }
    words = keywords_of_entities(texts, {EntityId("a"), EntityId("c")}, count=3)
    assert words[EntityId("a")][0] == "ferries"
    assert "team" not in words[EntityId("a")]
    assert words[EntityId("c")] == ()
    assert set(words) == {"a", "c"}
    assert keywords_of_entities({EntityId("c"): ["..."]}, {EntityId("c")}) == {"c": ()}

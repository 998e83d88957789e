"""Centroids, thresholds, and which topic takes a vector in."""

from __future__ import annotations

import numpy as np
import pytest
from topic_worlds import named, vectors_of

from neural_memory_pipelines.domain.ids import ClusterId
from neural_memory_pipelines.domain.topics import membership
from neural_memory_pipelines.domain.topics.membership import assign, topic_of
from neural_memory_pipelines.domain.topics.values import unit

_RAIN = named("rain", range(20))


def test_a_topic_is_the_direction_of_its_members_and_takes_in_nine_of_ten() -> None:
    vectors = vectors_of(_RAIN)
    topic = topic_of(ClusterId("c"), _RAIN, vectors)
    mean = vectors.mean(axis=0)
    np.testing.assert_allclose(topic.centroid, mean / np.linalg.norm(mean), atol=1e-6)
    assert list(topic.members) == sorted(_RAIN)
    cosines = vectors @ topic.centroid
    assert [topic.members[key] for key in _RAIN] == pytest.approx(cosines.tolist(), abs=1e-6)
    assert (cosines >= topic.threshold_cosine).mean() == pytest.approx(0.9, abs=0.05)


def test_the_order_of_members_does_not_matter() -> None:
    backwards = _RAIN[::-1]
    assert topic_of(ClusterId("c"), _RAIN, vectors_of(_RAIN)) == topic_of(
        ClusterId("c"), backwards, vectors_of(backwards)
    )


def test_the_nearest_topic_decides_by_its_own_threshold() -> None:
    centroids = np.array([[1, 0], [0, 1]], dtype=np.float32)
    vectors = unit(np.array([[2.0, 1.0], [1.0, 2.0], [-1.0, 0.0]]))
    topics, cosines = assign(vectors, centroids, np.array([0.95, 0.85], dtype=np.float32))
    # The first is nearest to the strict topic, and not taken by the other one, which it is further from.
    assert topics.tolist() == [-1, 1, -1]
    assert cosines.tolist() == pytest.approx([2 / 5**0.5, 2 / 5**0.5, 0.0])


def test_batches_do_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    centroids = vectors_of([*named("rain", [99]), *named("bread", [99])])
    vectors = vectors_of([*_RAIN, *named("bread", range(9)), *named("lone", range(5))])
    thresholds = np.array([0.8, 0.85], dtype=np.float32)
    whole = assign(vectors, centroids, thresholds)
    monkeypatch.setattr(membership, "_ROWS_AT_ONCE", 3)
    parts = assign(vectors, centroids, thresholds)
    np.testing.assert_array_equal(whole[0], parts[0])
    np.testing.assert_allclose(whole[1], parts[1], atol=1e-6)


def test_without_topics_nothing_is_near() -> None:
    topics, cosines = assign(vectors_of(_RAIN[:2]), np.zeros((0, 64), dtype=np.float32), np.zeros(0, dtype=np.float32))
    assert (topics.tolist(), cosines.tolist()) == ([-1, -1], [-1.0, -1.0])


def test_what_has_no_direction_stays_zero() -> None:
    assert unit(np.zeros(3, dtype=np.float32)).tolist() == [0.0, 0.0, 0.0]

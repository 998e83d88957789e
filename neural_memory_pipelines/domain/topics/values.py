"""What a topic is, what a workspace knows of its topics, and what a night is given. No decisions."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from neural_memory_pipelines.domain.ids import ClusterId, ObservationId, WorkspaceId

TOPIC = "topic"

Vectors: TypeAlias = npt.NDArray[np.float32]
"""Shape (n, dim), rows of length 1."""

VectorsOf: TypeAlias = Callable[[Sequence[ObservationId]], Vectors]
"""Reads the vectors of observations, a row for each, in their order."""

Clusterer: TypeAlias = Callable[[Vectors], npt.NDArray[np.int64]]
"""Groups rows: shape (n,), numbers from 0, -1 for noise. The same rows give the same groups."""


@dataclass(frozen=True, slots=True, eq=False)
class Topic:
    """A group of observations.

    Attributes:
        cluster_id: stays the same from night to night.
        members: each with its cosine to the centroid at the time it joined, -1..1, in order of id.
        vector_sum: sum of the members' vectors, shape (dim,), float32.
        threshold_cosine: least cosine to the centroid at which an observation joins.
    """

    cluster_id: ClusterId
    members: Mapping[ObservationId, float]
    vector_sum: npt.NDArray[np.float32]
    threshold_cosine: float

    @property
    def centroid(self) -> npt.NDArray[np.float32]:
        """Direction of the members' mean, shape (dim,), of length 1."""
        return unit(self.vector_sum)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Topic):
            return NotImplemented
        return (
            self.cluster_id == other.cluster_id
            and self.members == other.members
            and np.array_equal(self.vector_sum, other.vector_sum)
            and self.threshold_cosine == other.threshold_cosine
        )

    __hash__ = None  # type: ignore[assignment]  # it holds a mapping and an array


@dataclass(frozen=True, slots=True)
class TopicsState:
    """What a workspace knows after a night.

    Attributes:
        topics: those there are.
        pending: observations without a topic that came after everything was clustered last, or lost their topic since:
            together with new ones they may become topics.
        left_out: observations without a topic that were clustered then, and found no other like them.
    """

    topics: tuple[Topic, ...] = ()
    pending: frozenset[ObservationId] = frozenset()
    left_out: frozenset[ObservationId] = frozenset()


@dataclass(frozen=True, slots=True)
class Night:
    """What a night works with.

    Attributes:
        workspace_id: whose topics; part of the ids of new ones.
        least_members: fewest members of a topic, at least 2.
        vectors_of: reads vectors; it is asked for bounded numbers at once, except for those to be clustered.
        cluster: groups vectors.
    """

    workspace_id: WorkspaceId
    least_members: int
    vectors_of: VectorsOf
    cluster: Clusterer


def unit(vector: npt.NDArray[np.float32] | npt.NDArray[np.float64]) -> npt.NDArray[np.float32]:
    """Bring vectors to length 1 along the last axis; one without a direction stays zero, and is near to nothing."""
    exact = vector.astype(np.float64)
    norms = np.sqrt((exact * exact).sum(axis=-1, keepdims=True))
    lengths_one: npt.NDArray[np.float64] = np.divide(exact, norms, out=np.zeros_like(exact), where=norms > 0)
    return lengths_one.astype(np.float32)

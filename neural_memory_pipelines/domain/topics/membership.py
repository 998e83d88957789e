"""Who belongs to a topic: its centroid and threshold from its members, and which topic is near enough for a vector.

Which rows are grouped at first is the clusterer's affair.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from neural_memory_pipelines.domain.ids import ClusterId, ObservationId
from neural_memory_pipelines.domain.topics.values import Night, Topic, Vectors, unit
from neural_memory_pipelines.errors import ContractError

THRESHOLD_PERCENTILE = 10.0
_ROWS_AT_ONCE = 4_096
_NO_TOPIC = -1


def topic_of(cluster: ClusterId, members: Sequence[ObservationId], vectors: Vectors) -> Topic:
    """Make a topic of its members.

    Its threshold is its own: the 10th percentile of its members' cosines to the centroid, so that a wide topic takes in
    what a narrow one refuses.

    Args:
        cluster: its id.
        members: at least one, each once.
        vectors: of the members, in their order, shape (len(members), dim).
    """
    order = sorted(range(len(members)), key=members.__getitem__)
    ordered = vectors[order]
    vector_sum = ordered.sum(axis=0, dtype=np.float64).astype(np.float32)
    cosines = ordered @ unit(vector_sum)
    return Topic(
        cluster,
        {members[row]: float(cosine) for row, cosine in zip(order, cosines, strict=True)},
        vector_sum,
        float(np.float32(np.percentile(cosines, THRESHOLD_PERCENTILE))),  # as exactly as it is kept
    )


def assign(
    vectors: Vectors, centroids: Vectors, thresholds: npt.NDArray[np.float32]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float32]]:
    """Find the nearest topic of each vector, if it is near enough by that topic's own threshold.

    Args:
        vectors: shape (n, dim).
        centroids: shape (topics, dim).
        thresholds: least cosine of each topic, shape (topics,).

    Returns:
        Shape (n,) each: the place of the topic, or -1; the cosine to the nearest topic, near enough or not, and -1
        where there is none.
    """
    topics = np.full(len(vectors), _NO_TOPIC, dtype=np.int64)
    cosines = np.full(len(vectors), -1.0, dtype=np.float32)
    if not len(centroids):
        return topics, cosines
    for start in range(0, len(vectors), _ROWS_AT_ONCE):
        part = slice(start, start + _ROWS_AT_ONCE)
        similar = vectors[part] @ centroids.T
        nearest = similar.argmax(axis=1)
        cosines[part] = similar[np.arange(len(nearest)), nearest]
        topics[part] = np.where(cosines[part] >= thresholds[nearest], nearest, _NO_TOPIC)
    return topics, cosines


def join_topics(
    topics: Sequence[Topic], candidates: Sequence[ObservationId], night: Night
) -> tuple[list[Topic], list[ObservationId]]:
    """Let observations join the nearest topic that takes them in.

    All are compared with the centroids as they were before, so that their order tells nothing; sums then follow, and
    with them the centroids of the next night. Thresholds stay.

    Args:
        topics: those there are.
        candidates: members of none of them, in order of id.
        night: reads their vectors.

    Returns:
        The topics with those who joined, in their order; the candidates that none takes in.
    """
    if not topics:
        return [], list(candidates)
    centroids = np.stack([topic.centroid for topic in topics])
    thresholds = np.array([topic.threshold_cosine for topic in topics], dtype=np.float32)
    joined: dict[int, dict[ObservationId, float]] = {}
    sums: dict[int, npt.NDArray[np.float64]] = {}
    left: list[ObservationId] = []
    for ids, vectors in read_in_batches(candidates, night):
        for row, (place, cosine) in enumerate(zip(*assign(vectors, centroids, thresholds), strict=True)):
            if place == _NO_TOPIC:
                left.append(ids[row])
                continue
            joined.setdefault(int(place), {})[ids[row]] = float(cosine)
            before = sums.get(int(place), topics[place].vector_sum.astype(np.float64))
            sums[int(place)] = before + vectors[row]
    grown = [
        _with_members(topic, joined[place], sums[place]) if place in joined else topic
        for place, topic in enumerate(topics)
    ]
    return grown, left


def read_in_batches(ids: Sequence[ObservationId], night: Night) -> Iterator[tuple[Sequence[ObservationId], Vectors]]:
    """Read the vectors of observations, some thousand at a time.

    Raises:
        ContractError: there are more or fewer vectors than were asked for.
    """
    for start in range(0, len(ids), _ROWS_AT_ONCE):
        batch = ids[start : start + _ROWS_AT_ONCE]
        yield batch, read_vectors(batch, night)


def read_vectors(ids: Sequence[ObservationId], night: Night) -> Vectors:
    """Read the vectors of observations at once.

    Raises:
        ContractError: there are more or fewer vectors than were asked for.
    """
    vectors = night.vectors_of(ids)
    if len(vectors) != len(ids):
        raise ContractError(f"topics of {night.workspace_id}: asked for {len(ids)} vectors and got {len(vectors)}")
    return vectors


def _with_members(topic: Topic, joined: Mapping[ObservationId, float], vector_sum: npt.NDArray[np.float64]) -> Topic:
    members = {**topic.members, **joined}
    return replace(
        topic, members={key: members[key] for key in sorted(members)}, vector_sum=vector_sum.astype(np.float32)
    )

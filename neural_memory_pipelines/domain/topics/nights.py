"""What a night makes of topics: who joins, what is born, what dies. It reads vectors through a function, and no more.

When everything is clustered anew is decided in `due.py`, which groups are old topics in `matching.py`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from neural_memory_pipelines.domain.ids import ClusterId, ObservationId, cluster_id, hash_json
from neural_memory_pipelines.domain.topics.events import TopicEvent, events_between
from neural_memory_pipelines.domain.topics.matching import match
from neural_memory_pipelines.domain.topics.membership import join_topics, read_in_batches, read_vectors, topic_of
from neural_memory_pipelines.domain.topics.values import TOPIC, Night, Topic, TopicsState

MOST_CLUSTERED = 250_000
"""Of more observations, so many are clustered, and the rest joins what is found: memory has a bound."""

FEW_OBSERVATIONS = 1_000
"""Of fewer, those left out wait with the others: here two that were alone may need but a third. In larger sets they lie
between topics, and would become topics of their own, one night after the other."""


@dataclass(frozen=True, slots=True)
class NightPlan:
    """What is to be after a night.

    Attributes:
        state: topics in order of id, and the observations without one.
        changed: topics that are new or whose members are others than before.
        gone: topics that are no more.
        events: what became of topics that appeared or went.
    """

    state: TopicsState
    changed: frozenset[ClusterId]
    gone: frozenset[ClusterId]
    events: tuple[TopicEvent, ...]


def plan_night(state: TopicsState, observations: Iterable[ObservationId], *, full: bool, night: Night) -> NightPlan:
    """Decide what a night makes of topics.

    The same state and observations give the same plan, in whatever order they come; planning again on what was planned
    changes nothing.

    - Night by night: who is gone leaves; topics with too few members die, and theirs are free. Who is new or free joins
      the nearest topic that takes it in, or waits. If one of them waits, all who wait are clustered into new topics.
    - In full: all are clustered; a group that shares enough members with an old topic is that topic.

    Args:
        state: as it was left.
        observations: those that may be consolidated now; all of them, not only new ones.
        full: whether to cluster all of them anew.
        night: what it works with. Night by night, vectors are asked for of new and waiting observations, and of all
            remaining members of topics that someone left; in full, of all.

    Returns:
        The plan. After a full clustering, sums and thresholds of all topics are others, not only of those that changed.
    """
    ids = sorted(set(observations))
    after = _cluster_all(state, ids, night) if full else _go_on(state, ids, night)
    old = {topic.cluster_id: topic.members.keys() for topic in state.topics}
    new = {topic.cluster_id: topic.members.keys() for topic in after.topics}
    return NightPlan(
        replace(after, topics=tuple(sorted(after.topics, key=lambda topic: topic.cluster_id))),
        frozenset(cluster for cluster, members in new.items() if old.get(cluster) != members),
        frozenset(old.keys() - new.keys()),
        tuple(events_between(old, new)),
    )


def _cluster_all(state: TopicsState, ids: Sequence[ObservationId], night: Night) -> TopicsState:
    old = {topic.cluster_id: topic.members.keys() for topic in state.topics}
    topics, left_out = _cluster(ids, night, taken=frozenset(old))
    matched = match(old, [topic.members.keys() for topic in topics])
    named = (replace(t, cluster_id=same or t.cluster_id) for t, same in zip(topics, matched, strict=True))
    return TopicsState(tuple(named), left_out=frozenset(left_out))


def _go_on(state: TopicsState, ids: Sequence[ObservationId], night: Night) -> TopicsState:
    present = frozenset(ids)
    kept = [topic for topic in (_without_gone(topic, present, night) for topic in state.topics) if topic is not None]
    grouped = frozenset(member for topic in kept for member in topic.members)
    pending, left_out = state.pending & present - grouped, state.left_out & present - grouped
    topics, unplaced = join_topics(kept, sorted(present - grouped - pending - left_out), night)
    if not unplaced:
        return TopicsState(tuple(topics), pending, left_out)
    pool = pending.union(unplaced, left_out if len(ids) < FEW_OBSERVATIONS else ())
    born, alone = _cluster(sorted(pool), night, taken=frozenset(topic.cluster_id for topic in state.topics))
    waiting = frozenset(alone) - left_out
    return TopicsState((*topics, *born), waiting, left_out - pool | left_out.intersection(alone))


def _without_gone(topic: Topic, present: frozenset[ObservationId], night: Night) -> Topic | None:
    """Take out who is gone; None if too few remain.

    The sum is made anew of those who remain: the vectors of the others may be gone with them. The threshold stays.
    """
    if topic.members.keys() <= present:
        return topic
    members = {member: cosine for member, cosine in topic.members.items() if member in present}
    if len(members) < night.least_members:
        return None
    total = np.zeros(topic.vector_sum.shape, dtype=np.float64)
    for _, vectors in read_in_batches(list(members), night):
        total += vectors.sum(axis=0, dtype=np.float64)
    return replace(topic, members=members, vector_sum=total.astype(np.float32))


def _cluster(
    ids: Sequence[ObservationId], night: Night, *, taken: frozenset[ClusterId]
) -> tuple[list[Topic], list[ObservationId]]:
    """Group observations into topics with new ids, and tell who is in none."""
    if len(ids) < night.least_members:
        return [], list(ids)
    # Ids are hashes: every n-th of them in order is a fair sample, and the same one each time.
    sample = ids[:: -(-len(ids) // MOST_CLUSTERED)]
    vectors = read_vectors(sample, night)
    labels = night.cluster(vectors)
    topics: list[Topic] = []
    for label in range(int(labels.max(initial=-1)) + 1):
        rows = np.flatnonzero(labels == label)
        members = [sample[row] for row in rows.tolist()]
        topics.append(topic_of(_new_id(members, night, taken=taken), members, vectors[rows]))
    grouped = {member for topic in topics for member in topic.members}
    pending = [key for key in sample if key not in grouped]
    if len(sample) == len(ids):
        return topics, pending
    del vectors  # before those of the others are read
    drawn = frozenset(sample)
    topics, unplaced = join_topics(topics, [key for key in ids if key not in drawn], night)
    return topics, pending + unplaced


def _new_id(members: Sequence[ObservationId], night: Night, *, taken: frozenset[ClusterId]) -> ClusterId:
    """Derive the id of a topic from those it is born with.

    A living topic has that id if it was born with the same ones and has others now: then the next one is taken.
    """
    key = hash_json(sorted(members))
    number = 0
    while True:
        again = (str(number),) if number else ()
        found = cluster_id(night.workspace_id, TOPIC, key, *again)
        if found not in taken:
            return found
        number += 1

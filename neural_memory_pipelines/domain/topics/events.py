"""What became of topics between two nights: births, deaths, merges and splits. It decides no membership."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum

from neural_memory_pipelines.domain.ids import ClusterId, ObservationId

Memberships = Mapping[ClusterId, Collection[ObservationId]]


class TopicChange(StrEnum):
    """What can become of a topic. One that appears is born or split off; one that goes has died or was merged."""

    BIRTH = "birth"
    DEATH = "death"
    MERGE = "merge"
    SPLIT = "split"


@dataclass(frozen=True, slots=True)
class TopicEvent:
    """What became of a topic.

    Attributes:
        change: what.
        cluster_id: the topic that appeared or went.
        others: the topic that it was split off from or merged into; empty for a birth or death.
        size: its members, when it appeared or before it went.
    """

    change: TopicChange
    cluster_id: ClusterId
    others: tuple[ClusterId, ...]
    size: int


def events_between(old: Memberships, new: Memberships) -> list[TopicEvent]:
    """Tell what became of topics: those that appear in order of id, then those that go.

    A topic that appears was split off if more than half of its members come from one topic; one that goes was merged
    if more than half of its members are in one topic now.
    """
    before, after = _owners(old), _owners(new)
    appeared = [
        _event(cluster, new[cluster], before, named=(TopicChange.SPLIT, TopicChange.BIRTH))
        for cluster in sorted(new.keys() - old.keys())
    ]
    gone = [
        _event(cluster, old[cluster], after, named=(TopicChange.MERGE, TopicChange.DEATH))
        for cluster in sorted(old.keys() - new.keys())
    ]
    return appeared + gone


def _owners(memberships: Memberships) -> dict[ObservationId, ClusterId]:
    return {member: cluster for cluster, members in memberships.items() for member in members}


def _event(
    cluster: ClusterId,
    members: Collection[ObservationId],
    elsewhere: Mapping[ObservationId, ClusterId],
    *,
    named: tuple[TopicChange, TopicChange],
) -> TopicEvent:
    counts = Counter(elsewhere[member] for member in members if member in elsewhere)
    other, shared = max(counts.items(), key=lambda item: item[1], default=(cluster, 0))
    if 2 * shared > len(members):
        return TopicEvent(named[0], cluster, (other,), len(members))
    return TopicEvent(named[1], cluster, (), len(members))

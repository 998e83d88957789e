"""From the plan of a night to rows: topics with their labels, members, and what became of them.

The plan itself is made in `domain/topics/`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

import numpy as np

from neural_memory_pipelines.domain.ids import ClusterId, ObservationId, hash_json
from neural_memory_pipelines.domain.topics.events import TopicEvent
from neural_memory_pipelines.domain.topics.nights import NightPlan
from neural_memory_pipelines.domain.topics.values import Topic, TopicsState
from neural_memory_pipelines.steps.consolidation.topic_labels import Named, name_topics
from neural_memory_pipelines.stores.postgres import clusters, topic_states
from neural_memory_pipelines.stores.postgres.bulk import Row
from neural_memory_pipelines.stores.postgres.clusters import TOPIC, Membership, ObservationVector
from neural_memory_pipelines.stores.postgres.engine import Transaction
from neural_memory_pipelines.stores.postgres.topic_states import Waiting


def write_plan(
    tx: Transaction,
    plan: NightPlan,
    observed: Mapping[ObservationId, ObservationVector],
    before: TopicsState,
    *,
    version_name: str,
    now: datetime,
) -> None:
    """Write what a night decided: topics, members, who waits, and the events, all in the caller's transaction."""
    names = {row.cluster_id: Named(row.label, row.keywords) for row in clusters.living_clusters(tx, TOPIC)}
    changed = [topic for topic in plan.state.topics if topic.cluster_id in plan.changed]
    names |= name_topics(tx, plan.state.topics, plan.changed)
    clusters.write_clusters(
        tx, [_row(topic, names[topic.cluster_id], observed, version_name=version_name, now=now) for topic in changed]
    )
    clusters.replace_members(tx, {topic.cluster_id: _members(topic) for topic in changed}, at=now)
    clusters.bury_clusters(tx, sorted(plan.gone), at=now)
    refresh = [topic for topic in plan.state.topics if topic.cluster_id not in plan.changed]
    _refresh(tx, refresh, before, version_name=version_name, now=now)
    topic_states.replace_waiting(tx, Waiting(plan.state.pending, plan.state.left_out), now=now)
    clusters.record_events(tx, [_event(event, names, now) for event in plan.events])


def _row(
    topic: Topic,
    named: Named,
    observed: Mapping[ObservationId, ObservationVector],
    *,
    version_name: str,
    now: datetime,
) -> Row:
    times = [observed[key].occurred_at for key in topic.members]
    return {
        "cluster_id": topic.cluster_id,
        "kind": TOPIC,
        "entity_id": None,
        "window_start": None,
        "window_end": None,
        "embedding_version": version_name,
        "label": named.label,
        "keywords": list(named.keywords),
        "size": len(topic.members),
        "membership_hash": hash_json(sorted(topic.members)),
        "vector_sum": _spelled(topic),
        "threshold_cosine": topic.threshold_cosine,
        "first_at": min(times),
        "last_at": max(times),
        "born_at": now,
        "changed_at": now,
        "died_at": None,
    }


def _spelled(topic: Topic) -> bytes:
    return np.ascontiguousarray(topic.vector_sum, dtype="<f4").tobytes()


def _members(topic: Topic) -> list[Membership]:
    return [Membership(topic.cluster_id, key, cosine) for key, cosine in topic.members.items()]


def _refresh(
    tx: Transaction, topics: Sequence[Topic], before: TopicsState, *, version_name: str, now: datetime
) -> None:
    """Write the vectors of topics whose members stayed: those of another version, where that changed."""
    known = {topic.cluster_id: topic for topic in before.topics}
    moved = [topic for topic in topics if topic != known.get(topic.cluster_id)]
    clusters.move_clusters(
        tx,
        [
            {
                "cluster_id": topic.cluster_id,
                "embedding_version": version_name,
                "vector_sum": _spelled(topic),
                "threshold_cosine": topic.threshold_cosine,
            }
            for topic in moved
        ],
    )
    clusters.replace_members(tx, {topic.cluster_id: _members(topic) for topic in moved}, at=now)


def _event(event: TopicEvent, names: Mapping[ClusterId, Named], now: datetime) -> Row:
    return {
        "cluster_id": event.cluster_id,
        "event": str(event.change),
        "others": list(event.others),
        "label": names[event.cluster_id].label,
        "size": event.size,
        "at": now,
    }

"""Names topics after what their observations speak of and others do not.

How words are weighed is decided in `domain/topics/labels.py`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from neural_memory_pipelines.domain.ids import ClusterId, ObservationId
from neural_memory_pipelines.domain.topics.labels import keywords_of, label_of
from neural_memory_pipelines.domain.topics.values import Topic
from neural_memory_pipelines.stores.postgres import clusters
from neural_memory_pipelines.stores.postgres.engine import Transaction

TEXTS_READ = 200
"""Texts that are read of a cluster that is to be named."""

_TEXTS_OF_OTHERS = 20
_MOST_TEXTS_OF_OTHERS = 20_000


@dataclass(frozen=True, slots=True)
class Named:
    """What a topic is called."""

    label: str
    keywords: tuple[str, ...]


def name_topics(tx: Transaction, topics: Sequence[Topic], changed: Collection[ClusterId]) -> dict[ClusterId, Named]:
    """Name the topics that changed; what others speak of is sampled, so that no night reads all texts."""
    wanted = {topic.cluster_id: _typical(topic.members)[:TEXTS_READ] for topic in topics if topic.cluster_id in changed}
    others = [_typical(topic.members)[:_TEXTS_OF_OTHERS] for topic in topics if topic.cluster_id not in changed]
    keywords = keywords_in(tx, list(wanted.values()), others=others[: _MOST_TEXTS_OF_OTHERS // _TEXTS_OF_OTHERS])
    return {cluster: Named(label_of(words), tuple(words)) for cluster, words in zip(wanted, keywords, strict=True)}


def keywords_in(
    tx: Transaction, groups: Sequence[Sequence[ObservationId]], *, others: Sequence[Sequence[ObservationId]] = ()
) -> list[list[str]]:
    """Find the keywords of groups of observations, compared with each other and with `others`."""
    if not groups:
        return []
    ids = {key for group in (*groups, *others) for key in group}
    texts = clusters.texts_of(tx, sorted(ids))

    def read(group: Sequence[ObservationId]) -> list[str]:
        return [texts[key] for key in group if key in texts]

    return keywords_of([read(group) for group in groups], others=[read(group) for group in others])


def _typical(members: Mapping[ObservationId, float]) -> list[ObservationId]:
    return sorted(members, key=lambda key: (-members[key], key))

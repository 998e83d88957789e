"""Topics as people look at them: how large, growing or not, with which summaries and members. It only reads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import numpy.typing as npt
from sqlalchemy import text

from neural_memory_pipelines.domain.ids import ClusterId, ObservationId
from neural_memory_pipelines.domain.versions import EmbeddingVersion
from neural_memory_pipelines.stores.postgres.engine import Transaction
from neural_memory_pipelines.stores.postgres.streams import over_whole_sets
from neural_memory_pipelines.stores.postgres.text_hash import text_hash

_TREND_DAYS = 30

# Counted back from the latest observation, and not from today: what rests does not shrink.
_TOPICS = f"""
WITH latest AS (SELECT max(last_at) AS at FROM memory_clusters WHERE kind = 'topic' AND died_at IS NULL)
SELECT c.cluster_id, c.label, c.keywords, c.size, c.first_at, c.last_at, c.born_at,
    count(*) FILTER (WHERE o.occurred_at > l.at - INTERVAL '{_TREND_DAYS} days') AS recent,
    count(*) FILTER (WHERE o.occurred_at > l.at - INTERVAL '{2 * _TREND_DAYS} days'
        AND o.occurred_at <= l.at - INTERVAL '{_TREND_DAYS} days') AS before,
    (SELECT coalesce(jsonb_agg(s.summary_id ORDER BY s.occurred_at DESC), '[]'::jsonb) FROM memory_summaries s
        WHERE s.cluster_id = c.cluster_id AND s.superseded_at IS NULL) AS summaries
FROM memory_clusters c CROSS JOIN latest l
JOIN cluster_members m USING (cluster_id) JOIN memory_observations o USING (observation_id)
WHERE c.kind = 'topic' AND c.died_at IS NULL
GROUP BY c.cluster_id, l.at ORDER BY c.size DESC, c.cluster_id LIMIT :limit"""


@dataclass(frozen=True, slots=True)
class TopicRow:
    """A living topic. `recent` are its observations of the latest 30 days, `before` those of the 30 days before."""

    cluster_id: ClusterId
    label: str
    keywords: tuple[str, ...]
    size: int
    first_at: datetime
    last_at: datetime
    born_at: datetime
    recent: int
    before: int
    summaries: tuple[str, ...]

    @property
    def trend(self) -> str:
        """How it changes, in words."""
        if not self.before:
            return "new" if self.recent == self.size else ("up" if self.recent else "quiet")
        if self.recent == self.before:
            return "steady"
        return f"{'up' if self.recent > self.before else 'down'} {abs(self.recent - self.before) / self.before:.0%}"


@dataclass(frozen=True, slots=True)
class TopicEventRow:
    """A birth, death, merge or split."""

    cluster_id: ClusterId
    event: str
    others: tuple[str, ...]
    label: str
    size: int
    at: datetime


@dataclass(frozen=True, slots=True)
class MapPoint:
    """An observation's place in the space of vectors; `values` has shape (dim,), `topic` is None while it waits."""

    observation_id: ObservationId
    topic: ClusterId | None
    values: npt.NDArray[np.float32]


def list_topics(tx: Transaction, *, limit: int) -> list[TopicRow]:
    """List living topics, the largest first."""
    rows = over_whole_sets(tx, _TOPICS, {"limit": limit})
    return [
        TopicRow(**{**row._mapping, "keywords": tuple(row.keywords), "summaries": tuple(row.summaries)}) for row in rows
    ]


def topic_events(tx: Transaction, *, limit: int) -> list[TopicEventRow]:
    """List what became of topics, the latest first."""
    rows = tx.connection.execute(
        text(
            "SELECT cluster_id, event, others, label, size, at FROM cluster_events ORDER BY sequence DESC LIMIT :limit"
        ),
        {"limit": limit},
    )
    return [TopicEventRow(**{**row._mapping, "others": tuple(row.others)}) for row in rows]


def count_grouped(tx: Transaction) -> dict[str, int]:
    """Count living topics, entities' windows, and observations in topics, by these names."""
    row = tx.connection.execute(
        text(
            "SELECT count(*) FILTER (WHERE kind = 'topic') AS topics, count(*) FILTER (WHERE kind = 'entity') "
            "AS entity_windows, coalesce(sum(size) FILTER (WHERE kind = 'topic'), 0) AS in_topics "
            "FROM memory_clusters WHERE died_at IS NULL"
        )
    ).one()
    return {name: int(value) for name, value in row._mapping.items()}


def map_points(
    tx: Transaction, version: EmbeddingVersion, *, topics: Sequence[ClusterId], limit: int
) -> list[MapPoint]:
    """Read some members of topics with their body vectors: the same ones each time, and as many of each as fit."""
    rows = over_whole_sets(
        tx,
        f"""SELECT p.observation_id, p.cluster_id, e.vector FROM (
            SELECT m.observation_id, m.cluster_id, {text_hash("o.text")} AS content_hash,
                row_number() OVER (PARTITION BY m.cluster_id ORDER BY md5(m.observation_id)) AS nth
            FROM cluster_members m JOIN memory_observations o USING (observation_id)
            WHERE m.cluster_id = ANY(:topics)) p
        JOIN embeddings e ON e.workspace_id = :workspace AND e.embedding_version = :version
            AND e.content_hash = p.content_hash
        ORDER BY p.nth, p.cluster_id LIMIT :limit""",
        {"workspace": tx.workspace_id, "version": version.name, "topics": list(topics), "limit": limit},
    )
    return [_point(row) for row in rows]


def _point(row: Any) -> MapPoint:
    return MapPoint(
        ObservationId(row.observation_id), ClusterId(row.cluster_id), np.frombuffer(row.vector, dtype="<f4")
    )

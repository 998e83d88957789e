"""What people look up in a consolidated memory: clusters and summaries by their ids, what they cite, the last night.

It only reads. Whether something may be shown is told with it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text

from neural_memory_pipelines.domain.ids import ClusterId, ObservationId, SummaryId
from neural_memory_pipelines.stores.postgres.engine import Transaction
from neural_memory_pipelines.stores.postgres.summaries import SummaryRow, summaries_of


@dataclass(frozen=True, slots=True)
class NamedCluster:
    """A cluster, living or dead; `kind` is topic or entity."""

    cluster_id: ClusterId
    kind: str
    label: str
    size: int
    died_at: datetime | None


@dataclass(frozen=True, slots=True)
class CitedObservation:
    """An observation with where it comes from.

    `is_shown` says whether all may read it still; `is_superseded` whether its source says something else now.
    """

    observation_id: ObservationId
    text: str
    title: str | None
    occurred_at: datetime
    source: str
    source_id: str
    type: str
    url: str | None
    is_shown: bool
    is_superseded: bool


def last_night_at(tx: Transaction) -> datetime | None:
    """When the last whole night of the workspace ended; None before the first."""
    ended_at: datetime | None = tx.connection.scalar(text("SELECT night_at FROM consolidations"))
    return ended_at


def clusters_named(tx: Transaction, prefix: str, *, limit: int) -> list[NamedCluster]:
    """List the clusters, living ones first, whose id begins with `prefix`."""
    rows = tx.connection.execute(
        text(
            "SELECT cluster_id, kind, label, size, died_at FROM memory_clusters WHERE starts_with(cluster_id, :prefix) "
            "ORDER BY died_at IS NOT NULL, cluster_id LIMIT :limit"
        ),
        {"prefix": prefix, "limit": limit},
    )
    return [NamedCluster(**row._mapping) for row in rows]


def cited_observations(tx: Transaction, ids: Sequence[ObservationId]) -> dict[ObservationId, CitedObservation]:
    """Read observations by id, superseded ones too; what is gone is missing."""
    rows = tx.connection.execute(
        text(
            "SELECT o.observation_id, o.text, o.title, o.occurred_at, d.source, d.source_id, d.type, d.url, "
            "o.privacy = 'org' AND d.privacy = 'org' AND d.deleted_at IS NULL AS is_shown, "
            "o.superseded_at IS NOT NULL AS is_superseded FROM memory_observations o "
            "JOIN knowledge_documents d USING (document_id) WHERE o.observation_id = ANY(:ids)"
        ),
        {"ids": list(ids)},
    )
    return {ObservationId(row.observation_id): CitedObservation(**row._mapping) for row in rows}


def summaries_with_ids(tx: Transaction, ids: Sequence[SummaryId], *, limit: int) -> list[SummaryRow]:
    """Read live summaries by id, those of the latest observations first."""
    owners = tx.connection.execute(
        text(
            "SELECT DISTINCT cluster_id FROM (SELECT cluster_id FROM memory_summaries WHERE summary_id = ANY(:ids) "
            "AND superseded_at IS NULL ORDER BY occurred_at DESC, summary_id LIMIT :limit) latest"
        ),
        {"ids": list(ids), "limit": limit},
    )
    wanted = set(ids)
    found = summaries_of(tx, [ClusterId(row.cluster_id) for row in owners])
    return [row for row in found if row.summary_id in wanted][:limit]

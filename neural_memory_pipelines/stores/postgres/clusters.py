"""Clusters of observations: topics and entities' windows, their members and what became of them.

Which observations belong together is decided in `domain/`; this reads what that needs, and writes what it said.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import numpy.typing as npt
from sqlalchemy import text

from neural_memory_pipelines.domain.consolidation import Observed
from neural_memory_pipelines.domain.ids import ClusterId, ContentHash, EntityId, ObservationId
from neural_memory_pipelines.domain.versions import EmbeddingVersion
from neural_memory_pipelines.stores.postgres.bulk import Row, insert_rows, update_rows
from neural_memory_pipelines.stores.postgres.engine import Transaction
from neural_memory_pipelines.stores.postgres.streams import over_whole_sets
from neural_memory_pipelines.stores.postgres.tables import cluster_events, cluster_members, memory_clusters
from neural_memory_pipelines.stores.postgres.text_hash import text_hash

TOPIC, ENTITY = "topic", "entity"

# What only some may read is never consolidated: a label or a summary would show it to all.
CONSOLIDATED = """memory_observations o JOIN knowledge_documents d USING (document_id)
    WHERE o.superseded_at IS NULL AND o.privacy = 'org' AND d.privacy = 'org' AND d.deleted_at IS NULL"""
_BODY_HASH = text_hash("o.text")

ENTITIES_OF_OBSERVATIONS = f"""
SELECT DISTINCT coalesce(e.merged_into, e.entity_id) AS entity_id, o.observation_id, o.occurred_at
FROM (SELECT o.observation_id, o.document_id, o.occurred_at FROM {CONSOLIDATED}) o
JOIN relationships r ON r.from_kind = 'document' AND r.from_id = o.document_id AND r.until IS NULL
JOIN entities e ON e.entity_id = r.to_id
WHERE e.kind IN ('person', 'team', 'repository', 'component', 'project')"""
"""Whom and what each observation has to do with, by the edges of its document."""


@dataclass(frozen=True, slots=True)
class ObservationVector:
    """An observation that may be consolidated, and under which hash the vector of its body is kept."""

    observation_id: ObservationId
    content_hash: ContentHash
    occurred_at: datetime


@dataclass(frozen=True, slots=True)
class ClusterRow:
    """A living cluster as it is kept; `vector_sum` has shape (dim,), None for an entity's."""

    cluster_id: ClusterId
    kind: str
    entity_id: EntityId | None
    window_start: datetime | None
    window_end: datetime | None
    label: str
    keywords: tuple[str, ...]
    size: int
    membership_hash: str
    vector_sum: npt.NDArray[np.float32] | None
    threshold_cosine: float | None
    first_at: datetime
    last_at: datetime


@dataclass(frozen=True, slots=True)
class Membership:
    """An observation in a cluster."""

    cluster_id: ClusterId
    observation_id: ObservationId
    similarity_cosine: float | None


def consolidated_observations(tx: Transaction, version: EmbeddingVersion) -> list[ObservationVector]:
    """List the live observations that all may read and that have a vector of their body at a version, by id."""
    query = (
        f"SELECT w.* FROM (SELECT o.observation_id, {_BODY_HASH} AS content_hash, o.occurred_at FROM {CONSOLIDATED}) w "
        "JOIN embeddings e ON e.workspace_id = :workspace AND e.embedding_version = :version "
        "AND e.content_hash = w.content_hash ORDER BY w.observation_id"
    )
    values = {"workspace": tx.workspace_id, "version": version.name}
    return [
        ObservationVector(ObservationId(row.observation_id), ContentHash(row.content_hash), row.occurred_at)
        for row in over_whole_sets(tx, query, values)
    ]


def count_consolidated(tx: Transaction) -> int:
    """Count the live observations that all may read."""
    return int(tx.connection.execute(text(f"SELECT count(*) FROM {CONSOLIDATED}")).scalar_one())


def living_clusters(tx: Transaction, kind: str) -> list[ClusterRow]:
    """List the living clusters of a kind, by id."""
    rows = tx.connection.execute(
        text("SELECT * FROM memory_clusters WHERE kind = :kind AND died_at IS NULL ORDER BY cluster_id"), {"kind": kind}
    )
    return [_cluster(row) for row in rows]


def memberships(tx: Transaction, kind: str) -> list[Membership]:
    """List who is in which living cluster of a kind, by observation."""
    rows = tx.connection.execute(
        text(
            "SELECT m.cluster_id, m.observation_id, m.similarity_cosine FROM cluster_members m "
            "JOIN memory_clusters c USING (cluster_id) WHERE c.kind = :kind AND c.died_at IS NULL "
            "ORDER BY m.observation_id, m.cluster_id"
        ),
        {"kind": kind},
    )
    return [Membership(ClusterId(r.cluster_id), ObservationId(r.observation_id), r.similarity_cosine) for r in rows]


def observed_by_entity(tx: Transaction) -> dict[EntityId, list[Observed]]:
    """Group the observations that may be consolidated by the entities that they have to do with."""
    found: dict[EntityId, list[Observed]] = {}
    for row in over_whole_sets(tx, f"{ENTITIES_OF_OBSERVATIONS} ORDER BY 1, 3, 2", {}):
        found.setdefault(EntityId(row.entity_id), []).append(Observed(row.observation_id, row.occurred_at))
    return found


def entity_names(tx: Transaction) -> dict[EntityId, str]:
    """Read the names of all entities."""
    return {EntityId(row.entity_id): row.name for row in tx.connection.execute(text("SELECT * FROM entities"))}


def texts_of(tx: Transaction, ids: Sequence[ObservationId]) -> dict[ObservationId, str]:
    """Read title and text of observations, as one text each."""
    rows = tx.connection.execute(
        text(
            "SELECT observation_id, CASE WHEN title IS NULL OR starts_with(text, title) THEN text "
            "ELSE title || E'\\n' || text END AS body FROM memory_observations WHERE observation_id = ANY(:ids)"
        ),
        {"ids": list(ids)},
    )
    return {ObservationId(row.observation_id): row.body for row in rows}


def write_clusters(tx: Transaction, rows: Sequence[Row]) -> None:
    """Write clusters as they are now; a known one keeps when it was born."""
    kept = {"cluster_id", "born_at", "workspace_id"}
    changed = ", ".join(f"{c.name} = excluded.{c.name}" for c in memory_clusters.columns if c.name not in kept)
    insert_rows(tx, memory_clusters, rows, on_conflict=f"(cluster_id) DO UPDATE SET {changed}")


def move_clusters(tx: Transaction, rows: Sequence[Row]) -> None:
    """Write the vectors of clusters whose members stayed the same."""
    update_rows(tx, memory_clusters, rows, key="cluster_id")


def bury_clusters(tx: Transaction, ids: Sequence[ClusterId], *, at: datetime) -> None:
    """Let clusters die; their members are free."""
    values = {"ids": list(ids), "at": at}
    tx.connection.execute(text("UPDATE memory_clusters SET died_at = :at WHERE cluster_id = ANY(:ids)"), values)
    tx.connection.execute(text("DELETE FROM cluster_members WHERE cluster_id = ANY(:ids)"), values)


def replace_members(
    tx: Transaction, members: Mapping[ClusterId, Sequence[Membership]], *, at: datetime
) -> tuple[int, int]:
    """Make these the members of these clusters.

    Returns:
        How many joined, and how many left.
    """
    rows = [
        {
            "cluster_id": item.cluster_id,
            "observation_id": item.observation_id,
            "similarity_cosine": item.similarity_cosine,
            "joined_at": at,
        }
        for items in members.values()
        for item in items
    ]
    left = tx.connection.execute(
        text(
            "DELETE FROM cluster_members m WHERE m.cluster_id = ANY(:clusters) AND NOT EXISTS (SELECT FROM "
            "unnest(CAST(:owners AS text[]), CAST(:ids AS text[])) AS k(cluster_id, observation_id) "
            "WHERE k.cluster_id = m.cluster_id AND k.observation_id = m.observation_id)"
        ),
        {
            "clusters": list(members),
            "owners": [row["cluster_id"] for row in rows],
            "ids": [row["observation_id"] for row in rows],
        },
    ).rowcount
    written = insert_rows(
        tx,
        cluster_members,
        rows,
        on_conflict="(cluster_id, observation_id) DO UPDATE SET similarity_cosine = excluded.similarity_cosine",
        returning="(xmax = 0) AS is_new",
    )
    return sum(row.is_new for row in written), left


def record_events(tx: Transaction, rows: Sequence[Row]) -> None:
    """Add births, deaths, merges and splits to the history."""
    insert_rows(tx, cluster_events, rows, on_conflict="DO NOTHING")


def _cluster(row: Any) -> ClusterRow:
    return ClusterRow(
        cluster_id=ClusterId(row.cluster_id),
        kind=row.kind,
        entity_id=row.entity_id,
        window_start=row.window_start,
        window_end=row.window_end,
        label=row.label,
        keywords=tuple(row.keywords),
        size=row.size,
        membership_hash=row.membership_hash,
        vector_sum=None if row.vector_sum is None else np.frombuffer(row.vector_sum, dtype="<f4"),
        threshold_cosine=row.threshold_cosine,
        first_at=row.first_at,
        last_at=row.last_at,
    )

"""Reads, finds and accepts profiles of entities.

How they are made is in `domain/profiles/`; writing them is in `profile_writing.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
from sqlalchemy import text

from neural_memory_pipelines.domain.ids import EntityId
from neural_memory_pipelines.domain.profiles.descriptors import Descriptors, read_descriptors
from neural_memory_pipelines.domain.versions import EmbeddingVersion
from neural_memory_pipelines.errors import NotFoundError, PermanentError
from neural_memory_pipelines.stores.postgres.engine import Transaction
from neural_memory_pipelines.stores.postgres.entities import EntityRow
from neural_memory_pipelines.stores.postgres.streams import stream

_MOST_NAMED = 10
_VECTORS_AT_ONCE = 1_000

_PROFILES = """SELECT p.entity_id, e.kind, e.name, p.observation_count, p.summary_count, p.descriptors, p.drift_cosine,
    p.accepted_at, p.accepted_by, p.last_rebuilt_at
FROM memory_profiles p JOIN entities e USING (entity_id) WHERE p.embedding_version = :version"""

# An id or a key before a name, and a name before a login without its system: the first that anything answers to counts.
_FIND = """
SELECT DISTINCT ON (h.entity_id) h.entity_id, h.kind, h.key, h.name, h.merged_into, CASE
    WHEN e.entity_id = :name OR lower(e.key) = lower(:name) THEN 1
    WHEN lower(e.name) = lower(:name) OR lower(a.value) = lower(:name) THEN 2 ELSE 3 END AS place
FROM entities e LEFT JOIN entity_aliases a USING (entity_id)
JOIN entities h ON h.entity_id = coalesce(e.merged_into, e.entity_id)
WHERE e.entity_id = :name OR lower(e.key) = lower(:name) OR lower(e.name) = lower(:name)
    OR lower(a.value) = lower(:name)
    OR a.alias_type = 'login' AND lower(regexp_replace(a.value, '^[^:]*:', '')) = lower(ltrim(:name, '@'))
ORDER BY h.entity_id, place"""

_ACCEPT = """
UPDATE memory_profiles p SET accepted = e.vector, accepted_at = :now, accepted_by = :accepted_by, drift_cosine = 0
FROM profile_centroids c JOIN embeddings e ON e.workspace_id = :workspace AND e.embedding_version = :version
    AND e.content_hash = c.content_hash
WHERE p.embedding_version = :version AND p.entity_id = :entity AND c.entity_id = p.entity_id
    AND c.embedding_version = :version AND c.view = 'body'"""
_NOTE_ACCEPTED = """
INSERT INTO profile_drifts (workspace_id, entity_id, embedding_version, at, drift_cosine, observation_count)
SELECT p.workspace_id, p.entity_id, p.embedding_version, :now, 0, p.observation_count FROM memory_profiles p
WHERE p.embedding_version = :version AND p.entity_id = :entity
ON CONFLICT (workspace_id, entity_id, embedding_version, at) DO UPDATE SET drift_cosine = 0"""

_BODIES = """SELECT c.entity_id, n.kind, n.name, e.vector FROM profile_centroids c JOIN entities n USING (entity_id)
JOIN embeddings e ON e.workspace_id = :workspace AND e.embedding_version = :version AND e.content_hash = c.content_hash
WHERE c.embedding_version = :version AND c.view = 'body'"""


@dataclass(frozen=True, slots=True)
class Profile:
    """A profile as it is shown. `drift_cosine` is 0..2, the times are aware."""

    entity_id: EntityId
    kind: str
    name: str
    observation_count: int
    summary_count: int
    descriptors: Descriptors
    drift_cosine: float
    accepted_at: datetime
    accepted_by: str
    last_rebuilt_at: datetime


@dataclass(frozen=True, slots=True)
class DriftPoint:
    """How far a profile was from the accepted one at a time, 0..2, and from how many observations it was made."""

    entity_id: EntityId
    name: str
    at: datetime
    drift_cosine: float
    observation_count: int


@dataclass(frozen=True, slots=True)
class NearProfile:
    """An entity whose body centroid is near, and how near: -1..1."""

    entity_id: EntityId
    kind: str
    name: str
    similarity_cosine: float


def profile_of(tx: Transaction, version: EmbeddingVersion, entity: EntityId) -> Profile:
    """Read the profile of an entity at a version.

    Raises:
        NotFoundError: it has none.
    """
    row = tx.connection.execute(
        text(f"{_PROFILES} AND p.entity_id = :entity"), {"version": version.name, "entity": entity}
    ).one_or_none()
    if row is None:
        raise NotFoundError(
            f"{entity} has no profile at version {version.name}: nothing that all may read was observed of it before "
            "the last consolidation"
        )
    return _profile(row)


def list_profiles(tx: Transaction, version: EmbeddingVersion, limit: int) -> list[Profile]:
    """List the profiles at a version, those of most observations first."""
    rows = tx.connection.execute(
        text(f"{_PROFILES} ORDER BY p.observation_count DESC, e.name, p.entity_id LIMIT :limit"),
        {"version": version.name, "limit": limit},
    )
    return [_profile(row) for row in rows]


def drifted_profiles(tx: Transaction, version: EmbeddingVersion, *, above_cosine: float) -> list[Profile]:
    """List the profiles that are farther than a cosine distance from the accepted one, the farthest first."""
    rows = tx.connection.execute(
        text(f"{_PROFILES} AND p.drift_cosine > :above ORDER BY p.drift_cosine DESC, e.name, p.entity_id"),
        {"version": version.name, "above": above_cosine},
    )
    return [_profile(row) for row in rows]


def drift_history(tx: Transaction, version: EmbeddingVersion, *, entities: Sequence[EntityId]) -> list[DriftPoint]:
    """List how far the profiles of entities were from the accepted ones, by entity and time."""
    rows = tx.connection.execute(
        text(
            "SELECT d.entity_id, e.name, d.at, d.drift_cosine, d.observation_count FROM profile_drifts d "
            "JOIN entities e USING (entity_id) WHERE d.embedding_version = :version AND d.entity_id = ANY(:entities) "
            "ORDER BY d.entity_id, d.at"
        ),
        {"version": version.name, "entities": list(entities)},
    )
    return [DriftPoint(**row._mapping) for row in rows]


def find_entity(tx: Transaction, name: str) -> EntityRow:
    """Find the one entity that answers to an id, a key, a name, an alias or a login, in any case.

    Raises:
        NotFoundError: there is none.
        PermanentError: there are several; names them.
    """
    rows = tx.connection.execute(text(_FIND), {"name": name.strip()}).all()
    first = min((row.place for row in rows), default=0)
    found = [
        EntityRow(row.entity_id, row.kind, row.key, row.name, row.merged_into) for row in rows if row.place == first
    ]
    if not found:
        raise NotFoundError(f"no person, team, repository, component or project answers to {name!r}")
    if len(found) > 1:
        named = ", ".join(f"{row.key} ({row.kind} {row.name})" for row in found[:_MOST_NAMED])
        more = f" and {len(found) - _MOST_NAMED} more" if len(found) > _MOST_NAMED else ""
        raise PermanentError(f"{name!r} may be any of {named}{more}: give one of these keys")
    return found[0]


def nearest_profiles(tx: Transaction, version: EmbeddingVersion, entity: EntityId, *, limit: int) -> list[NearProfile]:
    """List the entities that have to do with the most similar things, by the cosine of body centroids.

    All centroids of the workspace are compared, a batch at a time.

    Raises:
        NotFoundError: the entity has no body centroid at this version.
    """
    values = {"workspace": tx.workspace_id, "version": version.name}
    own = tx.connection.execute(text(f"{_BODIES} AND c.entity_id = :entity"), {**values, "entity": entity}).first()
    if own is None:
        raise NotFoundError(f"{entity} has no profile with a vector at version {version.name}")
    mine = np.frombuffer(own.vector, dtype="<f4")
    near: list[NearProfile] = []
    for rows in stream(tx, _BODIES, values, batch=_VECTORS_AT_ONCE):
        cosines = np.frombuffer(b"".join(row.vector for row in rows), dtype="<f4").reshape(len(rows), -1) @ mine
        near += [
            NearProfile(EntityId(row.entity_id), row.kind, row.name, float(cosine))
            for row, cosine in zip(rows, cosines, strict=True)
            if row.entity_id != entity
        ]
        near = sorted(near, key=lambda item: (-item.similarity_cosine, item.entity_id))[:limit]
    return near


def accept(tx: Transaction, version: EmbeddingVersion, entity: EntityId, *, accepted_by: str, now: datetime) -> None:
    """Make the body centroid that a profile has the accepted one.

    Raises:
        NotFoundError: the entity has no profile, or one without a vector.
    """
    values = {"workspace": tx.workspace_id, "version": version.name, "entity": entity, "now": now}
    accepted = tx.connection.execute(text(_ACCEPT), {**values, "accepted_by": accepted_by}).rowcount
    if not accepted:
        raise NotFoundError(f"{entity} has no profile with a vector at version {version.name}: there is none to accept")
    tx.connection.execute(text(_NOTE_ACCEPTED), values)


def _profile(row: Any) -> Profile:
    return Profile(**{**row._mapping, "descriptors": read_descriptors(row.descriptors)})

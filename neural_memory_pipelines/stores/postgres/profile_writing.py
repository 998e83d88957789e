"""Writes profiles of entities with their centroids, and lets go of those that have no evidence any more.

What a profile is made from is in `profile_evidence.py`; reading and accepting them is in `profiles.py`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import numpy.typing as npt
from sqlalchemy import text

from neural_memory_pipelines.domain.ids import ContentHash, EntityId
from neural_memory_pipelines.domain.profiles.centroids import BODY, centroid_hash
from neural_memory_pipelines.domain.profiles.descriptors import Descriptors
from neural_memory_pipelines.domain.versions import EmbeddingVersion
from neural_memory_pipelines.stores.postgres.bulk import insert_rows
from neural_memory_pipelines.stores.postgres.engine import Transaction
from neural_memory_pipelines.stores.postgres.families import store_vectors
from neural_memory_pipelines.stores.postgres.tables import memory_profiles, profile_centroids, profile_drifts

_SYSTEM = "neural-memory"

# The first body centroid that lacks no vector is accepted by itself; from then on only people move what was accepted.
_UPSERT_PROFILE = """(workspace_id, entity_id, embedding_version) DO UPDATE SET observation_count = excluded.observation_count,
    summary_count = excluded.summary_count, descriptors = excluded.descriptors,
    evidence_hash = excluded.evidence_hash, drift_cosine = excluded.drift_cosine,
    last_rebuilt_at = excluded.last_rebuilt_at, accepted = coalesce(memory_profiles.accepted, excluded.accepted),
    accepted_at = CASE WHEN memory_profiles.accepted IS NULL THEN excluded.accepted_at
        ELSE memory_profiles.accepted_at END"""
_UPSERT_CENTROID = """(workspace_id, entity_id, embedding_version, view) DO UPDATE
    SET content_hash = excluded.content_hash, updated_at = excluded.updated_at
    WHERE profile_centroids.content_hash <> excluded.content_hash"""
_UPSERT_DRIFT = """(workspace_id, entity_id, embedding_version, at) DO UPDATE
    SET drift_cosine = excluded.drift_cosine, observation_count = excluded.observation_count"""

_LETTING_GO = """DELETE FROM profile_centroids c WHERE c.embedding_version = :version AND c.entity_id = ANY(:entities)
    AND NOT EXISTS (SELECT FROM unnest(CAST(:kept_of AS text[]), CAST(:kept AS text[])) AS k(entity_id, view)
        WHERE k.entity_id = c.entity_id AND k.view = c.view)"""
_UNNAMED = """DELETE FROM embeddings e WHERE e.workspace_id = :workspace AND e.embedding_version = :version
    AND e.content_hash = ANY(:hashes) AND NOT EXISTS (SELECT FROM profile_centroids c
        WHERE c.embedding_version = :version AND c.content_hash = e.content_hash)"""


@dataclass(frozen=True, slots=True)
class KeptProfile:
    """What is kept of a profile before it is made again.

    `accepted` and `body` are the body centroids accepted last and held now, shape (dim,); None if there is none.
    `hashes` are those of all its centroids.
    """

    accepted: npt.NDArray[np.float32] | None
    body: npt.NDArray[np.float32] | None
    hashes: frozenset[ContentHash]


@dataclass(frozen=True, slots=True)
class ProfileDraft:
    """A profile as it was made.

    `centroids` by view, shape (dim,) each; `drift_cosine` 0..2 from the accepted one; `is_whole`: it lacks no vector.
    """

    entity_id: EntityId
    observations: int
    summaries: int
    descriptors: Descriptors
    evidence_hash: str
    drift_cosine: float
    is_whole: bool
    centroids: Mapping[str, npt.NDArray[np.float32]]

    @property
    def body(self) -> npt.NDArray[np.float32] | None:
        """The centroid of the body view."""
        return self.centroids.get(BODY)


def evidence_hashes(tx: Transaction, version: EmbeddingVersion) -> dict[EntityId, str]:
    """Read what each profile at a version was made from, as a hash."""
    rows = tx.connection.execute(
        text("SELECT entity_id, evidence_hash FROM memory_profiles WHERE embedding_version = :version"),
        {"version": version.name},
    )
    return {EntityId(row.entity_id): row.evidence_hash for row in rows}


def kept_profiles(
    tx: Transaction, version: EmbeddingVersion, entities: Sequence[EntityId]
) -> dict[EntityId, KeptProfile]:
    """Read what is kept of the profiles of entities at a version; those without one are missing."""
    rows = tx.connection.execute(
        text(
            "SELECT p.entity_id, p.accepted, (SELECT e.vector FROM profile_centroids c JOIN embeddings e "
            "ON e.workspace_id = :workspace AND e.embedding_version = :version AND e.content_hash = c.content_hash "
            "WHERE c.entity_id = p.entity_id AND c.embedding_version = :version AND c.view = 'body') AS body, "
            "ARRAY(SELECT c.content_hash FROM profile_centroids c WHERE c.entity_id = p.entity_id "
            "AND c.embedding_version = :version) AS hashes FROM memory_profiles p "
            "WHERE p.embedding_version = :version AND p.entity_id = ANY(:entities)"
        ),
        {"workspace": tx.workspace_id, "version": version.name, "entities": list(entities)},
    )
    return {
        EntityId(row.entity_id): KeptProfile(
            _values(row.accepted), _values(row.body), frozenset(map(ContentHash, row.hashes))
        )
        for row in rows
    }


def write_profiles(
    tx: Transaction,
    version: EmbeddingVersion,
    drafts: Sequence[ProfileDraft],
    *,
    kept: Mapping[EntityId, KeptProfile],
    now: datetime,
) -> None:
    """Write profiles with their centroids; vectors that no centroid is any more are deleted.

    Args:
        tx: the transaction.
        version: of the centroids.
        drafts: the profiles as they were made.
        kept: what is kept of them.
        now: when they were made (aware).
    """
    hashed = {
        (draft.entity_id, view): (centroid_hash(values), values)
        for draft in drafts
        for view, values in draft.centroids.items()
    }
    vectors = dict(hashed.values())
    if vectors:
        store_vectors(tx, version, hashes=list(vectors), vectors=np.stack(list(vectors.values())))
    insert_rows(tx, memory_profiles, [_profile(draft, version, now) for draft in drafts], on_conflict=_UPSERT_PROFILE)
    _write_centroids(tx, version, drafts, hashes={key: name for key, (name, _) in hashed.items()}, now=now)
    moved = [draft for draft in drafts if _moved(draft, kept.get(draft.entity_id))]
    insert_rows(tx, profile_drifts, [_drift(draft, version, now) for draft in moved], on_conflict=_UPSERT_DRIFT)
    _delete_unnamed(tx, version, {name for profile in kept.values() for name in profile.hashes} - set(vectors))


def forget_profiles(tx: Transaction, version: EmbeddingVersion, entities: Sequence[EntityId]) -> None:
    """Delete the profiles of entities at a version, with their centroids, these vectors and their history."""
    hashes = {name for profile in kept_profiles(tx, version, entities).values() for name in profile.hashes}
    for table in ("profile_centroids", "profile_drifts", "memory_profiles"):
        tx.connection.execute(
            text(f"DELETE FROM {table} WHERE embedding_version = :version AND entity_id = ANY(:entities)"),
            {"version": version.name, "entities": list(entities)},
        )
    _delete_unnamed(tx, version, hashes)


def _write_centroids(
    tx: Transaction,
    version: EmbeddingVersion,
    drafts: Sequence[ProfileDraft],
    *,
    hashes: Mapping[tuple[EntityId, str], ContentHash],
    now: datetime,
) -> None:
    tx.connection.execute(
        text(_LETTING_GO),
        {
            "version": version.name,
            "entities": [draft.entity_id for draft in drafts],
            "kept_of": [entity for entity, _ in hashes],
            "kept": [view for _, view in hashes],
        },
    )
    rows = [
        {
            "entity_id": entity,
            "embedding_version": version.name,
            "view": view,
            "content_hash": name,
            "updated_at": now,
        }
        for (entity, view), name in hashes.items()
    ]
    insert_rows(tx, profile_centroids, rows, on_conflict=_UPSERT_CENTROID)


def _delete_unnamed(tx: Transaction, version: EmbeddingVersion, hashes: Iterable[ContentHash]) -> None:
    """Delete the vectors of these that are no profile's centroid. Two entities may have had the same one."""
    tx.connection.execute(
        text(_UNNAMED), {"workspace": tx.workspace_id, "version": version.name, "hashes": list(hashes)}
    )


def _profile(draft: ProfileDraft, version: EmbeddingVersion, now: datetime) -> dict[str, object]:
    return {
        "entity_id": draft.entity_id,
        "embedding_version": version.name,
        "observation_count": draft.observations,
        "summary_count": draft.summaries,
        "descriptors": draft.descriptors.spelled(),
        "evidence_hash": draft.evidence_hash,
        "drift_cosine": draft.drift_cosine,
        "accepted": draft.body.tobytes() if draft.body is not None and draft.is_whole else None,
        "accepted_at": now,
        "accepted_by": _SYSTEM,
        "last_rebuilt_at": now,
    }


def _moved(draft: ProfileDraft, before: KeptProfile | None) -> bool:
    if draft.body is None:
        return False
    return before is None or before.body is None or not np.array_equal(draft.body, before.body)


def _drift(draft: ProfileDraft, version: EmbeddingVersion, now: datetime) -> dict[str, object]:
    return {
        "entity_id": draft.entity_id,
        "embedding_version": version.name,
        "at": now,
        "drift_cosine": draft.drift_cosine,
        "observation_count": draft.observations,
    }


def _values(kept: bytes | None) -> npt.NDArray[np.float32] | None:
    return None if kept is None else np.frombuffer(kept, dtype="<f4")

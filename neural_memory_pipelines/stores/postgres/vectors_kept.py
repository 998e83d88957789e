"""The durable vectors beyond one family: taking over those of a like version, looking them over, letting them go.

Which texts want a vector is in `families.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from sqlalchemy import text

from neural_memory_pipelines.domain.ids import ContentHash
from neural_memory_pipelines.domain.versions import EmbeddingVersion
from neural_memory_pipelines.stores.postgres.engine import Transaction

_BYTES_PER_VALUE = 4


@dataclass(frozen=True, slots=True)
class KeptVector:
    """A vector as it is kept; `values` has as many numbers as its bytes hold."""

    content_hash: ContentHash
    values: npt.NDArray[np.float32]


def like_versions(tx: Transaction, version: EmbeddingVersion) -> list[str]:
    """Name the versions at which a text has the same vector as at this one, itself among them."""
    return list(
        tx.connection.scalars(
            text(
                "SELECT name FROM embedding_versions WHERE model = :model AND dim = :dim "
                "AND compression = :compression UNION SELECT :version"
            ),
            {
                "version": version.name,
                "model": version.model,
                "dim": version.dim,
                "compression": version.compression,
            },
        )
    )


def take_over_vectors(tx: Transaction, version: EmbeddingVersion) -> int:
    """Copy the vectors that other versions of the same model, dimension and compression have of this workspace's texts.

    Returns:
        How many were copied: so many texts need not be embedded again.
    """
    others = [name for name in like_versions(tx, version) if name != version.name]
    if not others:
        return 0
    copied = tx.connection.execute(
        text(
            "INSERT INTO embeddings (workspace_id, embedding_version, content_hash, vector) "
            "SELECT DISTINCT ON (e.content_hash) e.workspace_id, :version, e.content_hash, e.vector FROM embeddings e "
            "WHERE e.workspace_id = :workspace AND e.embedding_version = ANY(:others) "
            "AND NOT EXISTS (SELECT FROM profile_centroids p WHERE p.content_hash = e.content_hash) "
            "ORDER BY e.content_hash, e.embedding_version ON CONFLICT DO NOTHING"
        ),
        {"workspace": tx.workspace_id, "version": version.name, "others": others},
    )
    return copied.rowcount


def count_odd_lengths(tx: Transaction, version: EmbeddingVersion) -> int:
    """Count vectors of a version that have not as many values as its dimension says."""
    return int(
        tx.connection.execute(
            text(
                "SELECT count(*) FROM embeddings WHERE workspace_id = :workspace AND embedding_version = :version "
                "AND octet_length(vector) <> :bytes"
            ),
            {"workspace": tx.workspace_id, "version": version.name, "bytes": version.dim * _BYTES_PER_VALUE},
        ).scalar_one()
    )


def sample_vectors(tx: Transaction, version: EmbeddingVersion, *, limit: int) -> list[KeptVector]:
    """Read some of a version's vectors: the same ones each time, and without any order that texts have."""
    rows = tx.connection.execute(
        text(
            "SELECT content_hash, vector FROM embeddings WHERE workspace_id = :workspace "
            "AND embedding_version = :version ORDER BY content_hash LIMIT :limit"
        ),
        {"workspace": tx.workspace_id, "version": version.name, "limit": limit},
    )
    return [KeptVector(ContentHash(row.content_hash), np.frombuffer(row.vector, dtype="<f4")) for row in rows]


def vectors_of(
    tx: Transaction, version: EmbeddingVersion, hashes: Sequence[ContentHash]
) -> dict[ContentHash, npt.NDArray[np.float32]]:
    """Read the vectors of texts; those without one are missing."""
    rows = tx.connection.execute(
        text(
            "SELECT content_hash, vector FROM embeddings WHERE workspace_id = :workspace "
            "AND embedding_version = :version AND content_hash = ANY(:hashes)"
        ),
        {"workspace": tx.workspace_id, "version": version.name, "hashes": list(hashes)},
    )
    return {ContentHash(row.content_hash): np.frombuffer(row.vector, dtype="<f4") for row in rows}


def drop_vectors(tx: Transaction, version: EmbeddingVersion) -> int:
    """Delete the durable vectors of a version in this workspace; returns how many there were."""
    return tx.connection.execute(
        text("DELETE FROM embeddings WHERE workspace_id = :workspace AND embedding_version = :version"),
        {"workspace": tx.workspace_id, "version": version.name},
    ).rowcount

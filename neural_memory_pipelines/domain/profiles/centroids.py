"""Centroids of an entity: weighted means of unit vectors, and how far one is from another.

Vectors come in and go out; where they are kept is not known here.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Generic, TypeVar

import numpy as np
import numpy.typing as npt

from neural_memory_pipelines.domain.ids import ContentHash, hash_bytes
from neural_memory_pipelines.errors import ContractError

BODY, TITLE, SUMMARY = "body", "title", "summary"
VIEWS = (BODY, TITLE, SUMMARY)

Key = TypeVar("Key", bound=Hashable)

# Weighted values are added as whole numbers of this fraction: such sums do not depend on the order of the rows, so that
# the same evidence gives the same bytes. 2^23 vectors of weight 1 fit; a value is off by at most 5e-13.
_PARTS = float(1 << 40)
_LEAST_LENGTH = 1e-9
_KIND = b"profile centroid\0"


class WeightedSums(Generic[Key]):
    """Weighted sums of vectors by key. Vectors are added in batches and not kept: memory is that of the sums."""

    def __init__(self, dim: int) -> None:
        self._dim = dim
        self._sums: dict[Key, npt.NDArray[np.int64]] = {}

    def add(self, keys: Sequence[Key], vectors: npt.NDArray[np.float32], weights: npt.NDArray[np.float64]) -> None:
        """Add vectors, each to the sum of its key.

        Args:
            keys: of each vector.
            vectors: shape (len(keys), dim), of unit length.
            weights: shape (len(keys),), 0..1.

        Raises:
            ContractError: a vector is not finite, or has another dimension.
        """
        if vectors.shape != (len(keys), self._dim) or not np.isfinite(vectors).all():
            raise ContractError(f"expected {len(keys)} finite vectors of {self._dim} values, got {vectors.shape}")
        slots: dict[Key, int] = {}
        places = np.array([slots.setdefault(key, len(slots)) for key in keys], dtype=np.intp)
        order = np.argsort(places, kind="stable")
        parts = np.rint(vectors * (weights * _PARTS)[:, None]).astype(np.int64)[order]
        starts = np.searchsorted(places[order], np.arange(len(slots)))
        for key, added in zip(slots, np.add.reduceat(parts, starts, axis=0) if slots else (), strict=True):
            known = self._sums.get(key)
            self._sums[key] = added if known is None else known + added

    def unit(self, key: Key) -> npt.NDArray[np.float32] | None:
        """Scale the sum of a key to length 1, shape (dim,); None if nothing, or what cancels out, was added."""
        total = self._sums.get(key)
        if total is None:
            return None
        values = total / _PARTS
        length = float(np.linalg.norm(values))
        return (values / length).astype("<f4") if length > _LEAST_LENGTH else None


def recency_weights(ages_days: npt.NDArray[np.float64], half_life_days: float) -> npt.NDArray[np.float64]:
    """Weigh evidence by age: 2^(-age / half-life).

    Ages are counted from the entity's latest evidence and not from now. Another moment would multiply all weights of
    an entity by one factor, which leaves the direction of their mean as it is: a night in which nothing happened
    changes no profile.

    Args:
        ages_days: of the texts of one entity and view, >= 0.
        half_life_days: after which a text weighs half, > 0.

    Returns:
        Weights, 0..1.
    """
    return np.exp2(-ages_days / half_life_days)


def distance_cosine(one: npt.NDArray[np.float32], other: npt.NDArray[np.float32]) -> float:
    """Tell how far two vectors point apart: 1 - cosine, 0..2.

    Raises:
        ContractError: they have different dimensions, or one has no direction.
    """
    first, second = one.astype(np.float64), other.astype(np.float64)
    lengths = float(np.linalg.norm(first) * np.linalg.norm(second))
    if first.shape != second.shape or not lengths > 0:
        raise ContractError(f"vectors of {first.size} and {second.size} values, lengths {lengths}: no cosine")
    return float(np.clip(1 - np.dot(first, second) / lengths, 0, 2))


def centroid_hash(centroid: npt.NDArray[np.float32]) -> ContentHash:
    """Hash a centroid by its values; it is never the hash of a text."""
    return hash_bytes(_KIND + np.ascontiguousarray(centroid, dtype="<f4").tobytes())

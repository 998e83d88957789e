"""The three metrics of the vendor over records in memory. Filters and limits are applied before."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .state import StoredRecord


def scores(
    records: list[StoredRecord], vector: NDArray[np.float32], *, metric: str
) -> list[tuple[StoredRecord, float]]:
    """Return records with their scores, nearest first; equal scores in the order of ids.

    Args:
        records: at least one; vectors of shape (dimension,).
        vector: shape (dimension,).
        metric: cosine, dotproduct (more is nearer) or euclidean (squared distance, less is nearer).
    """
    matrix = np.stack([record.vector for record in records]).astype(np.float64)
    target = vector.astype(np.float64)
    found = ((matrix - target) ** 2).sum(axis=1) if metric == "euclidean" else matrix @ target
    if metric == "cosine":
        lengths = np.linalg.norm(matrix, axis=1) * np.linalg.norm(target)
        found = np.divide(found, lengths, out=np.zeros_like(found), where=lengths > 0)
    sign = 1.0 if metric == "euclidean" else -1.0
    pairs = zip(records, found.tolist(), strict=True)
    return sorted(pairs, key=lambda pair: (sign * pair[1], pair[0].id))

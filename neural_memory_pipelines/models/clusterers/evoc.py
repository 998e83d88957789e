"""The one door to clustering: checks the vectors, and chooses what fits their number.

How rows are grouped is in `density.py` (EVoC) and `average_linkage.py`; no ids, no texts and no topics are known here.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from neural_memory_pipelines.errors import ContractError
from neural_memory_pipelines.models.clusterers import average_linkage, density

FEWEST_FOR_EVOC = 1_000
"""Measured on banking77: below, neighbourhoods are too small for EVoC, and average linkage finds as much or more."""

_UNIT_NORM_TOLERANCE = 1e-3
_NEXT_TO_NOTHING = 0.1

Labels = npt.NDArray[np.int64]
"""Shape (n,): the group of each row, numbered from 0; -1 is noise."""


def cluster(vectors: npt.NDArray[np.float32], *, least: int) -> Labels:
    """Group vectors by what they mean; the same set of vectors gives the same groups, in whatever order it comes.

    Identical vectors share a group. It computes on one thread, and takes CPU-seconds and not milliseconds: docs/ tells.

    Args:
        vectors: shape (n, dim), float32, rows of length 1.
        least: fewest rows of a group, at least 2.

    Raises:
        ContractError: the vectors have another shape or type, are not finite, or not of length 1.
    """
    _refuse_bad(vectors)
    if len(vectors) < least:
        return np.full(len(vectors), -1, dtype=np.int64)
    rows, inverse, copies = _distinct(vectors)
    labels = _by_density(rows) if len(rows) >= FEWEST_FOR_EVOC else average_linkage.group(rows)
    return _numbered(_large_enough(labels, copies, least=least))[inverse]


def _by_density(rows: npt.NDArray[np.float32]) -> Labels:
    """Group by density, which finds next to nothing where all rows are one group."""
    labels = density.group(rows)
    if (labels >= 0).mean() < _NEXT_TO_NOTHING and _mean_cosine(rows) >= average_linkage.ALIKE_COSINE:
        return np.zeros_like(labels)
    return labels


def _mean_cosine(rows: npt.NDArray[np.float32]) -> float:
    """Mean over all pairs of different rows: from the length of their sum, without looking at the pairs."""
    total = rows.sum(axis=0, dtype=np.float64)
    return float(total @ total - len(rows)) / (len(rows) * (len(rows) - 1))


def _refuse_bad(vectors: npt.NDArray[np.float32]) -> None:
    if vectors.ndim != 2 or vectors.dtype != np.float32:
        raise ContractError(f"vectors to cluster: expected float32 (n, dim), not {vectors.dtype} {vectors.shape}")
    norms = np.sqrt(np.einsum("ij,ij->i", vectors, vectors))
    # A value that is not finite makes its norm so, and no comparison with that is true.
    bad = np.flatnonzero(~(np.abs(norms - 1) <= _UNIT_NORM_TOLERANCE))
    if bad.size:
        raise ContractError(
            f"vectors to cluster: {bad.size} of {len(vectors)} are not of length 1, "
            f"the first is row {bad[0]} with {norms[bad[0]]:.4g}"
        )


def _distinct(
    vectors: npt.NDArray[np.float32],
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """List distinct rows in an order of their own, which row is which of them, and how often each comes."""
    # Adding 0 makes one zero of the two that float32 has, which are equal and differ in their bytes.
    keys = np.ascontiguousarray(vectors + np.float32(0)).view(np.dtype((np.void, vectors.itemsize * vectors.shape[1])))
    _, first, inverse, copies = np.unique(keys.ravel(), return_index=True, return_inverse=True, return_counts=True)
    return vectors[first], inverse.reshape(-1), copies


def _large_enough(labels: Labels, copies: npt.NDArray[np.int64], *, least: int) -> Labels:
    """Call small groups noise, and what is noise but comes often enough a group of its own."""
    sizes = np.bincount(labels[labels >= 0], weights=copies[labels >= 0], minlength=labels.max(initial=-1) + 1)
    kept = np.where((labels >= 0) & (np.append(sizes, 0)[labels] >= least), labels, -1)
    alone = np.flatnonzero((kept < 0) & (copies >= least))
    kept[alone] = len(sizes) + np.arange(len(alone))
    return kept


def _numbered(labels: Labels) -> Labels:
    """Number groups from 0, in the order in which they first come."""
    found, first, inverse = np.unique(labels, return_index=True, return_inverse=True)
    first[found < 0] = -1
    numbers = np.argsort(np.argsort(first)) - (found < 0).sum()
    return np.where(labels < 0, -1, numbers[inverse.reshape(-1)]).astype(np.int64)

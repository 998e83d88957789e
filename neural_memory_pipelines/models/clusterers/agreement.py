"""Finds the grouping that several groupings of the same rows agree on. It does no grouping of vectors."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Labels = npt.NDArray[np.int64]

_MOST_NOISE_SHARE = 0.2
_MOST_APART = 0.7  # 1 - Jaccard; between 0.5 and 0.8 nothing changes much on banking77


def agreed(runs: Sequence[Labels]) -> Labels:
    """Group rows as most runs do: groups of different runs that share members are one, and rows vote.

    A row is noise if no group has the votes of more than half of the runs, or if more than a fifth of them call it so.

    Args:
        runs: each of shape (n,), numbers of groups, -1 for noise.

    Returns:
        Shape (n,), numbers of groups, -1 for noise.

    Source:
        Strehl and Ghosh 2002, Cluster Ensembles, JMLR 3, 583-617 (section 3.4, MCLA).
    """
    from scipy.sparse import csr_array, hstack  # noqa: PLC0415 - slow to import

    memberships = hstack([_memberships(labels) for labels in runs]).tocsr()
    shared = (memberships.T @ memberships).toarray()
    joined = _joined(shared)
    shape = (len(joined), int(joined.max(initial=-1)) + 1)
    votes_of = csr_array((np.ones(len(joined)), (np.arange(len(joined)), joined)), shape=shape)
    labels = _elected(memberships @ votes_of, quorum=len(runs) // 2 + 1)
    noise = (np.stack(runs) < 0).mean(axis=0)
    return np.where(noise > _MOST_NOISE_SHARE, -1, labels)


def _joined(shared: npt.NDArray[np.float64]) -> Labels:
    """Tell which groups of all runs are one, by the number of members that each two share, shape (groups, groups)."""
    from scipy.cluster.hierarchy import fcluster, linkage  # noqa: PLC0415 - slow to import
    from scipy.spatial.distance import squareform  # noqa: PLC0415 - slow to import

    if len(shared) < 2:
        return np.zeros(len(shared), dtype=np.int64)
    sizes = shared.diagonal()
    apart = 1.0 - shared / (sizes[:, None] + sizes[None, :] - shared)
    np.fill_diagonal(apart, 0.0)
    tree = linkage(squareform(apart, checks=False), method="average")
    return np.asarray(fcluster(tree, t=_MOST_APART, criterion="distance"), dtype=np.int64) - 1


def _memberships(labels: Labels) -> object:
    from scipy.sparse import csr_array  # noqa: PLC0415 - slow to import

    rows = np.flatnonzero(labels >= 0)
    # Numbers without a member would be groups of size 0.
    _, numbers = np.unique(labels[rows], return_inverse=True)
    shape = (len(labels), int(numbers.max(initial=-1)) + 1)
    return csr_array((np.ones(len(rows)), (rows, numbers.reshape(-1))), shape=shape)


def _elected(votes: object, *, quorum: int) -> Labels:
    """Choose the group with most votes for each row, the first of equals; -1 where none has enough."""
    counted = votes.tocoo()  # type: ignore[attr-defined]  # scipy has no types
    order = np.lexsort((counted.col, -counted.data, counted.row))
    rows, first = np.unique(counted.row[order], return_index=True)
    best = order[first]
    labels = np.full(votes.shape[0], -1, dtype=np.int64)  # type: ignore[attr-defined]  # scipy has no types
    enough = counted.data[best] >= quorum
    labels[rows[enough]] = counted.col[best][enough]
    return labels

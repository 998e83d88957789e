"""Tells how well groups follow neighbourhoods, to choose how fine to group. It does no grouping."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt


def modularity(labels: npt.NDArray[np.int64], neighbors: npt.NDArray[np.int32]) -> float:
    """Tell how many more neighbours share a group than would by chance.

    Too fine a grouping parts neighbours, too coarse a one leaves little to chance: the best is between. Noise and its
    neighbourhoods are left out.

    Args:
        labels: shape (n,), numbers of groups, -1 for noise.
        neighbors: shape (n, k), the rows nearest to each, without itself.

    Returns:
        -1..1; -1 for fewer than two groups.

    Source:
        Newman and Girvan 2004, Physical Review E 69, 026113.
    """
    groups = int(labels.max(initial=-1)) + 1
    if groups < 2:
        return -1.0
    here = np.repeat(labels, neighbors.shape[1])
    there = labels[neighbors.ravel()]
    inside = (here >= 0) & (there >= 0)
    here, there = here[inside], there[inside]
    if not here.size:
        return -1.0
    by_chance = np.bincount(here, minlength=groups) * np.bincount(there, minlength=groups) / here.size**2
    return float((here == there).mean() - by_chance.sum())

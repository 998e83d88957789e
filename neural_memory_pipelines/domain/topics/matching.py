"""Which new groups are old topics: ids stay with those that share most members. It makes no groups."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence

import numpy as np

from neural_memory_pipelines.domain.ids import ClusterId, ObservationId

LEAST_JACCARD = 1 / 3
"""Two sets of which each has more than half of the other always reach it: below, one is mostly something else."""


def match(
    old: Mapping[ClusterId, Collection[ObservationId]], new: Sequence[Collection[ObservationId]]
) -> list[ClusterId | None]:
    """Find the old topic that each new group is, by the share of members in common.

    Pairs are chosen so that the sum of their Jaccard similarities is greatest; each topic and each group is in one at
    most. Only overlaps are looked at, so that thousands of topics need no square of them.

    Args:
        old: members of each topic; an observation in one at most.
        new: members of each group; an observation in one at most.

    Returns:
        For each group its old topic's id, or None for a new one.

    Source:
        Kuhn 1955, The Hungarian method for the assignment problem; here by LAPJVsp (scipy) on a sparse graph.
    """
    from scipy.sparse import csr_array  # noqa: PLC0415 - slow to import
    from scipy.sparse.csgraph import min_weight_full_bipartite_matching  # noqa: PLC0415 - slow to import

    ids = sorted(old)
    pairs = _alike(ids, old, new)
    if not pairs:
        return [None] * len(new)
    # Each group may also be matched to nothing, for the price of no similarity: so there always is a full matching.
    alone = [(group, len(ids) + group, 0.0) for group in range(len(new))]
    groups, topics, similar = (np.array(column) for column in zip(*pairs, *alone, strict=True))
    costs = csr_array((2.0 - similar, (groups, topics)), shape=(len(new), len(ids) + len(new)))
    rows, columns = min_weight_full_bipartite_matching(costs)
    chosen = dict(zip(rows.tolist(), columns.tolist(), strict=True))
    return [ids[chosen[group]] if chosen[group] < len(ids) else None for group in range(len(new))]


def _alike(
    ids: Sequence[ClusterId],
    old: Mapping[ClusterId, Collection[ObservationId]],
    new: Sequence[Collection[ObservationId]],
) -> list[tuple[int, int, float]]:
    """List group, place of topic and Jaccard similarity of the pairs that are alike enough."""
    owner = {member: place for place, cluster in enumerate(ids) for member in old[cluster]}
    found: list[tuple[int, int, float]] = []
    for group, members in enumerate(new):
        shared = Counter(owner[member] for member in members if member in owner)
        for place, count in sorted(shared.items()):
            jaccard = count / (len(members) + len(old[ids[place]]) - count)
            if jaccard >= LEAST_JACCARD:
                found.append((group, place, jaccard))
    return found

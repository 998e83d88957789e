"""Edges between things that are traced: what one is, and how many things are followed along it at once.

Which edges there are is in `made_from.py` and `made_into.py`.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import text

from neural_memory_pipelines.stores.postgres.clusters import ENTITIES_OF_OBSERVATIONS
from neural_memory_pipelines.stores.postgres.engine import Transaction
from neural_memory_pipelines.stores.postgres.privacy import OBSERVATION_IS_PRIVATE, cited_of
from neural_memory_pipelines.stores.postgres.tracing.kinds import Kind, Links

_ALL = 2**31 - 1

SUMMARY_IS_PRIVATE = f"(s.privacy <> 'org' OR {cited_of('s', OBSERVATION_IS_PRIVATE)})"
LATEST_FIRST = "-extract(epoch FROM {0}) AS position"
CITED = "memory_summaries s CROSS JOIN LATERAL jsonb_array_elements_text(s.evidence) WITH ORDINALITY AS n(id, place)"
ABOUT = f"({ENTITIES_OF_OBSERVATIONS}) a"
"""Which entities observations `a.observation_id` have to do with: what profiles are made from."""


@dataclass(frozen=True, slots=True)
class Edge:
    """Where a kind leads.

    Attributes:
        name: what it is called in a tree.
        to: the kind it leads to.
        query: gives (parent, key, position, is_private) for the keys of `:parents`; the least position is shown first.
        is_followed: whether the tree goes on below.
        is_numbered: whether positions are numbers that people know, such as [1] of a citation.
    """

    name: str
    to: Kind
    query: str
    is_followed: bool = True
    is_numbered: bool = False


def follow(
    tx: Transaction, edge: Edge, parents: Collection[str], *, most: int | None, include_private: bool
) -> dict[str, Links]:
    """Follow an edge from many things at once.

    Args:
        tx: the workspace's transaction.
        edge: one of the parents' kind.
        parents: their keys.
        most: most keys of each parent; None: all.
        include_private: whether what only some may read counts as shown.

    Returns:
        By parent; those from which the edge leads nowhere are missing.
    """
    query = f"""SELECT parent, count(*) FILTER (WHERE is_shown) AS total, count(*) FILTER (WHERE NOT is_shown) AS hidden,
            (array_agg(key ORDER BY position, key) FILTER (WHERE is_shown))[1:CAST(:most AS int)] AS keys,
            (array_agg(position ORDER BY position, key) FILTER (WHERE is_shown))[1:CAST(:most AS int)] AS positions
        FROM (SELECT parent, key, min(position)::float8 AS position, :include_private OR NOT bool_or(is_private) AS is_shown
            FROM ({edge.query}) e GROUP BY parent, key) l GROUP BY parent"""
    values = {"parents": list(parents), "most": _ALL if most is None else most, "include_private": include_private}
    rows = tx.connection.execute(text(query), values)
    return {row.parent: Links(tuple(row.keys or ()), tuple(row.positions or ()), row.total, row.hidden) for row in rows}

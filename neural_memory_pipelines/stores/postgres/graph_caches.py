"""The neighbours of every node as JSON, and the ledger of those that were primed into the cache.

The cache itself is not touched here.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy import text

from neural_memory_pipelines.stores.postgres.bulk import insert_rows
from neural_memory_pipelines.stores.postgres.engine import Transaction
from neural_memory_pipelines.stores.postgres.streams import over_whole_sets, stream
from neural_memory_pipelines.stores.postgres.tables import graph_cache_entries

_LIVE_EDGES = """
SELECT r.*, coalesce(fd.title, fe.name) AS from_name, coalesce(td.title, te.name) AS to_name FROM relationships r
LEFT JOIN knowledge_documents fd ON fd.document_id = r.from_id LEFT JOIN entities fe ON fe.entity_id = r.from_id
LEFT JOIN knowledge_documents td ON td.document_id = r.to_id LEFT JOIN entities te ON te.entity_id = r.to_id
WHERE r.until IS NULL AND fd.deleted_at IS NULL AND td.deleted_at IS NULL"""

_SIDE = """
SELECT '{direction}' AS direction, {near}_kind AS node_kind, {near}_id AS node_id,
    json_agg(json_build_object('type', type, 'kind', {far}_kind, 'id', {far}_id, 'name', {far}_name,
        'confidence', round(confidence::numeric, 4)) ORDER BY type, {far}_id)::text AS neighbours
FROM edges GROUP BY {near}_kind, {near}_id"""

_DESIRED = (
    f"WITH edges AS ({_LIVE_EDGES}) "
    + _SIDE.format(direction="out", near="from", far="to")
    + " UNION ALL "
    + _SIDE.format(direction="in", near="to", far="from")
)


@dataclass(frozen=True, slots=True)
class Neighbours:
    """The neighbours of a node in one direction, as a JSON list; `direction` is out or in."""

    direction: str
    node_kind: str
    node_id: str
    neighbours: str
    content_hash: str


@dataclass(frozen=True, slots=True)
class NodeKey:
    """A node in one direction."""

    direction: str
    node_kind: str
    node_id: str


def pending_neighbours(tx: Transaction, token: str, *, batch: int) -> Iterator[list[Neighbours]]:
    """Stream neighbours that were not primed into this generation as they are."""
    query = f"""SELECT n.*, md5(n.neighbours) AS content_hash FROM ({_DESIRED}) n
        LEFT JOIN graph_cache_entries e USING (direction, node_kind, node_id)
        WHERE (e.generation, e.content_hash) IS DISTINCT FROM (:token, md5(n.neighbours))"""
    for rows in stream(tx, query, {"token": token}, batch=batch):
        yield [Neighbours(**row._asdict()) for row in rows]


def lonely_nodes(tx: Transaction, *, batch: int) -> Iterator[list[NodeKey]]:
    """Stream nodes that were primed and have no neighbours any more."""
    query = f"""SELECT e.direction, e.node_kind, e.node_id FROM graph_cache_entries e WHERE NOT EXISTS
        (SELECT FROM ({_DESIRED}) n WHERE n.direction = e.direction AND n.node_kind = e.node_kind
            AND n.node_id = e.node_id)"""
    for rows in stream(tx, query, {}, batch=batch):
        yield [NodeKey(*row) for row in rows]


def record_neighbours(tx: Transaction, token: str, entries: Sequence[Neighbours]) -> None:
    """Write into the ledger that the cache holds, or with an empty token is about to get, these neighbours."""
    rows = [
        {
            "direction": entry.direction,
            "node_kind": entry.node_kind,
            "node_id": entry.node_id,
            "generation": token,
            "content_hash": entry.content_hash,
        }
        for entry in entries
    ]
    insert_rows(
        tx,
        graph_cache_entries,
        rows,
        on_conflict="(workspace_id, direction, node_kind, node_id) DO UPDATE "
        "SET generation = excluded.generation, content_hash = excluded.content_hash",
    )


def forget_nodes(tx: Transaction, nodes: Sequence[NodeKey]) -> None:
    """Remove nodes from the ledger, after the cache has deleted them."""
    tx.connection.execute(
        text(
            "DELETE FROM graph_cache_entries e USING unnest(CAST(:directions AS text[]), CAST(:kinds AS text[]), "
            "CAST(:ids AS text[])) AS n(direction, node_kind, node_id) WHERE e.direction = n.direction "
            "AND e.node_kind = n.node_kind AND e.node_id = n.node_id"
        ),
        {
            "directions": [node.direction for node in nodes],
            "kinds": [node.node_kind for node in nodes],
            "ids": [node.node_id for node in nodes],
        },
    )


def count_nodes(tx: Transaction) -> int:
    """Count nodes that have neighbours, each direction for itself."""
    return int(over_whole_sets(tx, f"SELECT count(*) FROM ({_DESIRED}) n", {}).scalar_one())

"""Steps through the graph for a search: what nodes are tied to, and the words that say so.

How far a step carries is decided in `retrieval/graph_bias.py`; nothing is written.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import text

from neural_memory_pipelines.stores.postgres.engine import Transaction
from neural_memory_pipelines.stores.postgres.graph import CODEOWNERS_FIELD

MENTIONS = "MENTIONS"

# Live edges of a node in both directions, and mentions, which are no edges of their own. Each branch has an index. A node
# of more edges than are looked at is a hub: which of them come first would be chance, so none is taken.
_TIES = """
SELECT * FROM (
    SELECT r.relationship_id AS edge_id, r.type, r.to_id AS far_id, r.to_kind AS far_kind, r.confidence
    FROM relationships r WHERE r.workspace_id = :workspace AND r.from_id = node.id AND r.until IS NULL
    UNION ALL
    SELECT r.relationship_id, r.type, r.from_id, r.from_kind, r.confidence
    FROM relationships r WHERE r.workspace_id = :workspace AND r.to_id = node.id AND r.until IS NULL
    UNION ALL
    SELECT m.link_id, 'MENTIONS', m.entity_id, 'entity', 1
    FROM document_entities m WHERE m.document_id = node.id AND m.role = 'mention'
    UNION ALL
    SELECT m.link_id, 'MENTIONS', m.document_id, 'document', 1
    FROM document_entities m WHERE m.workspace_id = :workspace AND m.entity_id = node.id AND m.role = 'mention'
) ties LIMIT :most + 1"""

_FIRST = f"""
first AS MATERIALIZED (
    SELECT node.id AS near_id, t.*, count(*) OVER (PARTITION BY node.id) AS degree
    FROM unnest(CAST(:starts AS text[])) AS node(id) CROSS JOIN LATERAL ({_TIES}) t)"""

# A start that is a hub is reached from the other side: what points at it is known to few rows of each goal.
_WALK = f"""
WITH goals AS MATERIALIZED (SELECT DISTINCT id FROM unnest(CAST(:goals AS text[])) AS g(id)), {_FIRST},
second AS MATERIALIZED (
    SELECT node.id AS near_id, t.*, count(*) OVER (PARTITION BY node.id) AS degree
    FROM (SELECT DISTINCT far_id AS id FROM first WHERE degree <= :most) node CROSS JOIN LATERAL ({_TIES}) t),
last AS MATERIALIZED (
    SELECT * FROM second WHERE degree <= :most AND far_id IN (SELECT id FROM goals)),
hubs AS MATERIALIZED (SELECT DISTINCT near_id AS id FROM first WHERE degree > :most)
SELECT 1 AS hop, f.* FROM first f
WHERE degree <= :most AND (far_id IN (SELECT id FROM goals) OR far_id IN (SELECT near_id FROM last))
UNION ALL
SELECT 2, l.* FROM last l
UNION ALL
SELECT 1, h.id, r.relationship_id, r.type, r.from_id, 'document', r.confidence, NULL
FROM goals g CROSS JOIN LATERAL (
    SELECT * FROM relationships r WHERE r.workspace_id = :workspace AND r.from_id = g.id AND r.until IS NULL
    LIMIT :most + 1) r
JOIN hubs h ON h.id = r.to_id WHERE EXISTS (SELECT FROM hubs)
UNION ALL
SELECT 1, m.entity_id, m.link_id, 'MENTIONS', m.document_id, 'document', 1, NULL
FROM goals g JOIN document_entities m ON m.document_id = g.id AND m.role = 'mention'
WHERE m.entity_id IN (SELECT id FROM hubs) AND EXISTS (SELECT FROM hubs)"""

_NEIGHBOURS = f"""
WITH {_FIRST}
SELECT 1 AS hop, f.* FROM first f JOIN knowledge_documents d ON d.document_id = f.far_id
WHERE f.degree <= :most AND f.far_kind = 'document' ORDER BY d.occurred_at DESC, f.far_id, f.edge_id"""

# An edge is as visible as the best of what states it, and no more than its ends. Each end is looked up by its key:
# joined as tables, Postgres would rather read all documents.
_END = """LEFT JOIN LATERAL (
    SELECT title AS name, privacy = 'org' AND deleted_at IS NULL AS is_shown, deleted_at IS NULL AS is_live
    FROM knowledge_documents WHERE {0}_kind = 'document' AND document_id = {0}_id
    UNION ALL
    SELECT name, true, true FROM entities WHERE {0}_kind <> 'document' AND entity_id = {0}_id LIMIT 1) {0}_end ON true"""
_STATED = f"""
SELECT s.edge_id, s.quote, s.field, from_end.name AS origin, to_end.name AS target
FROM (
    SELECT r.relationship_id AS edge_id, r.from_kind, r.from_id, r.to_kind, r.to_id, e.quote, e.field
    FROM relationships r CROSS JOIN LATERAL (
        SELECT e.quote, e.field FROM relationship_evidence e JOIN knowledge_documents d USING (document_id)
        WHERE e.relationship_id = r.relationship_id AND e.until IS NULL AND d.deleted_at IS NULL
            AND (:include_private OR d.privacy = 'org')
        ORDER BY e.weight DESC, e.field, e.link_id LIMIT 1) e
    WHERE r.relationship_id = ANY(:edges)
    UNION ALL
    SELECT l.link_id, 'document', l.document_id, l.to_kind, l.to_id, l.quote, l.field FROM document_links l
    WHERE l.link_id = ANY(:mentions) AND l.until IS NULL) s
{_END.format("from")}
{_END.format("to")}
WHERE coalesce(CASE WHEN :include_private THEN from_end.is_live ELSE from_end.is_shown END, false)
    AND coalesce(CASE WHEN :include_private THEN to_end.is_live ELSE to_end.is_shown END, false)"""


@dataclass(frozen=True, slots=True)
class Tie:
    """An edge, or a mention, as it is walked.

    Attributes:
        hop: 1 from a start, 2 from a node beside one.
        near_id: where the step begins.
        edge_id: of the relationship, or of the link that mentions.
        type: of the relationship, or MENTIONS.
        far_id, far_kind: where it ends; an entity that is mentioned is of the kind "entity".
        confidence: 0..1.
        degree: how many ties the node has where the step begins; None of a hub.
    """

    hop: int
    near_id: str
    edge_id: str
    type: str
    far_id: str
    far_kind: str
    confidence: float
    degree: int | None


@dataclass(frozen=True, slots=True)
class Statement:
    """Why an edge is believed: names or titles of its ends, and the words or the field that state it."""

    origin: str
    target: str
    because: str


def ties_between(tx: Transaction, starts: Sequence[str], goals: Sequence[str], *, most_ties: int) -> list[Tie]:
    """List the ties that stand on a path of one step or two from a start to a goal.

    Args:
        tx: of the workspace.
        starts: ids of documents or entities.
        goals: ids of documents.
        most_ties: a node of more ties is a hub, and is not walked through. Of a start that is a hub, those ties are
            seen by which a goal points at it or mentions it.
    """
    if not starts or not goals:
        return []
    values = {"workspace": tx.workspace_id, "starts": list(starts), "goals": list(goals), "most": most_ties}
    return [Tie(*row) for row in tx.connection.execute(text(_WALK), values)]


def ties_to_documents(tx: Transaction, starts: Sequence[str], *, most_ties: int) -> list[Tie]:
    """List the ties of nodes to documents, the latest first; none of a node that has more ties than `most_ties`."""
    if not starts:
        return []
    values = {"workspace": tx.workspace_id, "starts": list(starts), "most": most_ties}
    return [Tie(*row) for row in tx.connection.execute(text(_NEIGHBOURS), values)]


def statements_of(tx: Transaction, ties: Sequence[Tie], *, include_private: bool) -> dict[str, Statement]:
    """Read what states edges, by their ids.

    Edges are missing of which nothing that is live states them, or that have a deleted document at an end; unless
    `include_private`, also those that private documents alone state, or that have one at an end.
    """
    if not ties:
        return {}
    values = {
        "edges": sorted({tie.edge_id for tie in ties if tie.type != MENTIONS}),
        "mentions": sorted({tie.edge_id for tie in ties if tie.type == MENTIONS}),
        "include_private": include_private,
    }
    rows = tx.connection.execute(text(_STATED), values)
    return {row.edge_id: Statement(row.origin, row.target, _because(row.field, row.quote)) for row in rows}


def _because(field: str, quote: str) -> str:
    if not field:
        return quote
    # What a field says has no words of its own in the text, but for the lines of CODEOWNERS.
    return f"{field}: {' '.join(quote.split())}" if field == CODEOWNERS_FIELD else f"field {field}"

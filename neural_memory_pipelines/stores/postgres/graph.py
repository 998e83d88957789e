"""Edges out of links, as queries over whole sets: resolve both ends, then group what states the same.

An edge is a function of the links, of who answers to which handle, and of nothing else: running again changes nothing,
and what arrives later resolves what named it before.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import text

from neural_memory_pipelines.domain.ids import Json
from neural_memory_pipelines.stores.postgres.bulk import Row, insert_rows
from neural_memory_pipelines.stores.postgres.engine import Transaction
from neural_memory_pipelines.stores.postgres.streams import over_whole_sets
from neural_memory_pipelines.stores.postgres.tables import document_links

CODEOWNERS_FIELD = "CODEOWNERS"

# Of several documents that answer to a handle a live one is meant, then the one that is called so and not only was, then
# the one told of last. Accounts are persons or bots, and a link need not know which; who was split off under a login is
# meant by it, and not who bears it.
_NODES = """
SELECT * FROM (
    SELECT DISTINCT ON (h.handle) 'document' AS family, h.handle, 'document' AS kind, h.document_id AS id
    FROM document_handles h JOIN knowledge_documents d USING (document_id)
    ORDER BY h.handle, d.deleted_at IS NOT NULL, lower(d.source || ':' || d.source_id) <> h.handle, d.as_of DESC,
        d.source, d.source_id) documents
UNION ALL
SELECT * FROM (
    SELECT DISTINCT ON (family, value) family, value, kind, entity_id FROM (
        SELECT CASE WHEN a.alias_type IN ('provider', 'login', 'email') THEN 'account' ELSE a.alias_type END AS family,
            a.value, e.kind, e.entity_id, a.alias_type
        FROM entity_aliases a JOIN entities e USING (entity_id) WHERE a.alias_type <> 'name') aliases
    ORDER BY family, value, alias_type <> 'provider') entities"""

# A document that went with its parent states nothing for as long as it is gone, whatever it says.
_LINKS = """
SELECT l.link_id, l.workspace_id, l.document_id, l.type, l.from_kind, l.from_id, l.to_kind, l.to_id, l.field, l.quote,
    l.chunk_id, l.start_char, l.end_char, l.confidence, l.since,
    coalesce(l.until, CASE WHEN d.deleted_with IS NOT NULL THEN greatest(l.since, d.deleted_at) END) AS until
FROM document_links l JOIN knowledge_documents d USING (document_id)"""

_RESOLVE = f"""
WITH nodes AS ({_NODES}),
ends AS (
    SELECT l.link_id,
        CASE WHEN l.origin_kind IS NULL THEN 'document' ELSE o.kind END AS from_kind,
        CASE WHEN l.origin_kind IS NULL THEN l.document_id ELSE o.id END AS from_id,
        CASE WHEN l.target_kind IS NULL THEN 'document' ELSE t.kind END AS to_kind,
        CASE WHEN l.target_kind IS NULL THEN l.document_id ELSE t.id END AS to_id
    FROM document_links l
    LEFT JOIN nodes o ON o.handle = l.origin_handle
        AND o.family = CASE WHEN l.origin_kind IN ('person', 'bot') THEN 'account' ELSE l.origin_kind END
    LEFT JOIN nodes t ON t.handle = l.target_handle
        AND t.family = CASE WHEN l.target_kind IN ('person', 'bot') THEN 'account' ELSE l.target_kind END)
UPDATE document_links l SET from_kind = e.from_kind, from_id = e.from_id, to_kind = e.to_kind, to_id = e.to_id
FROM ends e WHERE e.link_id = l.link_id
    AND (l.from_kind, l.from_id, l.to_kind, l.to_id) IS DISTINCT FROM (e.from_kind, e.from_id, e.to_kind, e.to_id)"""

_EDGE_ID = """'rel_' || left(encode(sha256(convert_to(
    jsonb_build_array(workspace_id, type, from_id, to_id)::text, 'UTF8')), 'hex'), 32)"""

# A person who is mentioned has to do with the document; that is no edge of its own.
_RESOLVED = f"""
SELECT {_EDGE_ID} AS relationship_id, l.* FROM ({_LINKS}) l
WHERE from_id IS NOT NULL AND to_id IS NOT NULL AND from_id <> to_id AND type <> 'MENTIONS'"""

_UPSERT_EDGES = f"""
WITH edges AS (
    SELECT relationship_id, workspace_id, type, min(from_kind) AS from_kind, from_id, min(to_kind) AS to_kind, to_id,
        max(confidence) AS confidence, min(since) AS since,
        CASE WHEN bool_or(until IS NULL) THEN NULL ELSE max(until) END AS until
    FROM ({_RESOLVED}) r GROUP BY relationship_id, workspace_id, type, from_id, to_id)
INSERT INTO relationships AS known
    (relationship_id, workspace_id, type, from_kind, from_id, to_kind, to_id, confidence, detected_by, since, until)
SELECT relationship_id, workspace_id, type, from_kind, from_id, to_kind, to_id, confidence, 'rule', since, until
FROM edges
ON CONFLICT (relationship_id) DO UPDATE SET from_kind = excluded.from_kind, to_kind = excluded.to_kind,
    confidence = excluded.confidence, since = excluded.since, until = excluded.until, detected_by = 'rule'
WHERE (known.from_kind, known.to_kind, known.confidence, known.since, known.until, known.detected_by)
    IS DISTINCT FROM (excluded.from_kind, excluded.to_kind, excluded.confidence, excluded.since, excluded.until, 'rule')
RETURNING (xmax = 0) AS is_new, until IS NOT NULL AS is_retired"""

_UPSERT_EVIDENCE = f"""
INSERT INTO relationship_evidence AS known (workspace_id, relationship_id, link_id, document_id, chunk_id,
    observation_id, start_char, end_char, quote, field, weight, since, until)
SELECT r.workspace_id, r.relationship_id, r.link_id, r.document_id, r.chunk_id, NULL, r.start_char, r.end_char,
    r.quote, r.field, r.confidence, r.since, r.until
FROM ({_RESOLVED}) r
ON CONFLICT (relationship_id, link_id) DO UPDATE SET chunk_id = excluded.chunk_id, start_char = excluded.start_char,
    end_char = excluded.end_char, quote = excluded.quote, weight = excluded.weight, since = excluded.since,
    until = excluded.until
WHERE (known.chunk_id, known.start_char, known.end_char, known.quote, known.weight, known.since, known.until)
    IS DISTINCT FROM (excluded.chunk_id, excluded.start_char, excluded.end_char, excluded.quote, excluded.weight,
        excluded.since, excluded.until)"""

# What a link meant before it was known whom it means is no edge that was, but none.
_FORGET_EVIDENCE = f"""
DELETE FROM relationship_evidence e WHERE NOT EXISTS
    (SELECT FROM ({_RESOLVED}) r WHERE r.relationship_id = e.relationship_id AND r.link_id = e.link_id)"""

_FORGET_EDGES = """
DELETE FROM relationships r WHERE detected_by = 'rule' AND NOT EXISTS
    (SELECT FROM relationship_evidence e WHERE e.relationship_id = r.relationship_id)"""

_ROLES = """CASE type WHEN 'AUTHORED_BY' THEN 'author' WHEN 'ASSIGNED_TO' THEN 'assignee' WHEN 'OWNED_BY' THEN 'owner'
    WHEN 'REVIEWED_BY' THEN 'reviewer' WHEN 'TOUCHES_COMPONENT' THEN 'component' WHEN 'MENTIONS' THEN 'mention' END"""

_MEMBERS = f"""
SELECT DISTINCT ON (from_id, to_id, role) workspace_id, from_id AS document_id, to_id AS entity_id, role, link_id
FROM (SELECT l.*, {_ROLES} AS role FROM ({_LINKS}) l
    WHERE until IS NULL AND from_kind = 'document' AND to_kind NOT IN ('document')) m
WHERE role IS NOT NULL ORDER BY from_id, to_id, role, confidence DESC, link_id"""

_UPSERT_MEMBERS = f"""
INSERT INTO document_entities AS known (workspace_id, document_id, entity_id, role, link_id) {_MEMBERS}
ON CONFLICT (document_id, entity_id, role) DO UPDATE SET link_id = excluded.link_id
WHERE known.link_id <> excluded.link_id"""

_FORGET_MEMBERS = f"""
DELETE FROM document_entities k WHERE NOT EXISTS (SELECT FROM ({_MEMBERS}) m
    WHERE m.document_id = k.document_id AND m.entity_id = k.entity_id AND m.role = k.role)"""


@dataclass(frozen=True, slots=True)
class GraphChange:
    """What one run changed: edges that are new, that changed, and that no link states any more."""

    new: int
    changed: int
    deleted: int


@dataclass(frozen=True, slots=True)
class GraphCounts:
    """What the graph holds."""

    live: int
    retired: int
    unresolved_links: int
    evidence: int


@dataclass(frozen=True, slots=True)
class EdgeCount:
    """Live edges of one type."""

    type: str
    edges: int


@dataclass(frozen=True, slots=True)
class EdgeRow:
    """A live edge with names to read, and the words that state it best."""

    type: str
    from_kind: str
    from_id: str
    from_name: str
    to_kind: str
    to_id: str
    to_name: str
    confidence: float
    quote: str


@dataclass(frozen=True, slots=True)
class OwnedDocument:
    """A live document of a store and the path below it."""

    document_id: str
    store: str
    path: str


@dataclass(frozen=True, slots=True)
class OwnerRules:
    """The rules of a live CODEOWNERS document, with the link that each rule's line became."""

    document_id: str
    store: str
    path: str
    rules: Sequence[Sequence[Json]]


def resolve_links(tx: Transaction) -> int:
    """Find out which nodes the ends of all links mean.

    Returns:
        How many links mean something else than before.
    """
    return over_whole_sets(tx, _RESOLVE, {}).rowcount


def reconcile_edges(tx: Transaction) -> GraphChange:
    """Make edges, evidence and the entities of documents what the links say."""
    changed = over_whole_sets(tx, _UPSERT_EDGES, {}).all()
    over_whole_sets(tx, _UPSERT_EVIDENCE, {})
    over_whole_sets(tx, _FORGET_EVIDENCE, {})
    deleted = over_whole_sets(tx, _FORGET_EDGES, {}).rowcount
    over_whole_sets(tx, _UPSERT_MEMBERS, {})
    over_whole_sets(tx, _FORGET_MEMBERS, {})
    new = sum(row.is_new for row in changed)
    return GraphChange(new=new, changed=len(changed) - new, deleted=deleted)


def graph_counts(tx: Transaction) -> GraphCounts:
    """Count live and retired edges, the links that mean nothing that is known, and the evidence."""
    row = tx.connection.execute(
        text(
            "SELECT (SELECT count(*) FROM relationships WHERE until IS NULL), "
            "(SELECT count(*) FROM relationships WHERE until IS NOT NULL), "
            f"(SELECT count(*) FROM ({_LINKS}) l WHERE until IS NULL AND (from_id IS NULL OR to_id IS NULL)), "
            "(SELECT count(*) FROM relationship_evidence)"
        )
    ).one()
    return GraphCounts(*row)


def count_edges(tx: Transaction) -> list[EdgeCount]:
    """Count live edges by type."""
    rows = tx.connection.execute(
        text("SELECT type, count(*) FROM relationships WHERE until IS NULL GROUP BY type ORDER BY count(*) DESC, type")
    )
    return [EdgeCount(*row) for row in rows]


_EDGE_COLUMNS = "type, from_kind, from_id, from_name, to_kind, to_id, to_name, confidence, quote"
# The words that state each edge best are found once for all: asked of each edge, all evidence would be read for each.
_EDGES = """
SELECT r.relationship_id, r.type, r.from_kind, r.from_id, coalesce(fd.title, fe.name) AS from_name,
    r.to_kind, r.to_id, coalesce(td.title, te.name) AS to_name, r.confidence, coalesce(q.quote, '') AS quote,
    coalesce(q.field, '-') = '' AS is_said
FROM relationships r
LEFT JOIN knowledge_documents fd ON fd.document_id = r.from_id LEFT JOIN entities fe ON fe.entity_id = r.from_id
LEFT JOIN knowledge_documents td ON td.document_id = r.to_id LEFT JOIN entities te ON te.entity_id = r.to_id
LEFT JOIN (SELECT DISTINCT ON (e.relationship_id) e.relationship_id, e.quote, e.field
    FROM relationship_evidence e JOIN knowledge_documents d USING (document_id)
    WHERE e.until IS NULL AND d.privacy = 'org'
    ORDER BY e.relationship_id, e.field <> '', e.weight DESC, e.link_id) q USING (relationship_id)
WHERE r.until IS NULL AND fd.deleted_at IS NULL AND td.deleted_at IS NULL
    AND coalesce(fd.privacy, 'org') = 'org' AND coalesce(td.privacy, 'org') = 'org'"""


def live_edges(tx: Transaction, *, limit: int | None = None) -> list[EdgeRow]:
    """List live edges between what is live and not private, in a fixed order, for people to see."""
    query = f"SELECT {_EDGE_COLUMNS} FROM ({_EDGES}) e ORDER BY type, from_id, to_id LIMIT :limit"
    return [EdgeRow(**row._mapping) for row in over_whole_sets(tx, query, {"limit": limit})]


def telling_edges(tx: Transaction, *, per_type: int) -> list[EdgeRow]:
    """List a few live edges of each type, those that words state before those that fields state."""
    query = f"""SELECT {_EDGE_COLUMNS} FROM
        (SELECT l.*, row_number() OVER (PARTITION BY type ORDER BY is_said DESC, from_id, to_id) AS place
            FROM ({_EDGES}) l) ranked
        WHERE place <= :per_type ORDER BY type, place"""
    return [EdgeRow(**row._mapping) for row in over_whole_sets(tx, query, {"per_type": per_type})]


def owner_rules(tx: Transaction) -> list[OwnerRules]:
    """List the live CODEOWNERS documents with their rules."""
    rows = tx.connection.execute(
        text(
            "SELECT document_id, metadata_json ->> 'store', metadata_json ->> 'path', metadata_json -> 'codeowners' "
            "FROM knowledge_documents WHERE source = 'docs' AND type = 'codeowners' AND deleted_at IS NULL "
            "ORDER BY document_id"
        )
    )
    return [OwnerRules(*row) for row in rows]


def documents_of_stores(tx: Transaction, stores: Sequence[str]) -> list[OwnedDocument]:
    """List the live documents of stores with their paths."""
    rows = tx.connection.execute(
        text(
            "SELECT document_id, metadata_json ->> 'store', metadata_json ->> 'path' FROM knowledge_documents "
            "WHERE source = 'docs' AND type <> 'codeowners' AND deleted_at IS NULL "
            "AND metadata_json ->> 'store' = ANY(:stores) ORDER BY document_id"
        ),
        {"stores": list(stores)},
    )
    return [OwnedDocument(*row) for row in rows]


def rule_links(tx: Transaction, document: str) -> list[Row]:
    """List the live links that the lines of a CODEOWNERS document state."""
    rows = tx.connection.execute(
        text(
            "SELECT target_kind, target_handle, target_name, quote, chunk_id, start_char, end_char, "
            "confidence, since FROM document_links WHERE document_id = :document AND type = 'OWNED_BY' "
            "AND origin_kind = 'component' AND until IS NULL ORDER BY since DESC, link_id"
        ),
        {"document": document},
    )
    return [dict(row._mapping) for row in rows]


def replace_links_of_field(tx: Transaction, field: str, rows: Sequence[Row]) -> None:
    """Make `rows` all links that a derived field states.

    What it stated before is forgotten: the links that it is derived from have their history.
    """
    insert_rows(
        tx,
        document_links,
        rows,
        on_conflict="(link_id) DO UPDATE SET since = excluded.since, until = NULL, chunk_id = excluded.chunk_id, "
        "start_char = excluded.start_char, end_char = excluded.end_char, quote = excluded.quote "
        "WHERE (document_links.since, document_links.until, document_links.chunk_id, document_links.start_char) "
        "IS DISTINCT FROM (excluded.since, NULL::timestamptz, excluded.chunk_id, excluded.start_char)",
    )
    over_whole_sets(
        tx,
        "DELETE FROM document_links l WHERE field = :field AND NOT EXISTS "
        "(SELECT FROM unnest(CAST(:kept AS text[])) AS n(id) WHERE n.id = l.link_id)",
        {"field": field, "kept": [row["link_id"] for row in rows]},
    )

"""Entities and their aliases as rows.

Which accounts are one person is computed in `domain/identity.py`, what else there is follows from links.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import text

from neural_memory_pipelines.domain.documents import storable
from neural_memory_pipelines.domain.ids import EntityId
from neural_memory_pipelines.stores.postgres.bulk import Row, insert_rows
from neural_memory_pipelines.stores.postgres.engine import Transaction
from neural_memory_pipelines.stores.postgres.streams import over_whole_sets
from neural_memory_pipelines.stores.postgres.tables import entities, entity_aliases

# Edges that need an account at their end: one that only a login is known of is made for them. A mention is not among
# them, for texts say @ to much that is nobody.
_NAMED_ACCOUNTS = """
SELECT handle, max(name) AS name, bool_or(kind = 'bot') AS is_bot FROM (
    SELECT target_kind AS kind, target_handle AS handle, target_name AS name, type FROM document_links
    UNION ALL SELECT origin_kind, origin_handle, origin_name, type FROM document_links) l
WHERE kind IN ('person', 'bot') AND type <> 'MENTIONS' AND handle NOT LIKE 'email:%' GROUP BY handle ORDER BY handle"""

# A name that is given along with a link is one that people wrote: the one that was stated last. Without any, the key
# must do.
_NAMED_ENTITIES = """
SELECT DISTINCT ON (kind, handle) kind, handle, coalesce(name, '') AS name FROM (
    SELECT target_kind AS kind, target_handle AS handle, target_name AS name, document_id, until FROM document_links
    UNION ALL SELECT origin_kind, origin_handle, origin_name, document_id, until FROM document_links) l
JOIN knowledge_documents d USING (document_id)
WHERE kind NOT IN ('person', 'bot', 'document')
ORDER BY kind, handle, coalesce(name, '') = '', until IS NOT NULL, coalesce(until, d.as_of) DESC, name"""


@dataclass(frozen=True, slots=True)
class NamedNode:
    """A node as links name it."""

    kind: str
    handle: str
    name: str


@dataclass(frozen=True, slots=True)
class EntityRow:
    """An entity as it is shown."""

    entity_id: str
    kind: str
    key: str
    name: str
    merged_into: str | None


@dataclass(frozen=True, slots=True)
class PersonRow:
    """A person with the accounts, and why each of them was joined (None for the one that stands for the person)."""

    entity_id: str
    name: str
    accounts: Mapping[str, str | None]
    documents: int


def named_accounts(tx: Transaction) -> list[NamedNode]:
    """List the accounts that links name by their provider ids or logins."""
    rows = over_whole_sets(tx, _NAMED_ACCOUNTS, {})
    return [NamedNode("bot" if row.is_bot else "person", row.handle, row.name or "") for row in rows]


def named_entities(tx: Transaction) -> list[NamedNode]:
    """List the teams, repositories, components, projects and goals that links name."""
    return [NamedNode(row.kind, row.handle, row.name) for row in over_whole_sets(tx, _NAMED_ENTITIES, {})]


def write_entities(tx: Transaction, rows: Sequence[Row]) -> int:
    """Write entities: columns entity_id, kind, key, name, merged_into, merged_because.

    Returns:
        How many were new or changed.
    """
    written = insert_rows(
        tx,
        entities,
        rows,
        on_conflict="(entity_id) DO UPDATE SET kind = excluded.kind, name = excluded.name, "
        "merged_into = excluded.merged_into, merged_because = excluded.merged_because "
        "WHERE (entities.kind, entities.name, entities.merged_into, entities.merged_because) "
        "IS DISTINCT FROM (excluded.kind, excluded.name, excluded.merged_into, excluded.merged_because)",
        returning="1",
    )
    return len(written)


def forget_other_entities(tx: Transaction, ids: Sequence[EntityId]) -> int:
    """Delete the entities, except these, that nothing names any more, and their aliases.

    Returns:
        How many there were.
    """
    query = (
        "DELETE FROM entities e WHERE NOT EXISTS "
        "(SELECT FROM unnest(CAST(:ids AS text[])) AS n(id) WHERE n.id = e.entity_id)"
    )
    return over_whole_sets(tx, query, {"ids": list(ids)}).rowcount


def write_aliases(tx: Transaction, rows: Sequence[Row]) -> int:
    """Make these all aliases there are: columns alias_type, value, entity_id, verified.

    Since claims only grow, so do the aliases of persons; one goes when its bearer turns out to be a bot.

    Returns:
        How many were new or moved.
    """
    written = insert_rows(
        tx,
        entity_aliases,
        rows,
        on_conflict="(workspace_id, alias_type, value) DO UPDATE SET entity_id = excluded.entity_id, "
        "verified = excluded.verified WHERE (entity_aliases.entity_id, entity_aliases.verified) "
        "IS DISTINCT FROM (excluded.entity_id, excluded.verified)",
        returning="1",
    )
    over_whole_sets(
        tx,
        "DELETE FROM entity_aliases a WHERE NOT EXISTS (SELECT FROM unnest(CAST(:types AS text[]), "
        "CAST(:values AS text[])) AS n(alias_type, value) WHERE n.alias_type = a.alias_type AND n.value = a.value)",
        {"types": [row["alias_type"] for row in rows], "values": [storable(row["value"]) for row in rows]},
    )
    return len(written)


def find_entities(tx: Transaction, name: str) -> list[EntityRow]:
    """Find the entities that answer to an id, a key, an alias or (any case) a name; those merged give their heir."""
    rows = tx.connection.execute(
        text(
            "SELECT DISTINCT h.entity_id, h.kind, h.key, h.name, h.merged_into FROM entities e "
            "LEFT JOIN entity_aliases a USING (entity_id) "
            "JOIN entities h ON h.entity_id = coalesce(e.merged_into, e.entity_id) "
            "WHERE e.entity_id = :name OR lower(e.key) = lower(:name) OR lower(e.name) = lower(:name) "
            "OR lower(a.value) = lower(:name) ORDER BY h.kind, h.key"
        ),
        {"name": name},
    )
    return [EntityRow(*row) for row in rows]


def accounts_of(tx: Transaction, entity: EntityId) -> list[EntityRow]:
    """List the accounts that a person is known by, the one that stands for the person among them."""
    rows = tx.connection.execute(
        text(
            "SELECT entity_id, kind, key, name, merged_into FROM entities "
            "WHERE entity_id = :id OR merged_into = :id ORDER BY key"
        ),
        {"id": entity},
    )
    return [EntityRow(*row) for row in rows]


def count_entities(tx: Transaction) -> dict[str, int]:
    """Count entities by kind; those that another stands for are left out."""
    rows = tx.connection.execute(
        text("SELECT kind, count(*) FROM entities WHERE merged_into IS NULL GROUP BY kind ORDER BY kind")
    )
    return {row[0]: row[1] for row in rows}


def account_named(tx: Transaction, handle: str) -> str | None:
    """Find the account with exactly this provider id, in any case; None if there is none."""
    account: str | None = tx.connection.scalar(
        text("SELECT key FROM entities WHERE kind IN ('person', 'bot') AND lower(key) = lower(:handle)"),
        {"handle": handle},
    )
    return account


def list_persons(tx: Transaction) -> list[PersonRow]:
    """List persons with their accounts and in how many live documents they take part, by name."""
    rows = tx.connection.execute(
        text(
            "SELECT p.entity_id, p.name, "
            "(SELECT jsonb_object_agg(a.key, a.merged_because) FROM entities a "
            "WHERE a.entity_id = p.entity_id OR a.merged_into = p.entity_id) AS accounts, "
            "(SELECT count(DISTINCT m.document_id) FROM document_entities m WHERE m.entity_id = p.entity_id) "
            "AS documents FROM entities p WHERE p.kind = 'person' AND p.merged_into IS NULL ORDER BY p.name, p.key"
        )
    )
    return [PersonRow(**row._mapping) for row in rows]

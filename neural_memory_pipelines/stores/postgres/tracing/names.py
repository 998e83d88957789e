"""From what people type to what it stands for: ids and their beginnings, vector ids, sources, raw keys, events, entities.

Whether it may be shown is not decided here.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence

from sqlalchemy import text

from neural_memory_pipelines.domain.documents import storable
from neural_memory_pipelines.errors import NotFoundError, PermanentError
from neural_memory_pipelines.stores.postgres.engine import Transaction
from neural_memory_pipelines.stores.postgres.profiles import find_entity
from neural_memory_pipelines.stores.postgres.tracing.edges import follow
from neural_memory_pipelines.stores.postgres.tracing.kinds import Kind, Target
from neural_memory_pipelines.stores.postgres.tracing.made_from import MADE_FROM

_MOST_NAMED = 10
_LEAST_DIGITS = 4

_TABLES: Mapping[str, tuple[Kind, str, str]] = {
    "doc": (Kind.DOCUMENT, "knowledge_documents", "document_id"),
    "chk": (Kind.CHUNK, "knowledge_chunks", "chunk_id"),
    "obs": (Kind.OBSERVATION, "memory_observations", "observation_id"),
    "sum": (Kind.SUMMARY, "memory_summaries", "summary_id"),
    "clu": (Kind.CLUSTER, "memory_clusters", "cluster_id"),
    "rel": (Kind.RELATIONSHIP, "relationships", "relationship_id"),
    "ent": (Kind.PROFILE, "entities", "entity_id"),
}
_BEGINNING = re.compile(rf"({'|'.join(_TABLES)})_[0-9a-f]{{{_LEAST_DIGITS},}}")

# An id before a vector id, and that before what a source calls a document: the first that there is counts.
_BY_ID = " UNION ALL ".join(
    f"SELECT k.name, 1 AS place, '{kind}' AS kind, t.{column} AS key FROM named k JOIN {table} t ON t.{column} = k.name"
    for kind, table, column in _TABLES.values()
)
_EXACT = rf"""
WITH named AS (SELECT DISTINCT name FROM unnest(CAST(:names AS text[])) AS n(name))
{_BY_ID}
UNION ALL SELECT k.name, 2, '{Kind.VECTOR}', k.name FROM named k JOIN knowledge_chunks c
    ON c.document_id = split_part(k.name, '#', 1) AND left(c.chunk_hash, 16) = split_part(k.name, '#', 2)
UNION ALL SELECT k.name, 2, '{Kind.VECTOR}', k.name FROM named k JOIN memory_observations o
    ON o.observation_id = split_part(k.name, ':', 1) WHERE split_part(k.name, ':', 2) IN ('body', 'title', 'summary')
UNION ALL SELECT k.name, 2, '{Kind.VECTOR}', k.name FROM named k JOIN profile_centroids p
    ON p.entity_id = split_part(k.name, ':', 1) AND p.view = split_part(k.name, ':', 2)
UNION ALL SELECT k.name, 2, '{Kind.VECTOR}', l.vector_id FROM named k JOIN vector_entries l ON l.vector_id = k.name
UNION ALL SELECT k.name, 3, '{Kind.DOCUMENT}', d.document_id FROM named k JOIN knowledge_documents d
    ON d.source = split_part(k.name, ' ', 1) AND d.source_id = substr(k.name, strpos(k.name, ' ') + 1)
UNION ALL SELECT k.name, 4, '{Kind.DOCUMENT}', d.document_id FROM named k JOIN knowledge_documents d ON d.source_id = k.name
UNION ALL SELECT k.name, 5, '{Kind.RAW}', e.raw_key FROM named k JOIN source_events e
    ON e.raw_key = k.name OR e.idempotency_key = k.name
UNION ALL SELECT k.name, 5, '{Kind.RAW}', l.raw_key FROM named k JOIN dead_letters l
    ON l.raw_key = k.name OR l.dead_letter_id = k.name"""


def find_target(tx: Transaction, name: str) -> Target:
    """Find the one thing that a name stands for; see `find_targets`, and beyond that names of entities.

    Raises:
        NotFoundError: there is none in this workspace.
        PermanentError: there are several; names them.
    """
    found = find_targets(tx, [name]).get(name)
    if found is not None:
        return found
    try:
        return Target(Kind.PROFILE, find_entity(tx, storable(name)).entity_id)
    except NotFoundError:
        raise NotFoundError(f"nothing in workspace {tx.workspace_id!r} has the id or name {name!r}") from None


def find_targets(tx: Transaction, names: Sequence[str]) -> dict[str, Target]:
    """Find what names stand for.

    A name is an id, its beginning (four digits at least), a vector id, a source and its id ("github acme/shop#12"), that
    id alone where no two sources have it, the key of a raw artifact, or that of an event.

    Returns:
        By name; those that stand for nothing are missing.

    Raises:
        PermanentError: a name stands for several things; names them.
    """
    by_place: dict[str, dict[int, set[Target]]] = defaultdict(lambda: defaultdict(set))
    spelled = {storable(name): name for name in names}
    for row in tx.connection.execute(text(_EXACT), {"names": list(spelled)}):
        by_place[spelled[row.name]][row.place].add(Target(Kind(row.kind), row.key))
    found = {name: _only(name, places[min(places)]) for name, places in by_place.items()}
    for name in names:
        if name not in found and _BEGINNING.fullmatch(name):
            beginning = _that_begin(tx, name)
            if beginning:
                found[name] = _only(name, beginning)
    return {name: _standing(tx, target) for name, target in found.items()}


def _only(name: str, targets: set[Target]) -> Target:
    if len(targets) > 1:
        keys = sorted(target.key for target in targets)
        more = " and more" if len(keys) > _MOST_NAMED else ""
        raise PermanentError(f"{name!r} may be any of {', '.join(keys[:_MOST_NAMED])}{more}: give more of the id")
    return next(iter(targets))


def _that_begin(tx: Transaction, beginning: str) -> set[Target]:
    kind, table, column = _TABLES[beginning[:3]]
    rows = tx.connection.execute(
        text(f"SELECT {column} AS key FROM {table} WHERE starts_with({column}, :beginning) ORDER BY 1 LIMIT :limit"),
        {"beginning": beginning, "limit": _MOST_NAMED + 1},
    )
    return {Target(kind, row.key) for row in rows}


def _standing(tx: Transaction, target: Target) -> Target:
    """Replace an entity by the one that stands for it."""
    if target.kind is not Kind.PROFILE:
        return target
    return Target(Kind.PROFILE, find_entity(tx, target.key).entity_id)


def without_vectors(tx: Transaction, target: Target) -> Target:
    """Replace a vector by what it stands for, of which the live one where there are several."""
    if target.kind is not Kind.VECTOR:
        return target
    for edge in MADE_FROM[Kind.VECTOR]:
        links = follow(tx, edge, [target.key], most=1, include_private=True).get(target.key)
        if links is not None:
            return Target(edge.to, links.keys[0])
    return target

"""Documents that the identifiers of a query name: numbers, tickets, commits, addresses, paths.

It reads handles alone, and embeds nothing; how identifiers are written is in `domain/identifiers.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import text

from neural_memory_pipelines.domain.handles import document_handle
from neural_memory_pipelines.domain.identifiers import Identifier, IdentifierKind
from neural_memory_pipelines.stores.postgres.engine import Transaction

_SHA_CHARS = 40
_TAIL_SHA_CHARS = 7
# There may be a README.md in each of 10,000 folders: those in the shortest paths are looked at.
_MOST_NAMED = 500
_ESCAPED = str.maketrans({"\\": r"\\", "%": r"\%", "_": r"\_"})

# By the whole handle, or by its tail, which `pattern` narrows down: row-level security lets an index be used for plain
# comparisons alone, not for LIKE. Each step asks for what the one before found, row by row: right after a bulk load,
# statistics know of no rows in the workspace, and a plan made freely on them took more than ten minutes for 50,000.
_IDENTIFIED = """
WITH asked AS MATERIALIZED (
    SELECT * FROM unnest(CAST(:places AS int[]), CAST(:handles AS text[]), CAST(:tails AS text[]),
        CAST(:patterns AS text[])) AS a(place, handle, tail, pattern)),
named AS MATERIALIZED (
    SELECT a.place, h.document_id, h.handle, 0 AS distance FROM asked a CROSS JOIN LATERAL (
        SELECT document_id, handle FROM document_handles WHERE handle = a.handle OFFSET 0) h
    UNION ALL
    SELECT a.place, h.document_id, h.handle, 1 FROM asked a CROSS JOIN LATERAL (
        SELECT document_id, handle FROM document_handles WHERE tail = a.tail AND handle LIKE a.pattern
        ORDER BY length(handle), handle LIMIT :most_named) h),
known AS MATERIALIZED (
    SELECT n.place, n.document_id, n.distance, d.source, d.source_id, d.occurred_at,
        n.handle <> lower(d.source || ':' || d.source_id) AS is_by_other_name,
        length(n.handle) - length(replace(n.handle, '/', '')) AS folders
    FROM named n CROSS JOIN LATERAL (
        SELECT source, source_id, occurred_at FROM knowledge_documents
        WHERE document_id = n.document_id AND deleted_at IS NULL AND (:include_private OR privacy = 'org') OFFSET 0) d),
best AS (
    SELECT DISTINCT ON (place, document_id) * FROM known ORDER BY place, document_id, distance, is_by_other_name),
ranked AS MATERIALIZED (
    SELECT * FROM (
        SELECT *, row_number() OVER (PARTITION BY place
            ORDER BY distance, is_by_other_name, folders, occurred_at DESC, document_id) AS rank FROM best) b
    WHERE rank <= :limit)
SELECT place, document_id, depth FROM (
    SELECT place, rank, 0 AS depth, document_id, occurred_at FROM ranked
    UNION ALL
    SELECT r.place, r.rank, 1, c.document_id, c.occurred_at FROM ranked r CROSS JOIN LATERAL (
        SELECT document_id, occurred_at FROM knowledge_documents
        WHERE source = r.source AND parent_source_id = r.source_id AND deleted_at IS NULL
            AND (:include_private OR privacy = 'org')
        ORDER BY occurred_at DESC, document_id LIMIT :below) c) found
ORDER BY depth, place, rank, occurred_at DESC, document_id"""


@dataclass(frozen=True, slots=True)
class IdentifiedDocument:
    """A document that an identifier names; `is_below` if it only belongs to that one, as a comment does."""

    document_id: str
    identifier: Identifier
    is_below: bool = False


@dataclass(frozen=True, slots=True)
class _Lookup:
    """A handle that is asked for whole, or a tail of handles with a pattern (as LIKE has them) that narrows it down."""

    handle: str | None = None
    tail: str | None = None
    pattern: str | None = None


def identified_documents(
    tx: Transaction,
    identifiers: Sequence[Identifier],
    *,
    include_private: bool = False,
    limit: int = 20,
    below: int = 20,
) -> list[IdentifiedDocument]:
    """Find the live documents that identifiers name, by one statement.

    A number without its repository is that of every repository; a path is that of every store where it is the end of
    one, at a slash. Of an identifier that more than 500 handles end with, those 500 count that are shortest.

    Args:
        tx: a transaction on the workspace.
        identifiers: of a query.
        include_private: whether documents count that only some may read.
        limit: most documents of one identifier.
        below: most of those that belong to a document, such as its comments and reviews, the latest first.

    Returns:
        First the documents themselves, in the order of the identifiers, the best of each first; then those below
        them. Each document once.
    """
    lookups = [(place, lookup) for place, one in enumerate(identifiers) for lookup in _lookups(one)]
    if not lookups:
        return []
    rows = tx.connection.execute(
        text(_IDENTIFIED),
        {
            "places": [place for place, _ in lookups],
            "handles": [lookup.handle for _, lookup in lookups],
            "tails": [lookup.tail for _, lookup in lookups],
            "patterns": [lookup.pattern for _, lookup in lookups],
            "include_private": include_private,
            "limit": limit,
            "below": below,
            "most_named": _MOST_NAMED,
        },
    )
    found: dict[str, IdentifiedDocument] = {}
    for row in rows:
        found.setdefault(
            row.document_id, IdentifiedDocument(row.document_id, identifiers[row.place], is_below=row.depth > 0)
        )
    return list(found.values())


def _lookups(identifier: Identifier) -> list[_Lookup]:
    if identifier.kind is IdentifierKind.PATH:
        return _paths(identifier.place.lower(), identifier.name.lower())
    handle = _whole_handle(identifier)
    return [_Lookup(handle=handle) if handle else _ending(identifier)]


def _whole_handle(identifier: Identifier) -> str | None:
    """Spell the handle of what is named in full; None if the repository or a part of the commit is left open."""
    place, name = identifier.place, identifier.name
    match identifier.kind:
        case IdentifierKind.ADDRESS:
            return name
        case IdentifierKind.TICKET:
            return document_handle("linear", name)
        case IdentifierKind.NUMBER if "/" in place:
            return document_handle("github", f"{place}#{name}")
        case IdentifierKind.RELEASE:
            return document_handle("github", f"{place}@{name}")
        case IdentifierKind.COMMIT if "/" in place and len(name) == _SHA_CHARS:
            return document_handle("github", f"{place}@{name}")
        case _:
            return None


def _ending(identifier: Identifier) -> _Lookup:
    place, name = identifier.place.lower().translate(_ESCAPED), identifier.name.lower()
    repository = place if "/" in place else f"%/{place}" if place else "%"
    if identifier.kind is IdentifierKind.COMMIT:
        return _Lookup(tail=f"@{name[:_TAIL_SHA_CHARS]}", pattern=f"github:{repository}@{name}%")
    return _Lookup(tail=f"#{name}", pattern=f"github:{repository}#{name}")


def _paths(place: str, path: str) -> list[_Lookup]:
    """A path is known by its store's name, which may be that of the repository without its owner."""
    stores = list(dict.fromkeys((place, place.rpartition("/")[2]))) if place else []
    whole = [f"{store}/{path}" for store in stores] or [path]
    exact = [_Lookup(handle=document_handle("docs", spelled)) for spelled in whole]
    ends = [_Lookup(tail=path.rpartition("/")[2], pattern=f"docs:%/{spelled.translate(_ESCAPED)}") for spelled in whole]
    return [*exact, *ends]

"""Who and what of a workspace a query names: persons, repositories, components, by all that they answer to.

Which words may be names, and who is meant by them, is decided in `domain/query_names.py`.
"""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable, Mapping, Sequence

from sqlalchemy import text

from neural_memory_pipelines.domain.graph import NodeKind
from neural_memory_pipelines.domain.ids import EntityId
from neural_memory_pipelines.domain.query_names import (
    Gram,
    MatchedBy,
    NamedEntity,
    NameMatch,
    choose_names,
    fold_name,
    grams,
    name_gram,
)
from neural_memory_pipelines.errors import NotFoundError
from neural_memory_pipelines.stores.postgres.engine import Transaction

_AUTHORS = frozenset({NodeKind.PERSON, NodeKind.BOT})
_MOST_PERSONS = 5_000
_MOST_SUGGESTED = 3
_ALIKE = 0.6
_SHOWN_CHARS = 60

# Row-level security lets an index be used for plain comparisons alone, not for lower(name) or coalesce(): the keys are
# columns. Entities are fetched one by one, for right after a bulk load statistics know nothing of the workspace.
_MATCHES = """
WITH matches AS MATERIALIZED (
    SELECT spelling AS key, alias_type AS how, entity_id FROM entity_aliases
    WHERE spelling = ANY(CAST(:keys AS text[])) AND alias_type <> 'provider'
    UNION SELECT name_key, 'name', entity_id FROM entities WHERE name_key = ANY(CAST(:folded AS text[]))
    UNION SELECT short_key, 'short_name', entity_id FROM entities
    WHERE short_key = ANY(CAST(:folded AS text[])) AND merged_into IS NULL),
found AS MATERIALIZED (
    SELECT m.key, m.how, e.* FROM matches m CROSS JOIN LATERAL (
        SELECT entity_id, kind, name, merged_into FROM entities WHERE entity_id = m.entity_id OFFSET 0) e)
SELECT DISTINCT f.key, f.how, coalesce(h.entity_id, f.entity_id) AS entity_id, coalesce(h.kind, f.kind) AS kind,
    coalesce(h.name, f.name) AS name
FROM found f LEFT JOIN LATERAL (
    SELECT entity_id, kind, name FROM entities WHERE entity_id = f.merged_into OFFSET 0) h ON TRUE"""

_PERSONS = """SELECT name FROM entities WHERE kind IN ('person', 'bot') AND merged_into IS NULL
ORDER BY name LIMIT :limit"""

_HOW: Mapping[str, MatchedBy] = {how.value: how for how in MatchedBy}


def named_entities(tx: Transaction, query: str) -> list[NamedEntity]:
    """Find the persons and other entities that a query names, by one statement.

    People answer to their full names, logins (with or without @), addresses, and to their first names if nobody else of
    the workspace has it; case and accents make no difference. Who was merged gives way to who stands for both.

    Returns:
        In the order of their places in `query`, without overlaps; several of one place if they share the name.
    """
    found = grams(query)
    return choose_names(query, found, _matches(tx, found))


def authors_named(tx: Transaction, authors: Iterable[str]) -> tuple[EntityId, ...]:
    """Find who is meant by the authors of a filter (`Filters.authors`); of several with one first name, all.

    Raises:
        NotFoundError: nobody answers to one of them; the message names some who almost do.
    """
    asked = {author: name_gram(author) for author in authors}
    matches = _matches(tx, asked.values())
    meant: dict[EntityId, None] = {}
    for author, gram in asked.items():
        people = [match for match in matches if match.key in {gram.key, gram.folded} and match.kind in _AUTHORS]
        if not people:
            raise NotFoundError(_nobody(tx, author))
        meant |= dict.fromkeys(EntityId(match.entity_id) for match in people)
    return tuple(meant)


def _matches(tx: Transaction, found: Collection[Gram]) -> Sequence[NameMatch]:
    if not found:
        return []
    folded = {gram.folded for gram in found}
    keys = folded.union(gram.key for gram in found)
    rows = tx.connection.execute(text(_MATCHES), {"keys": list(keys), "folded": list(folded)})
    return [NameMatch(row.key, _HOW.get(row.how, MatchedBy.OTHER), row.entity_id, row.kind, row.name) for row in rows]


def _nobody(tx: Transaction, author: str) -> str:
    if author.startswith("email:"):
        return f"workspace {tx.workspace_id!r} knows nobody with this e-mail address: name the author by name or login"
    names = tx.connection.execute(text(_PERSONS), {"limit": _MOST_PERSONS}).scalars().all()
    by_key = {key: name for name in names for key in (fold_name(name), fold_name(name).partition(" ")[0])}
    asked = fold_name(author.removeprefix("@"))
    near = difflib.get_close_matches(asked, by_key, n=_MOST_SUGGESTED * 2, cutoff=_ALIKE)
    meant = list(dict.fromkeys(by_key[key] for key in near))[:_MOST_SUGGESTED]
    hint = f"did you mean {', '.join(meant)}?" if meant else "`neural-memory persons list` shows who there is"
    return f"workspace {tx.workspace_id!r} knows no author {author[:_SHOWN_CHARS]!r}: {hint}"

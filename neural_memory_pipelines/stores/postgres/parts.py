"""The parts of documents that no event describes whole, such as the messages of a thread.

Putting documents together from them is the sources' part.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import text

from neural_memory_pipelines.domain.documents import Part
from neural_memory_pipelines.stores.postgres.bulk import Row, insert_rows
from neural_memory_pipelines.stores.postgres.engine import Transaction
from neural_memory_pipelines.stores.postgres.tables import document_parts

# The same event read again replaces what it said; of two events at the same time, the greater key holds.
_NEWER = """(workspace_id, source, source_id, part_id) DO UPDATE SET as_of = excluded.as_of,
    event_key = excluded.event_key, raw_pointer = excluded.raw_pointer, context_id = excluded.context_id,
    content = excluded.content, content_hash = excluded.content_hash
WHERE document_parts.event_key = excluded.event_key OR (document_parts.as_of, document_parts.content IS NULL,
    document_parts.event_key) <= (excluded.as_of, excluded.content IS NULL, excluded.event_key)"""

PartKey = tuple[str, str, str]
"""Source, source id of the document, part id."""


@dataclass(frozen=True, slots=True)
class PartState:
    """What is known of a part before an event is applied. `is_gone` says that it was deleted."""

    as_of: datetime
    event_key: str
    content_hash: str
    is_gone: bool


@dataclass(frozen=True, slots=True)
class PartedDocument:
    """All that a document is put together from. `raw_pointer`, `event_key` and `action` are those of its latest part."""

    own: tuple[Part, ...]
    context: tuple[Part, ...]
    as_of: datetime
    event_key: str
    raw_pointer: str
    action: str | None


def lock_parts(tx: Transaction, keys: Sequence[PartKey]) -> dict[PartKey, PartState]:
    """Read what is known of parts, and lock their rows until the transaction ends."""
    rows = tx.connection.execute(
        text(
            "SELECT p.* FROM document_parts p JOIN unnest(CAST(:sources AS text[]), CAST(:ids AS text[]), "
            "CAST(:parts AS text[])) AS k(source, source_id, part_id) USING (source, source_id, part_id) "
            "ORDER BY p.source, p.source_id, p.part_id FOR UPDATE OF p"
        ),
        {"sources": [k[0] for k in keys], "ids": [k[1] for k in keys], "parts": [k[2] for k in keys]},
    )
    return {
        (row.source, row.source_id, row.part_id): PartState(
            row.as_of, row.event_key, row.content_hash, row.content is None
        )
        for row in rows
    }


def upsert_parts(tx: Transaction, rows: Sequence[Row]) -> None:
    """Write the later state of each part."""
    insert_rows(tx, document_parts, rows, on_conflict=_NEWER)


def events_in_contexts(tx: Transaction, source: str, context_ids: Collection[str]) -> dict[str, str]:
    """List the source ids of the documents that contexts hold for, each with an event that told of it."""
    if not context_ids:
        return {}
    rows = tx.connection.execute(
        text(
            "SELECT source_id, max(event_key) FROM document_parts WHERE source = :source "
            "AND context_id = ANY(:ids) AND source_id <> context_id GROUP BY source_id"
        ),
        {"source": source, "ids": list(context_ids)},
    )
    return {row[0]: row[1] for row in rows}


def documents_told_by(tx: Transaction, events: Collection[str]) -> list[tuple[str, str]]:
    """List source and source id of the documents and contexts of which an event tells the latest of some part."""
    rows = tx.connection.execute(
        text("SELECT DISTINCT source, source_id FROM document_parts WHERE event_key = ANY(:events)"),
        {"events": list(events)},
    )
    return [(row[0], row[1]) for row in rows]


def forget_parts(tx: Transaction, names: Sequence[tuple[str, str]]) -> None:
    """Delete all parts of documents, named by source and source id."""
    if not names:
        return
    tx.connection.execute(
        text(
            "DELETE FROM document_parts p USING unnest(CAST(:sources AS text[]), CAST(:ids AS text[])) "
            "AS n(source, source_id) WHERE p.source = n.source AND p.source_id = n.source_id"
        ),
        {"sources": [source for source, _ in names], "ids": [source_id for _, source_id in names]},
    )


def parted_documents(tx: Transaction, source: str, ids: Sequence[str]) -> dict[str, PartedDocument]:
    """Read what documents are put together from, by source id."""
    own = _rows_of(tx, source, ids)
    contexts = _rows_of(tx, source, {row.context_id for rows in own.values() for row in rows if row.context_id})
    found: dict[str, PartedDocument] = {}
    for source_id, rows in own.items():
        context = [row for name in {row.context_id for row in rows} - {None} for row in contexts.get(name, ())]
        latest = max(rows, key=lambda row: (row.as_of, row.event_key))
        found[source_id] = PartedDocument(
            own=_live(rows),
            context=_live(context),
            as_of=max(row.as_of for row in rows),
            event_key=latest.event_key,
            raw_pointer=latest.raw_pointer,
            action=latest.action,
        )
    return found


def _rows_of(tx: Transaction, source: str, ids: Iterable[str]) -> dict[str, list[Any]]:
    rows = tx.connection.execute(
        text(
            "SELECT p.*, e.action FROM document_parts p "
            "LEFT JOIN source_events e ON e.workspace_id = p.workspace_id AND e.idempotency_key = p.event_key "
            "WHERE p.source = :source AND p.source_id = ANY(:ids) ORDER BY p.part_id"
        ),
        {"source": source, "ids": list(ids)},
    )
    found: dict[str, list[Any]] = defaultdict(list)
    for row in rows:
        found[row.source_id].append(row)
    return found


def _live(rows: Iterable[Any]) -> tuple[Part, ...]:
    return tuple(Part(row.part_id, row.as_of, row.content) for row in rows if row.content is not None)

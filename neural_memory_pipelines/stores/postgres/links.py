"""What documents state of each other and of entities, and the handles they answer to, as rows.

What the links amount to is computed by `graph.py`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import text

from neural_memory_pipelines.domain.documents import storable
from neural_memory_pipelines.domain.ids import DocumentId
from neural_memory_pipelines.stores.postgres.bulk import Row, insert_rows
from neural_memory_pipelines.stores.postgres.engine import Transaction
from neural_memory_pipelines.stores.postgres.tables import document_handles, document_links

_MOVED = """(link_id) DO UPDATE SET chunk_id = excluded.chunk_id, start_char = excluded.start_char,
    end_char = excluded.end_char, quote = excluded.quote, confidence = excluded.confidence,
    since = excluded.since, until = excluded.until"""

LinkSpans = Mapping[str, tuple[datetime, datetime | None]]


def write_links(tx: Transaction, rows: Sequence[Row]) -> None:
    """Write the links of descriptions that hold; those that are known move to where their words now stand."""
    insert_rows(tx, document_links, rows, on_conflict=_MOVED)


def keep_links(tx: Transaction, rows: Sequence[Row]) -> None:
    """Keep the links of descriptions that were outdated when they arrived."""
    insert_rows(tx, document_links, rows, on_conflict="(link_id) DO NOTHING")


def set_link_spans(tx: Transaction, spans: LinkSpans) -> None:
    """Set from when to when links were stated."""
    if not spans:
        return
    tx.connection.execute(
        text(
            "UPDATE document_links l SET since = n.since, until = n.until FROM unnest(CAST(:ids AS text[]), "
            "CAST(:since AS timestamptz[]), CAST(:until AS timestamptz[])) AS n(id, since, until) "
            "WHERE l.link_id = n.id AND (l.since, l.until) IS DISTINCT FROM (n.since, n.until)"
        ),
        {
            "ids": list(spans),
            "since": [since for since, _ in spans.values()],
            "until": [until for _, until in spans.values()],
        },
    )


def forget_links(tx: Transaction, ids: Sequence[str]) -> None:
    """Delete links that no description states."""
    if ids:
        tx.connection.execute(text("DELETE FROM document_links WHERE link_id = ANY(:ids)"), {"ids": list(ids)})


def forget_other_links(tx: Transaction, documents: Sequence[DocumentId], *, kept: Sequence[str]) -> None:
    """Delete the links of documents, except `kept`."""
    if documents:
        tx.connection.execute(
            text("DELETE FROM document_links WHERE document_id = ANY(:documents) AND NOT (link_id = ANY(:kept))"),
            {"documents": list(documents), "kept": list(kept)},
        )


def replace_handles(tx: Transaction, handles: Mapping[DocumentId, Sequence[str]]) -> None:
    """Make these the names that documents answer to."""
    if not handles:
        return
    pairs = [(key, handle) for key, names in handles.items() for handle in dict.fromkeys(map(storable, names))]
    tx.connection.execute(
        text(
            "DELETE FROM document_handles h WHERE h.document_id = ANY(:documents) AND NOT EXISTS "
            "(SELECT FROM unnest(CAST(:ids AS text[]), CAST(:handles AS text[])) AS n(id, handle) "
            "WHERE n.id = h.document_id AND n.handle = h.handle)"
        ),
        {
            "documents": list(handles),
            "ids": [key for key, _ in pairs],
            "handles": [handle for _, handle in pairs],
        },
    )
    insert_rows(
        tx,
        document_handles,
        [{"document_id": key, "handle": handle} for key, handle in pairs],
        on_conflict="DO NOTHING",
    )

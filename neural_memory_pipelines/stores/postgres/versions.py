"""The history of documents: every description of each, with its raw artifact and what it linked to.

What follows from a history is computed in `domain/changes.py`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import text

from neural_memory_pipelines.domain.changes import DescriptionRecord
from neural_memory_pipelines.domain.ids import ContentHash, DocumentId
from neural_memory_pipelines.stores.postgres.bulk import insert_rows
from neural_memory_pipelines.stores.postgres.engine import Transaction
from neural_memory_pipelines.stores.postgres.tables import document_versions


class Statement(NamedTuple):
    """That an event describes a document or a part of it, as of when, and whether it says that it is gone."""

    document_id: DocumentId
    event_key: str
    part_id: str
    as_of: datetime
    deletes: bool


def statements_of(tx: Transaction, events: Collection[str]) -> list[Statement]:
    """List what events were understood to describe."""
    rows = tx.connection.execute(
        text(
            "SELECT document_id, event_key, part_id, as_of, deletes FROM document_versions "
            "WHERE workspace_id = :workspace AND event_key = ANY(:events)"
        ),
        {"workspace": tx.workspace_id, "events": list(events)},
    )
    return [Statement(*row) for row in rows]


def forget_histories(tx: Transaction, ids: Sequence[DocumentId]) -> set[str]:
    """Delete the histories of documents.

    Returns:
        The events that described them.
    """
    described = tx.connection.execute(
        text("DELETE FROM document_versions WHERE document_id = ANY(:ids) RETURNING event_key"), {"ids": list(ids)}
    )
    return set(described.scalars())


def histories(tx: Transaction, ids: Sequence[DocumentId]) -> dict[DocumentId, list[DescriptionRecord]]:
    """Read all descriptions of documents, in no promised order."""
    if not ids:
        return {}
    rows = tx.connection.execute(
        text(
            "SELECT document_id, event_key, part_id, as_of, deletes, content_hash, link_ids, raw_pointer "
            "FROM document_versions WHERE document_id = ANY(:ids)"
        ),
        {"ids": list(ids)},
    )
    found: dict[DocumentId, list[DescriptionRecord]] = defaultdict(list)
    for row in rows:
        found[DocumentId(row.document_id)].append(
            DescriptionRecord(
                event_key=row.event_key,
                part_id=row.part_id,
                as_of=row.as_of,
                deletes=row.deletes,
                content_hash=ContentHash(row.content_hash),
                link_ids=tuple(row.link_ids),
                raw_pointer=row.raw_pointer,
            )
        )
    return found


def record_descriptions(tx: Transaction, records: Sequence[tuple[DocumentId, DescriptionRecord]]) -> None:
    """Add descriptions to histories; an event that is read again replaces what it said."""
    rows = {
        (key, record.event_key, record.part_id): {
            "document_id": key,
            "event_key": record.event_key,
            "part_id": record.part_id,
            "as_of": record.as_of,
            "deletes": record.deletes,
            "content_hash": record.content_hash,
            "link_ids": list(record.link_ids),
            "raw_pointer": record.raw_pointer,
        }
        for key, record in records
    }
    insert_rows(
        tx,
        document_versions,
        list(rows.values()),
        on_conflict="(document_id, event_key, part_id) DO UPDATE SET as_of = excluded.as_of, "
        "deletes = excluded.deletes, content_hash = excluded.content_hash, link_ids = excluded.link_ids",
    )

"""The ingest ledger: which events were received and what became of each, and the dead letters.

Events are not read here, only counted and settled.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text

from neural_memory_pipelines.domain.documents import storable
from neural_memory_pipelines.domain.events import EventStatus
from neural_memory_pipelines.stores.postgres.bulk import Row, insert_rows
from neural_memory_pipelines.stores.postgres.dead_letters import dead_letter_id
from neural_memory_pipelines.stores.postgres.engine import Transaction
from neural_memory_pipelines.stores.postgres.tables import dead_letters, source_events


@dataclass(frozen=True, slots=True)
class PendingEvent:
    """An event that waits to be persisted; `is_again` if it was read before."""

    idempotency_key: str
    source: str
    raw_key: str
    is_again: bool = False


@dataclass(frozen=True, slots=True)
class EventOutcome:
    """What became of an event, and why if it was skipped or is dead."""

    idempotency_key: str
    status: EventStatus
    reason: str | None = None


def receive(tx: Transaction, rows: Sequence[Row]) -> int:
    """Record events; a known idempotency key is the same event.

    Args:
        tx: the workspace's transaction.
        rows: columns idempotency_key, source, action, occurred_at, raw_key, content_hash, raw_bytes.

    Returns:
        How many were new.
    """
    inserted = insert_rows(
        tx, source_events, rows, on_conflict="(workspace_id, idempotency_key) DO NOTHING", returning="1"
    )
    return len(inserted)


def pending(tx: Transaction, *, limit: int, limit_bytes: int) -> list[PendingEvent]:
    """List the oldest pending events.

    Args:
        tx: the workspace's transaction.
        limit: most events.
        limit_bytes: most bytes of raw artifacts; one event is taken even if it alone has more.
    """
    rows = tx.connection.execute(
        text(
            "SELECT idempotency_key, source, raw_key, raw_bytes, attempts FROM source_events WHERE status = 'pending' "
            "ORDER BY occurred_at, sequence LIMIT :limit"
        ),
        {"limit": limit},
    )
    taken: list[PendingEvent] = []
    size_bytes = 0
    for row in rows.all():
        size_bytes += row.raw_bytes
        if taken and size_bytes > limit_bytes:
            break
        taken.append(PendingEvent(row.idempotency_key, row.source, row.raw_key, is_again=row.attempts > 0))
    return taken


def lock_pending(tx: Transaction, listed: Sequence[PendingEvent]) -> list[PendingEvent]:
    """Lock those of some events that are still pending until the transaction ends, in their order."""
    rows = tx.connection.execute(
        text(
            "SELECT idempotency_key FROM source_events WHERE idempotency_key = ANY(:keys) AND status = 'pending' "
            "ORDER BY occurred_at, sequence FOR UPDATE"
        ),
        {"keys": [event.idempotency_key for event in listed]},
    )
    still = set(rows.scalars())
    return [event for event in listed if event.idempotency_key in still]


def settle(tx: Transaction, outcomes: Sequence[EventOutcome]) -> None:
    """Write down what became of events."""
    if not outcomes:
        return
    tx.connection.execute(
        text(
            "UPDATE source_events e SET status = o.status, reason = o.reason, attempts = e.attempts + 1, settled_at = clock_timestamp() "
            "FROM unnest(CAST(:keys AS text[]), CAST(:statuses AS text[]), CAST(:reasons AS text[])) "
            "AS o(key, status, reason) WHERE e.idempotency_key = o.key"
        ),
        {
            "keys": [o.idempotency_key for o in outcomes],
            "statuses": [str(o.status) for o in outcomes],
            "reasons": [storable(o.reason) if o.reason else None for o in outcomes],
        },
    )


def read_again(tx: Transaction, keys: Collection[str]) -> int:
    """Have events read again: they are pending once more.

    Returns:
        How many there are of them.
    """
    if not keys:
        return 0
    result = tx.connection.execute(
        text(
            "UPDATE source_events SET status = 'pending', reason = NULL, settled_at = NULL "
            "WHERE idempotency_key = ANY(:keys)"
        ),
        {"keys": list(keys)},
    )
    return result.rowcount


def read_all_again(tx: Transaction) -> int:
    """Have all events read again except those that a person dropped; returns how many there are of them."""
    result = tx.connection.execute(
        text(
            "UPDATE source_events SET status = 'pending', reason = NULL, settled_at = NULL "
            "WHERE status <> 'pending' AND reason IS DISTINCT FROM 'dropped'"
        )
    )
    return result.rowcount


def bury(tx: Transaction, rows: Sequence[Row]) -> None:
    """Record dead letters.

    Args:
        tx: the workspace's transaction.
        rows: columns idempotency_key (or None), origin, raw_key, reason. The same raw bytes are one dead letter.
    """
    unique = {dead_letter_id(tx, row["raw_key"]): row for row in rows}
    insert_rows(
        tx,
        dead_letters,
        [{"dead_letter_id": key, **row} for key, row in unique.items()],
        on_conflict="(dead_letter_id) DO UPDATE SET reason = excluded.reason",
    )


def count_pending(tx: Transaction, *, received_before: datetime | None = None) -> int:
    """Count the pending events, or those of them that were received before a moment."""
    query = "SELECT count(*) FROM source_events WHERE status = 'pending'"
    if received_before is not None:
        query += " AND received_at < :moment"
    return int(tx.connection.execute(text(query), {"moment": received_before}).scalar_one())


def settled_since(tx: Transaction, moment: datetime) -> int:
    """Count the events that were settled after a moment."""
    query = text("SELECT count(*) FROM source_events WHERE settled_at > :moment")
    return int(tx.connection.execute(query, {"moment": moment}).scalar_one())

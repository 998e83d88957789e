"""Dead letters as rows: listed, and taken off the list once they were settled after all.

Why an event is dead is decided where it is read; its bytes stay in the object store.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text

from neural_memory_pipelines.domain.ids import hash_json
from neural_memory_pipelines.stores.postgres.engine import Transaction

_LINE = re.compile(r":[0-9]+\Z")
_COLUMNS = """d.dead_letter_id, d.idempotency_key, e.source, e.action, d.origin, d.raw_key, d.reason, d.created_at
FROM dead_letters d LEFT JOIN source_events e USING (workspace_id, idempotency_key)"""


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """An event that cannot be processed.

    `idempotency_key` is None where the envelope itself could not be read, `source` and `action` where the event is in no
    ledger.
    """

    dead_letter_id: str
    idempotency_key: str | None
    source: str | None
    action: str | None
    origin: str
    raw_key: str
    reason: str
    created_at: datetime

    @property
    def is_in_ledger(self) -> bool:
        """Whether its envelope could be read, so that it has a row in the ingest ledger."""
        return self.source is not None

    @property
    def is_line(self) -> bool:
        """Whether it is a line of an object of the inbox, not an object that could not be split."""
        return _LINE.search(self.origin) is not None


@dataclass(frozen=True, slots=True)
class DeathCause:
    """How many dead letters there are of one reason."""

    reason: str
    letters: int


def dead_letter_id(tx: Transaction, raw_key: str) -> str:
    """Identify the dead letter of some raw bytes."""
    return f"dead_{hash_json([tx.workspace_id, raw_key])[:32]}"


def list_dead_letters(tx: Transaction, *, limit: int) -> list[DeadLetter]:
    """List dead letters, the latest first."""
    rows = tx.connection.execute(
        text(f"SELECT {_COLUMNS} ORDER BY d.created_at DESC, d.dead_letter_id LIMIT :limit"), {"limit": limit}
    )
    return [DeadLetter(*row) for row in rows]


def find_dead_letters(tx: Transaction, prefixes: Sequence[str]) -> list[DeadLetter]:
    """List the dead letters whose ids begin with one of some prefixes."""
    rows = tx.connection.execute(
        text(
            f"SELECT {_COLUMNS} WHERE EXISTS (SELECT FROM unnest(CAST(:prefixes AS text[])) p "
            "WHERE starts_with(d.dead_letter_id, p)) ORDER BY d.dead_letter_id"
        ),
        {"prefixes": list(prefixes)},
    )
    return [DeadLetter(*row) for row in rows]


def count_causes(tx: Transaction) -> list[DeathCause]:
    """Count dead letters by reason, the most frequent first."""
    rows = tx.connection.execute(
        text("SELECT reason, count(*) FROM dead_letters GROUP BY reason ORDER BY count(*) DESC, reason")
    )
    return [DeathCause(*row) for row in rows]


def take_off(tx: Transaction, ids: Collection[str]) -> None:
    """Take dead letters off the list."""
    if ids:
        tx.connection.execute(text("DELETE FROM dead_letters WHERE dead_letter_id = ANY(:ids)"), {"ids": list(ids)})


def take_off_settled(tx: Transaction, keys: Collection[str]) -> None:
    """Take the dead letters of events off the list that were settled after all."""
    if keys:
        tx.connection.execute(text("DELETE FROM dead_letters WHERE idempotency_key = ANY(:keys)"), {"keys": list(keys)})


def skip_events(tx: Transaction, keys: Collection[str], *, reason: str) -> None:
    """Settle dead events as skipped."""
    tx.connection.execute(
        text("UPDATE source_events SET status = 'skipped', reason = :reason WHERE idempotency_key = ANY(:keys)"),
        {"keys": list(keys), "reason": reason},
    )

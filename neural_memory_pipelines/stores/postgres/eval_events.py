"""Reasons to evaluate: written with what gave them, in its transaction, and consumed with the run that they led to.

Asking questions is not done here, and when it is due not decided.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import text

from neural_memory_pipelines.domain.evaluation import Suite
from neural_memory_pipelines.domain.ids import Json, WorkspaceId
from neural_memory_pipelines.stores.postgres.bulk import insert_rows
from neural_memory_pipelines.stores.postgres.engine import Database, Transaction
from neural_memory_pipelines.stores.postgres.tables import eval_events

_KEPT_FOR = timedelta(days=30)

_WAITING = """SELECT workspace_id, suite, count(*), min(created_at), max(created_at) FROM eval_events
WHERE consumed_at IS NULL GROUP BY workspace_id, suite ORDER BY min(created_at), workspace_id, suite"""

_CONSUME = """UPDATE eval_events SET consumed_at = :now, consumed_by = :run
WHERE event_id = ANY(:ids) AND consumed_at IS NULL RETURNING created_at, event_id, payload"""


@dataclass(frozen=True, slots=True)
class EvalEvent:
    """A reason to evaluate.

    Attributes:
        event_id: a function of what gave the reason.
        suite: which questions are due.
        payload: what the evaluation should know of it; no texts.
    """

    event_id: str
    suite: Suite
    payload: dict[str, Json]


@dataclass(frozen=True, slots=True)
class Waiting:
    """The events of a workspace and suite that wait: how many, when the oldest and the latest came (aware)."""

    workspace: WorkspaceId
    suite: Suite
    events: int
    oldest_at: datetime
    latest_at: datetime


def put_events(tx: Transaction, events: Sequence[EvalEvent]) -> int:
    """Record reasons to evaluate, with one statement; the same one twice is one, consumed or not.

    Args:
        tx: the transaction of what gave the reasons.
        events: as many as there are.

    Returns:
        How many are new.
    """
    rows = [{"event_id": it.event_id, "suite": str(it.suite), "payload": it.payload} for it in events]
    return len(insert_rows(tx, eval_events, rows, on_conflict="DO NOTHING", returning="event_id"))


def put_event(tx: Transaction, event_id: str, *, suite: Suite, payload: dict[str, Json]) -> bool:
    """Record a reason to evaluate; see `put_events`.

    Returns:
        Whether it is new.
    """
    return bool(put_events(tx, [EvalEvent(event_id, suite, payload)]))


def waiting(database: Database) -> list[Waiting]:
    """List what waits in all workspaces, with one query: what waits longest first."""
    with database.catalog() as connection:
        rows = connection.execute(text(_WAITING)).all()
    return [Waiting(WorkspaceId(row[0]), Suite(row[1]), *row[2:]) for row in rows]


def waiting_ids(tx: Transaction, suite: Suite) -> list[str]:
    """List the events of the transaction's workspace that wait for a suite."""
    query = text("SELECT event_id FROM eval_events WHERE suite = :suite AND consumed_at IS NULL ORDER BY event_id")
    return list(tx.connection.scalars(query, {"suite": str(suite)}))


def consume(tx: Transaction, ids: Sequence[str], *, run_id: str, now: datetime) -> list[dict[str, Json]]:
    """Consume those of some events that still wait, and drop those that were consumed over 30 days ago.

    Args:
        tx: the transaction that keeps the run; another one that wants the same events waits for its end.
        ids: the events.
        run_id: the run that they led to.
        now: when; aware.

    Returns:
        The payloads of the events that nobody else had consumed, the latest first.
    """
    rows = tx.connection.execute(text(_CONSUME), {"ids": list(ids), "run": run_id, "now": now}).all()
    tx.connection.execute(text("DELETE FROM eval_events WHERE consumed_at < :before"), {"before": now - _KEPT_FOR})
    return [payload for _, _, payload in sorted(rows, key=lambda row: row[:2], reverse=True)]

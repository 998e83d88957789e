"""Reasons to evaluate: written with what gave them, in its transaction. Asking questions is not done here."""

from __future__ import annotations

from neural_memory_pipelines.domain.ids import Json
from neural_memory_pipelines.stores.postgres.bulk import insert_rows
from neural_memory_pipelines.stores.postgres.engine import Transaction
from neural_memory_pipelines.stores.postgres.tables import eval_events


def put_event(tx: Transaction, event_id: str, *, suite: str, payload: dict[str, Json]) -> bool:
    """Record a reason to evaluate; the same one twice is one, consumed or not.

    Args:
        tx: the transaction of what gave the reason.
        event_id: a function of that.
        suite: which questions are due.
        payload: what the evaluation should know of it; no texts.

    Returns:
        Whether it is new.
    """
    row = {"event_id": event_id, "suite": suite, "payload": payload}
    return bool(insert_rows(tx, eval_events, [row], on_conflict="DO NOTHING", returning="event_id"))

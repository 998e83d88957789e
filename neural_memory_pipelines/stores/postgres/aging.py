"""Which observations are out of the hot index, and which people want to stay in it.

Rows, evidence and embeddings of what left are untouched: without the mark, the next run indexes it again.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import text

from neural_memory_pipelines.domain.consolidation import ConsolidationSettings, latest_night
from neural_memory_pipelines.domain.ids import ObservationId
from neural_memory_pipelines.stores.postgres.clusters import CONSOLIDATED, TOPIC
from neural_memory_pipelines.stores.postgres.engine import Transaction
from neural_memory_pipelines.stores.postgres.streams import over_whole_sets

# Those that may be out: of an age, of a topic of which a summary tells, and pinned by nobody.
_MAY_BE_OUT = f"""SELECT o.observation_id, o.importance, o.occurred_at, o.aged_at FROM {CONSOLIDATED}
    AND NOT :keep_hot AND o.occurred_at < :before
    AND NOT EXISTS (SELECT FROM observation_pins p WHERE p.observation_id = o.observation_id)
    AND EXISTS (SELECT FROM cluster_members m JOIN memory_clusters c ON c.cluster_id = m.cluster_id
        JOIN memory_summaries s ON s.cluster_id = c.cluster_id AND s.superseded_at IS NULL
        WHERE m.observation_id = o.observation_id AND c.kind = '{TOPIC}' AND c.died_at IS NULL)"""
_COME_BACK = f"""FROM memory_observations b WHERE b.aged_at IS NOT NULL
    AND NOT EXISTS (SELECT FROM ({_MAY_BE_OUT}) e WHERE e.observation_id = b.observation_id)"""
# What left since the night began counts: the same night twice takes no second share.
_SHARE = "greatest(:per_night - (SELECT count(*) FROM memory_observations WHERE aged_at >= :night), 0)"
_LEAVE = f"""WITH leaving AS (SELECT e.observation_id FROM ({_MAY_BE_OUT}) e WHERE e.aged_at IS NULL
    ORDER BY e.importance, e.occurred_at, e.observation_id LIMIT {_SHARE})
UPDATE memory_observations o SET aged_at = :now FROM leaving n
WHERE o.observation_id = n.observation_id AND o.aged_at IS NULL RETURNING o.observation_id, o.importance, o.occurred_at"""


_FOREVER = datetime(9999, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class AgedRow:
    """An observation that left the hot index; `importance` is 0..1."""

    observation_id: ObservationId
    importance: float
    occurred_at: datetime


@dataclass(frozen=True, slots=True)
class AgingCounts:
    """How many observations may be out of the hot index, and how many of them are."""

    may_be_out: int
    out: int


@dataclass(frozen=True, slots=True)
class Pin:
    """An observation that somebody wants in the hot index, and why."""

    observation_id: ObservationId
    pinned_by: str
    reason: str
    at: datetime


def bring_back(tx: Transaction, settings: ConsolidationSettings, now: datetime) -> int:
    """Let those come back that may no longer be out; returns how many there are."""
    query = (
        "UPDATE memory_observations o SET aged_at = NULL WHERE o.observation_id IN "
        f"(SELECT b.observation_id {_COME_BACK})"
    )
    return over_whole_sets(tx, query, _values(settings, now)).rowcount


def let_leave(tx: Transaction, settings: ConsolidationSettings, now: datetime) -> list[AgedRow]:
    """Let those leave that may be out, the least important and then the oldest first, up to the night's share."""
    values = {
        **_values(settings, now),
        "now": now,
        "night": latest_night(settings, now),
        "per_night": settings.age_per_night,
    }
    rows = [AgedRow(**row._mapping) for row in over_whole_sets(tx, _LEAVE, values)]
    return sorted(rows, key=lambda row: (row.importance, row.occurred_at, row.observation_id))


def count_aging(tx: Transaction, settings: ConsolidationSettings, now: datetime) -> AgingCounts:
    """Count the observations that may be out, and those of them that are."""
    query = f"SELECT count(*) AS may_be_out, count(e.aged_at) AS out FROM ({_MAY_BE_OUT}) e"
    row = over_whole_sets(tx, query, _values(settings, now)).one()
    return AgingCounts(row.may_be_out, row.out)


def next_leaving(tx: Transaction, settings: ConsolidationSettings) -> datetime | None:
    """Tell when the next observation will be old enough to leave, as topics and summaries are; None if none will.

    It lies in the past if some have to wait for another night.
    """
    query = f"SELECT min(e.occurred_at) FROM ({_MAY_BE_OUT}) e WHERE e.aged_at IS NULL"
    values = {"keep_hot": settings.keep_hot, "before": _FOREVER}
    first: datetime | None = over_whole_sets(tx, query, values).scalar_one()
    return first + timedelta(days=settings.age_after_days) if first else None


def pin(tx: Transaction, observation: ObservationId, *, pinned_by: str, reason: str) -> bool:
    """Keep an observation in the hot index; who pinned it last, and why, is kept.

    Returns:
        Whether there is such an observation; else nothing was done.
    """
    done = tx.connection.execute(
        text(
            "INSERT INTO observation_pins (workspace_id, observation_id, pinned_by, reason) "
            "SELECT :workspace, observation_id, :pinned_by, :reason FROM memory_observations "
            "WHERE observation_id = :observation ON CONFLICT (workspace_id, observation_id) "
            "DO UPDATE SET pinned_by = excluded.pinned_by, reason = excluded.reason, at = excluded.at"
        ),
        {"workspace": tx.workspace_id, "observation": observation, "pinned_by": pinned_by, "reason": reason},
    )
    return bool(done.rowcount)


def unpin(tx: Transaction, observation: ObservationId) -> bool:
    """Let an observation age again; returns whether it was pinned."""
    done = tx.connection.execute(
        text("DELETE FROM observation_pins WHERE observation_id = :observation"), {"observation": observation}
    )
    return bool(done.rowcount)


def list_pins(tx: Transaction) -> list[Pin]:
    """List the pins, the latest first."""
    query = text("SELECT observation_id, pinned_by, reason, at FROM observation_pins ORDER BY at DESC, observation_id")
    return [Pin(*row) for row in tx.connection.execute(query)]


def _values(settings: ConsolidationSettings, now: datetime) -> dict[str, Any]:
    return {"keep_hot": settings.keep_hot, "before": now - timedelta(days=settings.age_after_days)}

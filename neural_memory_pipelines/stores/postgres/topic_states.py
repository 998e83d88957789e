"""How far the topics of a workspace are: what they were found from, and which observations wait for one.

The topics themselves are in `clusters.py`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text

from neural_memory_pipelines.domain.ids import ObservationId
from neural_memory_pipelines.errors import TransientError
from neural_memory_pipelines.stores.postgres.engine import Transaction


@dataclass(frozen=True, slots=True)
class TopicStanding:
    """What topics were found from.

    Attributes:
        embedding_version: of the vectors.
        settings_hash: of the settings.
        input_hash: of the observations, at the last run.
        full_hash: of the observations, when everything was clustered.
        full_at: when that was (aware).
    """

    embedding_version: str
    settings_hash: str
    input_hash: str
    full_hash: str
    full_at: datetime


def topic_standing(tx: Transaction) -> TopicStanding | None:
    """Read how far topics are; None if they never were looked for."""
    row = tx.connection.execute(
        text(
            "SELECT embedding_version, settings_hash, input_hash, full_hash, full_at FROM consolidations "
            "WHERE input_hash <> ''"
        )
    ).one_or_none()
    return TopicStanding(**row._mapping) if row else None


def put_standing(tx: Transaction, standing: TopicStanding, *, after: TopicStanding | None) -> None:
    """Note how far topics are, if they still are as far as `after`; call it before topics are written.

    Raises:
        TransientError: another run wrote topics since `after` was read.
    """
    written = tx.connection.execute(
        text(
            "INSERT INTO consolidations AS known "
            "(workspace_id, embedding_version, settings_hash, input_hash, full_hash, full_at) "
            "VALUES (:workspace, :version, :settings, :input, :full, :full_at) ON CONFLICT (workspace_id) DO UPDATE SET "
            "embedding_version = excluded.embedding_version, settings_hash = excluded.settings_hash, "
            "input_hash = excluded.input_hash, full_hash = excluded.full_hash, full_at = excluded.full_at "
            "WHERE known.input_hash = :input_before AND (:input_before = '' OR known.full_at = :full_at_before)"
        ),
        {
            "workspace": tx.workspace_id,
            "version": standing.embedding_version,
            "settings": standing.settings_hash,
            "input": standing.input_hash,
            "full": standing.full_hash,
            "full_at": standing.full_at,
            "input_before": after.input_hash if after else "",
            "full_at_before": after.full_at if after else None,
        },
    )
    if not written.rowcount:
        raise TransientError(f"another run found the topics of {tx.workspace_id} meanwhile")


@dataclass(frozen=True, slots=True)
class Waiting:
    """Observations without a topic: those that came since everything was clustered, and those it left out."""

    pending: frozenset[ObservationId]
    left_out: frozenset[ObservationId]


def waiting(tx: Transaction) -> Waiting:
    """Read which observations have no topic."""
    rows = tx.connection.execute(text("SELECT observation_id, left_out FROM pending_observations")).all()
    return Waiting(
        frozenset(ObservationId(row.observation_id) for row in rows if not row.left_out),
        frozenset(ObservationId(row.observation_id) for row in rows if row.left_out),
    )


def replace_waiting(tx: Transaction, now_waiting: Waiting, *, now: datetime) -> None:
    """Make these the observations that wait; those that did already wait since then."""
    ids = sorted(now_waiting.pending | now_waiting.left_out)
    values = {
        "workspace": tx.workspace_id,
        "ids": ids,
        "left_out": [key in now_waiting.left_out for key in ids],
        "now": now,
    }
    tx.connection.execute(text("DELETE FROM pending_observations WHERE NOT observation_id = ANY(:ids)"), values)
    tx.connection.execute(
        text(
            "INSERT INTO pending_observations AS known (workspace_id, observation_id, since, left_out) "
            "SELECT :workspace, w.id, :now, w.left_out FROM unnest(CAST(:ids AS text[]), CAST(:left_out AS bool[])) "
            "AS w(id, left_out) ON CONFLICT (workspace_id, observation_id) DO UPDATE SET left_out = excluded.left_out "
            "WHERE known.left_out <> excluded.left_out"
        ),
        values,
    )

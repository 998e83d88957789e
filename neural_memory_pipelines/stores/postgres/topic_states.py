"""How far the topics of a workspace are: what they were found from, and which observations wait for one.

The topics themselves are in `clusters.py`.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text

from neural_memory_pipelines.domain.ids import ObservationId
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


def put_standing(tx: Transaction, standing: TopicStanding) -> None:
    """Note how far topics are."""
    tx.connection.execute(
        text(
            "INSERT INTO consolidations (workspace_id, embedding_version, settings_hash, input_hash, full_hash, full_at) "
            "VALUES (:workspace, :version, :settings, :input, :full, :full_at) ON CONFLICT (workspace_id) DO UPDATE SET "
            "embedding_version = excluded.embedding_version, settings_hash = excluded.settings_hash, "
            "input_hash = excluded.input_hash, full_hash = excluded.full_hash, full_at = excluded.full_at"
        ),
        {
            "workspace": tx.workspace_id,
            "version": standing.embedding_version,
            "settings": standing.settings_hash,
            "input": standing.input_hash,
            "full": standing.full_hash,
            "full_at": standing.full_at,
        },
    )


def pending(tx: Transaction) -> dict[ObservationId, datetime]:
    """List the observations that wait for a topic, and since when."""
    rows = tx.connection.execute(text("SELECT observation_id, since FROM pending_observations"))
    return {ObservationId(row.observation_id): row.since for row in rows}


def replace_pending(tx: Transaction, ids: Collection[ObservationId], *, now: datetime) -> None:
    """Make these the observations that wait; those that did already wait since then."""
    values = {"workspace": tx.workspace_id, "ids": sorted(ids), "now": now}
    tx.connection.execute(text("DELETE FROM pending_observations WHERE NOT observation_id = ANY(:ids)"), values)
    tx.connection.execute(
        text(
            "INSERT INTO pending_observations (workspace_id, observation_id, since) "
            "SELECT :workspace, id, :now FROM unnest(CAST(:ids AS text[])) AS w(id) ON CONFLICT DO NOTHING"
        ),
        values,
    )

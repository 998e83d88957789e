"""What nights know of a workspace: when it was looked at, what there is to consolidate, and how far that is.

Whether a night is due is decided in `steps/consolidation/due.py`; how much one covers is in `night_coverage.py`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import bindparam, text
from sqlalchemy.dialects.postgresql import JSONB

from neural_memory_pipelines.domain.ids import WorkspaceId
from neural_memory_pipelines.domain.lifecycle import VersionStatus
from neural_memory_pipelines.stores.postgres.clusters import CONSOLIDATED
from neural_memory_pipelines.stores.postgres.engine import Database, Transaction

_NEVER = datetime(1970, 1, 1, tzinfo=UTC)

# Sums of hashes: the same for the same rows in any order, and one pass over them.
_HASHED = "coalesce(sum(hashtextextended(concat_ws('|', {0}), 0)), 0)::text"
_OBSERVED = _HASHED.format("o.observation_id, extract(epoch FROM o.occurred_at), o.importance, o.tags")
# One statement: a night asks this of each workspace, and most of them are idle.
_LOOK = f"""SELECT o.observations, o.written_until, w.active_embedding_version AS active,
    jsonb_build_array(o.digest, r.digest, e.digest, p.digest) AS digests, v.versions,
    c.night_hash, c.night_at, jsonb_exists(c.seen, 'leaving_at') AS is_whole,
    CAST(c.seen ->> 'leaving_at' AS timestamptz) AS leaving_at
FROM workspaces w LEFT JOIN consolidations c ON c.workspace_id = w.workspace_id,
(SELECT count(*) AS observations, max(o.created_at) AS written_until, {_OBSERVED} AS digest FROM {CONSOLIDATED}) o,
(SELECT {_HASHED.format("relationship_id")} AS digest FROM relationships WHERE until IS NULL) r,
(SELECT {_HASHED.format("entity_id, name, merged_into")} AS digest FROM entities) e,
(SELECT {_HASHED.format("observation_id")} AS digest FROM observation_pins) p,
(SELECT coalesce(jsonb_agg(jsonb_build_array(embedding_version, status, since) ORDER BY embedding_version), '[]')
    AS versions FROM workspace_versions k WHERE status IN ('canary', 'active', 'retired') OR (status = 'archived'
    AND EXISTS (SELECT FROM vector_namespaces n WHERE n.embedding_version = k.embedding_version))) v"""
_NEW = f"""SELECT (SELECT observed_until FROM consolidations) AS since, (SELECT count(*) FROM {CONSOLIDATED}
    AND o.created_at > coalesce((SELECT observed_until FROM consolidations), :never)) AS observations"""


@dataclass(frozen=True, slots=True)
class NightSchedule:
    """What tells whether a workspace's night must be looked at; `spelled` are its settings as it keeps them."""

    workspace: WorkspaceId
    active: str
    spelled: Any
    looked_at: datetime | None


@dataclass(frozen=True, slots=True)
class PlacedVersion:
    """A version that has a place in the indexes, or may get one any time, and since when it has its status."""

    name: str
    status: VersionStatus
    since: datetime


@dataclass(frozen=True, slots=True)
class NightState:
    """How far consolidation is.

    Attributes:
        night_hash: of all that the last whole night saw.
        night_at: when it ended; None before the first.
        is_whole: whether no night has begun after it that did not end.
        leaving_at: when the next observation is due to leave the hot index; None if none will.
    """

    night_hash: str
    night_at: datetime | None
    is_whole: bool
    leaving_at: datetime | None


@dataclass(frozen=True, slots=True)
class Look:
    """All that a night reads, as far as it takes to tell whether anything changed.

    Attributes:
        observations: how many may be consolidated.
        written_until: when the last of them was written; None if there are none.
        active: the version at which the workspace is served.
        digests: of the observations, edges, entities and pins.
        versions: those that are kept up to date, and archived ones of which an index still holds something.
        state: how far consolidation is; None if it never began.
    """

    observations: int
    written_until: datetime | None
    active: str
    digests: Sequence[str]
    versions: Sequence[PlacedVersion]
    state: NightState | None


@dataclass(frozen=True, slots=True)
class NewObservations:
    """How many observations are new, and since when; None if no night has ended yet."""

    observations: int
    since: datetime | None


def night_schedules(database: Database) -> list[NightSchedule]:
    """List all workspaces with what tells when their nights are, by name, in one query."""
    query = text(
        "SELECT workspace_id, active_embedding_version, settings -> 'consolidation' AS spelled, night_looked_at "
        "FROM workspaces ORDER BY workspace_id"
    )
    with database.catalog() as connection:
        return [NightSchedule(WorkspaceId(row[0]), *row[1:]) for row in connection.execute(query)]


def note_looked_at(tx: Transaction, night: datetime) -> None:
    """Note that nothing is left to do in the nights up to one. A crash may lose the note: it is looked again then."""
    tx.connection.execute(
        text(
            "UPDATE workspaces SET night_looked_at = greatest(night_looked_at, :night) "
            "WHERE set_config('synchronous_commit', 'off', true) = 'off'"
        ),
        {"night": night},
    )


def look(tx: Transaction) -> Look:
    """Look at all that a night reads."""
    row = tx.connection.execute(text(_LOOK)).one()
    state = None
    if row.night_hash is not None:
        state = NightState(row.night_hash, row.night_at, bool(row.is_whole), row.leaving_at)
    versions = [
        PlacedVersion(name, VersionStatus(status), datetime.fromisoformat(since))
        for name, status, since in row.versions
    ]
    return Look(row.observations, row.written_until, row.active, row.digests, versions, state)


def count_new(tx: Transaction) -> NewObservations:
    """Count the observations that may be consolidated and were written after the last night had looked."""
    row = tx.connection.execute(text(_NEW), {"never": _NEVER}).one()
    return NewObservations(row.observations, row.since)


def begin(tx: Transaction, seen: Look, *, seen_hash: str, run: str) -> None:
    """Note what a night saw when it began; the state of the night before stays until it ends."""
    until = seen.written_until.isoformat() if seen.written_until else None
    tx.connection.execute(
        text(
            "INSERT INTO consolidations (workspace_id, embedding_version, settings_hash, full_at, input_hash, seen) "
            "VALUES (:workspace, :version, '', :never, '', :seen) "
            "ON CONFLICT (workspace_id) DO UPDATE SET seen = excluded.seen"
        ).bindparams(bindparam("seen", type_=JSONB)),
        {
            "workspace": tx.workspace_id,
            "version": seen.active,
            "never": _NEVER,
            "seen": {"run": run, "hash": seen_hash, "until": until},
        },
    )


def end(tx: Transaction, *, run: str, now: datetime, leaving_at: datetime | None) -> str | None:
    """Make what a night saw when it began the state of the workspace.

    Args:
        tx: the workspace's transaction.
        run: the night, as it was begun.
        now: when it ends; aware.
        leaving_at: when the next observation is due to leave the hot index; None if none will.

    Returns:
        The hash of what it saw; None if another night began meanwhile, which will write the state, and nothing was done.
    """
    values: Mapping[str, Any] = {
        "run": run,
        "now": now,
        "ended": {"leaving_at": leaving_at.isoformat() if leaving_at else None},
    }
    done: str | None = tx.connection.scalar(
        text(
            "UPDATE consolidations SET night_hash = seen ->> 'hash', night_at = greatest(night_at, :now), "
            "observed_until = CAST(seen ->> 'until' AS timestamptz), seen = seen || :ended "
            "WHERE seen ->> 'run' = :run RETURNING night_hash"
        ).bindparams(bindparam("ended", type_=JSONB)),
        values,
    )
    return done

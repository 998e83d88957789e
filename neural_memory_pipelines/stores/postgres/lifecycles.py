"""Where embedding versions stand in a workspace, and the steps that they took. What may follow what is not decided here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, text
from sqlalchemy.dialects.postgresql import JSONB

from neural_memory_pipelines.domain.lifecycle import VersionStatus
from neural_memory_pipelines.stores.postgres.engine import Transaction

_SYSTEM = "neural-memory"
_STANDINGS = (
    "SELECT v.embedding_version AS name, e.model, e.dim, e.topology, v.status, v.since, v.gate, v.gate_passed, v.gate_at "
    "FROM workspace_versions v JOIN embedding_versions e ON e.name = v.embedding_version"
)


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a version stands in a workspace. The times are aware UTC; `gate` is what the gate found last."""

    name: str
    model: str
    dim: int
    topology: str
    status: VersionStatus
    since: datetime
    gate: Mapping[str, Any] | None
    gate_passed: bool | None
    gate_at: datetime | None


@dataclass(frozen=True, slots=True)
class TransitionRow:
    """A step that a version took."""

    embedding_version: str
    from_status: str | None
    to_status: str
    decided_by: str
    reason: str
    forced: bool
    at: datetime


def begin(tx: Transaction, version: str, status: VersionStatus, *, reason: str, decided_by: str = _SYSTEM) -> None:
    """Record a version that the workspace did not know."""
    tx.connection.execute(
        text(
            "INSERT INTO workspace_versions (workspace_id, embedding_version, status) "
            "VALUES (:workspace, :version, :status)"
        ),
        {"workspace": tx.workspace_id, "version": version, "status": str(status)},
    )
    _note(tx, version, None, status, reason=reason, decided_by=decided_by)


def lock_lives(tx: Transaction) -> None:
    """Wait until no other transaction changes the versions of this workspace, and keep others waiting."""
    tx.connection.execute(text("SELECT 1 FROM workspaces FOR UPDATE"))


def standings(tx: Transaction) -> list[Standing]:
    """List the versions of a workspace, the latest change first."""
    return [
        _standing(row)
        for row in tx.connection.execute(text(f"{_STANDINGS} ORDER BY v.since DESC, v.embedding_version"))
    ]


def standing(tx: Transaction, version: str) -> Standing | None:
    """Read where a version stands; None if the workspace does not know it."""
    row = tx.connection.execute(
        text(f"{_STANDINGS} WHERE v.embedding_version = :version"), {"version": version}
    ).first()
    return _standing(row) if row else None


def versions_in(tx: Transaction, statuses: Sequence[VersionStatus] | frozenset[VersionStatus]) -> list[str]:
    """List the names of the versions that have one of these statuses."""
    return list(
        tx.connection.scalars(
            text(
                "SELECT embedding_version FROM workspace_versions WHERE status = ANY(:statuses) "
                "ORDER BY status = 'active' DESC, embedding_version"
            ),
            {"statuses": [str(status) for status in statuses]},
        )
    )


def last_served(tx: Transaction) -> str | None:
    """Name the retired version that was served last; None if there is none."""
    name: str | None = tx.connection.scalar(
        text(
            "SELECT embedding_version FROM workspace_versions WHERE status = 'retired' "
            "ORDER BY since DESC, embedding_version LIMIT 1"
        )
    )
    return name


def set_status(
    tx: Transaction,
    version: str,
    before: VersionStatus,
    after: VersionStatus,
    *,
    decided_by: str,
    reason: str,
    forced: bool = False,
) -> None:
    """Bring a version to another status, and note who did it and why."""
    tx.connection.execute(
        text(
            "UPDATE workspace_versions SET status = :status, since = clock_timestamp() WHERE embedding_version = :version"
        ),
        {"status": str(after), "version": version},
    )
    _note(tx, version, before, after, reason=reason, decided_by=decided_by, forced=forced)


def record_gate(tx: Transaction, version: str, *, passed: bool, found: Mapping[str, Any]) -> None:
    """Keep what the gate found."""
    tx.connection.execute(
        text(
            "UPDATE workspace_versions SET gate = :found, gate_passed = :passed, gate_at = now() "
            "WHERE embedding_version = :version"
        ).bindparams(bindparam("found", type_=JSONB)),
        {"found": dict(found), "passed": passed, "version": version},
    )


def clear_gate(tx: Transaction, version: str) -> None:
    """Forget what the gate found: the version is built anew."""
    tx.connection.execute(
        text(
            "UPDATE workspace_versions SET gate = NULL, gate_passed = NULL, gate_at = NULL "
            "WHERE embedding_version = :version"
        ),
        {"version": version},
    )


def serve(tx: Transaction, version: str, *, model: str) -> None:
    """Have the workspace, and all its live rows, served at a version."""
    tx.connection.execute(text("UPDATE workspaces SET active_embedding_version = :version"), {"version": version})
    for table in ("knowledge_chunks", "memory_observations", "memory_summaries"):
        tx.connection.execute(
            text(
                f"UPDATE {table} SET embedding_version = :version, embedding_model = :model "
                "WHERE superseded_at IS NULL AND embedding_version <> :version"
            ),
            {"version": version, "model": model},
        )


def transitions(tx: Transaction) -> list[TransitionRow]:
    """List the steps of all versions of a workspace, oldest first."""
    rows = tx.connection.execute(
        text(
            "SELECT embedding_version, from_status, to_status, decided_by, reason, forced, at "
            "FROM version_transitions ORDER BY sequence"
        )
    )
    return [TransitionRow(**row._mapping) for row in rows]


def _note(
    tx: Transaction,
    version: str,
    before: VersionStatus | None,
    after: VersionStatus,
    *,
    reason: str,
    decided_by: str,
    forced: bool = False,
) -> None:
    tx.connection.execute(
        text(
            "INSERT INTO version_transitions "
            "(workspace_id, embedding_version, from_status, to_status, decided_by, reason, forced) "
            "VALUES (:workspace, :version, :before, :after, :decided_by, :reason, :forced)"
        ),
        {
            "workspace": tx.workspace_id,
            "version": version,
            "before": str(before) if before else None,
            "after": str(after),
            "decided_by": decided_by,
            "reason": reason,
            "forced": forced,
        },
    )


def _standing(row: Any) -> Standing:
    values = dict(row._mapping)
    return Standing(**values | {"status": VersionStatus(values["status"])})

"""How much a workspace holds: the numbers behind `neural-memory status` and Dagster's row counts. It only reads."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text

from neural_memory_pipelines.stores.postgres.engine import Transaction

_LIVE_ROWS = """SELECT
    (SELECT count(*) FROM knowledge_documents WHERE deleted_at IS NULL) AS documents,
    (SELECT count(*) FROM knowledge_chunks WHERE superseded_at IS NULL) AS chunks,
    (SELECT count(*) FROM memory_observations WHERE superseded_at IS NULL) AS observations"""
_COUNTS = f"""{_LIVE_ROWS},
    (SELECT count(*) FROM relationships WHERE until IS NULL) AS relationships,
    (SELECT count(*) FROM entities WHERE kind = 'person' AND merged_into IS NULL) AS persons,
    (SELECT count(*) FROM entities WHERE kind <> 'person' AND merged_into IS NULL) AS other_entities,
    (SELECT count(*) FROM source_events WHERE status = 'pending') AS pending_events,
    (SELECT count(*) FROM dead_letters) AS dead_letters,
    (SELECT active_embedding_version FROM workspaces) AS active_embedding_version,
    (SELECT max(settled_at) FROM source_events) AS last_event_settled_at"""


@dataclass(frozen=True, slots=True)
class VectorCount:
    """Vectors in the ledger of one family at one version."""

    family: str
    embedding_version: str
    vectors: int


@dataclass(frozen=True, slots=True)
class EventCount:
    """Events of one source with one outcome; `reason` says why events were skipped, without details."""

    source: str
    status: str
    reason: str | None
    events: int


@dataclass(frozen=True, slots=True)
class WorkspaceStatus:
    """What a workspace holds."""

    workspace: str
    documents: int
    chunks: int
    observations: int
    relationships: int
    persons: int
    other_entities: int
    pending_events: int
    dead_letters: int
    active_embedding_version: str
    last_event_settled_at: datetime | None
    vectors: tuple[VectorCount, ...]
    events: tuple[EventCount, ...]


def live_rows(tx: Transaction) -> dict[str, int]:
    """Count a workspace's live documents, chunks and observations, by these names."""
    return dict(tx.connection.execute(text(_LIVE_ROWS)).one()._mapping)


def vector_counts(tx: Transaction) -> tuple[VectorCount, ...]:
    """Count a workspace's vectors in the ledger, by family and version."""
    rows = tx.connection.execute(
        text(
            "SELECT family, embedding_version, count(*) AS vectors FROM vector_entries WHERE content_hash <> '' "
            "GROUP BY family, embedding_version ORDER BY family, embedding_version"
        )
    )
    return tuple(VectorCount(**row._mapping) for row in rows)


def workspace_status(tx: Transaction) -> WorkspaceStatus:
    """Count what a workspace holds."""
    counts = tx.connection.execute(text(_COUNTS)).one()
    events = tx.connection.execute(
        text(
            "SELECT source, status, CASE WHEN status = 'skipped' THEN split_part(reason, ': ', 1) END AS reason, "
            "count(*) AS events FROM source_events GROUP BY 1, 2, 3 ORDER BY 1, 2, 3"
        )
    )
    return WorkspaceStatus(
        workspace=tx.workspace_id,
        events=tuple(EventCount(**row._mapping) for row in events),
        vectors=vector_counts(tx),
        **counts._mapping,
    )

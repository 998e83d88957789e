"""Summaries of clusters: what each was written from, and the evidence that the next one is written from.

What is written is up to the summarizers; whether it has to be written is decided in `steps/consolidation/`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import text

from neural_memory_pipelines.domain.consolidation import Observed
from neural_memory_pipelines.domain.ids import ClusterId, ContentHash, Json, ObservationId, SummaryId
from neural_memory_pipelines.stores.postgres.bulk import Row, insert_rows
from neural_memory_pipelines.stores.postgres.clusters import CONSOLIDATED
from neural_memory_pipelines.stores.postgres.engine import Transaction
from neural_memory_pipelines.stores.postgres.streams import over_whole_sets
from neural_memory_pipelines.stores.postgres.tables import memory_summaries


@dataclass(frozen=True, slots=True)
class GroupedMember:
    """A member of a living cluster, with what its summary's evidence is chosen by."""

    cluster_id: ClusterId
    observed: Observed
    content_hash: ContentHash
    similarity_cosine: float | None
    importance: float
    tags: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class EvidenceRow:
    """An observation with what a summary says of it."""

    observation_id: ObservationId
    text: str
    title: str | None
    occurred_at: datetime
    source: str
    type: str
    tags: tuple[str, ...]
    importance: float
    author: str | None
    url: str | None


@dataclass(frozen=True, slots=True)
class SummaryRow:
    """A summary as it is kept. `sentences` are mappings of `text` and `observation_ids`."""

    summary_id: SummaryId
    cluster_id: ClusterId
    title: str
    text: str
    sentences: tuple[dict[str, Any], ...]
    evidence: tuple[ObservationId, ...]
    window: dict[str, Any]
    coverage: dict[str, Any]
    written_by: str
    unsupported: int
    occurred_at: datetime
    superseded_at: datetime | None


def grouped_members(tx: Transaction) -> dict[ClusterId, list[GroupedMember]]:
    """List the members of all living clusters that all may read, oldest first, by cluster."""
    query = f"""SELECT m.cluster_id, o.observation_id, o.occurred_at, o.content_hash, m.similarity_cosine,
            o.importance, o.tags
        FROM cluster_members m JOIN memory_clusters c USING (cluster_id) JOIN (SELECT o.* FROM {CONSOLIDATED}) o
        USING (observation_id) WHERE c.died_at IS NULL ORDER BY m.cluster_id, o.occurred_at, o.observation_id"""
    found: dict[ClusterId, list[GroupedMember]] = {}
    for row in over_whole_sets(tx, query, {}):
        cluster = ClusterId(row.cluster_id)
        observed = Observed(ObservationId(row.observation_id), row.occurred_at)
        found.setdefault(cluster, []).append(
            GroupedMember(cluster, observed, row.content_hash, row.similarity_cosine, row.importance, tuple(row.tags))
        )
    return found


def live_hashes(tx: Transaction) -> dict[SummaryId, str]:
    """Read of what each live summary was written, as hashes."""
    rows = tx.connection.execute(
        text("SELECT summary_id, membership_hash FROM memory_summaries WHERE superseded_at IS NULL")
    )
    return {SummaryId(row.summary_id): row.membership_hash for row in rows}


def evidence_rows(tx: Transaction, ids: Sequence[ObservationId]) -> list[EvidenceRow]:
    """Read observations as evidence, oldest first; those that not all may read, or not any more, are left out."""
    rows = tx.connection.execute(
        text(
            "SELECT o.observation_id, o.text, o.title, o.occurred_at, d.source, d.type, o.tags, o.importance, "
            f"d.author_json ->> 'name' AS author, d.url FROM {CONSOLIDATED} AND o.observation_id = ANY(:ids) "
            "ORDER BY o.occurred_at, o.observation_id"
        ),
        {"ids": list(ids)},
    )
    return [EvidenceRow(**{**row._mapping, "tags": tuple(row.tags)}) for row in rows]


def write_summary(tx: Transaction, row: Row) -> bool:
    """Write a summary in place of the one of the same cluster and window; it is live, unless `superseded_at` is given.

    Returns:
        Whether there was none before.
    """
    whole = {"superseded_at": None, **row}
    kept = {"summary_id", "workspace_id", "created_at"}
    changed = ", ".join(f"{name} = excluded.{name}" for name in whole if name not in kept)
    written = insert_rows(
        tx,
        memory_summaries,
        [whole],
        on_conflict=f"(summary_id) DO UPDATE SET {changed}",
        returning="(xmax = 0) AS is_new",
    )
    return bool(written[0].is_new)


def unsaid_hashes(tx: Transaction) -> dict[SummaryId, str]:
    """Read of what nothing could be said, as hashes: asking for it again would give the same."""
    rows = tx.connection.execute(text("SELECT summary_id, membership_hash FROM memory_summaries WHERE text = ''"))
    return {SummaryId(row.summary_id): row.membership_hash for row in rows}


def retire_summaries(tx: Transaction, ids: Sequence[SummaryId], *, at: datetime) -> None:
    """Take summaries out of the memory whose cluster or evidence is gone."""
    tx.connection.execute(
        text("UPDATE memory_summaries SET superseded_at = :at WHERE summary_id = ANY(:ids) AND superseded_at IS NULL"),
        {"ids": list(ids), "at": at},
    )


def summaries_of(tx: Transaction, cluster_ids: Sequence[ClusterId]) -> list[SummaryRow]:
    """List the live summaries of clusters, the latest first."""
    rows = tx.connection.execute(
        text(
            "SELECT * FROM memory_summaries WHERE cluster_id = ANY(:ids) AND superseded_at IS NULL "
            "ORDER BY occurred_at DESC, summary_id"
        ),
        {"ids": list(cluster_ids)},
    )
    return [_summary(row) for row in rows]


def summaries_named(tx: Transaction, prefix: str, *, limit: int = 10) -> list[SummaryRow]:
    """List the summaries, live or not, whose id begins with `prefix`."""
    rows = tx.connection.execute(
        text(
            "SELECT * FROM memory_summaries WHERE starts_with(summary_id, :prefix) AND text <> '' "
            "ORDER BY summary_id LIMIT :limit"
        ),
        {"prefix": prefix, "limit": limit},
    )
    return [_summary(row) for row in rows]


def _summary(row: Any) -> SummaryRow:
    coverage: dict[str, Json] = row.coverage_json
    return SummaryRow(
        summary_id=SummaryId(row.summary_id),
        cluster_id=ClusterId(row.cluster_id),
        title=row.title,
        text=row.text,
        sentences=tuple(row.sentences),
        evidence=tuple(row.evidence),
        window=row.window_json,
        coverage=coverage,
        written_by=row.written_by,
        unsupported=row.unsupported,
        occurred_at=row.occurred_at,
        superseded_at=row.superseded_at,
    )


def evidence_of(tx: Transaction, summaries: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Read which observations summaries cite, by summary, [1] first."""
    if not summaries:
        return {}
    rows = tx.connection.execute(
        text("SELECT summary_id, evidence FROM memory_summaries WHERE summary_id = ANY(:ids)"), {"ids": list(summaries)}
    )
    return {row.summary_id: tuple(row.evidence) for row in rows}

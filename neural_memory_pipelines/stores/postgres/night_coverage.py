"""How much of a workspace's observations its topics and summaries cover, and the record of it, night by night.

Private observations are in no topic and do not count.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

from sqlalchemy import text

from neural_memory_pipelines.domain.ids import Json
from neural_memory_pipelines.stores.postgres.bulk import insert_rows
from neural_memory_pipelines.stores.postgres.clusters import CONSOLIDATED, TOPIC
from neural_memory_pipelines.stores.postgres.engine import Transaction
from neural_memory_pipelines.stores.postgres.streams import over_whole_sets
from neural_memory_pipelines.stores.postgres.tables import consolidation_nights

_COVERAGE = f"""WITH grouped AS (SELECT DISTINCT m.observation_id, c.kind, c.cluster_id FROM cluster_members m
    JOIN memory_clusters c ON c.cluster_id = m.cluster_id WHERE c.died_at IS NULL),
live AS (SELECT s.cluster_id, s.evidence FROM memory_summaries s WHERE s.superseded_at IS NULL),
summarized AS (SELECT g.observation_id FROM grouped g WHERE g.cluster_id IN (SELECT cluster_id FROM live)),
cited AS (SELECT e.id FROM live CROSS JOIN LATERAL jsonb_array_elements_text(live.evidence) AS e(id))
SELECT d.source, d.type, count(*) AS observations,
    count(*) FILTER (WHERE o.observation_id IN (SELECT observation_id FROM grouped WHERE kind = '{TOPIC}')) AS in_topics,
    count(*) FILTER (WHERE o.observation_id IN (SELECT observation_id FROM summarized)) AS in_summaries,
    count(*) FILTER (WHERE o.observation_id IN (SELECT id FROM cited)) AS cited,
    count(o.aged_at) AS aged
FROM {CONSOLIDATED} GROUP BY d.source, d.type ORDER BY d.source, d.type"""
_LAST = text(
    "SELECT at, embedding_version, coverage_json FROM consolidation_nights ORDER BY at DESC, embedding_version LIMIT 1"
)


@dataclass(frozen=True, slots=True)
class CoverageOf:
    """Of the observations of one kind: how many there are, are grouped, summarized, cited, and out of the hot index."""

    source: str
    type: str
    observations: int
    in_topics: int
    in_summaries: int
    cited: int
    aged: int


@dataclass(frozen=True, slots=True)
class NightCoverage:
    """The coverage of all observations that may be consolidated, by their kind."""

    by_kind: Sequence[CoverageOf]

    @property
    def totals(self) -> dict[str, int]:
        """The sums over all kinds, by the names of the columns of `consolidation_nights`."""
        names = ("observations", "in_topics", "in_summaries", "cited", "aged")
        return {name: sum(getattr(kind, name) for kind in self.by_kind) for name in names}

    def spelled(self) -> dict[str, Json]:
        """Spell it as JSON: numbers, no texts."""
        return {"by_kind": [asdict(kind) for kind in self.by_kind]}


@dataclass(frozen=True, slots=True)
class NightRow:
    """The record of a night."""

    at: datetime
    embedding_version: str
    coverage: NightCoverage


def night_coverage(tx: Transaction) -> NightCoverage:
    """Count what topics and summaries cover now."""
    return NightCoverage([CoverageOf(**row._mapping) for row in over_whole_sets(tx, _COVERAGE, {})])


def last_night(tx: Transaction) -> NightRow | None:
    """Read the record of the last night that changed something; None if there was none."""
    row = tx.connection.execute(_LAST).one_or_none()
    if row is None:
        return None
    kinds = [CoverageOf(**kind) for kind in row.coverage_json["by_kind"]]
    return NightRow(row.at, row.embedding_version, NightCoverage(kinds))


def record_night(tx: Transaction, night: NightRow) -> bool:
    """Record a night, unless it left everything as the one before did; returns whether it was recorded."""
    last = last_night(tx)
    if last and (last.embedding_version, last.coverage) == (night.embedding_version, night.coverage):
        return False
    row = {
        "at": night.at,
        "embedding_version": night.embedding_version,
        "coverage_json": night.coverage.spelled(),
        **night.coverage.totals,
    }
    changed = ", ".join(f"{name} = excluded.{name}" for name in row if name != "at")
    insert_rows(tx, consolidation_nights, [row], on_conflict=f"(workspace_id, at) DO UPDATE SET {changed}")
    return True

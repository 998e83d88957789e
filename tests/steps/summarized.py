"""Workspaces whose observations have topics and summaries, put there by hand: no cluster or summary is made here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import text

from neural_memory_pipelines.domain.consolidation import DEFAULT_CONSOLIDATION, ConsolidationSettings
from neural_memory_pipelines.domain.ids import ClusterId, ObservationId, SummaryId, WorkspaceId
from neural_memory_pipelines.domain.versions import Family
from neural_memory_pipelines.local.session import Session
from neural_memory_pipelines.steps.consolidation.age import age_observations
from neural_memory_pipelines.steps.consolidation.night import begin_night, end_night
from neural_memory_pipelines.steps.report import StepReport
from neural_memory_pipelines.stores.postgres.bulk import insert_rows
from neural_memory_pipelines.stores.postgres.clusters import bury_clusters, write_clusters
from neural_memory_pipelines.stores.postgres.summaries import retire_summaries, write_summary
from neural_memory_pipelines.stores.postgres.tables import cluster_members
from tests.steps.dumps import indexed_ids, rows
from tests.versions.migrating import bring_up_to_date, build, pages, tell

TOPICS = ("anchors", "berths", "cranes", "docks")
NIGHT = datetime(2026, 11, 22, 2, tzinfo=UTC)
"""A night 294 days after the pages were written."""
GRACE_DAYS = 14.0


@dataclass(frozen=True)
class Summarized:
    """A workspace of four pages with a decision each, of which one topic and its summary tell."""

    session: Session
    workspace: WorkspaceId
    folder: Path

    @property
    def ids(self) -> list[ObservationId]:
        """The live observations, by what they are about."""
        found = rows(
            self.session,
            self.workspace,
            "SELECT observation_id FROM memory_observations WHERE superseded_at IS NULL ORDER BY text",
        )
        return [ObservationId(key) for (key,) in found]

    @property
    def aged(self) -> dict[str, datetime]:
        """When each observation that is out of the hot index left it."""
        query = "SELECT observation_id, aged_at FROM memory_observations WHERE aged_at IS NOT NULL"
        return {key: at for key, at in rows(self.session, self.workspace, query)}  # noqa: C416 - pairs of a query

    def tell(self, *topics: str) -> None:
        """Make these the pages, and bring every version up to date."""
        tell(self.session, self.workspace, self.folder, pages(*topics))
        bring_up_to_date(self.session, self.workspace)

    def execute(self, statement: str, **values: object) -> None:
        """Change rows."""
        with self.session.stores.database.transaction(self.workspace) as tx:
            tx.connection.execute(text(statement), values)

    def group(self, ids: Sequence[ObservationId], *, topic: str = "moorings") -> None:
        """Make a topic of observations, and write its summary, which cites the first of them."""
        served = self.session.active_version(self.workspace)
        cluster = ClusterId(f"clu_{self.workspace}_{topic}")
        summary = {
            "summary_id": SummaryId(f"sum_{self.workspace}_{topic}"),
            "text": f"What is checked of the {topic}.",
            "window_json": {"topic": cluster},
            "coverage_json": {},
            "evidence": list(ids[:1]),
            "embedding_model": served.model,
            "embedding_version": served.name,
            "occurred_at": NIGHT,
            "cluster_id": cluster,
        }
        with self.session.stores.database.transaction(self.workspace) as tx:
            write_clusters(tx, [self._cluster(cluster, len(ids), served.name)])
            members = [
                {"cluster_id": cluster, "observation_id": key, "similarity_cosine": 0.9, "joined_at": NIGHT}
                for key in ids
            ]
            insert_rows(tx, cluster_members, members, on_conflict="DO NOTHING")
            write_summary(tx, summary)
        build(self.session, self.workspace, served)

    def retire_summary(self, topic: str = "moorings") -> None:
        """Take the summary of a topic away."""
        with self.session.stores.database.transaction(self.workspace) as tx:
            retire_summaries(tx, [SummaryId(f"sum_{self.workspace}_{topic}")], at=NIGHT)

    def bury(self, topic: str = "moorings") -> None:
        """Let a topic die."""
        with self.session.stores.database.transaction(self.workspace) as tx:
            bury_clusters(tx, [ClusterId(f"clu_{self.workspace}_{topic}")], at=NIGHT)

    def age(self, settings: ConsolidationSettings = DEFAULT_CONSOLIDATION, *, now: datetime = NIGHT) -> StepReport:
        """Let observations leave and come back."""
        return age_observations(self.workspace, stores=self.session.stores, settings=settings, now=now)

    def begin(
        self, settings: ConsolidationSettings = DEFAULT_CONSOLIDATION, *, now: datetime = NIGHT, run: str = "run"
    ) -> None:
        """Begin a night."""
        begin_night(
            self.workspace, stores=self.session.stores, settings=settings, now=now, grace_days=GRACE_DAYS, run=run
        )

    def end(self, *, now: datetime = NIGHT, run: str = "run") -> StepReport:
        """End a night."""
        served = self.session.active_version(self.workspace)
        return end_night(self.workspace, served, stores=self.session.stores, now=now, grace_days=GRACE_DAYS, run=run)

    def night(self, settings: ConsolidationSettings = DEFAULT_CONSOLIDATION, *, now: datetime = NIGHT) -> StepReport:
        """Run a whole night, as far as time is concerned."""
        self.begin(settings, now=now, run=f"{now}")
        self.age(settings, now=now)
        return self.end(now=now, run=f"{now}")

    def _cluster(self, cluster: ClusterId, size: int, version: str) -> dict[str, object]:
        times = dict.fromkeys(("first_at", "last_at", "born_at", "changed_at"), NIGHT)
        return {
            "cluster_id": cluster,
            "kind": "topic",
            "entity_id": None,
            "window_start": None,
            "window_end": None,
            "embedding_version": version,
            "label": "moorings that are checked",
            "keywords": ["moorings"],
            "size": size,
            "membership_hash": "h",
            "vector_sum": None,
            "threshold_cosine": 0.5,
            "died_at": None,
            **times,
        }


def summarized(session: Session, workspace: WorkspaceId, folder: Path) -> Summarized:
    """Fill a workspace with four pages, and group what was observed of them."""
    made = Summarized(session, workspace, folder)
    made.tell(*TOPICS)
    made.group(made.ids)
    return made


def indexed(made: Summarized, family: Family = Family.OBSERVATIONS) -> set[str]:
    """List the rows of which the index of the active version holds a vector."""
    return {key.split(":")[0] for key in indexed_ids(made.session, made.workspace, family)}

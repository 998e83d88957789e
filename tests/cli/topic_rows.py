"""Topics and summaries written straight into the tables, so that tests know what the commands have to show."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from neural_memory_pipelines.domain.ids import ClusterId, ObservationId, SummaryId, WorkspaceId, cluster_id, summary_id
from neural_memory_pipelines.domain.summaries.coverage import coverage
from neural_memory_pipelines.domain.summaries.evidence import Evidence
from neural_memory_pipelines.local.session import Session
from neural_memory_pipelines.steps.inbox import put_lines
from neural_memory_pipelines.stores.postgres import clusters, summaries
from neural_memory_pipelines.stores.postgres.clusters import Membership, consolidated_observations
from neural_memory_pipelines.stores.postgres.engine import Transaction
from tests.steps.pipeline import run_path
from tests.steps.samples import page_event

HOSTILE = "Gulls \x1b[31m[bold]\x9b2J:bug:"
"""A label that would steer a terminal."""
NOW = datetime(2026, 11, 20, 2, tzinfo=UTC)
_DAYS = ("2026-02-01T08:00:00Z", "2026-04-10T08:00:00Z", "2026-04-11T08:00:00Z", "2026-04-12T08:00:00Z")


def observe(session: Session, workspace: WorkspaceId) -> list[ObservationId]:
    """Fill a workspace with four observations, and give their ids, the oldest first."""
    pages = [
        page_event(
            workspace,
            key=f"gulls-{number}",
            path=f"gulls/{number}.md",
            content=f"# Gulls {number}\n\n## Decision\n\nWe feed no gulls [red] at pier {number}: they eat paint.\n",
            at=at,
        ).replace(b"2026-02-01T08:00:00Z", at.encode())
        for number, at in enumerate(_DAYS, start=1)
    ]
    put_lines(session.stores.objects, workspace, pages)
    run_path(session, workspace)
    with session.stores.database.transaction(workspace) as tx:
        found = consolidated_observations(tx, session.active_version(workspace))
    return [item.observation_id for item in sorted(found, key=lambda item: item.occurred_at)]


def write_topic(tx: Transaction, label: str, members: Sequence[ObservationId], *, born_at: datetime = NOW) -> ClusterId:
    """Write a living topic and its birth."""
    key = cluster_id(tx.workspace_id, clusters.TOPIC, label)
    times = [row.occurred_at for row in summaries.evidence_rows(tx, members)]
    row = {
        "cluster_id": key,
        "kind": clusters.TOPIC,
        "entity_id": None,
        "window_start": None,
        "window_end": None,
        "embedding_version": "any",
        "label": label,
        "keywords": ["gull", "pier", "paint"],
        "size": len(members),
        "membership_hash": label,
        "vector_sum": None,
        "threshold_cosine": 0.5,
        "first_at": min(times),
        "last_at": max(times),
        "born_at": born_at,
        "changed_at": born_at,
        "died_at": None,
    }
    clusters.write_clusters(tx, [row])
    clusters.replace_members(tx, {key: [Membership(key, member, 0.9) for member in members]}, at=born_at)
    record(tx, key, "birth", label=label, at=born_at)
    return key


def record(
    tx: Transaction, topic: ClusterId, event: str, *, label: str, others: Sequence[str] = (), at: datetime = NOW
) -> None:
    """Write an event of a topic."""
    row = {"cluster_id": topic, "event": event, "others": list(others), "label": label, "size": 3, "at": at}
    clusters.record_events(tx, [row])


def write_summary_of(
    tx: Transaction, topic: ClusterId, title: str, evidence: Sequence[ObservationId], *, unsupported: int = 0
) -> SummaryId:
    """Write a live summary of a topic, a sentence for each piece of evidence and one that cites all of it."""
    rows = summaries.evidence_rows(tx, evidence)
    start, last = rows[0].occurred_at, rows[-1].occurred_at
    key = summary_id(topic, start.isoformat())
    sentences: list[dict[str, Any]] = [
        {"text": f"Sentence {n} says so.", "observation_ids": [one]} for n, one in enumerate(evidence, 1)
    ]
    sentences.append({"text": f"All of it is {HOSTILE}.", "observation_ids": list(evidence)})
    known = [Evidence(row.observation_id, row.text, row.occurred_at, source=row.source, type=row.type) for row in rows]
    summaries.write_summary(
        tx,
        {
            "summary_id": key,
            "text": " ".join(item["text"] for item in sentences),
            "window_json": {
                "topic": topic,
                "start": start.isoformat(),
                "end": datetime(2026, 5, 2, tzinfo=UTC).isoformat(),
            },
            "coverage_json": coverage(known, cited=evidence).spelled(),
            "evidence": list(evidence),
            "embedding_model": "any",
            "embedding_version": "any",
            "occurred_at": last,
            "cluster_id": topic,
            "title": title,
            "sentences": sentences,
            "membership_hash": title,
            "written_by": "extractive/1",
            "unsupported": unsupported,
        },
    )
    return key


class Gulls:
    """A workspace with two topics: one with a summary, and one that died."""

    def __init__(self, session: Session, workspace: WorkspaceId) -> None:
        self.workspace = workspace
        self.observations = observe(session, workspace)
        with session.stores.database.transaction(workspace) as tx:
            self.gulls = write_topic(tx, HOSTILE, self.observations[:3])
            self.dead = write_topic(tx, "ferries", self.observations[3:])
            self.summary = write_summary_of(tx, self.gulls, HOSTILE, self.observations[:2], unsupported=2)
            clusters.bury_clusters(tx, [self.dead], at=NOW)
            record(tx, self.dead, "merge", label="ferries", others=[self.gulls])

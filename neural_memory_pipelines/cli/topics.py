"""`neural-memory topics`: what a workspace's memory is about, and what became of its topics.

How topics are found is decided in `domain/topics/`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import typer

from neural_memory_pipelines.cli.opening import built_version, ready_session
from neural_memory_pipelines.cli.output import err, out, print_json, print_table
from neural_memory_pipelines.cli.pages import ID_CHARS, print_wrapped, spell_days, with_iso_times
from neural_memory_pipelines.domain.consolidation import ConsolidationSettings
from neural_memory_pipelines.domain.ids import WorkspaceId
from neural_memory_pipelines.local.session import Session
from neural_memory_pipelines.sources.envelope import workspace_id
from neural_memory_pipelines.steps.consolidation.due import next_night
from neural_memory_pipelines.stores.postgres.clusters import count_consolidated
from neural_memory_pipelines.stores.postgres.consolidation_lookup import last_night_at
from neural_memory_pipelines.stores.postgres.consolidation_settings import read_settings
from neural_memory_pipelines.stores.postgres.topics import (
    TopicEventRow,
    TopicRow,
    count_grouped,
    list_topics,
    topic_events,
)

_KEYWORDS_SHOWN = 5


@dataclass(frozen=True, slots=True)
class TopicsNow:
    """The topics of a workspace, how many observations they hold of those that all may read, and its nights."""

    workspace: WorkspaceId
    topics: Sequence[TopicRow]
    topic_count: int
    observations: int
    in_topics: int
    settings: ConsolidationSettings
    last_night_at: datetime | None
    next_night_at: datetime

    @property
    def pending(self) -> int:
        """How many observations are in no topic."""
        return max(self.observations - self.in_topics, 0)


def topics(
    workspace: Annotated[str, typer.Option("--workspace", "-w", help="Whose topics.")],
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, help="Most rows.")] = 20,
    events: Annotated[
        bool, typer.Option("--events", help="What became of topics instead: births, deaths, merges, splits.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """List what a workspace's memory is about, the largest topic first."""
    name = workspace_id(workspace)
    with ready_session() as session:
        built_version(session, name)
        now = read_topics(session, name, limit=limit)
        with session.stores.database.transaction(name) as tx:
            lately = topic_events(tx, limit=limit) if events else []
    if json:
        print_json(with_iso_times([asdict(event) for event in lately] if events else _spelled(now)))
    elif events:
        print_events(f"what became of topics of {name}", lately)
    else:
        print_topics(now)
        if now.topics:
            err.print(f"next: neural-memory summary ID --workspace {name}", markup=False)


def read_topics(session: Session, workspace: WorkspaceId, *, limit: int) -> TopicsNow:
    """Read the largest topics of a workspace."""
    with session.stores.database.transaction(workspace) as tx:
        counts, settings = count_grouped(tx), read_settings(tx)
        return TopicsNow(
            workspace=workspace,
            topics=list_topics(tx, limit=limit),
            topic_count=counts["topics"],
            observations=count_consolidated(tx),
            in_topics=counts["in_topics"],
            settings=settings,
            last_night_at=last_night_at(tx),
            next_night_at=next_night(settings, datetime.now(UTC)),
        )


def print_topics(now: TopicsNow) -> None:
    """Show topics, how many observations have one, and when the last and the next night are."""
    if now.topics:
        print_table(f"topics of {now.workspace}", [_row(topic) for topic in now.topics], whole=["id", "trend"])
    if now.topic_count > len(now.topics):
        out.print(f"and {now.topic_count - len(now.topics):,} more; --limit shows them")
    print_wrapped(_told(now))
    zone = ZoneInfo(now.settings.timezone)
    last = f"{now.last_night_at.astimezone(zone):%Y-%m-%d %H:%M}" if now.last_night_at else "never"
    following = f"{now.next_night_at.astimezone(zone):%Y-%m-%d %H:%M}"
    print_wrapped(f"last consolidated: {last}; next night: {following} ({now.settings.timezone})")


def print_events(title: str, events: Sequence[TopicEventRow]) -> None:
    """Show what became of topics, the latest first."""
    if not events:
        out.print("nothing became of topics yet")
        return
    rows = [
        {
            "at": f"{event.at:%Y-%m-%d %H:%M}",
            "event": event.event,
            "topic": event.label,
            "size": event.size,
            "id": event.cluster_id[:ID_CHARS],
            "others": "\n".join(other[:ID_CHARS] for other in event.others),
        }
        for event in events
    ]
    if not any(row["others"] for row in rows):
        rows = [{name: value for name, value in row.items() if name != "others"} for row in rows]
    print_table(title, rows, whole=["id", "others", "event"])


def _row(topic: TopicRow) -> dict[str, Any]:
    more = ", ".join([word for word in topic.keywords if word not in topic.label.split(", ")][:_KEYWORDS_SHOWN])
    return {
        "topic": f"{topic.label}\n{more}".strip(),
        "size": topic.size,
        "trend": topic.trend,
        "from, to": spell_days(topic.first_at, topic.last_at, between="\n"),
        "summaries": len(topic.summaries),
        "id": topic.cluster_id[:ID_CHARS],
    }


def _told(now: TopicsNow) -> str:
    least, workspace = now.settings.least_members, now.workspace
    if now.topics:
        topics = "1 topic" if now.topic_count == 1 else f"{now.topic_count:,} topics"
        said = f"{now.in_topics:,} of {now.observations:,} observations are in {topics}"
        return said + (f"; {now.pending:,} pending, until others are like them" if now.pending else "")
    if now.observations < least:
        return f"no topics: {now.observations} observations are too few, a topic takes {least}"
    if now.last_night_at is None:
        return (
            f"no topics yet: {now.observations:,} observations wait for the first night; "
            f"`neural-memory consolidate --workspace {workspace}` does it now"
        )
    return f"no topics: no {least} of {now.observations:,} observations are alike enough; they wait for others"


def _spelled(now: TopicsNow) -> dict[str, Any]:
    return {
        "workspace": now.workspace,
        "topics": [{**asdict(topic), "trend": topic.trend} for topic in now.topics],
        "topic_count": now.topic_count,
        "observations": now.observations,
        "in_topics": now.in_topics,
        "pending": now.pending,
        "least_members": now.settings.least_members,
        "too_few": now.observations < now.settings.least_members,
        "last_night_at": now.last_night_at,
        "next_night_at": now.next_night_at,
        "timezone": now.settings.timezone,
    }

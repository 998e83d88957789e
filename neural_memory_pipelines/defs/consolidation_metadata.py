"""What a person wants to see of topics and summaries in the UI. What is made of them is decided in the steps."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from typing import Any

import dagster as dg

from neural_memory_pipelines.defs.map_picture import topic_map
from neural_memory_pipelines.defs.metadata import escaped, report_metadata, table_of
from neural_memory_pipelines.defs.nights import Night
from neural_memory_pipelines.domain.summaries.coverage import Coverage
from neural_memory_pipelines.steps.consolidation.cluster import TopicsReport
from neural_memory_pipelines.steps.consolidation.summarize import Cited, SummariesReport, Written
from neural_memory_pipelines.stores.postgres.topics import (
    TopicEventRow,
    TopicRow,
    count_grouped,
    list_topics,
    map_points,
    topic_events,
)

_TOPICS_LISTED = 50
_EVENTS_LISTED = 25
_KEYWORDS_SHOWN = 5
_POINTS_DRAWN = 1_200
_LEAST_DRAWN = 3
_LABELS_SHOWN = 8


def topics_metadata(night: Night, report: TopicsReport) -> dict[str, Any]:
    """Show topics as a table and, when they changed, as a map: every materialization keeps its metadata for good."""
    with night.stores.database.transaction(night.workspace) as tx:
        topics = list_topics(tx, limit=_TOPICS_LISTED)
        counts = count_grouped(tx)
        events = topic_events(tx, limit=_EVENTS_LISTED)
        points = (
            map_points(tx, night.version, topics=[topic.cluster_id for topic in topics], limit=_POINTS_DRAWN)
            if report.is_changed
            else []
        )
    metadata: dict[str, Any] = {}
    if len(points) >= _LEAST_DRAWN:
        labels = {topic.cluster_id: topic.label for topic in topics}
        metadata["map"] = dg.MetadataValue.md(topic_map(points, labels))
    if topics:
        metadata["topics_by_size"] = table_of([_topic_row(topic) for topic in topics])
    if events:
        metadata["lately"] = table_of([_event_row(event) for event in events])
    return {
        **metadata,
        **counts,
        "pending": report.pending,
        "dagster/row_count": counts["topics"],
        **report_metadata(report),
    }


def _topic_row(topic: TopicRow) -> dict[str, str | int | float]:
    return {
        "topic": topic.label,
        "size": topic.size,
        "last_30_days": topic.recent,
        "trend": topic.trend,
        "keywords": ", ".join(topic.keywords[:_KEYWORDS_SHOWN]),
        "from": f"{topic.first_at:%Y-%m-%d}",
        "to": f"{topic.last_at:%Y-%m-%d}",
        "id": topic.cluster_id,
    }


def _event_row(event: TopicEventRow) -> dict[str, str | int | float]:
    return {
        "at": f"{event.at:%Y-%m-%d %H:%M}",
        "event": event.event,
        "topic": event.label,
        "size": event.size,
        "others": ", ".join(event.others),
        "id": event.cluster_id,
    }


def summaries_metadata(report: SummariesReport) -> dict[str, Any]:
    """Show the summaries that were written, in full, with the ids of what they cite."""
    shown = {"written_now": dg.MetadataValue.md(_in_full(report.written_now))} if report.written_now else {}
    return {
        **shown,
        "unsupported_sentences": report.unsupported,
        "dagster/row_count": report.seen - report.skipped,
        **report_metadata(report),
    }


def _in_full(written: Sequence[Written]) -> str:
    return "\n\n".join(
        f"**{escaped(item.title)}** ({'new' if item.is_new else 'rewritten'}, "
        f"`{item.summary_id}`)\n\n{escaped(item.text)}\n\n{escaped(_covered(item.coverage))}\n\n"
        + "\n".join(f"- [{number}] {_linked(cited)}" for number, cited in enumerate(item.evidence, start=1))
        for item in written
    )


def _covered(coverage: Coverage) -> str:
    """Say how much of its cluster a summary stands for, and of what that is made."""
    counts = {
        "sources": coverage.by_source,
        "types": coverage.by_type,
        "labels": dict(islice(coverage.by_tag.items(), _LABELS_SHOWN)),
        "months": {month: count for month, count in coverage.by_month.items() if count},
    }
    parts = [f"{name}: {', '.join(f'{key} {count}' for key, count in of.items())}" for name, of in counts.items() if of]
    return f"Covers {coverage.observations} observations, {coverage.share_cited:.0%} of them cited; {'; '.join(parts)}."


def _linked(cited: Cited) -> str:
    """Spell the id of an observation, as a link to its document if that is on the web."""
    url = cited.url or ""
    is_plain = url.startswith(("https://", "http://")) and not any(sign in url for sign in " <>()[]\\\n")
    return f"[`{cited.observation_id}`]({url})" if is_plain else f"`{cited.observation_id}`"

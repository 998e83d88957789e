"""`neural-memory consolidate`: a night of a workspace, now, and what came of it.

The work is a run of Dagster, as the schedule starts it; what it does is decided in `steps/consolidation/`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Annotated

import typer

from neural_memory_pipelines.cli.build_result import BuildResult, print_build
from neural_memory_pipelines.cli.building import consolidate_at_all_versions
from neural_memory_pipelines.cli.opening import Ready, built_version, opened, ready_stores
from neural_memory_pipelines.cli.output import err, out, print_json
from neural_memory_pipelines.cli.pages import ID_CHARS, print_columns, with_iso_times
from neural_memory_pipelines.cli.summaries import ShownSummary, print_summary, spelled, with_evidence
from neural_memory_pipelines.cli.topics import print_events
from neural_memory_pipelines.domain.ids import SummaryId, WorkspaceId
from neural_memory_pipelines.local.session import Session
from neural_memory_pipelines.sources.envelope import workspace_id
from neural_memory_pipelines.steps.inbox import list_inbox
from neural_memory_pipelines.stores.postgres.consolidation_lookup import summaries_with_ids
from neural_memory_pipelines.stores.postgres.engine import Transaction
from neural_memory_pipelines.stores.postgres.summaries import live_hashes
from neural_memory_pipelines.stores.postgres.topics import TopicEventRow, topic_events

_MOST_TOLD = 1_000
_SHOWN_WHOLE = 3
_LISTED = 20


@dataclass(frozen=True, slots=True)
class NightNews:
    """What a night did: a row per asset and version, what became of topics, and the summaries that it wrote.

    `events` and `summaries` are the latest 1,000 of them, topics' summaries before entities'; `summary_count` counts
    all that were written.
    """

    result: BuildResult
    events: Sequence[TopicEventRow]
    summaries: Sequence[ShownSummary]
    summary_count: int

    @property
    def changed(self) -> int:
        """How many rows and vectors were written or deleted."""
        return sum(row["written"] + row["deleted"] for row in self.result.assets)


def consolidate(
    workspace: Annotated[str, typer.Option("--workspace", "-w", help="Whose memory.")],
    full: Annotated[bool, typer.Option("--full", help="Find all topics anew, though it is not due.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Find topics, write summaries and rebuild profiles now. Exits 1 if a check or an asset failed."""
    name = workspace_id(workspace)
    ready = ready_stores()
    with opened(ready) as session:
        built_version(session, name)
        try:
            news = run_night(ready, session, name, full=full)
        except KeyboardInterrupt:
            err.print("interrupted: what is done stays, the next night goes on from there")
            raise typer.Exit(130) from None
        waiting = len(list_inbox(session.stores.objects).by_workspace.get(name, ()))
    if json:
        print_json(_spelled(news))
    else:
        print_night(news)
    if waiting:
        err.print(f"note: {waiting:,} inbox objects are not in it yet: neural-memory build --workspace {name}")
    if not news.result.succeeded:
        raise typer.Exit(1)


def run_night(ready: Ready, session: Session, workspace: WorkspaceId, *, full: bool = False) -> NightNews:
    """Consolidate a workspace at all versions that are kept, the one that is served first, with progress bars."""
    began_at = datetime.now(UTC)
    with session.stores.database.transaction(workspace) as tx:
        before = live_hashes(tx)
    result = consolidate_at_all_versions(ready, session, workspace, full=full)
    with session.stores.database.transaction(workspace) as tx:
        after = live_hashes(tx)
        written = [SummaryId(key) for key, made_from in after.items() if before.get(key) != made_from]
        return NightNews(
            result=result,
            events=[event for event in topic_events(tx, limit=_MOST_TOLD) if event.at >= began_at],
            summaries=_read(tx, written),
            summary_count=len(written),
        )


def print_night(news: NightNews) -> None:
    """Show what a night did, and the first of the summaries in full."""
    name = news.result.workspace
    print_build(news.result)
    if news.events:
        print_events(f"what became of topics of {name}", news.events[:_LISTED])
    _print_summaries(news)
    if news.result.succeeded and not news.changed:
        out.print("Nothing has changed: topics are as they were, no summary was written, no model was called.")
    err.print(f"next: neural-memory topics --workspace {name}", markup=False)


def _read(tx: Transaction, written: Sequence[SummaryId]) -> list[ShownSummary]:
    found = summaries_with_ids(tx, written, limit=_MOST_TOLD)
    shown = with_evidence(tx, sorted(found, key=lambda row: "topic" not in row.window))
    return [item for item in shown if item.is_shown]


def _print_summaries(news: NightNews) -> None:
    if not news.summaries:
        return
    out.print(f"[bold magenta]{news.summary_count:,} summaries were written[/bold magenta]")
    for shown in news.summaries[:_SHOWN_WHOLE]:
        out.print()
        print_summary(shown)
    rest = news.summaries[_SHOWN_WHOLE:]
    if rest:
        out.print("\nand these, which `neural-memory summary ID` shows:")
        print_columns([(it.summary.summary_id[:ID_CHARS], it.summary.title) for it in rest[:_LISTED]])
    if news.summary_count > _SHOWN_WHOLE + _LISTED:
        out.print(f"  and {news.summary_count - _SHOWN_WHOLE - _LISTED:,} more")


def _spelled(news: NightNews) -> dict[str, object]:
    return {
        **asdict(news.result),
        "succeeded": news.result.succeeded,
        "events": with_iso_times([asdict(event) for event in news.events]),
        "summaries_written": news.summary_count,
        "summaries": [spelled(shown) for shown in news.summaries],
    }

"""A small memory with something of each kind that is traced, and ways to walk through a trace."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import text

from neural_memory_pipelines.domain.consolidation import DEFAULT_CONSOLIDATION
from neural_memory_pipelines.domain.ids import ObservationId, WorkspaceId
from neural_memory_pipelines.domain.questions import ExpectedSource, Question
from neural_memory_pipelines.local.session import Session
from neural_memory_pipelines.retrieval.tracing import TraceNode
from neural_memory_pipelines.steps.consolidation.profile import rebuild_profiles
from neural_memory_pipelines.steps.inbox import put_lines
from neural_memory_pipelines.stores.postgres.questions import put_questions
from neural_memory_pipelines.stores.postgres.tracing.kinds import Kind
from tests.cli.topic_rows import write_summary_of, write_topic
from tests.steps.dumps import rows
from tests.steps.pipeline import run_path
from tests.steps.samples import CHANGED_AT, envelope, guide, issue, page_event

NOW = datetime(2026, 11, 22, 2, tzinfo=UTC)
LATER = "2026-02-09T08:00:00Z"
SECRET = "the safe of the harbour master stays open"
PAGE, ISSUE = "docs handbook/piers.md", "github acme/shop#1"


@dataclass(frozen=True)
class Told:
    """A workspace: a page that changed, an issue with an author, two threads of which one is private, a topic."""

    workspace: WorkspaceId
    cluster: str
    summary: str
    cited: list[ObservationId]

    def one(self, session: Session, query: str, **values: object) -> str:
        """Read one value."""
        ((value,),) = rows(session, self.workspace, query, **values)
        return str(value)


def page(workspace: WorkspaceId, topic: str, *, at: str = CHANGED_AT) -> bytes:
    """Describe the page as it is at a time, with a decision of its own."""
    content = guide("anchors", topic, title="Piers") + f"\n## Decision\n\nWe check all {topic} twice a week.\n"
    event = page_event(workspace, key=f"piers {at}", path="piers.md", content=content, at=at)
    return event.replace(CHANGED_AT.encode(), at.encode())


def message(
    workspace: WorkspaceId, number: int, words: str, *, channel: str = "C0PIER", kind: str = "channel"
) -> bytes:
    """Describe a message of a thread of its own."""
    ts = f"{1772445600 + 60 * number}.000100"
    told = {"type": "message", "channel": channel, "channel_type": kind, "ts": ts, "user": "U1", "text": words}
    payload = {"type": "event_callback", "event_id": f"Ev{channel}{ts}", "event": told}
    return envelope(workspace, key=f"{channel} {ts}", source="slack", action="message", payload=payload)


def tell(session: Session, workspace: WorkspaceId) -> Told:
    """Fill a workspace through all steps, with a topic, its summary, profiles and a question."""
    first = [
        page(workspace, "berths"),
        envelope(workspace, key="issue 1", payload=issue(1, body=f"## Summary\n\n{_WHY}")),
    ]
    threads = [
        message(workspace, 1, "Decision: the till of the northern pier is paid in coins."),
        message(workspace, 2, f"Decision: {SECRET}.", channel="D0ADABEN", kind="im"),
    ]
    put_lines(session.stores.objects, workspace, [*first, *threads])
    run_path(session, workspace)
    put_lines(session.stores.objects, workspace, [page(workspace, "cranes", at=LATER)])
    run_path(session, workspace)
    version = session.active_version(workspace)
    with session.stores.database.transaction(workspace) as tx:
        query = "SELECT observation_id FROM memory_observations WHERE superseded_at IS NULL AND privacy = 'org' "
        cited = [ObservationId(key) for key in tx.connection.scalars(text(query + "ORDER BY occurred_at, 1"))]
        cluster = write_topic(tx, "piers", cited)
        summary = write_summary_of(tx, cluster, "Piers", cited)
        put_questions(tx, [Question("q1", "where do carts go?", (ExpectedSource("github", "acme/shop#1"),))])
    rebuild_profiles(workspace, version, stores=session.stores, settings=DEFAULT_CONSOLIDATION, now=NOW)
    return Told(workspace, cluster, summary, cited)


def walk(node: TraceNode) -> Iterator[TraceNode]:
    """Go through a trace, from the root on."""
    yield node
    for branch in node.branches:
        for child in branch.nodes:
            yield from walk(child)


def of_kind(root: TraceNode, kind: Kind) -> list[TraceNode]:
    """List what a trace holds of a kind, in order."""
    return [node for node in walk(root) if node.kind is kind]


def under(node: TraceNode, branch: str) -> tuple[TraceNode, ...]:
    """List what stands under one branch of a node."""
    return next((item.nodes for item in node.branches if item.name == branch), ())


_WHY = "Carts are emptied at midnight, as the nightly job takes those of guests for old ones."

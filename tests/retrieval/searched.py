"""A small memory that is searched, and ways to ask it. Nothing is asserted here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from neural_memory_pipelines.domain.ids import WorkspaceId, document_id
from neural_memory_pipelines.domain.versions import EmbeddingVersion, Family
from neural_memory_pipelines.local.session import Session
from neural_memory_pipelines.models.embedders.protocol import Embedder
from neural_memory_pipelines.models.rerankers.protocol import Reranker
from neural_memory_pipelines.retrieval.answers import Answer, Hit, SearchRequest
from neural_memory_pipelines.retrieval.search import search
from neural_memory_pipelines.steps.embed import embed_pending
from neural_memory_pipelines.steps.inbox import put_lines
from neural_memory_pipelines.steps.index import reconcile_index
from neural_memory_pipelines.steps.scope import Scope
from neural_memory_pipelines.stores.bundle import Stores
from tests.cli.topic_rows import write_summary_of, write_topic
from tests.retrieval.traced import message
from tests.steps.asking import NOW
from tests.steps.dumps import rows
from tests.steps.pipeline import run_path
from tests.steps.samples import envelope, guide, issue, page_event

SECRET = "Decision: the spare key of the lantern house hangs behind the clock."
YES = "Yes, let's do that, Thursday."
BOILER = "Shall we drain the old boiler and switch the greenhouse over to district heating?"
TOPICS = ("anchors", "berths", "cranes", "ferries", "jetties", "moorings")


@dataclass(frozen=True)
class World:
    """A workspace, and how it is asked."""

    session: Session
    workspace: WorkspaceId

    @property
    def version(self) -> EmbeddingVersion:
        """The one that is served."""
        return self.session.active_version(self.workspace)

    @property
    def embedder(self) -> Embedder:
        """That of the served version."""
        return self.session.embedder(self.version)

    def answer(
        self,
        text: str,
        *,
        stores: Stores | None = None,
        embedder: Embedder | None = None,
        reranker: Reranker | None = None,
        version: EmbeddingVersion | None = None,
        **options: Any,
    ) -> Answer:
        """Ask, at a fixed time; `options` are those of the request."""
        version = version or self.version
        return search(
            SearchRequest(text, **options),
            workspace=self.workspace,
            stores=stores or self.session.stores,
            version=version,
            embedder=embedder or self.session.embedder(version),
            reranker=reranker,
            now=NOW,
        )

    def hits(self, text: str, **options: Any) -> tuple[Hit, ...]:
        """Ask, and give the hits."""
        return self.answer(text, **options).hits

    def names(self, text: str, **options: Any) -> list[str]:
        """Ask, and give the source ids, best first, without the folder and the repository."""
        return short_names(self.hits(text, **options))

    def document(self, source: str, source_id: str) -> str:
        """Give the id of a document."""
        return document_id(self.workspace, source, source_id)

    def sql(self, query: str, **values: Any) -> list[tuple[Any, ...]]:
        """Run a statement on the workspace that gives rows."""
        return rows(self.session, self.workspace, query, **values)

    def tell(self, lines: Sequence[bytes]) -> None:
        """Bring events through all steps."""
        put_lines(self.session.stores.objects, self.workspace, lines)
        run_path(self.session, self.workspace)

    def summarize(self, label: str, like: str) -> str:
        """Write a summary of the observations that say so, and index it."""
        query = (
            "SELECT observation_id FROM memory_observations WHERE text LIKE :like AND superseded_at IS NULL ORDER BY 1"
        )
        cited = [key for (key,) in self.sql(query, like=like)]
        with self.session.stores.database.transaction(self.workspace) as tx:
            summary = write_summary_of(tx, write_topic(tx, label, cited), label, cited)
        scope = Scope(self.workspace, self.version, Family.SUMMARIES, self.session.stores)
        embed_pending(scope, load_embedder=lambda: self.embedder)
        reconcile_index(scope)
        return summary


def short_names(hits: Sequence[Hit]) -> list[str]:
    """Give the source ids of hits, without the folder and the repository."""
    return [hit.source_id.removeprefix("handbook/").removeprefix("acme/shop") for hit in hits]


def without_times(answer: Answer) -> Answer:
    """Leave out how long an answer took."""
    return replace(answer, latency_ms={})


def page(workspace: WorkspaceId, topic: str, *, key: str = "", extra: str = "") -> bytes:
    """Describe a page about a topic, with a decision."""
    decided = f"\n## Decision\n\nWe check all {topic} twice a week, as storms broke some.\n"
    content = guide(topic, title=f"Handbook of the {topic}") + decided + extra
    return page_event(workspace, key=key or topic, path=f"{topic}.md", content=content)


def github_issue(workspace: WorkspaceId, number: int, title: str, body: str, **fields: Any) -> bytes:
    """Describe an issue."""
    payload = {**issue(number, body=body), "title": title, **fields}
    return envelope(workspace, key=f"issue {number} {title} {body}", payload=payload)


def comment(workspace: WorkspaceId, number: int, on: dict[str, Any], words: str) -> bytes:
    """Describe a comment on an issue."""
    at = f"2026-03-02T10:{number % 60:02}:00Z"
    said = {
        "id": number,
        "body": words,
        "html_url": f"{on['html_url']}#issuecomment-{number}",
        "issue_url": on["url"],
        "user": {"login": "ben", "id": 8, "type": "User"},
        "created_at": at,
        "updated_at": at,
    }
    payload = {"action": "created", "repository": {"full_name": "acme/shop"}, "issue": on, "comment": said}
    return envelope(workspace, key=f"comment {number}", action="issue_comment.created", payload=payload)


def all_lines(workspace: WorkspaceId) -> list[bytes]:
    """Describe pages, issues with comments, and threads of which one is private."""
    heating = {**issue(3, body=BOILER), "title": "Works in spring"}
    return [
        *(page(workspace, topic) for topic in TOPICS),
        github_issue(workspace, 1, "Carts vanish", "The nightly job empties the carts of guests."),
        github_issue(
            workspace, 2, "Till prints twice", "Fixes #1. Receipts of the till come out twice.",
            user={"login": "cleo", "id": 9, "type": "User"},
        ),
        envelope(workspace, key="issue 3", payload=heating),
        comment(workspace, 31, heating, YES),
        message(workspace, 1, "Decision: the till of the northern pier is paid in coins."),
        message(workspace, 2, SECRET, channel="D0ADABEN", kind="im"),
    ]  # fmt: skip

"""Workspaces whose questions are known, and runs of evaluation made by hand. Nothing is asserted here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from neural_memory_pipelines.domain.evaluation import EvalRun, QuestionResult, ShownHit, Staleness, Suite, measure
from neural_memory_pipelines.domain.ids import WorkspaceId
from neural_memory_pipelines.domain.questions import ExpectedSource, Question, questions_hash
from neural_memory_pipelines.local.session import Session
from neural_memory_pipelines.steps.evaluation.ask import Respondent
from neural_memory_pipelines.steps.evaluation.run import Evaluated, Order, run_suite
from neural_memory_pipelines.stores.postgres.questions import put_questions
from tests.steps.dumps import rows
from tests.steps.pipeline import ingest_folder, run_path
from tests.steps.samples import write_docs
from tests.versions.migrating import pages

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
TOPICS = ("anchors", "berths", "cranes", "docks")


@dataclass(frozen=True)
class Memory:
    """A workspace of pages, one a topic."""

    session: Session
    workspace: WorkspaceId
    folder: Path

    @property
    def respondent(self) -> Respondent:
        """The memory at the version that is served."""
        version = self.session.active_version(self.workspace)
        return Respondent(self.workspace, version, self.session.stores, self.session.embedder(version))

    def tell(self, *topics: str) -> None:
        """Make these the pages, and index them."""
        ingest_folder(self.session, self.workspace, write_docs(self.folder, pages(*topics)))
        run_path(self.session, self.workspace)

    def question(self, topic: str, **changes: Any) -> Question:
        """Ask for the page of a topic."""
        expects = (ExpectedSource("docs", f"{self.folder.name}/{topic}.md"),)
        return Question(topic, f"Handbook of the {topic}", expects, **changes)

    def keep(self, *questions: Question) -> None:
        """Keep questions as the workspace's own."""
        with self.session.stores.database.transaction(self.workspace) as tx:
            put_questions(tx, questions)

    def evaluate(self, run_id: str, suite: Suite = Suite.NIGHTLY, *, at: datetime = NOW, **order: Any) -> Evaluated:
        """Run a suite."""
        return run_suite(suite, self.respondent, Order(run_id, at, **order))

    def ask(self, query: str) -> list[tuple[Any, ...]]:
        """Read rows."""
        return rows(self.session, self.workspace, query)

    def events(self) -> list[tuple[Any, ...]]:
        """List the reasons to evaluate after persisting: which page, at which version, and the run they led to."""
        query = """SELECT regexp_replace(d.source_id, '^.*/', ''), (e.payload ->> 'version')::integer, e.consumed_by
            FROM eval_events e JOIN knowledge_documents d ON d.document_id = e.payload ->> 'document_id'
            WHERE suite = 'post-ingest-regression'"""
        return sorted(self.ask(query), key=repr)


def made_run(
    run_id: str,
    places: Mapping[str, int | None] | Sequence[int | None],
    *,
    at: datetime = NOW,
    suite: Suite = Suite.NIGHTLY,
    version: str = "v1",
    latency_ms: float = 10.0,
) -> EvalRun:
    """Make a run in which questions were answered at these places; the questions are named, or numbered from 0."""
    named = places if isinstance(places, Mapping) else {f"q{number:02}": place for number, place in enumerate(places)}
    results = tuple(_result(name, place, latency_ms=latency_ms) for name, place in sorted(named.items()))
    asked = [Question(it.question_id, it.question, it.expects) for it in results]
    return EvalRun(
        run_id=run_id,
        suite=suite,
        embedding_version=version,
        at=at,
        are_own=True,
        questions_hash=questions_hash(asked),
        retrieval={},
        reasons=(),
        metrics=measure(results, Staleness(0, None), at=at),
        results=results,
    )


def days(number: float) -> timedelta:
    """So many days."""
    return timedelta(days=number)


def _result(name: str, place: int | None, *, latency_ms: float) -> QuestionResult:
    return QuestionResult(
        question_id=name,
        question=f"What of {name}?",
        expects=(ExpectedSource("docs", f"{name}.md"),),
        tags=(),
        weight=1.0,
        place=place,
        latency_ms=latency_ms,
        hits=(ShownHit("chunk", "chk_1", "docs", "first.md", 0.5),),
    )

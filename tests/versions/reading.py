"""A reader that asks without a pause, as the command does, and notes which versions each answer came from."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from itertools import cycle, groupby
from threading import Condition, Thread
from typing import Any
from unittest.mock import patch

from neural_memory_pipelines.cli.answers import ask
from neural_memory_pipelines.domain.ids import WorkspaceId
from neural_memory_pipelines.local.session import Session
from neural_memory_pipelines.retrieval import answers
from neural_memory_pipelines.retrieval.search import search
from neural_memory_pipelines.stores.bundle import Stores
from neural_memory_pipelines.stores.vectors.protocol import VectorHit, VectorIndex
from tests.steps.doubles import session_with

_PATIENCE_SECONDS = 60


class WatchedIndex:
    """A vector index that notes the versions that each search asks; namespaces end with the name of theirs."""

    def __init__(self, inner: VectorIndex) -> None:
        self._inner = inner
        self.asked: list[set[str]] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def query(self, index: str, namespace: str, *args: Any, **options: Any) -> list[VectorHit]:
        self.asked[-1].add(namespace.rpartition("__")[2])
        return self._inner.query(index, namespace, *args, **options)


@dataclass(frozen=True)
class Answer:
    """What a search gave; times are those of `time.perf_counter`, in seconds."""

    began: float
    ended: float
    versions: frozenset[str]
    hits: int
    error: str = ""


@dataclass
class Reader:
    """Asks the questions in turn until it is stopped, with connections of its own."""

    session: Session
    workspace: WorkspaceId
    questions: Sequence[str]
    answers: list[Answer] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._index = WatchedIndex(self.session.stores.vectors)
        self._watched = session_with(self.session, vectors=self._index)
        self._changed = Condition()
        self._is_stopped = False

    @property
    def bad_answers(self) -> list[Answer]:
        """Those that failed, were empty, or mixed versions."""
        return [each for each in self.answers if each.error or not each.hits or len(each.versions) != 1]

    @property
    def versions(self) -> list[str]:
        """The versions that answered, in their order, without repetition."""
        return [name for name, _ in groupby(name for each in self.answers for name in sorted(each.versions))]

    @property
    def longest_gap_seconds(self) -> float:
        """The longest time between two answers."""
        return max(later.ended - earlier.ended for earlier, later in zip(self.answers, self.answers[1:], strict=False))

    def wait_for(self, version: str, *, answers: int = 3) -> None:
        """Wait until so many answers came from a version that were asked for after this call."""
        since = time.perf_counter()

        def came() -> bool:
            fresh = [each for each in self.answers if each.began > since]
            return sum(version in each.versions or bool(each.error) for each in fresh) >= answers

        with self._changed:
            assert self._changed.wait_for(came, _PATIENCE_SECONDS), f"no answers from {version}: {self.answers[-3:]}"

    def run(self) -> None:
        """Ask until stopped."""
        for question in cycle(self.questions):
            if self._is_stopped:
                return
            answer = self._ask(question)
            with self._changed:
                self.answers.append(answer)
                self._changed.notify_all()

    def stop(self) -> None:
        """Let the search that is under way be the last one."""
        self._is_stopped = True

    def _ask(self, question: str) -> Answer:
        self._index.asked = []
        began, hits, error = time.perf_counter(), 0, ""
        try:
            hits = len(ask(self._watched, answers.SearchRequest(question, limit=5), self.workspace).hits)
        except Exception as failure:  # noqa: BLE001 - whatever it is, a search failed, and the test says so
            error = repr(failure)
        *repeated, answered = self._index.asked or [set()]
        if any(len(versions) > 1 for versions in repeated):
            error = error or f"a search mixed versions: {repeated}"
        return Answer(began, time.perf_counter(), frozenset(answered), hits, error)


def _noted_search(request: answers.SearchRequest, *, stores: Stores, **options: Any) -> answers.Answer:
    """Search, and have a watched index begin a new note: an answer may take a second search after a promotion."""
    if isinstance(stores.vectors, WatchedIndex):
        stores.vectors.asked.append(set())
    return search(request, stores=stores, **options)


@contextmanager
def reading(session: Session, workspace: WorkspaceId, questions: Sequence[str]) -> Iterator[Reader]:
    """Let a reader ask until the end of the block."""
    with closing(Session(session.settings, session.endpoints)) as own:
        reader = Reader(own, workspace, questions)
        thread = Thread(target=reader.run, name="reader", daemon=True)
        with patch("neural_memory_pipelines.cli.answers.search", _noted_search):
            thread.start()
            try:
                yield reader
            finally:
                reader.stop()
                thread.join(_PATIENCE_SECONDS)
                assert not thread.is_alive()

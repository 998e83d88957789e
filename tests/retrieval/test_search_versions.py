"""An answer is of one embedding version: vectors of another are never asked for, nor compared, nor shown."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import numpy as np
import pytest

from neural_memory_pipelines.cli.answers import ask
from neural_memory_pipelines.domain.ids import WorkspaceId
from neural_memory_pipelines.domain.versions import EmbeddingVersion
from neural_memory_pipelines.local.session import Session
from neural_memory_pipelines.retrieval.answers import Mode, SearchRequest
from neural_memory_pipelines.stores.vectors.protocol import VectorHit, VectorIndex
from tests.retrieval.searched import World, page
from tests.steps.doubles import session_with
from tests.versions.migrating import archive_it, build, promote_it, propose
from tests.versions.models import TrialSession, turned

_QUESTION = "Which rule tells the ferries crew what to check on round 3?"


class _WatchedIndex:
    """A vector index that notes the namespaces asked for, and lets something happen before the first answer."""

    def __init__(self, inner: VectorIndex, happens: Callable[[], None] | None = None) -> None:
        self._inner, self._happens = inner, happens
        self.asked: list[str] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def query(self, index: str, namespace: str, *args: Any, **options: Any) -> list[VectorHit]:
        self.asked.append(namespace)
        happens, self._happens = self._happens, None
        if happens:
            happens()
        return self._inner.query(index, namespace, *args, **options)


class _Moved(World):
    """A memory that is served at one version and indexed at another too."""

    @property
    def trial(self) -> TrialSession:
        assert isinstance(self.session, TrialSession)
        return self.session

    @property
    def candidate(self) -> EmbeddingVersion:
        return turned(self.session.new_workspace_version)

    def watched(self, happens: Callable[[], None] | None = None) -> tuple[Session, _WatchedIndex]:
        index = _WatchedIndex(self.session.stores.vectors, happens)
        return session_with(self.session, vectors=index), index


@pytest.fixture
def moved(session: Session, workspace: WorkspaceId) -> Iterator[_Moved]:
    with closing(TrialSession.beside(session)) as trial:
        moved = _Moved(trial, workspace)
        moved.tell([page(workspace, topic) for topic in ("ferries", "cranes", "docks", "engines")])
        propose(trial, workspace, moved.candidate)
        build(trial, workspace, moved.candidate)
        yield moved


@pytest.mark.parametrize("mode", [Mode.DENSE, Mode.HYBRID])
def test_only_places_of_the_asked_version_are_searched(moved: _Moved, mode: Mode) -> None:
    for version in (moved.version, moved.candidate):
        session, index = moved.watched()
        answer = moved.answer(_QUESTION, version=version, stores=session.stores, mode=mode)
        assert answer.embedding_version == version.name
        assert {namespace.rpartition("__")[2] for namespace in index.asked} == {version.name}
        assert answer.hits[0].source_id == "handbook/ferries.md"


@pytest.mark.parametrize("question", [_QUESTION, f"{_QUESTION} source:docs"], ids=["by the index", "by kept vectors"])
def test_models_that_are_as_good_give_the_same_answer_and_a_mixture_would_not(moved: _Moved, question: str) -> None:
    served, other = (
        moved.hits(question, version=version, mode=Mode.DENSE) for version in (moved.version, moved.candidate)
    )
    assert [hit.id for hit in served] == [hit.id for hit in other]
    assert [hit.score for hit in served] == pytest.approx([hit.score for hit in other], abs=1e-4)
    # The vectors of the other model are in another space: its question is near to none of these.
    mixed = moved.hits(question, embedder=moved.session.embedder(moved.candidate), mode=Mode.DENSE)
    assert mixed[0].score < served[0].score / 2


def test_vectors_that_are_kept_of_another_version_are_not_compared(moved: _Moved) -> None:
    narrow = f"{_QUESTION} source:docs"
    assert moved.names(narrow, version=moved.candidate, mode=Mode.DENSE)
    query = "DELETE FROM embeddings WHERE embedding_version = :version RETURNING 1"
    assert moved.sql(query, version=moved.candidate.name)
    assert moved.names(narrow, version=moved.candidate, mode=Mode.DENSE) == []
    assert moved.names(narrow, mode=Mode.DENSE)
    (first, *_) = moved.hits(narrow, version=moved.candidate)
    assert first.source_id == "handbook/ferries.md"
    assert {term.value for term in first.terms if term.name == "vector"} == {0.0}


def test_a_version_that_was_never_indexed_finds_by_words_alone(moved: _Moved) -> None:
    unknown = turned(moved.version, model="test/noise")
    assert moved.names(_QUESTION, version=unknown, mode=Mode.DENSE) == []
    assert moved.names(_QUESTION, version=unknown)[0] == "ferries.md"
    assert moved.answer(_QUESTION, version=unknown).embedding_version == unknown.name


def test_an_answer_is_given_anew_if_another_version_was_promoted_meanwhile(moved: _Moved) -> None:
    before = moved.version

    def promote_and_archive() -> None:
        promote_it(moved.session, moved.workspace, moved.candidate, force=True)
        archive_it(moved.session, moved.workspace, before, drop_vectors=True)

    session, index = moved.watched(promote_and_archive)
    answer = ask(session, SearchRequest(_QUESTION), moved.workspace)
    assert answer.embedding_version == moved.candidate.name
    assert answer.hits[0].source_id == "handbook/ferries.md"
    assert {namespace.rpartition("__")[2] for namespace in index.asked} == {before.name, moved.candidate.name}
    alone = ask(moved.session, SearchRequest(_QUESTION), moved.workspace)
    assert [hit.id for hit in answer.hits] == [hit.id for hit in alone.hits]
    assert np.allclose([hit.score for hit in answer.hits], [hit.score for hit in alone.hits], atol=1e-4)


def test_an_answer_at_a_version_that_was_asked_for_stays_at_it(moved: _Moved) -> None:
    before = moved.version
    session, index = moved.watched(lambda: _promote(moved))
    answer = ask(session, SearchRequest(_QUESTION), moved.workspace, version=before)
    assert answer.embedding_version == before.name
    assert {namespace.rpartition("__")[2] for namespace in index.asked} == {before.name}


def _promote(moved: _Moved) -> None:
    promote_it(moved.session, moved.workspace, moved.candidate, force=True)

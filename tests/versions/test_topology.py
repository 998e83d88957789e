"""Spreading vectors otherwise is a migration that embeds nothing, and answers stay what they were."""

from __future__ import annotations

import pytest

from neural_memory_pipelines.domain.placement import Place
from neural_memory_pipelines.domain.versions import EmbeddingVersion, Family, Topology
from neural_memory_pipelines.steps.inbox import put_lines
from neural_memory_pipelines.steps.scope import Scope
from tests.steps.dumps import rows
from tests.steps.samples import envelope

from .conftest import Memory
from .migrating import archive_it, build, hits, judge_version, promote_it, propose

QUESTIONS = ("Handbook of the cranes", "who checks the docks", "carts vanish at midnight", "storms of January")


@pytest.fixture
def told(memory: Memory) -> Memory:
    """Vectors of two stores: those of the pages, and those of an issue, which is in no docs store."""
    put_lines(memory.session.stores.objects, memory.workspace, [envelope(memory.workspace, key="issue")])
    memory.tell_more()
    memory.session.spies[memory.served.model].embedded.clear()
    return memory


def _answers(memory: Memory) -> list[list[tuple[str, float]]]:
    answers = [hits(memory.session, memory.workspace, question) for question in QUESTIONS]
    return [[(hit.id, hit.score) for hit in found] for found in answers]


def _places(memory: Memory, version: EmbeddingVersion) -> list[Place]:
    places = [Scope(memory.workspace, version, family, memory.session.stores).places() for family in Family]
    return [place for found in places for place in found]


def _indexes(memory: Memory, version: EmbeddingVersion) -> set[str]:
    return {place.index for place in _places(memory, version)}


def _spread(memory: Memory) -> EmbeddingVersion:
    return memory.session.successor(memory.workspace, model=memory.served.model, topology="store")


def _index_names(memory: Memory) -> list[tuple[object, ...]]:
    return rows(memory.session, memory.workspace, "SELECT name, index_name, embedding_dim FROM stores ORDER BY name")


def test_to_an_index_for_each_store_and_back_nothing_is_embedded_and_answers_stay(told: Memory) -> None:
    session, workspace, shared, spread = told.session, told.workspace, told.served, _spread(told)
    spy = session.spies[shared.model]
    before = _answers(told)
    assert [len(found) for found in before] == [5, 5, 5, 5]
    spy.embedded.clear()

    propose(session, workspace, spread)
    totals = build(session, workspace, spread)
    assert spy.embedded == [], "taken over from the version that is served"
    assert (totals["embed"].written, totals["embed"].dollars, totals["embed"].failed) == (0, 0, 0)
    assert any("vectors are those of another version of the same model" in note for note in totals["embed"].notes)
    assert all(finding.passed for finding in judge_version(session, workspace, spread).values())
    promote_it(session, workspace, spread)
    assert _answers(told) == before
    assert len(_indexes(told, spread)) == 2
    assert _indexes(told, spread).isdisjoint(_indexes(told, shared))

    archive_it(session, workspace, shared, drop_vectors=True)
    back = session.successor(workspace, model=shared.model, topology="shared")
    assert back == shared, "the way back leads to the version that it was"
    spy.embedded.clear()
    propose(session, workspace, back)
    build(session, workspace, back)
    assert spy.embedded == [], "taken over again, from the version between"
    promote_it(session, workspace, back, force=True)
    assert _answers(told) == before
    assert told.served.topology is Topology.SHARED


def test_the_index_of_a_store_is_written_beside_it_when_it_is_served(told: Memory) -> None:
    session, workspace, shared, spread = told.session, told.workspace, told.served, _spread(told)
    (shared_index,) = _indexes(told, shared)
    assert _index_names(told) == [("docs", shared_index, shared.dim)]
    propose(session, workspace, spread)
    build(session, workspace, spread)
    assert _index_names(told) == [("docs", shared_index, shared.dim)], "it is not served yet"
    promote_it(session, workspace, spread, force=True)
    (index,) = {place.index for place in _places(told, spread) if "store-docs" in place.index}
    assert _index_names(told) == [("docs", index, spread.dim)]
    promote_it(session, workspace, shared, force=True)
    assert _index_names(told) == [("docs", shared_index, shared.dim)]


def test_only_texts_that_no_like_version_has_are_embedded(told: Memory) -> None:
    """A like version that is archived, and whose vectors lag behind, spares all but what came since."""
    session, workspace, spread = told.session, told.workspace, _spread(told)
    propose(session, workspace, told.candidate)
    build(session, workspace, told.candidate)
    promote_it(session, workspace, told.candidate, force=True)
    archive_it(session, workspace, session.new_workspace_version)
    told.tell_more("engines")
    spy = session.spies[spread.model]
    spy.embedded.clear()
    propose(session, workspace, spread)
    build(session, workspace, spread)
    assert len(spy.embedded) == 3, "the section, the decision as a chunk and as an observation"
    assert all("engines" in body.lower() for body in spy.embedded)

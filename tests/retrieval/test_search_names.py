"""What a question names by an identifier, or whom, is found by the name and not by what the name sounds like."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import Any

import pytest

from neural_memory_pipelines.domain.ids import WorkspaceId
from neural_memory_pipelines.local.session import Session
from neural_memory_pipelines.retrieval import search
from neural_memory_pipelines.retrieval.answers import Hit, Mode
from tests.retrieval.searched import World, github_issue
from tests.steps.doubles import ReadOnly, RefusingEmbedder, SpyEmbedder

_CARTS = "The nightly job empties the carts of guests."


def _points(hit: Hit, term: str) -> float:
    return sum(one.points for one in hit.terms if one.name == term)


@pytest.mark.parametrize(
    "question", ["#1", "what is #1?", "show me acme/shop#1", "https://github.com/acme/shop/issues/1"]
)
def test_identifiers_alone_ask_no_model_and_no_index(world: World, question: str) -> None:
    stores = world.session.stores
    deaf = replace(stores, vectors=ReadOnly(stores.vectors, "query"))
    answer = world.answer(question, embedder=RefusingEmbedder(world.embedder), stores=deaf)
    assert answer.mode == "identifiers"
    named, tied = answer.hits
    assert (named.source_id, tied.source_id) == ("acme/shop#1", "acme/shop#2")
    assert named.text.endswith(_CARTS), "its own text has no word of the question"
    assert _points(named, "identifier") > _points(tied, "graph") > 0


def test_what_is_tied_to_the_named_says_why(world: World) -> None:
    _, tied = world.hits("#1")
    (edge,) = tied.edges
    assert (edge.origin, edge.target, edge.hops, edge.because) == ("Till prints twice", "Carts vanish", 1, "#1")
    query = "SELECT type FROM relationships WHERE relationship_id = :id AND until IS NULL"
    assert world.sql(query, id=edge.relationship_id) == [(edge.type,)]


def test_what_belongs_to_the_named_follows_it(world: World) -> None:
    named, below = world.hits("acme/shop#3")
    assert (named.source_id, below.source_id) == ("acme/shop#3", "acme/shop#3/comment/31")
    assert _points(named, "identifier") == 2 * _points(below, "identifier")


def test_several_things_may_be_named(world: World) -> None:
    assert set(world.names("#3 handbook:cranes.md", limit=2)) == {"#3", "cranes.md"}


def test_a_filter_holds_for_what_is_named(world: World) -> None:
    assert world.names("#1 source:docs") == []
    assert world.names("#1 author:cleo") == ["#2"]
    assert world.names("#1 before:2020") == []


def test_an_identifier_that_names_nothing_is_words(world: World) -> None:
    answer = world.answer("#4711")
    assert answer.mode == Mode.HYBRID


@pytest.mark.parametrize("mode", [Mode.DENSE, Mode.LEXICAL])
def test_names_count_in_hybrid_search_alone(world: World, mode: Mode) -> None:
    assert world.answer("#1", mode=mode).mode == mode
    assert all(_points(hit, "identifier") == 0 for hit in world.hits("boiler of #1", mode=mode))


def test_an_identifier_in_a_longer_question_lifts_its_document(world: World) -> None:
    without = world.hits("is the old boiler drained before the ferries are painted", limit=20)
    answer = world.answer("is the old boiler drained before the ferries are painted as of #1", limit=20)
    assert answer.mode == Mode.HYBRID
    places = [[hit.source_id for hit in hits].index("acme/shop#1") for hits in (without, answer.hits)]
    assert places[1] == 0 < places[0]
    assert _points(answer.hits[0], "identifier") > 0


@pytest.fixture(scope="module")
def crowd(session: Session) -> World:
    """Read by the tests of this module: issues of two people, of which one is named as the others sound."""
    workspace = WorkspaceId(f"crowd-{os.getpid()}")
    world = World(session, workspace)
    marlow: dict[str, Any] = {"user": {"login": "mmarlow", "id": 21, "type": "User"}, "assignees": []}
    lines = [
        github_issue(workspace, 51, "Lamp of the pier", "It flickers at dusk.", **marlow),
        github_issue(workspace, 52, "Ropes", "The ropes of berth four are worn.", **marlow),
        *(github_issue(workspace, 60 + n, f"Marlow street {n}", f"Paving of Marlow street {n}.") for n in range(4)),
    ]
    world.tell(lines)
    world.sql("UPDATE entities SET name = 'Mona Marlow' WHERE key = 'github:21' RETURNING 1")
    return world


def test_a_name_is_not_embedded(crowd: World) -> None:
    spy = SpyEmbedder(crowd.embedder)
    crowd.hits("what did Mona Marlow write of the lamp", embedder=spy)
    crowd.hits("Mona Marlow", embedder=spy)
    assert spy.embedded == ["what did write of the lamp", "Mona Marlow"], "a name alone is all there is to embed"


def test_documents_of_the_named_are_found_although_nothing_of_them_sounds_so(crowd: World) -> None:
    (first, *_) = hits = crowd.hits("what is worn, says Mona Marlow", limit=20)
    assert first.source_id == "acme/shop#52"
    by_name = {hit.source_id: hit for hit in hits if any("Mona Marlow" in (e.origin, e.target) for e in hit.edges)}
    assert by_name.keys() >= {"acme/shop#51", "acme/shop#52"}
    assert all(_points(hit, "graph") > 0 for hit in by_name.values())
    edges = {(edge.type, edge.target, edge.because) for edge in by_name["acme/shop#51"].edges}
    assert ("AUTHORED_BY", "Mona Marlow", "field author") in edges


def test_neighbours_of_the_named_are_candidates_however_far_their_texts_are(
    crowd: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("_VECTORS_PER_PLACE", "_MOST_VECTORS"):
        monkeypatch.setattr(search, name, 1)
    unnamed = crowd.names("paving of the street", limit=20)
    assert not {"#51", "#52"} & set(unnamed)
    assert {"#51", "#52"} <= set(crowd.names("paving of the street, asks Mona Marlow", limit=20))

"""The nearest vectors of a question are merged by what they are of, and only what is live counts."""

from __future__ import annotations

import numpy as np
import pytest

from neural_memory_pipelines.domain.versions import Family
from neural_memory_pipelines.retrieval.meaning import Nearest, embed_question, nearest
from neural_memory_pipelines.stores.postgres import live_vectors, places
from neural_memory_pipelines.stores.postgres.live_vectors import first_chunks, nearest_chunks
from tests.retrieval.searched import TOPICS, World
from tests.steps.doubles import SpyEmbedder

_STATEMENT = "We check all ferries twice a week, as storms broke some."


def _nearest(world: World, question: str, *, top_k: int = 50, private: bool = False, source: str = "") -> Nearest:
    with world.session.stores.database.transaction(world.workspace) as tx:
        searched = places.places(tx, world.version, [Family.CHUNKS, Family.OBSERVATIONS, Family.SUMMARIES])
    return nearest(
        embed_question(question, world.embedder),
        workspace=world.workspace,
        stores=world.session.stores,
        searched=searched,
        where={"source": source} if source else {},
        include_private=private,
        top_k=top_k,
    )


def test_each_document_is_near_by_the_nearest_of_its_rows(world: World) -> None:
    near = _nearest(world, _STATEMENT)
    ferries = near.documents[world.document("docs", "handbook/ferries.md")]
    assert ferries.row.kind == "observation"
    assert ferries.cosine == pytest.approx(1.0, abs=1e-3)
    assert ferries.cosine == max(row.cosine for row in near.documents.values())
    assert {row.row.document_id for row in near.documents.values()} == set(near.documents)
    (summary,) = near.summaries.values()
    assert (summary.row.kind, summary.row.document_id) == ("summary", "")
    assert near.is_all


def test_documents_come_nearest_first(world: World) -> None:
    cosines = [row.cosine for row in _nearest(world, _STATEMENT).documents.values()]
    assert cosines == sorted(cosines, reverse=True)
    assert len(cosines) > len(TOPICS)


@pytest.mark.parametrize("top_k", [1, 2])
def test_that_there_may_be_more_is_told(world: World, top_k: int) -> None:
    near = _nearest(world, _STATEMENT, top_k=top_k)
    assert not near.is_all
    assert len(near.documents) <= 3 * top_k


def test_filters_of_the_index_hold(world: World) -> None:
    near = _nearest(world, _STATEMENT, source="github")
    query = "SELECT document_id FROM knowledge_documents WHERE source = 'github'"
    assert set(near.documents) == {key for (key,) in world.sql(query)}


def test_private_rows_are_left_out_although_the_index_was_not_asked_to(world: World) -> None:
    query = "SELECT document_id FROM knowledge_documents WHERE privacy = 'private'"
    ((private,),) = world.sql(query)
    assert private not in _nearest(world, "spare key of the lantern house").documents
    assert private in _nearest(world, "spare key of the lantern house", private=True).documents


def test_nothing_is_near_where_nothing_is_indexed(world: World) -> None:
    empty = nearest(
        embed_question("ferries", world.embedder),
        workspace=world.workspace,
        stores=world.session.stores,
        searched=[],
        where={},
        include_private=True,
        top_k=10,
    )
    assert empty == Nearest({}, {}, is_all=True)


def test_kept_vectors_say_the_same_as_the_index(world: World) -> None:
    question = "which rule tells the ferries crew what to check"
    documents = [world.document("docs", f"handbook/{topic}.md") for topic in TOPICS]
    with world.session.stores.database.transaction(world.workspace) as tx:
        vector = embed_question(question, world.embedder)
        kept = nearest_chunks(tx, world.version, vector, [*documents, "no such document"])
        first = first_chunks(tx, [*documents, "no such document"])
    assert set(kept) == set(first) == set(documents)
    indexed = _nearest(world, question).documents
    by_chunk = {key: row for key, row in indexed.items() if row.row.kind == "chunk" and key in kept}
    assert by_chunk
    for key, row in by_chunk.items():
        assert kept[key].chunk_id == row.row.id
        assert kept[key].score == pytest.approx(row.cosine, abs=1e-3)
    query = "SELECT document_id, chunk_id FROM knowledge_chunks WHERE chunk_index = 0 AND superseded_at IS NULL"
    assert first.items() <= dict(world.sql(query)).items()


def test_of_very_many_chunks_the_beginnings_of_all_documents_are_compared(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live_vectors, "_MOST_VECTORS", len(TOPICS))
    documents = [world.document("docs", f"handbook/{topic}.md") for topic in TOPICS]
    with world.session.stores.database.transaction(world.workspace) as tx:
        vector = embed_question("a decision on storms, twice a week", world.embedder)
        found = nearest_chunks(tx, world.version, vector, documents)
        assert {key: chunk.chunk_id for key, chunk in found.items()} == first_chunks(tx, documents)


@pytest.mark.parametrize(
    ("question", "embedded"),
    [
        ("  ferries\n\n and\tcranes ", "ferries and cranes"),
        ("\U0001f389", "\U0001f389"),
        ("word " * 3, "word word word"),
    ],
)
def test_a_question_is_embedded_with_single_spaces(world: World, question: str, embedded: str) -> None:
    spy = SpyEmbedder(world.embedder)
    vector = embed_question(question, spy)
    assert spy.embedded == [embedded]
    assert float(np.linalg.norm(vector)) == pytest.approx(1.0, abs=1e-3)


@pytest.mark.parametrize("question", ["ferries and cranes " * 400, "x" * 9_000, "\U0001f389" * 3_000])
def test_of_a_question_that_is_too_long_the_end_is_left_out(world: World, question: str) -> None:
    spy = SpyEmbedder(world.embedder, max_tokens=50)
    embed_question(question, spy)
    (embedded,) = spy.embedded
    assert question.startswith(embedded)
    assert 25 < spy.count_tokens([embedded])[0] <= 50

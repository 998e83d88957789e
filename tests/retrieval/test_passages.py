"""What a candidate shows is the row that speaks for it, read as it is by then."""

from __future__ import annotations

import pytest

from neural_memory_pipelines.domain.ids import WorkspaceId
from neural_memory_pipelines.local.session import Session
from neural_memory_pipelines.retrieval.answers import Hit
from neural_memory_pipelines.retrieval.candidates import Candidate
from neural_memory_pipelines.retrieval.passages import hits_of
from neural_memory_pipelines.stores.postgres.live_vectors import LiveVector
from tests.retrieval.searched import World, page

_TOPICS = tuple(f"quay{letter}" for letter in "abcdefghij")


@pytest.fixture
def own(session: Session, workspace: WorkspaceId) -> World:
    world = World(session, workspace)
    world.tell([page(workspace, topic) for topic in _TOPICS])
    return world


def _candidate(world: World, topic: str, **fields: float) -> Candidate:
    """Make a candidate with both a chunk that fits by words and a statement that fits by meaning."""
    document = world.document("docs", f"handbook/{topic}.md")
    query = "SELECT {}_id FROM {} WHERE document_id = :id ORDER BY 1 LIMIT 1"
    ((chunk,),) = world.sql(query.format("chunk", "knowledge_chunks"), id=document)
    ((statement,),) = world.sql(query.format("observation", "memory_observations"), id=document)
    candidate = Candidate(
        document, cosine=0.5, nearest=LiveVector("observation", statement, document), words=2.0, chunk_id=chunk
    )
    for name, points in fields.items():
        candidate.add(name, points, 1.0)
    return candidate


def _read(world: World, candidates: list[Candidate], *, most: int = 5, private: bool = False) -> list[Hit]:
    return hits_of(
        candidates, most=most, workspace=world.workspace, stores=world.session.stores, include_private=private
    )


@pytest.mark.parametrize(
    ("points", "kind"),
    [
        ({"vector": 1.0, "words": 0.9}, "observation"),
        ({"vector": 0.9, "words": 1.0}, "chunk"),
        ({"vector": -1.0, "words": -0.2}, "chunk"),
        ({"vector": 0.0, "words": 0.0}, "observation"),
        ({"words": 0.1}, "chunk"),
        ({"identifier": 3.0}, "observation"),
    ],
)
def test_the_way_that_counts_most_says_what_is_shown(own: World, points: dict[str, float], kind: str) -> None:
    (hit,) = _read(own, [_candidate(own, "quaya", **points)])
    assert hit.kind == kind
    assert ("rule 1 tells" in hit.text) == (kind == "chunk")
    assert hit.score == pytest.approx(sum(points.values()))
    assert {term.name: term.points for term in hit.terms} == points


def test_a_candidate_without_a_row_is_not_shown(own: World) -> None:
    assert _read(own, [Candidate(own.document("docs", "handbook/quaya.md"))]) == []


def test_a_candidate_of_a_row_that_is_unknown_is_not_shown(own: World) -> None:
    assert _read(own, [Candidate("d", nearest=LiveVector("observation", "o", "d")), Candidate("d", chunk_id="c")]) == []


def test_the_order_is_kept_and_no_more_than_wanted_come(own: World) -> None:
    candidates = [_candidate(own, topic, words=1.0) for topic in reversed(_TOPICS)]
    hits = _read(own, candidates, most=4)
    assert [hit.source_id for hit in hits] == [f"handbook/{topic}.md" for topic in ("quayj", "quayi", "quayh", "quayg")]


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE knowledge_documents SET deleted_at = now() WHERE document_id = :id RETURNING 1",
        "UPDATE knowledge_documents SET privacy = 'private' WHERE document_id = :id RETURNING 1",
        "UPDATE knowledge_chunks SET superseded_at = now() WHERE document_id = :id RETURNING 1",
    ],
    ids=["deleted", "private", "superseded"],
)
def test_the_next_takes_the_place_of_what_is_gone_by_the_time_it_is_read(own: World, change: str) -> None:
    candidates = [_candidate(own, topic, words=1.0) for topic in _TOPICS]
    for gone in candidates[:2]:
        own.sql(change, id=gone.key)
    hits = _read(own, candidates, most=3)
    assert [hit.source_id for hit in hits] == [f"handbook/{topic}.md" for topic in _TOPICS[2:5]]


def test_a_statement_that_only_some_may_read_is_shown_to_them_alone(own: World) -> None:
    candidate = _candidate(own, "quaya", vector=1.0)
    own.sql("UPDATE memory_observations SET privacy = 'private' WHERE document_id = :id RETURNING 1", id=candidate.key)
    assert _read(own, [candidate]) == []
    (hit,) = _read(own, [candidate], private=True)
    assert (hit.kind, hit.privacy) == ("observation", "private")

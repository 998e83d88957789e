"""A reranker has the last word on the order of answers; if it does not answer, they come as they are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest

from neural_memory_pipelines.errors import NeuralMemoryError, PermanentError, TransientError
from neural_memory_pipelines.retrieval.answers import Mode
from neural_memory_pipelines.retrieval.search import ranking_of
from tests.retrieval.searched import World, without_times

_QUESTION = "which crew checks what of the till"


@dataclass
class _Shortest:
    """A reranker that likes short texts, and notes what it was asked."""

    error: NeuralMemoryError | None = None
    model: str = "test/shortest"
    asked: list[tuple[str, list[str]]] = field(default_factory=list)

    def rerank(self, question: str, texts: Sequence[str]) -> list[float]:
        self.asked.append((question, list(texts)))
        if self.error:
            raise self.error
        return [1 / (1 + len(text)) for text in texts]


def _lengths(world: World, reranker: _Shortest, **options: object) -> list[int]:
    return [len(f"{hit.title}\n\n{hit.text}") for hit in world.hits(_QUESTION, reranker=reranker, **options)]


@pytest.mark.parametrize("mode", [Mode.DENSE, Mode.HYBRID])
def test_hits_come_in_the_order_of_the_reranker(world: World, mode: Mode) -> None:
    reranker = _Shortest()
    every = world.hits(_QUESTION, mode=mode, limit=50)
    lengths = _lengths(world, reranker, mode=mode, limit=3)
    assert lengths == sorted(len(f"{hit.title}\n\n{hit.text}") for hit in every)[:3]
    ((question, texts),) = reranker.asked
    assert question == _QUESTION
    assert texts == [f"{hit.title}\n\n{hit.text}" for hit in every]


def test_a_reranked_hit_tells_its_relevance_beside_what_found_it(world: World) -> None:
    plain = {hit.id: hit for hit in world.hits(_QUESTION, limit=50)}
    answer = world.answer(_QUESTION, reranker=_Shortest())
    assert "rerank" in answer.latency_ms
    assert answer.notes == ()
    for hit in answer.hits:
        *found, last = hit.terms
        assert tuple(found) == plain[hit.id].terms
        assert (last.name, last.value) == ("rerank", hit.score)
        assert (hit.text, hit.edges, hit.privacy) == (plain[hit.id].text, plain[hit.id].edges, "org")


def test_filters_are_no_part_of_what_the_reranker_is_asked(world: World) -> None:
    reranker = _Shortest()
    world.hits('"the till" receipts source:github', reranker=reranker)
    assert [question for question, _ in reranker.asked] == ["the till receipts"]


def test_a_reranker_that_does_not_answer_changes_nothing_and_is_noted(world: World) -> None:
    failing = _Shortest(error=TransientError("test/shortest: no answer within 10 s"))
    answer = world.answer(_QUESTION, reranker=failing)
    assert answer.notes == ("not reranked: test/shortest: no answer within 10 s",)
    assert answer.hits == world.hits(_QUESTION)
    assert len(failing.asked) == 1


def test_a_reranker_that_refuses_fails_the_search(world: World) -> None:
    with pytest.raises(PermanentError, match="the request is too long"):
        world.answer(_QUESTION, reranker=_Shortest(error=PermanentError("the request is too long")))


@pytest.mark.parametrize("question", ["#1", "what is acme/shop#1?", "no such words \u2022 source:docs after:2027"])
def test_a_reranker_is_not_asked_for_names_or_for_nothing(world: World, question: str) -> None:
    reranker = _Shortest()
    assert without_times(world.answer(question, reranker=reranker)) == without_times(world.answer(question))
    assert reranker.asked == []


def test_a_reranker_is_not_asked_if_the_request_says_so(world: World) -> None:
    reranker = _Shortest()
    assert world.hits(_QUESTION, reranker=reranker, rerank=False) == world.hits(_QUESTION)
    assert reranker.asked == []


def test_private_texts_go_to_no_reranker_unless_asked_for(world: World) -> None:
    reranker = _Shortest()
    for private in (False, True):
        world.hits("spare key of the lantern house", reranker=reranker, include_private=private)
    told = ["lantern" in "".join(texts) for _, texts in reranker.asked]
    assert told == [False, True]


def test_the_record_of_a_ranking_names_what_decides_it() -> None:
    plain, reranked = (ranking_of(Mode.HYBRID, reranker=reranker) for reranker in (None, _Shortest()))
    assert (plain["mode"], plain["reranker"], reranked["reranker"]) == ("hybrid", None, "test/shortest")
    assert plain["weights"] == reranked["weights"]

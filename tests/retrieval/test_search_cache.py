"""A cache makes answers quicker and changes none: away, empty, wrong or full of another workspace's texts."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from neural_memory_pipelines.domain.ids import WorkspaceId
from neural_memory_pipelines.local.session import Session
from neural_memory_pipelines.retrieval import passages
from neural_memory_pipelines.retrieval.answers import Mode
from neural_memory_pipelines.stores.cache.keys import chunks_key
from neural_memory_pipelines.stores.cache.redis import RedisCache
from tests.retrieval.searched import World, page, without_times
from tests.steps.dumps import empty_cache

_FERRIES = "Which rule tells the ferries crew what to check on round 3?"
_LIE = "The ferries were sold to a museum."


@pytest.fixture
def own(session: Session, workspace: WorkspaceId) -> World:
    """A memory whose cache a test may change."""
    world = World(session, workspace)
    world.tell([page(workspace, "ferries"), page(workspace, "cranes")])
    return world


@pytest.fixture
def absent() -> Iterator[RedisCache]:
    """A cache whose server is away."""
    with socket.socket() as bound:  # bound and not listening: the port stays ours and refuses
        bound.bind(("127.0.0.1", 0))
        yield RedisCache(f"redis://127.0.0.1:{bound.getsockname()[1]}", timeout_seconds=0.2)


@pytest.mark.parametrize("question", [_FERRIES, "handbook:ferries.md", "storms source:docs"])
@pytest.mark.parametrize("mode", Mode)
def test_without_the_cache_the_answer_is_the_same(own: World, absent: RedisCache, question: str, mode: Mode) -> None:
    expected = without_times(own.answer(question, mode=mode))
    assert expected.hits
    without = replace(own.session.stores, cache=absent)
    assert without_times(own.answer(question, mode=mode, stores=without)) == expected
    assert empty_cache(own.session, own.workspace) > 0
    assert without_times(own.answer(question, mode=mode)) == expected


def test_texts_come_from_the_cache_where_it_holds_them(own: World, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = own.hits("ferries crew", mode=Mode.LEXICAL)

    def _refuse(*_: Any, **__: Any) -> dict[str, str]:
        raise AssertionError("the cache holds these texts")

    monkeypatch.setattr(passages, "chunk_texts", _refuse)
    assert own.hits("ferries crew", mode=Mode.LEXICAL) == expected != ()


def _plant(world: World, document: str, value: str) -> None:
    ((version,),) = world.sql("SELECT version FROM knowledge_documents WHERE document_id = :id", id=document)
    world.session.stores.cache.set_many({chunks_key(document, version): value}, ttl_seconds=60)


def _cached_as(world: World, document: str, **changes: Any) -> str:
    query = """SELECT chunk_id, chunk_index, section_label, text FROM knowledge_chunks
        WHERE document_id = :id AND superseded_at IS NULL"""
    names = ("chunk_id", "chunk_index", "section_label", "text")
    return json.dumps([{**dict(zip(names, row, strict=True)), **changes} for row in world.sql(query, id=document)])


@pytest.mark.parametrize(
    "changes", [{"text": _LIE}, {"section_label": _LIE}, {"text": None}, {"text": [_LIE]}, {"chunk_id": _LIE}]
)
def test_a_cached_text_is_shown_only_if_it_has_the_hash_of_the_row(own: World, changes: dict[str, Any]) -> None:
    document = own.document("docs", "handbook/ferries.md")
    expected = own.hits(_FERRIES)
    _plant(own, document, _cached_as(own, document, **changes))
    assert own.hits(_FERRIES) == expected
    assert "Ferries rule 3" in expected[0].text


@pytest.mark.parametrize("value", ["", "no json", "[1, null]", "{}", "null", '"text"', "[[]]"])
def test_a_cache_that_holds_nonsense_is_as_good_as_none(own: World, value: str) -> None:
    expected = own.hits(_FERRIES)
    _plant(own, own.document("docs", "handbook/ferries.md"), value)
    assert own.hits(_FERRIES) == expected


def test_texts_of_another_workspace_under_the_key_are_not_shown(own: World, session: Session) -> None:
    other = World(session, WorkspaceId(f"{own.workspace}-other"))
    other.tell([page(other.workspace, "ferries", extra="\nOf the other harbour.\n")])
    mine, theirs = (one.document("docs", "handbook/ferries.md") for one in (own, other))
    expected = own.hits(_FERRIES)
    for planted in (_cached_as(other, theirs), _cached_as(other, theirs, chunk_id=expected[0].id)):
        _plant(own, mine, planted)
        assert own.hits(_FERRIES) == expected
        assert "other harbour" not in repr(own.hits(f"{_FERRIES} other harbour", limit=50))

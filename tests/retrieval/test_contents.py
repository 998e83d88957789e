"""Whole texts come from the cache where it is right, from Postgres where it is not, and only to those who may read."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Iterator
from typing import Any

import pytest

from neural_memory_pipelines.domain.chunking import chunk_text
from neural_memory_pipelines.domain.ids import WorkspaceId
from neural_memory_pipelines.domain.versions import EmbeddingVersion
from neural_memory_pipelines.local.session import Session
from neural_memory_pipelines.models.embedders.protocol import Embedder
from neural_memory_pipelines.retrieval.contents import Content, Contents, joined, read_contents
from neural_memory_pipelines.steps.inbox import put_lines
from neural_memory_pipelines.stores.cache.keys import chunks_key
from neural_memory_pipelines.stores.cache.redis import RedisCache
from tests.retrieval.traced import ISSUE, PAGE, SECRET, Told, page, tell
from tests.steps.doubles import session_with
from tests.steps.dumps import empty_cache, rows
from tests.steps.pipeline import run_path
from tests.steps.samples import guide

_LIVE = "SELECT {0} FROM {1} WHERE superseded_at IS NULL AND document_id = :id ORDER BY {2}"


@pytest.fixture(scope="module")
def told(session: Session) -> Told:
    """Read by the tests of this module that change nothing but its cache."""
    return tell(session, WorkspaceId(f"contents-{os.getpid()}"))


@pytest.fixture
def primed(session: Session, told: Told) -> Told:
    """What is in the cache is right, whatever the test before put there."""
    empty_cache(session, told.workspace)
    run_path(session, told.workspace)
    return told


@pytest.fixture
def absent_cache() -> Iterator[RedisCache]:
    with socket.socket() as bound:  # bound and not listening: the port stays ours and refuses
        bound.bind(("127.0.0.1", 0))
        yield RedisCache(f"redis://127.0.0.1:{bound.getsockname()[1]}")


def _read(session: Session, told: Told, *names: str, **options: Any) -> Contents:
    return read_contents(names, workspace=told.workspace, stores=session.stores, **options)


def _only(contents: Contents) -> Content:
    assert contents.missing == ()
    (content,) = contents.found
    return content


def _document(session: Session, told: Told, name: str) -> tuple[str, int, list[str]]:
    source, source_id = name.split(" ")
    query = "SELECT document_id, version FROM knowledge_documents WHERE source = :source AND source_id = :source_id"
    ((document, version),) = rows(session, told.workspace, query, source=source, source_id=source_id)
    query = _LIVE.format("chunk_id", "knowledge_chunks", "chunk_index")
    return document, version, [key for (key,) in rows(session, told.workspace, query, id=document)]


def _poison(session: Session, key: str, value: str) -> None:
    session.stores.cache.set_many({key: value}, ttl_seconds=60)


def test_documents_and_chunks_are_read_from_the_cache(session: Session, primed: Told) -> None:
    document, _, chunks = _document(session, primed, PAGE)
    whole = _only(_read(session, primed, document))
    assert (whole.read_from, whole.kind, whole.title) == ("cache", "document", "Piers")
    assert "Anchors rule 14" in whole.text
    assert "We check all cranes twice a week." in whole.text
    assert "berths" not in whole.text.lower()
    for chunk in chunks:
        content = _only(_read(session, primed, chunk))
        assert (content.read_from, content.document_id) == ("cache", document)
        query = "SELECT text FROM knowledge_chunks WHERE chunk_id = :id"
        assert content.text == primed.one(session, query, id=chunk)


def test_an_empty_cache_gives_the_same_texts_from_postgres(session: Session, primed: Told) -> None:
    cached = _only(_read(session, primed, PAGE))
    empty_cache(session, primed.workspace)
    held = _only(_read(session, primed, PAGE))
    assert (cached.read_from, held.read_from) == ("cache", "database")
    assert cached.text == held.text


@pytest.mark.parametrize(
    "value",
    ["no json", "[1, null]", '{"a": 1}', '[{"chunk_id": "ID", "section_label": "", "text": "Nobody said this."}]',
     '[{"chunk_id": "ID", "section_label": null, "text": 7}]'],
)  # fmt: skip
def test_a_cached_text_that_is_not_the_row_s_is_not_believed(session: Session, primed: Told, value: str) -> None:
    document, version, chunks = _document(session, primed, PAGE)
    expected = _only(_read(session, primed, chunks[0])).text
    _poison(session, chunks_key(document, version), value.replace("ID", chunks[0]))
    content = _only(_read(session, primed, chunks[0]))
    assert (content.text, content.read_from) == (expected, "database")


def test_a_chunk_of_another_document_in_the_cache_is_taken_for_no_other(session: Session, primed: Told) -> None:
    document, version, chunks = _document(session, primed, PAGE)
    _, _, (other, *_) = _document(session, primed, ISSUE)
    expected = _only(_read(session, primed, PAGE)).text
    planted = [{"chunk_id": key, "section_label": "", "text": f"of {other}"} for key in chunks]
    _poison(session, chunks_key(document, version), json.dumps(planted))
    assert _only(_read(session, primed, PAGE)).text == expected


def test_without_a_cache_all_is_read_and_said(session: Session, primed: Told, absent_cache: RedisCache) -> None:
    without = session_with(session, cache=absent_cache)
    contents = _read(without, primed, PAGE, primed.summary)
    assert [content.read_from for content in contents.found] == ["database", "database"]
    (note,) = contents.notes
    assert note.startswith("read from the database alone: cache at 127.0.0.1")


def test_all_kinds_come_in_the_order_asked_for_and_the_rest_is_named(session: Session, primed: Told) -> None:
    document, _, chunks = _document(session, primed, PAGE)
    entity = primed.one(session, "SELECT entity_id FROM entities WHERE key = 'github:7'")
    names = [primed.summary, "nothing", chunks[1], primed.cited[0], entity, ISSUE, document, document]
    contents = _read(session, primed, *names)
    kinds = [content.kind for content in contents.found]
    assert kinds == ["summary", "chunk", "observation", "document", "document", "document"]
    assert [content.asked for content in contents.found] == [name for name in names if name not in {"nothing", entity}]
    assert [item.asked for item in contents.missing] == ["nothing", entity]
    assert "nothing in workspace" in contents.missing[0].reason
    assert "it is a profile" in contents.missing[1].reason
    summary, observation = contents.found[0], contents.found[2]
    query = "SELECT text FROM memory_summaries WHERE summary_id = :id"
    assert summary.text == primed.one(session, query, id=primed.summary)
    query = "SELECT text FROM memory_observations WHERE observation_id = :id"
    assert observation.text == primed.one(session, query, id=primed.cited[0])


def test_a_vector_id_stands_for_its_chunk_or_observation(session: Session, primed: Told) -> None:
    query = "SELECT vector_id FROM vector_entries WHERE family = '{0}' AND vector_id LIKE :like"
    _, _, chunks = _document(session, primed, PAGE)
    document = _document(session, primed, PAGE)[0]
    found = [key for (key,) in rows(session, primed.workspace, query.format("chunks"), like=f"{document}#%")]
    assert {_only(_read(session, primed, key)).id for key in found} == set(chunks)
    assert _only(_read(session, primed, f"{primed.cited[0]}:body")).id == primed.cited[0]


@pytest.mark.parametrize("table", ["knowledge_chunks", "memory_observations"])
def test_what_was_superseded_is_not_shown(session: Session, primed: Told, table: str) -> None:
    key = "chunk_id" if table == "knowledge_chunks" else "observation_id"
    old = primed.one(session, f"SELECT min({key}) FROM {table} WHERE superseded_at IS NOT NULL")
    contents = _read(session, primed, old)
    assert contents.found == ()
    assert "something else is said in its place" in contents.missing[0].reason


def test_what_only_some_may_read_is_refused_although_it_is_cached(session: Session, primed: Told) -> None:
    document = primed.one(session, "SELECT document_id FROM knowledge_documents WHERE privacy = 'private'")
    assert session.stores.cache.get_many([chunks_key(document, 1), chunks_key(document, 2)])
    query = "SELECT chunk_id FROM knowledge_chunks WHERE document_id = :id UNION "
    query += "SELECT observation_id FROM memory_observations WHERE document_id = :id"
    names = [document, *(key for (key,) in rows(session, primed.workspace, query, id=document))]
    contents = _read(session, primed, *names)
    assert contents.found == ()
    assert {item.reason for item in contents.missing} == {"only some may read it: --private shows it if you may"}
    asked = _read(session, primed, *names, include_private=True)
    assert all(SECRET in content.text and content.is_private for content in asked.found)
    assert len(asked.found) == len(names)


def test_a_document_that_turned_private_or_changed_is_hidden_at_once(session: Session, workspace: WorkspaceId) -> None:
    told = tell(session, workspace)
    document, _, chunks = _document(session, told, PAGE)
    rows(session, workspace, "UPDATE knowledge_documents SET privacy = 'private' WHERE document_id = :id RETURNING 1",
         id=document)  # fmt: skip
    assert _read(session, told, document, *chunks, *told.cited, told.summary).found != ()
    hidden = {item.asked for item in _read(session, told, document, *chunks, told.summary).missing}
    assert hidden == {document, *chunks, told.summary}


def test_a_document_whose_cache_is_a_version_behind_is_read_as_it_is(session: Session, workspace: WorkspaceId) -> None:
    told = tell(session, workspace)
    document, version, _ = _document(session, told, PAGE)
    stale = session.stores.cache.get_many([chunks_key(document, version)])[chunks_key(document, version)]
    put_lines(session.stores.objects, workspace, [page(workspace, "sails", at="2026-02-11T08:00:00Z")])
    run_path(session, workspace)
    _poison(session, chunks_key(document, version + 1), stale)
    content = _only(_read(session, told, document))
    assert "We check all sails twice a week." in content.text
    assert "cranes" not in content.text.lower()
    assert content.read_from == "database"


def test_ids_of_other_workspaces_are_unknown(session: Session, primed: Told, workspace: WorkspaceId) -> None:
    document, _, chunks = _document(session, primed, PAGE)
    names = [document, *chunks, *primed.cited, primed.summary]
    contents = read_contents(names, workspace=workspace, stores=session.stores, include_private=True)
    assert contents.found == ()
    assert [item.asked for item in contents.missing] == names


def test_a_document_is_put_together_again_without_its_overlaps(version: EmbeddingVersion, embedder: Embedder) -> None:
    whole = guide("anchors", "berths", "cranes", title="Handbook") + "\n".join(f"- step {n} is done" for n in range(90))
    chunks = chunk_text(whole, version.chunking, embedder.count_tokens)
    assert sum(len(chunk.text) for chunk in chunks) > len(whole) + 100  # some of it is there twice
    assert joined([chunk.text for chunk in chunks]).split() == whole.split()


def test_chunks_that_repeat_nothing_are_parted_by_an_empty_line() -> None:
    assert joined(["one", "two", "two"]) == "one\n\ntwo\n\ntwo"
    assert joined([]) == ""

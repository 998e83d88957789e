"""The cache may be emptied or away: what is cached comes back, and nothing else suffers."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from neural_memory_pipelines.domain.ids import WorkspaceId
from neural_memory_pipelines.local.session import Session
from neural_memory_pipelines.stores.cache.keys import chunks_key, dedupe_key, document_key
from neural_memory_pipelines.stores.cache.redis import RedisCache

from .asking import ask
from .doubles import session_with
from .dumps import cache_keys, dump, empty_cache, rows
from .pipeline import ingest_folder, run_path
from .samples import guide, write_docs

PAGES = {"berths.md": guide("anchors", "berths"), "cranes.md": guide("cranes", title="Cranes")}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_docs(tmp_path / "handbook", PAGES)


@pytest.fixture
def absent_cache() -> Iterator[RedisCache]:
    with socket.socket() as bound:  # bound and not listening: the port stays ours and refuses
        bound.bind(("127.0.0.1", 0))
        yield RedisCache(f"redis://127.0.0.1:{bound.getsockname()[1]}")


def test_what_is_cached_is_what_postgres_holds(session: Session, workspace: WorkspaceId, folder: Path) -> None:
    ingest_folder(session, workspace, folder)
    run_path(session, workspace)
    held = cache_keys(session, workspace)
    documents = rows(
        session,
        workspace,
        "SELECT document_id, version, source, source_id, content_hash, title FROM knowledge_documents",
    )
    for document, version, source, source_id, content_hash, title in documents:
        assert json.loads(held[document_key(document)])["title"] == title
        chunks = json.loads(held[chunks_key(document, version)])
        query = "SELECT chunk_id FROM knowledge_chunks WHERE document_id = :document ORDER BY chunk_index"
        assert [(chunk["chunk_id"],) for chunk in chunks] == rows(session, workspace, query, document=document)
        assert held[dedupe_key(workspace, source, source_id)] == content_hash
    assert len(held) == 3 * len(documents) + 1


def test_a_new_version_takes_the_place_of_the_old_one(session: Session, workspace: WorkspaceId, folder: Path) -> None:
    ingest_folder(session, workspace, folder)
    run_path(session, workspace)
    before = set(cache_keys(session, workspace))
    write_docs(folder, {**PAGES, "cranes.md": guide("winches", title="Cranes")})
    ingest_folder(session, workspace, folder)
    assert run_path(session, workspace).primed.written == 1
    after = set(cache_keys(session, workspace))
    (gone,), (new,) = before - after, after - before
    assert (gone.removesuffix(":v1"), gone[-3:], new[-3:]) == (new.removesuffix(":v2"), ":v1", ":v2")


def test_an_emptied_cache_is_primed_again(session: Session, workspace: WorkspaceId, folder: Path) -> None:
    ingest_folder(session, workspace, folder)
    run_path(session, workspace)
    before = dump(session, workspace)
    assert empty_cache(session, workspace) == 7
    report = run_path(session, workspace)
    assert (report.primed.written, report.primed.unchanged, report.work) == (2, 0, 2)
    assert dump(session, workspace) == before


def test_without_a_cache_all_else_works(
    session: Session, workspace: WorkspaceId, folder: Path, absent_cache: RedisCache
) -> None:
    ingest_folder(session, workspace, folder)
    without = session_with(session, cache=absent_cache)
    report = run_path(without, workspace)
    (note,) = report.primed.notes
    assert note.startswith("caches are cold: cache at 127.0.0.1")
    assert (report.primed.seen, report.primed.written) == (2, 0)
    hits = ask(without, workspace, "cranes rule 3")
    assert hits[0].source_id == "handbook/cranes.md"
    assert cache_keys(session, workspace) == {}

    later = run_path(session, workspace)
    assert (later.primed.written, later.primed.notes, later.work) == (2, [], 2)
    assert len(cache_keys(session, workspace)) == 7

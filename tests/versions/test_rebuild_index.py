"""An index is rebuilt from the kept vectors to the same ids and values, without one call to a model."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import text

from neural_memory_pipelines.domain.versions import EmbeddingVersion, Family
from neural_memory_pipelines.errors import PermanentError
from neural_memory_pipelines.local import session as session_module
from neural_memory_pipelines.models.embedders.protocol import Embedder
from neural_memory_pipelines.steps.index import reconcile_index
from neural_memory_pipelines.steps.scope import Scope
from neural_memory_pipelines.steps.versions.rebuild import rebuild_index

from .conftest import Memory
from .migrating import archive_it, build, hits, propose

HASHED = """SELECT index_name, namespace, id, metadata::text, encode(sha256(vector_send(embedding)), 'hex')
    FROM vectors.vector_records WHERE namespace LIKE :like ORDER BY index_name, namespace, id"""


def _records(memory: Memory, version: EmbeddingVersion) -> list[tuple[Any, ...]]:
    with memory.session.stores.database.engine.connect() as connection:
        like = f"ws\\_{memory.workspace}\\_\\_%\\_\\_{version.name}"
        return [tuple(row) for row in connection.execute(text(HASHED), {"like": like})]


def test_a_rebuilt_index_holds_the_same_ids_and_values(memory: Memory, monkeypatch: pytest.MonkeyPatch) -> None:
    version = memory.served
    before = _records(memory, version)
    answers = hits(memory.session, memory.workspace, "who checks the cranes")
    assert {namespace.split("__")[2] for _, namespace, *_ in before} == {"chunks", "observations"}

    def refuse(*_: Any, **__: Any) -> Embedder:
        raise AssertionError("a model was asked for")

    with monkeypatch.context() as patch:
        patch.setattr(session_module, "load_embedder", refuse)
        for spy in memory.session.spies.values():
            patch.setattr(spy, "embed", refuse)
        reports = rebuild_index(memory.workspace, version, stores=memory.session.stores)
    assert sum(report.written for report in reports.values()) == len(before)
    assert sum(report.deleted for report in reports.values()) == len(before)
    assert [report.failed for report in reports.values()] == [0, 0, 0, 0]
    assert _records(memory, version) == before
    assert hits(memory.session, memory.workspace, "who checks the cranes") == answers


def test_what_was_spoilt_in_the_index_is_right_again(memory: Memory) -> None:
    version = memory.served
    before = _records(memory, version)
    spoil = "UPDATE vectors.vector_records SET embedding = embedding + embedding, metadata = '{}' WHERE namespace = :n"
    with memory.session.stores.database.engine.begin() as connection:
        connection.execute(text(spoil), {"n": before[0][1]})
    assert _records(memory, version) != before
    for family in Family:
        reconcile_index(Scope(memory.workspace, version, family, memory.session.stores), compare_ids=True)
    assert _records(memory, version) != before, "ids and counts agree: only a rebuild finds it"
    rebuild_index(memory.workspace, version, stores=memory.session.stores)
    assert _records(memory, version) == before


def test_a_version_beside_the_served_one_is_rebuilt_alone(memory: Memory) -> None:
    propose(memory.session, memory.workspace, memory.candidate)
    build(memory.session, memory.workspace, memory.candidate)
    served, candidate = _records(memory, memory.served), _records(memory, memory.candidate)
    reports = rebuild_index(memory.workspace, memory.candidate, stores=memory.session.stores)
    assert sum(report.written for report in reports.values()) == len(candidate) == len(served)
    assert (_records(memory, memory.served), _records(memory, memory.candidate)) == (served, candidate)


def test_an_archived_version_is_not_rebuilt(memory: Memory) -> None:
    propose(memory.session, memory.workspace, memory.candidate)
    build(memory.session, memory.workspace, memory.candidate)
    archive_it(memory.session, memory.workspace, memory.candidate)
    with pytest.raises(PermanentError, match="is archived"):
        rebuild_index(memory.workspace, memory.candidate, stores=memory.session.stores)
    assert _records(memory, memory.candidate) == []


def test_orphans_on_both_sides_are_repaired_where_the_counts_agree(memory: Memory) -> None:
    version = memory.served
    before = _records(memory, version)
    scope = Scope(memory.workspace, version, Family.CHUNKS, memory.session.stores)
    swap = "UPDATE vectors.vector_records SET id = 'stray' WHERE namespace = :namespace AND id = :id"
    with memory.session.stores.database.engine.begin() as connection:
        connection.execute(text(swap), {"namespace": before[0][1], "id": before[0][2]})
    assert reconcile_index(scope).written == 0, "the counts agree, and nobody asked"
    report = reconcile_index(scope, compare_ids=True)
    assert (report.written, report.deleted) == (1, 1)
    assert _records(memory, version) == before

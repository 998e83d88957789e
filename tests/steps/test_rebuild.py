"""What is lost is made again: an emptied index from the kept vectors, everything from the raw artifacts."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from sqlalchemy import text

from neural_memory_pipelines.domain.ids import WorkspaceId
from neural_memory_pipelines.domain.placement import Place
from neural_memory_pipelines.domain.versions import Family
from neural_memory_pipelines.errors import InvalidEventError
from neural_memory_pipelines.local.session import Session
from neural_memory_pipelines.steps import inbox
from neural_memory_pipelines.steps.replay import replay_raw_artifacts
from tests.steps.asking import ask
from tests.steps.doubles import RefusingEmbedder
from tests.steps.dumps import dump, indexed_ids, places_of, wipe
from tests.steps.pipeline import ingest_folder, run_path
from tests.steps.samples import guide, write_docs


@pytest.fixture
def built(session: Session, workspace: WorkspaceId, tmp_path: Path) -> WorkspaceId:
    write_docs(tmp_path, {"berths.md": guide("berths", "moorings"), "cranes.md": guide("cranes")})
    ingest_folder(session, workspace, tmp_path)
    run_path(session, workspace)
    return workspace


def _place(session: Session, workspace: WorkspaceId) -> Place:
    (place,) = places_of(session, workspace, Family.CHUNKS)
    return place


def test_an_emptied_index_is_made_again_without_the_model(session: Session, built: WorkspaceId) -> None:
    before = indexed_ids(session, built, Family.CHUNKS)
    place = _place(session, built)
    session.stores.vectors.delete_namespace(place.index, place.namespace)
    refusing = RefusingEmbedder(session.embedder(session.new_workspace_version))
    report = run_path(session, built, embedder=refusing).indexed[Family.CHUNKS]
    assert indexed_ids(session, built, Family.CHUNKS) == before
    assert report.written == len(before)
    assert f"{len(before)} vectors were lost" in report.notes[0]


def test_a_vector_that_the_ledger_does_not_know_is_deleted(session: Session, built: WorkspaceId) -> None:
    before = indexed_ids(session, built, Family.CHUNKS)
    with session.stores.database.engine.begin() as connection:
        connection.execute(
            text(
                "INSERT INTO vectors.vector_records SELECT index_name, namespace, 'stray', embedding, metadata "
                "FROM vectors.vector_records WHERE namespace = :namespace LIMIT 1"
            ),
            {"namespace": _place(session, built).namespace},
        )
    assert run_path(session, built).indexed[Family.CHUNKS].deleted == 1
    assert indexed_ids(session, built, Family.CHUNKS) == before


def test_a_lost_database_is_rebuilt_from_raw_artifacts_to_the_same_ids(session: Session, built: WorkspaceId) -> None:
    before = dump(session, built)
    assert replay_raw_artifacts(built, objects=session.stores.objects) == 2
    assert run_path(session, built).work == 0, "what is known is not done again"

    wipe(session, built)
    assert replay_raw_artifacts(built, objects=session.stores.objects) == 2
    run_path(session, built)
    after = dump(session, built)
    tables = ("chunks", "observations", "chunks index", "embeddings")
    assert {name: after[name] for name in tables} == {name: before[name] for name in tables}


@pytest.mark.parametrize("question", ["x" * 60_000, "wort " * 20_000, "\u6f6e" * 30_000])
def test_a_question_of_any_length_is_answered(session: Session, built: WorkspaceId, question: str) -> None:
    hits = ask(session, built, question, limit=3)
    assert len(hits) == 2  # each document once


def test_an_object_that_unpacks_to_too_much_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inbox, "_UNPACKED_LIMIT_BYTES", 1_000)
    assert inbox.split_lines("ok.gz", gzip.compress(b'{"a":1}\n' * 100)) == [b'{"a":1}'] * 100
    with pytest.raises(InvalidEventError, match=r"big\.gz: more than 1000 bytes when unpacked"):
        inbox.split_lines("big.gz", gzip.compress(b'{"a":1}\n' * 200))

"""Filling empty namespaces of Pinecone by imports from the object store."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from neural_memory_pipelines.domain.ids import WorkspaceId
from neural_memory_pipelines.domain.versions import Family
from neural_memory_pipelines.errors import TransientError
from neural_memory_pipelines.local.session import Session
from neural_memory_pipelines.steps.scope import Scope
from neural_memory_pipelines.stores.objects.directory import DirectoryObjectStore
from neural_memory_pipelines.stores.vectors.pinecone import PineconeIndex
from neural_memory_pipelines.stores.vectors.pinecone_bulk import PineconeBulkFill
from neural_memory_pipelines.stores.vectors.pinecone_connection import Patience

from ..stores.pinecone_server import PineconeServer
from .doubles import session_with
from .dumps import rows
from .pipeline import ingest_folder, run_path
from .samples import DECISION, guide, write_docs

QUICK = Patience(backoff_seconds=0.01, catch_up_seconds=2.0, ready_seconds=2.0, poll_seconds=0.05)
LEAST = 3


@dataclass
class Remote:
    """A session whose vectors lie in Pinecone, filled from a bucket that is a folder."""

    session: Session
    server: PineconeServer
    bucket: Path
    workspace: WorkspaceId

    def imports(self) -> int:
        """How many imports were asked for."""
        return sum(
            request.path.endswith("/bulk/imports") and request.method == "POST" for request in self.server.requests
        )

    def upserts(self) -> int:
        return sum(request.path.endswith("/vectors/upsert") for request in self.server.requests)

    def assert_whole(self) -> None:
        """The ledger, the index and the rows agree."""
        for family in (Family.CHUNKS, Family.OBSERVATIONS):
            scope = Scope(self.workspace, self.session.active_version(self.workspace), family, self.session.stores)
            known = {
                row[0]
                for row in rows(
                    self.session,
                    self.workspace,
                    "SELECT vector_id FROM vector_entries WHERE family = :family AND content_hash <> ''",
                    family=str(family),
                )
            }
            assert known == scope.indexed_ids() != set()


@pytest.fixture
def remote(session: Session, workspace: WorkspaceId, pinecone: PineconeServer, tmp_path: Path) -> Iterator[Remote]:
    bucket = tmp_path / "bucket"
    pinecone.map_bucket("bucket", bucket)
    objects = DirectoryObjectStore(bucket)
    with closing(PineconeIndex(api_key=pinecone.api_key, host=pinecone.url, patience=QUICK)) as vectors:
        bulk = PineconeBulkFill(vectors.imports, objects, uri="s3://bucket", least_vectors=LEAST)
        own = session_with(session, vectors=vectors, objects=objects, bulk=bulk)
        yield Remote(own, pinecone, bucket, workspace)


def _ingest(remote: Remote, folder: Path, *names: str) -> None:
    write_docs(folder, {f"{name}.md": guide(name) + DECISION for name in names})
    ingest_folder(remote.session, remote.workspace, folder)


def test_an_empty_namespace_is_imported_and_later_changes_are_upserted(remote: Remote, tmp_path: Path) -> None:
    _ingest(remote, tmp_path / "docs", "berths", "cranes", "locks")
    indexed = run_path(remote.session, remote.workspace).indexed
    assert remote.imports() == 2
    assert remote.upserts() == 0
    assert "imported into" in indexed[Family.CHUNKS].notes[0]
    assert indexed[Family.CHUNKS].written == indexed[Family.CHUNKS].seen >= LEAST
    remote.assert_whole()
    assert not list((remote.bucket / "imports").rglob("*.*")), "files and markers go when their import has ended"

    _ingest(remote, tmp_path / "docs", "berths", "cranes", "locks", "pilots", "tugs", "quays", "buoys")
    assert run_path(remote.session, remote.workspace).indexed[Family.CHUNKS].written >= LEAST
    assert remote.imports() == 2
    assert remote.upserts() > 0
    remote.assert_whole()


def test_few_vectors_are_upserted(remote: Remote, tmp_path: Path) -> None:
    write_docs(tmp_path / "docs", {"note.md": "# A note\n\nThe lamp is red.\n"})
    ingest_folder(remote.session, remote.workspace, tmp_path / "docs")
    run_path(remote.session, remote.workspace)
    assert (remote.imports(), remote.upserts()) == (0, 1)


def test_a_run_that_is_lost_while_it_waits_is_followed_by_one_that_waits_for_the_same_import(
    remote: Remote, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _ingest(remote, tmp_path / "docs", "berths", "cranes", "locks")
    bulk = remote.session.stores.bulk
    assert isinstance(bulk, PineconeBulkFill)

    def lost(*_: object, **__: object) -> int:
        raise TransientError("the run is lost")

    with monkeypatch.context() as patch:
        patch.setattr("neural_memory_pipelines.stores.vectors.pinecone_import.PineconeImports.wait_for_import", lost)
        with pytest.raises(TransientError, match="the run is lost"):
            run_path(remote.session, remote.workspace)
    assert remote.imports() == 1
    assert list((remote.bucket / "imports").rglob("*.json"))
    run_path(remote.session, remote.workspace)
    assert remote.imports() == 2, "the chunks' import is waited for, the observations' is a new one"
    remote.assert_whole()
    assert not list((remote.bucket / "imports").rglob("*.*"))

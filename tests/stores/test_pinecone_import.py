from __future__ import annotations

import io
import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from neural_memory_pipelines.errors import NotFoundError, PermanentError, TransientError
from neural_memory_pipelines.stores.vectors import pinecone_parquet
from neural_memory_pipelines.stores.vectors.pinecone import PineconeIndex
from neural_memory_pipelines.stores.vectors.pinecone_connection import Patience
from neural_memory_pipelines.stores.vectors.pinecone_import import ImportProgress
from neural_memory_pipelines.stores.vectors.pinecone_parquet import put_in_directory, write_import
from neural_memory_pipelines.stores.vectors.protocol import VectorRecord

from .contracts.vector_index import DIM, records, unit_vectors
from .pinecone_server import PineconeServer

QUICK = Patience(backoff_seconds=0.01, catch_up_seconds=2.0, ready_seconds=2.0, poll_seconds=0.05)
URI = "s3://bucket/backfill/1"


@pytest.fixture
def client(pinecone: PineconeServer, tmp_path: Path) -> Iterator[PineconeIndex]:
    pinecone.map_bucket("bucket", tmp_path)
    with closing(PineconeIndex(api_key=pinecone.api_key, host=pinecone.url, patience=QUICK)) as client:
        client.ensure_index("index", dim=DIM)
        yield client


@pytest.fixture
def prefix(tmp_path: Path) -> Path:
    return tmp_path / "backfill" / "1"


def test_what_is_imported_is_what_was_written(client: PineconeIndex, pinecone: PineconeServer, prefix: Path) -> None:
    written = records(unit_vectors(500), text='ü "quoted"', labels=["a"], flag=True)
    for namespace in ("acme_chunks", "acme_observations"):
        files = write_import(
            iter(written), namespace=namespace, dim=DIM, put=put_in_directory(prefix), file_bytes=10_000
        )
        assert files.records == 500
        assert len(files.keys) > 3
        assert files.stored_bytes == sum((prefix / key).stat().st_size for key in files.keys)
    pinecone.project.describes_until_imported = 2
    progress: list[ImportProgress] = []
    import_id = client.imports.start_import("index", URI)
    done = client.imports.wait_for_import("index", import_id, poll_seconds=0.01, on_progress=progress.append)
    assert done == 1_000
    assert [one.status for one in progress] == ["InProgress", "InProgress", "Completed"]
    assert client.count("index", "acme_observations") == 500
    stored = pinecone.indexes["index"]["acme_chunks"]
    for record in written:
        np.testing.assert_array_equal(np.float32(stored[record.id].values), record.values)
        assert stored[record.id].metadata == record.metadata


def test_files_are_bounded_and_hold_the_columns_of_the_vendor() -> None:
    files: dict[str, bytes] = {}
    written = records(unit_vectors(100), kind="x")
    done = write_import(written, namespace="n", dim=DIM, put=files.__setitem__, file_bytes=1_000)
    assert done.keys == tuple(files) == tuple(f"n/{number:05}.parquet" for number in range(len(files)))
    tables = [pq.read_table(io.BytesIO(content)) for content in files.values()]
    assert [key for table in tables for key in table["id"].to_pylist()] == [record.id for record in written]
    assert str(tables[0].schema.field("values").type) == "list<element: float>"
    for table in tables:
        rows = table.to_pylist()
        assert sum(4 * DIM + len(row["id"]) + len(row["metadata"]) for row in rows) <= 1_000
        assert [json.loads(row["metadata"]) for row in rows] == [{"n": int(row["id"][1:]), "kind": "x"} for row in rows]


def test_records_are_taken_as_files_are_written() -> None:
    taken = 0

    def counted() -> Iterator[VectorRecord]:
        nonlocal taken
        for record in records(unit_vectors(1_000)):
            taken += 1
            yield record

    seen: list[int] = []
    write_import(counted(), namespace="n", dim=DIM, put=lambda key, content: seen.append(taken), file_bytes=4_500)
    assert seen[0] < 150


def test_no_records_are_no_files() -> None:
    files = write_import([], namespace="n", dim=DIM, put=lambda key, content: pytest.fail(key))
    assert (files.keys, files.records, files.stored_bytes) == ((), 0, 0)


@pytest.mark.parametrize("namespace", ["", "acme/chunks/v1", "..", "ü"])
def test_a_namespace_that_is_no_folder_is_refused(namespace: str) -> None:
    with pytest.raises(PermanentError, match="namespace"):
        write_import(records(unit_vectors(1)), namespace=namespace, dim=DIM, put=lambda key, content: pytest.fail(key))


def test_a_bad_record_is_named() -> None:
    bad = VectorRecord("bad", np.zeros(DIM, dtype=np.float32), {})
    with pytest.raises(PermanentError, match="'bad'"):
        write_import([*records(unit_vectors(3)), bad], namespace="n", dim=DIM, put=lambda key, content: None)


def test_more_than_an_import_takes_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pinecone_parquet, "IMPORT_RECORDS", 5)
    with pytest.raises(PermanentError, match="'n' is too large for one import: 1 files, 6 records"):
        write_import(records(unit_vectors(6)), namespace="n", dim=DIM, put=lambda key, content: pytest.fail(key))


def test_a_directory_must_be_fresh(prefix: Path) -> None:
    write_import(records(unit_vectors(3)), namespace="n", dim=DIM, put=put_in_directory(prefix))
    with pytest.raises(PermanentError, match="exists: write an import into a fresh directory"):
        write_import(records(unit_vectors(3)), namespace="n", dim=DIM, put=put_in_directory(prefix))


def test_an_import_into_a_namespace_that_exists_fails(client: PineconeIndex, prefix: Path) -> None:
    client.upsert("index", "n", records(unit_vectors(1)))
    write_import(records(unit_vectors(3)), namespace="n", dim=DIM, put=put_in_directory(prefix))
    import_id = client.imports.start_import("index", URI)
    with pytest.raises(PermanentError, match=rf"{URI}: Failed \(.*already exists\); delete its namespaces"):
        client.imports.wait_for_import("index", import_id, poll_seconds=0.01)


def test_a_bad_record_ends_the_import(client: PineconeIndex, prefix: Path) -> None:
    write_import(records(unit_vectors(3)), namespace="n", dim=DIM, put=put_in_directory(prefix))
    write_import(records(unit_vectors(3, 4)), namespace="m", dim=4, put=put_in_directory(prefix))
    import_id = client.imports.start_import("index", URI)
    with pytest.raises(PermanentError, match="Failed"):
        client.imports.wait_for_import("index", import_id, poll_seconds=0.01)


def test_an_import_whose_answer_is_lost_is_started_once(
    client: PineconeIndex, pinecone: PineconeServer, prefix: Path
) -> None:
    write_import(records(unit_vectors(3)), namespace="n", dim=DIM, put=put_in_directory(prefix))
    pinecone.faults.fail_next(1, 500, path_contains="/bulk/imports")  # the listing; the fault below meets the start
    pinecone.faults.drop_connection_after_applying(2, path_contains="/bulk/imports")
    first = client.imports.start_import("index", URI)
    assert client.imports.start_import("index", f"{URI}/") == first
    assert list(pinecone.project.indexes["index"].imports) == [first]
    assert client.imports.wait_for_import("index", first, poll_seconds=0.01) == 3


def test_a_prefix_can_be_imported_again_when_the_last_import_has_ended(
    client: PineconeIndex, pinecone: PineconeServer, prefix: Path
) -> None:
    write_import(records(unit_vectors(3)), namespace="n", dim=DIM, put=put_in_directory(prefix))
    for expected in ("1", "2"):
        import_id = client.imports.start_import("index", URI)
        assert import_id == expected
        client.imports.wait_for_import("index", import_id, poll_seconds=0.01)
        client.delete_namespace("index", "n")


def test_an_import_that_takes_too_long_is_transient_and_goes_on(
    client: PineconeIndex, pinecone: PineconeServer, prefix: Path
) -> None:
    write_import(records(unit_vectors(3)), namespace="n", dim=DIM, put=put_in_directory(prefix))
    pinecone.project.describes_until_imported = 1_000
    import_id = client.imports.start_import("index", URI)
    with pytest.raises(TransientError, match=r"not complete after 0\.1 s: wait again") as caught:
        client.imports.wait_for_import("index", import_id, wait_seconds=0.1, poll_seconds=0.02)
    assert caught.value.retry_after_seconds == 0.02
    pinecone.project.indexes["index"].imports[import_id].describes_left = 0
    assert client.imports.wait_for_import("index", import_id) == 3


def test_a_cancelled_import_is_permanent(client: PineconeIndex, pinecone: PineconeServer, prefix: Path) -> None:
    write_import(records(unit_vectors(3)), namespace="n", dim=DIM, put=put_in_directory(prefix))
    import_id = client.imports.start_import("index", URI)
    pinecone.project.indexes["index"].imports[import_id].status = "Cancelled"
    with pytest.raises(PermanentError, match="Cancelled"):
        client.imports.wait_for_import("index", import_id)


def test_unknown_indexes_and_imports_are_not_found(client: PineconeIndex) -> None:
    with pytest.raises(NotFoundError, match="no-such-index"):
        client.imports.start_import("no-such-index", URI)
    with pytest.raises(NotFoundError, match="import 99"):
        client.imports.wait_for_import("index", "99")

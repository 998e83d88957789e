from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa  # type: ignore[import-untyped]  # it has no stubs
import pyarrow.parquet as pq  # type: ignore[import-untyped]  # it has no stubs
import pytest
from pinecone import Pinecone, ServerlessSpec
from pinecone.errors import ApiError, NotFoundError
from pinecone.index import Index

from . import PineconeServer

URI = "s3://bucket/run-1"
SCHEMA = pa.schema([("id", pa.string()), ("values", pa.list_(pa.float32())), ("metadata", pa.string())])


@pytest.fixture
def bucket(pinecone: PineconeServer, tmp_path: Path) -> Path:
    pinecone.map_bucket("bucket", tmp_path)
    return tmp_path


@pytest.fixture
def index(pinecone: PineconeServer) -> Iterator[Index]:
    with Pinecone(pinecone.api_key, host=pinecone.url) as client:
        client.create_index("index", dimension=2, spec=ServerlessSpec(cloud="aws", region="us-east-1"))
        with client.index("index") as index:
            yield index


def _row(record_id: str | None, **metadata: Any) -> dict[str, Any]:
    return {"id": record_id, "values": [1.0, 0.5], "metadata": json.dumps(metadata) if metadata else None}


def _write(bucket: Path, name: str, rows: list[dict[str, Any]], *, schema: pa.Schema = SCHEMA) -> None:
    path = bucket / "run-1" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.Table.from_pylist(rows, schema=schema), path)


def _imported(index: Index, **options: Any) -> Any:
    job_id = index.start_import(URI, **options).id
    assert index.describe_import(job_id).status == "InProgress"
    return index.describe_import(job_id)


def test_an_import_fills_a_namespace_for_each_folder(index: Index, bucket: Path, pinecone: PineconeServer) -> None:
    _write(bucket, "a/0.parquet", [_row("1", kind="doc"), _row("2")])
    _write(bucket, "a/1.parquet", [_row("3")])
    _write(bucket, "__default__/0.parquet", [_row("4")])
    (bucket / "run-1" / "a" / "notes.log").write_text("passed over")
    job_id = index.start_import(URI).id
    assert [index.describe_import(job_id).status for _ in range(3)] == ["InProgress", "Completed", "Completed"]
    assert index.describe_import(job_id).records_imported == 4
    written = pinecone.indexes["index"]
    assert {name: sorted(records) for name, records in written.items()} == {"__default__": ["4"], "a": ["1", "2", "3"]}
    assert (written["a"]["1"].metadata, written["a"]["2"].metadata) == ({"kind": "doc"}, None)
    assert [job.status for job in index.list_imports()] == ["Completed"]


def test_records_that_are_refused_are_left_out_or_abort(index: Index, bucket: Path, pinecone: PineconeServer) -> None:
    bad = [_row(None), _row("x", nested={"a": 1}), {"id": "y", "values": [1.0], "metadata": None}]
    bad += [{"id": "z", "values": [1.0, 2.0], "metadata": "{"}]
    _write(bucket, "a/0.parquet", [_row("1"), *bad])
    aborted = _imported(index, error_mode="abort")
    assert (aborted.status, aborted.records_imported) == ("Failed", 0)
    assert aborted.error.startswith("a/0.parquet: Vector ID must be a string")
    assert pinecone.indexes["index"] == {}
    done = _imported(index, error_mode="continue")
    assert (done.status, done.records_imported, done.error) == ("Completed", 1, None)
    assert list(pinecone.indexes["index"]["a"]) == ["1"]


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ([("id", pa.string())], "column 'values' is missing"),
        ([("id", pa.int64()), ("values", pa.list_(pa.float32()))], "column 'id' has type int64"),
        ([("id", pa.string()), ("values", pa.list_(pa.float64()))], "column 'values' has type list<"),
    ],
)
def test_files_of_another_form_fail_the_import(
    index: Index, bucket: Path, columns: list[tuple[str, Any]], message: str
) -> None:
    _write(bucket, "a/0.parquet", [], schema=pa.schema(columns))
    failed = _imported(index)
    assert failed.status == "Failed"
    assert message in failed.error


def test_namespaces_must_be_new_and_the_default_one_empty(index: Index, bucket: Path, pinecone: PineconeServer) -> None:
    _write(bucket, "__default__/0.parquet", [_row("1")])
    index.upsert(vectors=[{"id": "held", "values": [1.0, 0.0]}])
    assert "already exists" in _imported(index).error
    index.delete(ids=["held"])
    assert _imported(index).status == "Completed"
    _write(bucket, "a/0.parquet", [_row("1")])
    index.delete(delete_all=True)
    index.upsert(vectors=[{"id": "held", "values": [1.0, 0.0]}], namespace="a")
    index.delete(delete_all=True, namespace="a")
    assert "namespace a: it already exists" in _imported(index).error, "also when it is empty"
    assert pinecone.indexes["index"]["a"] == {}


def test_an_empty_prefix_fails_and_an_unknown_import_is_not_found(index: Index, bucket: Path) -> None:
    assert "No namespace directories" in _imported(index).error
    with pytest.raises(NotFoundError):
        index.describe_import("99")
    with pytest.raises(ApiError, match="s3://"):
        index.start_import("gs://bucket/run-1")


def test_a_cancelled_import_writes_nothing(index: Index, bucket: Path, pinecone: PineconeServer) -> None:
    _write(bucket, "a/0.parquet", [_row("1")])
    job_id = index.start_import(URI).id
    assert index.describe_import(job_id).status == "InProgress"
    index.cancel_import(job_id)
    assert [index.describe_import(job_id).status for _ in range(3)] == ["Cancelled"] * 3
    assert pinecone.indexes["index"] == {}

"""Vectors as the Parquet files that Pinecone imports from object storage, a folder per namespace.

Nothing is sent to Pinecone here; files go wherever the caller puts them.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]  # ships no types
import pyarrow.parquet as pq  # type: ignore[import-untyped]  # ships no types

from neural_memory_pipelines.errors import PermanentError
from neural_memory_pipelines.stores.vectors import validation
from neural_memory_pipelines.stores.vectors.protocol import VectorRecord

FILE_BYTES = 128 * 2**20
"""Most bytes of values and metadata in a file, before compression; a file is held in memory while it is written."""

IMPORT_RECORDS = 100_000_000
IMPORT_BYTES = 10**12
IMPORT_FILES = 100_000
"""Most records, bytes and files of one import; also 10 GB a file, and 100 namespaces.

Source: docs.pinecone.io/guides/data/understanding-imports
"""

Put = Callable[[str, bytes], None]
"""Stores bytes under a key such as `namespace/00000.parquet`."""

_SCHEMA = pa.schema([("id", pa.string()), ("values", pa.list_(pa.float32())), ("metadata", pa.string())])


@dataclass(frozen=True, slots=True)
class ImportFiles:
    """What was written: keys in the order of writing, records, and bytes of all files."""

    keys: tuple[str, ...]
    records: int
    stored_bytes: int


def write_import(
    records: Iterable[VectorRecord], *, namespace: str, dim: int, put: Put, file_bytes: int = FILE_BYTES
) -> ImportFiles:
    """Write the records of one namespace for an import, in files of bounded size, lazily.

    The columns are id, values (list of 32-bit floats) and metadata (JSON). Put several namespaces below one prefix
    and import that. A prefix must be fresh: Pinecone reads every file that it finds there. Each id must come once;
    it is not said which of two would win.

    Args:
        records: all of one namespace, which must not exist in the index yet (the vendor refuses it).
        namespace: becomes the name of the folder, so it may hold no slash.
        dim: of the index.
        put: stores a file.
        file_bytes: most bytes of a file before compression; a single record may be larger.

    Raises:
        PermanentError: a namespace, id, vector or metadata is not legal, or there is more than one import takes.
            Files that were written before it are of no use then.

    Source: docs.pinecone.io/guides/index-data/import-data
    """
    validation.check_namespace(namespace)
    if "/" in namespace or namespace in {".", ".."}:
        raise PermanentError(
            f"namespace {namespace!r} cannot be imported: it becomes one folder, and so may hold no slash; upsert it"
        )
    keys: list[str] = []
    written = stored_bytes = 0
    for rows, metadata in _files(records, dim=dim, file_bytes=file_bytes):
        content = _spell_file(rows, metadata)
        keys.append(f"{namespace}/{len(keys):05}.parquet")
        written += len(rows)
        stored_bytes += len(content)
        _check_limits(namespace, files=len(keys), records=written, stored_bytes=stored_bytes)
        put(keys[-1], content)
    return ImportFiles(keys=tuple(keys), records=written, stored_bytes=stored_bytes)


def put_in_directory(directory: Path) -> Put:
    """Store files below a directory; one that exists is refused, for it may be of an older import."""

    def put(key: str, content: bytes) -> None:
        path = directory / key
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with path.open("xb") as file:
                file.write(content)
        except FileExistsError:
            raise PermanentError(f"{path} exists: write an import into a fresh directory") from None

    return put


def _files(
    records: Iterable[VectorRecord], *, dim: int, file_bytes: int
) -> Iterator[tuple[list[VectorRecord], list[str]]]:
    rows: list[VectorRecord] = []
    metadata: list[str] = []
    used_bytes = 0
    for record in records:
        (spelled,) = validation.check_records([record], dim=dim)
        size_bytes = 4 * dim + len(record.id) + len(spelled.encode())
        if rows and used_bytes + size_bytes > file_bytes:
            yield rows, metadata
            rows, metadata, used_bytes = [], [], 0
        rows.append(record)
        metadata.append(spelled)
        used_bytes += size_bytes
    if rows:
        yield rows, metadata


def _spell_file(rows: list[VectorRecord], metadata: list[str]) -> bytes:
    values = np.stack([row.values for row in rows]).astype(np.float32, copy=False)
    offsets = np.arange(len(rows) + 1, dtype=np.int32) * values.shape[1]
    columns = [
        pa.array([row.id for row in rows], pa.string()),
        pa.ListArray.from_arrays(pa.array(offsets), pa.array(values.reshape(-1))),
        pa.array(metadata, pa.string()),
    ]
    # Values of embeddings neither repeat nor compress: without a dictionary the file is smaller, and quicker to write.
    file = io.BytesIO()
    pq.write_table(pa.table(columns, schema=_SCHEMA), file, use_dictionary=False)
    return file.getvalue()


def _check_limits(namespace: str, *, files: int, records: int, stored_bytes: int) -> None:
    if files > IMPORT_FILES or records > IMPORT_RECORDS or stored_bytes > IMPORT_BYTES:
        raise PermanentError(
            f"namespace {namespace!r} is too large for one import: {files:,} files, {records:,} records, "
            f"{stored_bytes:,} bytes; at most {IMPORT_FILES:,}, {IMPORT_RECORDS:,} and {IMPORT_BYTES:,} are allowed"
        )

"""Bulk imports of Parquet files: start, describe, list, cancel. Buckets are local directories.

Source: https://docs.pinecone.io/guides/index-data/import-data
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pyarrow as pa  # type: ignore[import-untyped]  # it has no stubs
import pyarrow.parquet as pq  # type: ignore[import-untyped]  # it has no stubs

from .data_plane import check_namespace_quota, put, read_record
from .exchange import Answer, Call
from .limits import MAX_PAGE_ITEMS, check_name, check_range
from .pages import page_of
from .refusals import RefusalError
from .state import DEFAULT_NAMESPACE, Index, Project, StoredRecord

MAX_IMPORT_NAMESPACES = 100


@dataclass(slots=True)
class ImportJob:
    """One import: Pending, InProgress, then Completed or Failed; Cancelled on the way."""

    id: str
    uri: str
    aborts: bool
    created_at: str
    describes_left: int
    status: str = "Pending"
    finished_at: str | None = None
    records_imported: int = 0
    error: str | None = None


def start_import(project: Project, call: Call) -> Answer:
    """Note an import; its files are read when it completes."""
    uri = str(call.body.get("uri", ""))
    if urlsplit(uri).scheme != "s3":
        raise RefusalError(400, f"The uri must begin with s3://, which is all that this server can read, got {uri!r}")
    job_id = str(len(call.index.imports) + 1)
    aborts = (call.body.get("errorMode") or {}).get("onError", "continue") == "abort"
    call.index.imports[job_id] = ImportJob(job_id, uri, aborts, _now(), project.describes_until_imported)
    return Answer({"id": job_id})


def describe_import(project: Project, call: Call) -> Answer:
    """Describe an import; the describe that ends the countdown finds it done."""
    job = _find(call)
    if job.status in {"Pending", "InProgress"}:
        job.status = "InProgress"
        if job.describes_left <= 0:
            _finish(project, call.index, job)
        job.describes_left -= 1
    return Answer(_description(job))


def list_imports(project: Project, call: Call) -> Answer:
    """List a page of imports."""
    limit = check_range("limit", call.number("limit", MAX_PAGE_ITEMS), most=MAX_PAGE_ITEMS)
    jobs = call.index.imports
    page, pagination = page_of(sorted(jobs), limit=limit, token=call.parameter("paginationToken"))
    return Answer({"data": [_description(jobs[job_id]) for job_id in page]} | pagination)


def cancel_import(project: Project, call: Call) -> Answer:
    """Cancel an import that is not finished."""
    job = _find(call)
    if job.status in {"Pending", "InProgress"}:
        job.status, job.finished_at = "Cancelled", _now()
    return Answer({})


def _find(call: Call) -> ImportJob:
    job_id = call.path_parameters["id"]
    if job_id not in call.index.imports:
        raise RefusalError(404, f"Import {job_id} not found")
    return call.index.imports[job_id]


def _finish(project: Project, index: Index, job: ImportJob) -> None:
    try:
        found = {
            folder.name: list(_records(folder, job, dimension=index.dimension))
            for folder in _folders(project, index, job.uri)
        }
    except RefusalError as refusal:
        job.status, job.error = "Failed", refusal.message
    else:
        for namespace, records in found.items():
            index.namespace(namespace).commit(put(records), reads_behind=project.reads_behind)
            job.records_imported += len(records)
        job.status = "Completed"
    job.finished_at = _now()


def _folders(project: Project, index: Index, uri: str) -> list[Path]:
    parts = urlsplit(uri)
    root = project.buckets.get(parts.netloc, Path()) / parts.path.strip("/")
    folders = sorted(path for path in root.glob("*") if path.is_dir()) if parts.netloc in project.buckets else []
    if not folders:
        raise RefusalError(404, f"No namespace directories found under {uri}")
    if len(folders) > MAX_IMPORT_NAMESPACES:
        raise RefusalError(400, f"An import may have {MAX_IMPORT_NAMESPACES} namespaces, {uri} has {len(folders)}")
    for folder in folders:
        held = index.namespace(check_name("Namespace", folder.name)).committed
        if held or (held is not None and folder.name != DEFAULT_NAMESPACE):
            raise RefusalError(400, f"Cannot import into namespace {folder.name}: it already exists")
        check_namespace_quota(project, index, folder.name)
    return folders


def _records(folder: Path, job: ImportJob, *, dimension: int) -> Iterator[StoredRecord]:
    for path in sorted(folder.glob("*.parquet")):
        for row in _table(path).to_pylist():
            try:
                yield _record(row, dimension=dimension)
            except RefusalError as refusal:
                if job.aborts:
                    raise RefusalError(400, f"{folder.name}/{path.name}: {refusal.message}") from refusal


def _table(path: Path) -> Any:
    """Return the columns that an import reads; others are passed over."""
    try:
        table = pq.read_table(path)
    except pa.ArrowInvalid as error:
        raise RefusalError(400, f"{path.name} is not a Parquet file") from error
    for name, is_right in (("id", _is_text), ("values", _is_floats), ("metadata", _is_text)):
        if name not in table.column_names and name != "metadata":
            raise RefusalError(400, f"{path.name}: column '{name}' is missing")
        if name in table.column_names and not is_right(table.schema.field(name).type):
            raise RefusalError(400, f"{path.name}: column '{name}' has type {table.schema.field(name).type}")
    return table.select([name for name in ("id", "values", "metadata") if name in table.column_names])


def _is_text(kind: Any) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _is_floats(kind: Any) -> bool:
    is_list = pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind)
    return bool(is_list and pa.types.is_float32(kind.value_type))


def _record(row: dict[str, Any], *, dimension: int) -> StoredRecord:
    text = row.get("metadata")
    try:
        metadata = None if text is None else json.loads(text)
    except json.JSONDecodeError as error:
        raise RefusalError(400, f"Vector ID '{row['id']}': metadata is not JSON") from error
    return read_record({"id": row["id"], "values": row["values"], "metadata": metadata}, dimension=dimension)


def _description(job: ImportJob) -> dict[str, Any]:
    done = {} if job.finished_at is None else {"finishedAt": job.finished_at}
    error = {} if job.error is None else {"error": job.error}
    return {
        "id": job.id,
        "uri": job.uri,
        "status": job.status,
        "createdAt": job.created_at,
        # All is read before the indexing ends, so a job in progress is at 100 percent.
        "percentComplete": 100.0 if job.status in {"InProgress", "Completed"} else 0.0,
        "recordsImported": job.records_imported,
    } | (done | error)


def _now() -> str:
    return datetime.now(UTC).isoformat()

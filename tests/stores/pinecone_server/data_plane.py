"""Vectors of an index: upsert, query, fetch, list, delete, stats. Who may see which write is decided in `state`."""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from .exchange import Answer, Call
from .filters import Predicate, read_filter
from .limits import (
    MAX_DELETE_IDS,
    MAX_FETCH_IDS,
    MAX_PAGE_ITEMS,
    MAX_TOP_K,
    MAX_UPSERT_RECORDS,
    check_answer_bytes,
    check_count,
    check_metadata,
    check_name,
    check_not_zero,
    check_range,
    check_values,
)
from .pages import page_of
from .refusals import RefusalError
from .scoring import scores
from .state import Index, Project, Records, StoredRecord, Write

_READ_UNITS = {"usage": {"readUnits": 1}}


def upsert(project: Project, call: Call) -> Answer:
    """Write all records of a request, or none."""
    vectors = call.body.get("vectors") or []
    check_count("vectors", vectors, most=MAX_UPSERT_RECORDS)
    records = [read_record(vector, dimension=call.index.dimension) for vector in vectors]
    check_namespace_quota(project, call.index, call.namespace)
    return _committed(project, call, put(records), body={"upsertedCount": len(records)})


def delete(project: Project, call: Call) -> Answer:
    """Delete records by ids, by filter, or all; a namespace that does not exist is 404, an absent id is not."""
    ways = [way for way in ("ids", "deleteAll", "filter") if call.body.get(way)]
    if len(ways) != 1:
        raise RefusalError(400, "Exactly one of ids, deleteAll and filter is required")
    if call.index.namespace(call.namespace).committed is None:
        raise RefusalError(404, "Namespace not found")
    return _committed(project, call, _deletion(call.body), body={})


def query(project: Project, call: Call) -> Answer:
    """Score the records of a namespace against a vector or a record, best first."""
    body, index = call.body, call.index
    top_k = check_range("topK", body.get("topK", 0), most=MAX_TOP_K)
    book = index.namespace(call.namespace)
    records = book.read() or {}
    vector = _query_vector(body, index, records)
    passes: Predicate = read_filter(body["filter"]) if "filter" in body else lambda metadata: True
    found = [record for record in records.values() if passes(record.metadata or {})] if vector is not None else []
    ranked = scores(found, np.asarray(vector, np.float32), metric=index.metric)[:top_k] if found else []
    matches = [
        {"id": record.id, "score": score}
        | ({"values": list(record.values)} if body.get("includeValues") else {})
        | ({"metadata": record.metadata} if body.get("includeMetadata") and record.metadata else {})
        for record, score in ranked
    ]
    # Of the reads only a query says how far it sees; a fetch, a listing and the stats carry no log number.
    # Source: https://docs.pinecone.io/guides/index-data/check-data-freshness
    headers = {"x-pinecone-max-indexed-lsn": str(book.lsn_reconciled)} if project.sends_lsn else {}
    answer = {"matches": matches, "namespace": call.namespace, **_READ_UNITS}
    check_answer_bytes(len(json.dumps(answer)))
    return Answer(answer, headers=headers)


def fetch(project: Project, call: Call) -> Answer:
    """Give the records of ids that exist."""
    ids = [value for key, value in call.query if key == "ids"]
    check_count("ids", ids, most=MAX_FETCH_IDS)
    records = call.index.namespace(call.namespace).read() or {}
    found = {record_id: _on_the_wire(records[record_id]) for record_id in ids if record_id in records}
    return Answer({"vectors": found, "namespace": call.namespace, **_READ_UNITS})


def list_vectors(project: Project, call: Call) -> Answer:
    """List a page of ids, sorted bytewise, with a prefix if one is given."""
    limit = check_range("limit", call.number("limit", MAX_PAGE_ITEMS), most=MAX_PAGE_ITEMS)
    prefix = call.parameter("prefix") or ""
    records = call.index.namespace(call.namespace).read() or {}
    ids = sorted(record_id for record_id in records if record_id.startswith(prefix))
    page, pagination = page_of(ids, limit=limit, token=call.parameter("paginationToken"))
    body = {"vectors": [{"id": record_id} for record_id in page], "namespace": call.namespace, **_READ_UNITS}
    return Answer(body | pagination)


def describe_index_stats(project: Project, call: Call) -> Answer:
    """Count the records of each namespace."""
    if call.body.get("filter"):
        raise RefusalError(
            400, "Serverless and Starter indexes do not support describing index stats with metadata filtering"
        )
    counts = {name: len(records) for name, records in call.index.read()}
    return Answer(
        {
            "namespaces": {name: {"vectorCount": count} for name, count in counts.items()},
            "dimension": call.index.dimension,
            "indexFullness": 0.0,
            "totalVectorCount": sum(counts.values()),
            "metric": call.index.metric,
            "vectorType": "dense",
        }
    )


def read_record(vector: dict[str, Any], *, dimension: int) -> StoredRecord:
    """Return one record of an upsert or an import as it is stored, or refuse it."""
    if not isinstance(vector, dict):
        raise RefusalError(400, "A vector must be an object")
    record_id = check_name("Vector ID", vector.get("id"))
    if vector.get("sparseValues") is not None:
        raise RefusalError(400, "Index configuration does not support sparse values")
    values = check_values(vector.get("values"), dimension=dimension, owner=f"Vector ID '{record_id}'")
    check_not_zero(values, record_id)
    metadata = vector.get("metadata")
    if metadata is not None:
        if not isinstance(metadata, dict):
            raise RefusalError(400, f"Vector ID '{record_id}': metadata must be an object")
        check_metadata(metadata)
        metadata = {key: _stored_value(value) for key, value in metadata.items()}
    stored = np.asarray(values, np.float32)
    return StoredRecord(record_id, tuple(stored.tolist()), metadata, stored)


def put(records: list[StoredRecord]) -> Write:
    """Return the write that adds records, over what has their ids."""

    def write(held: Records | None) -> Records:
        return (held or {}) | {record.id: record for record in records}

    return write


def check_namespace_quota(project: Project, index: Index, namespace: str) -> None:
    """Refuse a namespace that would be one too many."""
    existing = index.written()
    if project.quota_namespaces is None or namespace in existing or len(existing) < project.quota_namespaces:
        return
    raise RefusalError(
        403,
        f"Request failed. You've reached the max namespaces allowed in index {index.name}. "
        "To add more namespaces, upgrade your plan.",
    )


def _deletion(body: dict[str, Any]) -> Write:
    if body.get("deleteAll"):
        return lambda held: None if held is None else {}
    if body.get("filter"):
        goes = read_filter(body["filter"])
        return lambda held: held and {key: one for key, one in held.items() if not goes(one.metadata or {})}
    check_count("ids", body["ids"], most=MAX_DELETE_IDS)
    ids = {check_name("Vector ID", record_id) for record_id in body["ids"]}
    return lambda held: held and {key: one for key, one in held.items() if key not in ids}


def _committed(project: Project, call: Call, write: Write, *, body: dict[str, Any]) -> Answer:
    lsn = call.index.namespace(call.namespace).commit(write, reads_behind=project.reads_behind)
    return Answer(body, headers={"x-pinecone-request-lsn": str(lsn)} if project.sends_lsn else {})


def _query_vector(body: dict[str, Any], index: Index, records: Records) -> Any:
    """Return the vector to score against; None when the record that stands for it is absent."""
    if ("vector" in body) == ("id" in body) or "sparseVector" in body:
        raise RefusalError(400, "Exactly one of vector and id is required for a dense index")
    if "vector" in body:
        return check_values(body["vector"], dimension=index.dimension, owner="Query")
    record = records.get(check_name("Vector ID", body["id"]))
    return None if record is None else record.vector


def _stored_value(value: object) -> object:
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _on_the_wire(record: StoredRecord) -> dict[str, Any]:
    metadata = {} if record.metadata is None else {"metadata": record.metadata}
    return {"id": record.id, "values": list(record.values), **metadata}

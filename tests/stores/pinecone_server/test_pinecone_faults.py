from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from pinecone import Pinecone, ServerlessSpec
from pinecone._internal import http_client
from pinecone.errors import (
    ApiError,
    ForbiddenError,
    NotFoundError,
    PineconeConnectionError,
    RateLimitError,
    ServiceError,
)
from pinecone.index import Index

from . import PineconeServer

RECORD = {"id": "a", "values": [1.0, 0.0]}
ATTEMPTS = 4  # of the SDK


@pytest.fixture
def waits_seconds(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """What the SDK would have slept between attempts; its budget of retries, shared by the process, is full."""
    waits: list[float] = []
    monkeypatch.setattr(http_client, "_retry_sleep", waits.append)
    http_client.get_budget_registry()._reset()
    return waits


@pytest.fixture
def client(pinecone: PineconeServer, waits_seconds: list[float]) -> Iterator[Pinecone]:
    with Pinecone(pinecone.api_key, host=pinecone.url) as client:
        client.create_index("index", dimension=2, spec=ServerlessSpec(cloud="aws", region="us-east-1"))
        yield client


@pytest.fixture
def index(client: Pinecone) -> Iterator[Index]:
    with client.index("index") as index:
        yield index


def _statuses(pinecone: PineconeServer, path: str) -> list[int | None]:
    return [request.status for request in pinecone.requests if request.path == path]


def _upsert(index: Index, record_id: str = "a", *, namespace: str = "n") -> int | None:
    answer = index.upsert(vectors=[RECORD | {"id": record_id}], namespace=namespace)
    assert answer.response_info is not None
    return answer.response_info.lsn_committed


def _seen(index: Index, *, namespace: str = "n") -> tuple[list[str], int | None]:
    answer = index.query(vector=[1.0, 0.0], top_k=10, namespace=namespace)
    assert answer.response_info is not None
    return [match.id for match in answer.matches], answer.response_info.lsn_reconciled


def test_a_refused_call_is_not_applied_and_a_retry_is_a_call(
    index: Index, pinecone: PineconeServer, waits_seconds: list[float]
) -> None:
    pinecone.faults.fail_next(2, 503)
    _upsert(index)
    assert _statuses(pinecone, "/vectors/upsert") == [503, 503, 200]
    assert len(waits_seconds) == 2


def test_the_rate_limit_names_its_wait(index: Index, pinecone: PineconeServer, waits_seconds: list[float]) -> None:
    pinecone.faults.fail_next(ATTEMPTS, retry_after=7, path_contains="/vectors/upsert")
    index.describe_index_stats()
    with pytest.raises(RateLimitError) as caught:
        _upsert(index)
    assert caught.value.retry_after == 7
    assert min(waits_seconds) >= 7
    assert pinecone.indexes["index"] == {}


def test_only_the_nth_data_call_fails(client: Pinecone, index: Index, pinecone: PineconeServer) -> None:
    pinecone.faults.fail_call(3, 400)
    _upsert(index, "a")
    client.indexes.describe("index")
    _upsert(index, "b")
    with pytest.raises(ApiError, match="HTTP 400"):
        _upsert(index, "c")
    _upsert(index, "d")
    assert sorted(pinecone.indexes["index"]["n"]) == ["a", "b", "d"]


def test_control_calls_fail_in_the_words_of_their_plane(client: Pinecone, pinecone: PineconeServer) -> None:
    pinecone.faults.fail_next(ATTEMPTS, 500, path_contains="/indexes")
    with pytest.raises(ServiceError, match="INTERNAL"):
        client.indexes.describe("index")


def test_a_connection_is_dropped_after_the_write(pinecone: PineconeServer, index: Index) -> None:
    pinecone.faults.drop_connection_after_applying(path_contains="/vectors/upsert")
    headers = {"Api-Key": pinecone.api_key, "X-Pinecone-Api-Version": "2026-07"}
    with pytest.raises(httpx.TransportError):
        httpx.post(f"{index.host}/vectors/upsert", json={"vectors": [RECORD]}, headers=headers)
    assert list(pinecone.indexes["index"]["__default__"]) == ["a"]
    assert _statuses(pinecone, "/vectors/upsert") == [None]


def test_the_sdk_writes_again_after_a_dropped_connection(index: Index, pinecone: PineconeServer) -> None:
    pinecone.faults.drop_connection_after_applying(2)
    assert _upsert(index) == 3, "the third write of the same record"
    pinecone.faults.drop_connection_after_applying(ATTEMPTS, path_contains="/vectors/delete")
    with pytest.raises(PineconeConnectionError):
        index.delete(ids=["a"], namespace="n")
    assert pinecone.indexes["index"] == {"n": {}}


def test_a_refused_call_uses_up_no_drop(index: Index, pinecone: PineconeServer) -> None:
    pinecone.faults.fail_next(1, 503)
    pinecone.faults.drop_connection_after_applying(1)
    assert _upsert(index) == 2
    assert _statuses(pinecone, "/vectors/upsert") == [503, None, 200]


def test_a_delayed_call_waits_and_others_do_not(index: Index, pinecone: PineconeServer) -> None:
    pinecone.faults.delay(0.2, path_contains="/query")
    start = time.monotonic()
    _seen(index)
    assert time.monotonic() - start >= 0.2
    assert pinecone.faults.plan("/vectors/upsert", data_plane=True).delay_seconds == 0


def test_a_request_under_way_does_not_reach_what_follows_a_reset(index: Index, pinecone: PineconeServer) -> None:
    pinecone.faults.delay(0.2)
    with pytest.raises(httpx.ReadTimeout):
        httpx.post(
            f"{index.host}/vectors/upsert", json={"vectors": [RECORD]}, headers={"Api-Key": "test-key"}, timeout=0.05
        )
    pinecone.reset()
    with Pinecone(pinecone.api_key, host=pinecone.url) as later:
        later.create_index("index", dimension=2, spec=ServerlessSpec(cloud="aws", region="us-east-1"))
    pinecone.faults.delay(0.3, path_contains="/query")
    _seen(index)  # answered after the other
    assert pinecone.indexes == {"index": {}}
    assert "/vectors/upsert" not in [request.path for request in pinecone.requests]


def test_writes_are_seen_after_some_reads(index: Index, pinecone: PineconeServer) -> None:
    pinecone.faults.eventual(reads_behind=2)
    assert [_upsert(index, "a"), _upsert(index, "b")] == [1, 2]
    assert sorted(pinecone.indexes["index"]["n"]) == ["a", "b"], "written"
    assert [_seen(index) for _ in range(3)] == [([], 0), ([], 0), (["a", "b"], 2)]
    assert _upsert(index, "c") == 3
    assert _seen(index) == (["a", "b"], 2)


def test_writes_wait_for_catch_up_in_every_read(index: Index, pinecone: PineconeServer) -> None:
    pinecone.faults.eventual()
    committed = _upsert(index)
    assert committed is not None
    assert index.fetch(ids=["a"], namespace="n").vectors == {}
    assert index.list_paginated(namespace="n").vectors == []
    assert index.describe_index_stats().total_vector_count == 0
    assert index.list_namespaces_paginated().namespaces == []
    with pytest.raises(NotFoundError):
        index.describe_namespace(name="n")
    pinecone.faults.catch_up()
    answer = index.query(vector=[1.0, 0.0], top_k=1, namespace="n")
    assert answer.response_info is not None
    assert answer.response_info.is_reconciled(committed)
    assert index.describe_namespace(name="n").record_count == 1


def test_deletes_are_seen_late_too_and_namespaces_count_apart(index: Index, pinecone: PineconeServer) -> None:
    for namespace in ("n", "m"):
        _upsert(index, namespace=namespace)
    pinecone.faults.eventual()
    index.delete(ids=["a"], namespace="n")
    index.delete_namespace(name="m")
    assert pinecone.indexes["index"] == {"n": {}}
    assert (_seen(index), _seen(index, namespace="m")) == ((["a"], 1), (["a"], 1))
    pinecone.catch_up()
    assert (_seen(index), _seen(index, namespace="m")) == (([], 2), ([], 2))
    assert _upsert(index, namespace="m") == 1, "a new namespace has a new log"


def test_log_numbers_can_be_left_out_and_only_queries_carry_them(index: Index, pinecone: PineconeServer) -> None:
    _upsert(index)
    read: list[Any] = [index.fetch(ids=["a"], namespace="n"), index.list_paginated(namespace="n")]
    assert [answer.response_info.lsn_reconciled for answer in read] == [None, None]
    pinecone.project.sends_lsn = False
    assert _upsert(index) is None
    assert _seen(index) == (["a"], None)


def test_quotas(client: Pinecone, index: Index, pinecone: PineconeServer) -> None:
    pinecone.faults.quota_indexes = pinecone.faults.quota_namespaces = 1
    with pytest.raises(ForbiddenError, match="QUOTA_EXCEEDED"):
        client.create_index("second", dimension=2, spec=ServerlessSpec(cloud="aws", region="us-east-1"))
    _upsert(index, namespace="n")
    _upsert(index, "b", namespace="n")
    with pytest.raises(ForbiddenError, match="max namespaces"):
        _upsert(index, namespace="m")
    index.delete_namespace(name="n")
    _upsert(index, namespace="m")
    assert list(pinecone.indexes["index"]) == ["m"]


def test_a_reset_forgets_everything(index: Index, pinecone: PineconeServer) -> None:
    _upsert(index)
    pinecone.faults.fail_next(5)
    pinecone.faults.eventual()
    pinecone.faults.quota_indexes = 0
    pinecone.reset()
    assert (pinecone.indexes, pinecone.requests, pinecone.violations) == ({}, [], [])
    assert pinecone.faults.plan("/query", data_plane=True).refusal is None
    after = pinecone.faults
    assert (after.quota_indexes, pinecone.project.reads_behind) == (None, 0)

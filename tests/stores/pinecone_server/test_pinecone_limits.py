from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from . import PineconeServer

Send = Callable[..., httpx.Response]

AXIS = [1.0, 0.0, 0.0]
FIELDS = {"_values": {"type": "dense_vector", "dimension": 3, "metric": "cosine"}}


@pytest.fixture(scope="module")
def server() -> Iterator[PineconeServer]:
    """A server without the specification, which would refuse many of these requests before the limits are asked."""
    with PineconeServer() as server:
        yield server


@pytest.fixture
def send(server: PineconeServer) -> Iterator[Send]:
    """Sends to an index what the SDK would not; no schema is in the way."""
    server.reset()
    with httpx.Client(base_url=server.url, headers={"Api-Key": server.api_key}) as raw:
        raw.post("/indexes", json={"name": "index", "schema": {"fields": FIELDS}}).raise_for_status()

        def call(method: str, path: str, **arguments: Any) -> httpx.Response:
            return raw.request(method, f"/hosts/index{path}", **arguments)

        yield call


def _vector(**changes: Any) -> dict[str, Any]:
    return {"id": "a", "values": AXIS} | changes


@pytest.mark.parametrize(
    ("vector", "message"),
    [
        (_vector(id=""), "length 1 to 512"),
        (_vector(id="x" * 513), "length 1 to 512"),
        (_vector(id="ä"), "ASCII"),
        (_vector(id="a\x00"), "null characters"),
        (_vector(values=[1.0, 2.0]), "dimension 2 does not match the dimension of the index 3"),
        (_vector(values=[1.0, None, 2.0]), "must be numbers"),
        (_vector(values=[0.0, 0.0, 0.0]), "at least one non-zero value. Vector ID 'a'"),
        (_vector(values=AXIS, sparseValues={"indices": [1], "values": [1.0]}), "sparse"),
        (_vector(metadata={"k": None}), "got 'null' for field 'k'"),
        (_vector(metadata={"k": {"nested": 1}}), "for field 'k'"),
        (_vector(metadata={"k": [1, 2]}), "list of strings"),
        (_vector(metadata={"$k": "v"}), "must not start with"),
        (_vector(metadata={"k": "x" * 40_960}), "exceeds the limit of 40960 bytes per vector"),
    ],
)
def test_records_the_vendor_refuses(send: Send, server: PineconeServer, vector: dict[str, Any], message: str) -> None:
    answer = send("POST", "/vectors/upsert", json={"vectors": [_vector(id="good"), vector]})
    assert answer.status_code == 400
    assert message in answer.json()["message"]
    assert server.indexes["index"] == {}, "none of the records is written"


@pytest.mark.parametrize(
    ("method", "path", "arguments", "message"),
    [
        ("POST", "/vectors/upsert", {"json": {"vectors": [_vector(id=str(at)) for at in range(1_001)]}}, "1000"),
        ("POST", "/vectors/upsert", {"json": {"vectors": []}}, "vectors"),
        ("POST", "/vectors/upsert", {"json": {"vectors": [_vector()], "namespace": "n" * 513}}, "length 1 to 512"),
        ("POST", "/vectors/upsert", {"json": {"vectors": [_vector()], "namespace": "ü"}}, "ASCII"),
        ("POST", "/vectors/upsert", {"content": b'{"vectors": ['}, "body"),
        ("POST", "/vectors/delete", {"json": {"ids": [str(at) for at in range(1_001)]}}, "1000"),
        ("POST", "/vectors/delete", {"json": {}}, "Exactly one"),
        ("POST", "/query", {"json": {"vector": AXIS, "topK": 10_001}}, "10000"),
        ("POST", "/query", {"json": {"vector": [1.0], "topK": 1}}, "dimension 1 does not match"),
        ("POST", "/query", {"json": {"topK": 1}}, "Exactly one"),
        ("POST", "/describe_index_stats", {"json": {"filter": {"a": 1}}}, "filtering"),
        ("GET", "/vectors/list", {"params": {"limit": "101"}}, "between 1 and 100"),
        ("GET", "/vectors/list", {"params": {"limit": "many"}}, "limit"),
        ("GET", "/vectors/list", {"params": {"paginationToken": "?"}}, "token"),
        ("GET", "/vectors/fetch", {"params": {}}, "ids"),
    ],
)
def test_requests_the_vendor_refuses(
    send: Send, server: PineconeServer, method: str, path: str, arguments: dict[str, Any], message: str
) -> None:
    send("POST", "/vectors/upsert", json={"vectors": [_vector(id="kept")]})
    answer = send(method, path, **arguments)
    assert answer.status_code == 400
    assert message in answer.json()["message"]
    assert list(server.indexes["index"]["__default__"]) == ["kept"]


@pytest.mark.parametrize("number", ["NaN", "Infinity", "1e39", "-1e39", "true", '"1"', "null"])
def test_values_that_are_no_number_are_refused(send: Send, server: PineconeServer, number: str) -> None:
    answer = send("POST", "/vectors/upsert", content=f'{{"vectors": [{{"id": "a", "values": [1, 2, {number}]}}]}}')
    assert (answer.status_code, answer.json()["code"]) == (400, 3)
    assert server.indexes["index"] == {}


@pytest.mark.parametrize("top_k", [0, -1, "5", 1.5, None])
def test_a_top_k_that_is_no_count_is_refused(send: Send, top_k: object) -> None:
    assert "between 1 and 10000" in send("POST", "/query", json={"vector": AXIS, "topK": top_k}).json()["message"]


def test_a_body_over_two_megabytes_is_refused(send: Send) -> None:
    answer = send("POST", "/vectors/upsert", json={"vectors": _heavy(53)})
    assert answer.status_code == 413
    assert "the limit is: 2097152 bytes" in answer.json()["message"]
    assert send("POST", "/vectors/upsert", json={"vectors": _heavy(52)}).json() == {"upsertedCount": 52}


def test_an_answer_over_four_megabytes_is_refused(send: Send) -> None:
    for part in range(3):
        vectors = [vector | {"id": f"{part}-{vector['id']}"} for vector in _heavy(50)]
        send("POST", "/vectors/upsert", json={"vectors": vectors}).raise_for_status()
    body = {"vector": AXIS, "topK": 150}
    answer = send("POST", "/query", json=body | {"includeMetadata": True})
    assert answer.status_code == 400
    assert "the limit is: 4194304 bytes" in answer.json()["message"]
    assert len(send("POST", "/query", json=body).json()["matches"]) == 150


@pytest.mark.parametrize("name", ["", "A", "a_b", "-a", "a-", "a" * 46])
def test_index_names_the_vendor_refuses(send: Send, server: PineconeServer, name: str) -> None:
    body = {"name": name, "schema": {"fields": FIELDS}}
    answer = httpx.post(f"{server.url}/indexes", json=body, headers={"Api-Key": server.api_key})
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "INVALID_ARGUMENT")
    assert list(server.indexes) == ["index"]


def test_without_the_specification_nothing_is_a_violation(send: Send, server: PineconeServer) -> None:
    assert not server.validates_schema
    assert send("GET", "/vectors/fetch").status_code == 400
    assert server.violations == []


def _heavy(count: int) -> list[dict[str, Any]]:
    return [_vector(id=str(at), metadata={"k": "x" * 40_000}) for at in range(count)]

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from pinecone import Pinecone, ServerlessSpec
from pinecone.errors import (
    ApiError,
    ConflictError,
    ForbiddenError,
    NotFoundError,
    UnauthorizedError,
)
from pinecone.index import Index

from .pinecone_fixtures import SPECIFICATIONS, fail_on_violations
from .pinecone_server import PineconeServer
from .pinecone_server.handle import DATA_SPECIFICATION
from .pinecone_server.specification import Specification

Send = Callable[..., httpx.Response]

SERVERLESS = ServerlessSpec(cloud="aws", region="us-east-1")
AXES = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.6, 0.8, 0.0]]


@pytest.fixture
def client(pinecone: PineconeServer) -> Iterator[Pinecone]:
    with Pinecone(pinecone.api_key, host=pinecone.url) as client:
        yield client


@pytest.fixture
def index(client: Pinecone) -> Iterator[Index]:
    client.create_index("index", dimension=3, metric="cosine", spec=SERVERLESS)
    with client.index("index") as index:
        yield index


@pytest.fixture
def send(pinecone: PineconeServer, index: Index) -> Iterator[Send]:
    """Sends to the index what the SDK would not."""
    headers = {"Api-Key": pinecone.api_key, "X-Pinecone-Api-Version": "2026-07"}
    with httpx.Client(base_url=index.host, headers=headers) as raw:

        def call(method: str, path: str, **arguments: Any) -> httpx.Response:
            return raw.request(method, path, **arguments)

        yield call


def _records(**metadata: Any) -> list[dict[str, Any]]:
    return [{"id": f"r{at}", "values": axis, "metadata": metadata | {"at": at}} for at, axis in enumerate(AXES)]


def test_an_index_is_created_described_listed_and_deleted(client: Pinecone, pinecone: PineconeServer) -> None:
    pinecone.project.describes_until_ready = 2
    client.create_index("made", dimension=3, metric="dotproduct", spec=SERVERLESS, tags={"a": "b"}, timeout=-1)
    states = [client.indexes.describe("made").status.state for _ in range(4)]
    assert states == ["Initializing", "Initializing", "Ready", "Ready"]
    made = client.indexes.describe("made")
    assert (made.dimension, made.metric, dict(made.tags or {})) == (3, "dotproduct", {"a": "b"})
    assert made.host is not None
    assert made.host.startswith("http://127.0.0.1:")
    assert [one.name for one in client.indexes.list()] == ["made"]
    with pytest.raises(ConflictError, match="ALREADY_EXISTS"):
        client.create_index("made", dimension=3, spec=SERVERLESS)
    client.delete_index("made")
    assert not client.indexes.exists("made")
    with pytest.raises(NotFoundError):
        client.delete_index("made")


def test_a_protected_index_is_not_deleted(client: Pinecone) -> None:
    client.create_index("kept", dimension=3, spec=SERVERLESS, deletion_protection="enabled")
    with pytest.raises(ForbiddenError, match="Deletion protection"):
        client.delete_index("kept")


def test_another_key_is_refused_on_both_planes(pinecone: PineconeServer, index: Index) -> None:
    with Pinecone("wrong-key", host=pinecone.url) as stranger:
        with pytest.raises(UnauthorizedError):
            list(stranger.indexes.list())
        with stranger.index(host=index.host) as data, pytest.raises(UnauthorizedError):
            data.describe_index_stats()


def test_records_are_read_back_as_the_vendor_keeps_them(index: Index) -> None:
    written = index.upsert(vectors=[{"id": "a", "values": [0.1, 0.2, 0.3], "metadata": {"n": 1, "t": ["x"]}}])
    assert written.upserted_count == 1
    found = index.fetch(ids=["a", "absent"]).vectors
    assert list(found) == ["a"]
    assert found["a"].metadata == {"n": 1.0, "t": ["x"]}
    assert found["a"].values != [0.1, 0.2, 0.3], "32-bit floats"
    assert found["a"].values == pytest.approx([0.1, 0.2, 0.3])
    index.upsert(vectors=[{"id": "a", "values": [1.0, 0.0, 0.0]}])
    assert index.fetch(ids=["a"]).vectors["a"].metadata is None, "an upsert replaces the whole record"


def test_query_scores_by_cosine_best_first(index: Index) -> None:
    index.upsert(vectors=_records(), namespace="n")
    answer = index.query(vector=[2.0, 0.0, 0.0], top_k=2, namespace="n", include_values=True, include_metadata=True)
    assert [(match.id, match.score) for match in answer.matches] == [("r0", 1.0), ("r2", pytest.approx(0.6))]
    assert answer.matches[0].values == AXES[0]
    assert answer.matches[0].metadata == {"at": 0.0}
    bare = index.query(id="r1", top_k=10, namespace="n")
    assert (bare.matches[0].id, bare.matches[0].values, bare.matches[0].metadata) == ("r1", [], None)
    assert index.query(vector=AXES[0], top_k=1, namespace="elsewhere").matches == []


@pytest.mark.parametrize(
    ("metric", "scores"),
    [("dotproduct", [("r1", 2.0), ("r2", 1.6), ("r0", 0.0)]), ("euclidean", [("r1", 1.0), ("r2", 1.8), ("r0", 5.0)])],
)
def test_other_metrics(client: Pinecone, metric: str, scores: list[tuple[str, float]]) -> None:
    client.create_index("other", dimension=3, metric=metric, spec=SERVERLESS)
    with client.index("other") as index:
        index.upsert(vectors=_records())
        found = index.query(vector=[0.0, 2.0, 0.0], top_k=3).matches
    assert [match.id for match in found] == [name for name, _ in scores]
    assert [match.score for match in found] == pytest.approx([score for _, score in scores])


@pytest.mark.parametrize(
    ("expression", "ids"),
    [
        ({"kind": "doc"}, ["a"]),
        ({"kind": {"$ne": "doc"}}, ["b", "c"]),
        ({"tags": "x"}, ["a", "b"]),
        ({"tags": {"$in": ["y", "z"]}}, ["b"]),
        ({"tags": {"$nin": ["y", "z"]}}, ["a", "c"]),
        ({"at": {"$gte": 2, "$lt": 3}}, ["b"]),
        ({"flag": True}, ["a"]),
        ({"flag": 1}, ["b"]),
        ({"flag": {"$exists": False}}, ["c"]),
        ({"$and": [{"tags": {"$eq": "x"}}, {"at": {"$gt": 1}}]}, ["b"]),
        ({"$or": [{"kind": "doc"}, {"at": 3}], "at": {"$lte": 2}}, ["a"]),
    ],
)
def test_filters(index: Index, expression: dict[str, Any], ids: list[str]) -> None:
    metadata: list[dict[str, Any]] = [
        {"kind": "doc", "tags": ["x"], "at": 1, "flag": True},
        {"kind": "issue", "tags": ["x", "y"], "at": 2, "flag": 1},
        {"at": 3},
    ]
    vectors = [{"id": name, "values": AXES[0], "metadata": data} for name, data in zip("abc", metadata, strict=True)]
    index.upsert(vectors=vectors)
    assert [match.id for match in index.query(vector=AXES[0], top_k=3, filter=expression).matches] == ids


@pytest.mark.parametrize(
    "expression",
    [
        {"$eq": 1},
        {"a": {"$like": "x"}},
        {"a": ["x"]},
        {"a": {"$in": "x"}},
        {"a": {"$gt": "x"}},
        {"$and": []},
        {"a": {}},
    ],
)
def test_filters_outside_the_language_are_refused(index: Index, expression: dict[str, Any]) -> None:
    with pytest.raises(ApiError, match="Invalid filter"):
        index.query(vector=AXES[0], top_k=1, filter=expression)


def test_listing_is_sorted_paged_and_prefixed(index: Index) -> None:
    names = [f"d{document}#{part:03}" for document in range(2) for part in range(130)]
    index.upsert(vectors=[{"id": name, "values": AXES[0]} for name in reversed(names)], namespace="n")
    pages = [[item.id for item in page.vectors] for page in index.list(namespace="n", prefix="d1#")]
    assert [len(page) for page in pages] == [100, 30]
    assert [name for page in pages for name in page] == names[130:]
    first = index.list_paginated(namespace="n", limit=2)
    assert first.pagination is not None
    rest = index.list_paginated(namespace="n", limit=2, pagination_token=first.pagination.next)
    assert [item.id for item in [*first.vectors, *rest.vectors]] == names[:4]
    assert index.list_paginated(namespace="absent").vectors == []


def test_deletes_by_ids_filter_and_all(index: Index, pinecone: PineconeServer) -> None:
    index.upsert(vectors=_records(), namespace="n")
    index.delete(ids=["r0", "absent"], namespace="n")
    assert sorted(pinecone.indexes["index"]["n"]) == ["r1", "r2"]
    index.delete(filter={"at": 2}, namespace="n")
    assert sorted(pinecone.indexes["index"]["n"]) == ["r1"]
    index.delete(delete_all=True, namespace="n")
    assert pinecone.indexes["index"] == {"n": {}}
    for way in ({"ids": ["r0"]}, {"delete_all": True}):
        with pytest.raises(NotFoundError, match="Namespace not found"):
            index.delete(namespace="absent", **way)


def test_namespaces_are_listed_described_and_deleted_once(index: Index, pinecone: PineconeServer) -> None:
    for name in ("b/1", "a", ""):
        index.upsert(vectors=_records(), namespace=name)
    listed = [(one.name, one.record_count) for page in index.list_namespaces() for one in page.namespaces]
    assert listed == [("__default__", 3), ("a", 3), ("b/1", 3)]
    stats = index.describe_index_stats()
    assert (stats.total_vector_count, stats.dimension, stats.namespaces["b/1"].vector_count) == (9, 3, 3)
    assert index.describe_namespace(name="b/1").record_count == 3
    index.delete_namespace(name="b/1")
    for again in (index.delete_namespace, index.describe_namespace):
        with pytest.raises(NotFoundError):
            again(name="b/1")
    assert sorted(pinecone.indexes["index"]) == ["__default__", "a"]


def test_requests_are_recorded(index: Index, pinecone: PineconeServer) -> None:
    index.upsert(vectors=_records(), namespace="n")
    index.list_paginated(namespace="m")
    written, listed = pinecone.requests[-2:]
    assert (written.method, written.path, written.index, written.namespace, written.status) == (
        "POST",
        "/vectors/upsert",
        "index",
        "n",
        200,
    )
    assert [vector["id"] for vector in written.body["vectors"]] == ["r0", "r1", "r2"]
    assert written.body_bytes > 100
    assert (listed.path, listed.namespace, listed.body, listed.body_bytes) == ("/vectors/list", "m", None, 0)


def test_an_index_of_another_kind_is_a_violation(client: Pinecone, pinecone: PineconeServer) -> None:
    pinecone.violations_expected = True
    for field in ({"type": "string", "full_text_search": {}}, {"type": "dense_vector", "dimension": 3}):
        with pytest.raises(ApiError):
            client.indexes.create(name="other", schema={"fields": {"text": field}})
    assert any("body.schema.fields._values" in violation for violation in pinecone.violations)


def _vector(values: list[Any]) -> dict[str, Any]:
    return {"id": "a", "values": values}


@pytest.mark.parametrize(
    ("method", "path", "arguments", "violation"),
    [
        ("POST", "/query", {"json": {"vector": AXES[0]}}, "body: 'topK' is a required property"),
        ("POST", "/query", {"json": {"vector": [1.0, "x", 0.0], "topK": 1}}, "body.vector[1]: 'x' is not"),
        ("POST", "/vectors/upsert", {"json": {"vectors": [{"values": AXES[0]}]}}, "body.vectors[0]: 'id' is a"),
        (
            "POST",
            "/vectors/upsert",
            {"json": {"vectors": [_vector([None])]}},
            "vectors[0].values[0]: None",
        ),
        ("POST", "/vectors/upsert", {"json": {"vectors": [{"id": "a"}] * 1_001}}, "too long"),
        ("POST", "/bulk/imports", {"json": {"uri": "s3://a/b", "errorMode": {"onError": "stop"}}}, "onError: 'stop'"),
        ("GET", "/vectors/list", {"params": {"limit": "x"}}, "query parameter limit"),
        ("GET", "/vectors/fetch", {}, "query parameter ids is required"),
        ("GET", "/vectors/search", {}, "no such operation"),
    ],
)
@pytest.mark.usefixtures("pinecone_specification")
def test_the_specification_is_enforced(
    send: Send, pinecone: PineconeServer, method: str, path: str, arguments: dict[str, Any], violation: str
) -> None:
    pinecone.violations_expected = True
    answer = send(method, path, **arguments)
    assert answer.status_code == 400
    assert [one for one in pinecone.violations if one.startswith(f"{method} {path}") and violation in one]


@pytest.mark.parametrize(
    ("method", "path", "arguments"),
    [
        ("POST", "/vectors/upsert", {"json": {"vectors": _records()}}),
        ("POST", "/query", {"json": {"id": "r0", "topK": 3, "includeValues": True, "includeMetadata": True}}),
        ("POST", "/vectors/delete", {"json": {"ids": ["r0"]}}),
        ("POST", "/vectors/delete", {"json": {}}),
        ("POST", "/describe_index_stats", {"json": {}}),
        ("GET", "/vectors/fetch", {"params": {"ids": "r0"}}),
        ("GET", "/vectors/list", {"params": {"limit": "1"}}),
        ("GET", "/namespaces", {}),
        ("GET", "/namespaces/__default__", {}),
        ("GET", "/namespaces/absent", {}),
        ("DELETE", "/namespaces/__default__", {}),
        ("POST", "/bulk/imports", {"json": {"uri": "s3://a/b"}}),
        ("GET", "/bulk/imports", {}),
        ("GET", "/bulk/imports/1", {}),
    ],
)
@pytest.mark.usefixtures("pinecone_specification")
def test_answers_are_of_the_form_that_is_specified(
    send: Send, method: str, path: str, arguments: dict[str, Any]
) -> None:
    send("POST", "/vectors/upsert", json={"vectors": _records(tags=["a"])}).raise_for_status()
    send("POST", "/bulk/imports", json={"uri": "s3://a/b"}).raise_for_status()
    answer = send(method, path, **arguments)
    document = Specification(SPECIFICATIONS / DATA_SPECIFICATION)
    violations = document.answer_violations(method, path, status=answer.status_code, body=answer.json())
    # The vendor's servers send this number in a string, whatever the document says; the SDK reads both.
    assert [one for one in violations if "record_count" not in one] == []
    assert document.answer_violations(method, path, status=answer.status_code, body=[]) != []


@pytest.mark.usefixtures("pinecone_specification")
def test_a_request_without_an_api_version_is_a_violation(pinecone: PineconeServer) -> None:
    pinecone.violations_expected = True
    answer = httpx.get(f"{pinecone.url}/indexes", headers={"Api-Key": pinecone.api_key})
    assert answer.status_code == 400
    assert pinecone.violations == ["GET /indexes: header parameter X-Pinecone-Api-Version is required"]


def test_a_violation_fails_the_test_unless_it_is_expected(pinecone: PineconeServer) -> None:
    httpx.post(f"{pinecone.url}/indexes", json={"dimension": 3}, headers={"Api-Key": pinecone.api_key})
    with pytest.raises(pytest.fail.Exception, match="schema: Field required"):
        fail_on_violations(pinecone)
    pinecone.violations_expected = True
    fail_on_violations(pinecone)


def test_calls_that_are_not_built_say_so(index: Index) -> None:
    index.upsert(vectors=_records())
    with pytest.raises(ApiError, match="not built"):
        index.update(id="r0", set_metadata={"a": 1})

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

import pytest

from neural_memory_pipelines.errors import PermanentError, TransientError
from neural_memory_pipelines.stores.vectors import pinecone_freshness
from neural_memory_pipelines.stores.vectors.pinecone import PineconeIndex
from neural_memory_pipelines.stores.vectors.pinecone_connection import Patience
from neural_memory_pipelines.stores.vectors.pinecone_reads import pages_of_ids, spell_filter
from neural_memory_pipelines.stores.vectors.protocol import VectorRecord

from .contracts.vector_index import DIM, records, unit_vectors
from .pinecone_server import PineconeServer

QUICK = Patience(backoff_seconds=0.01, catch_up_seconds=2.0, ready_seconds=2.0, poll_seconds=0.05)
READS: list[Callable[[PineconeIndex], object]] = [
    lambda client: client.count("index", "n"),
    lambda client: len(list(client.list_ids("index", "n"))),
    lambda client: len(client.fetch_metadata("index", "n", [f"r{number:05}" for number in range(9)])),
]


@pytest.fixture
def connect(pinecone: PineconeServer) -> Iterator[Callable[..., PineconeIndex]]:
    with ExitStack() as stack:

        def make(**settings: Any) -> PineconeIndex:
            defaults: dict[str, Any] = {"api_key": pinecone.api_key, "host": pinecone.url, "patience": QUICK}
            client = stack.enter_context(closing(PineconeIndex(**(defaults | settings))))
            client.ensure_index("index", dim=DIM)
            return client

        yield make


@pytest.fixture
def client(connect: Callable[..., PineconeIndex]) -> PineconeIndex:
    return connect()


def _paths(pinecone: PineconeServer, path: str) -> list[Any]:
    return [request for request in pinecone.requests if request.path == path]


@pytest.mark.parametrize("read", READS)
def test_reads_wait_until_the_index_shows_our_writes(
    client: PineconeIndex, pinecone: PineconeServer, read: Callable[[PineconeIndex], object]
) -> None:
    pinecone.faults.eventual(reads_behind=3)
    client.upsert("index", "n", records(unit_vectors(7)))
    client.delete("index", "n", ["r00000", "r00001"])
    assert read(client) == 5
    waited = len(_paths(pinecone, "/query"))
    assert waited >= 3
    assert read(client) == 5
    assert len(_paths(pinecone, "/query")) == waited, "what was seen once is not asked for again"


@pytest.mark.parametrize("read", READS)
def test_an_index_that_lags_is_transient(
    connect: Callable[..., PineconeIndex], pinecone: PineconeServer, read: Callable[[PineconeIndex], object]
) -> None:
    client = connect(patience=replace(QUICK, catch_up_seconds=0.1))
    pinecone.faults.eventual(reads_behind=None)
    client.upsert("index", "n", records(unit_vectors(7)))
    with pytest.raises(TransientError, match=r"index, namespace 'n', lags behind.*after 0\.1 s") as caught:
        read(client)
    assert caught.value.retry_after_seconds is not None
    pinecone.faults.catch_up()
    assert read(client) == 7


def test_waiting_ends_when_the_index_catches_up(client: PineconeIndex, pinecone: PineconeServer) -> None:
    pinecone.faults.eventual(reads_behind=None)
    client.upsert("index", "n", records(unit_vectors(7)))
    timer = threading.Timer(0.2, pinecone.catch_up)
    timer.start()
    assert client.count("index", "n") == 7
    timer.join()


def test_another_client_of_this_process_knows_of_the_write(
    connect: Callable[..., PineconeIndex], client: PineconeIndex, pinecone: PineconeServer
) -> None:
    pinecone.faults.eventual(reads_behind=3)
    client.upsert("index", "n", records(unit_vectors(7)))
    assert connect().count("index", "n") == 7


def test_another_namespace_is_not_waited_for(client: PineconeIndex, pinecone: PineconeServer) -> None:
    pinecone.faults.eventual(reads_behind=None)
    client.upsert("index", "n", records(unit_vectors(7)))
    assert client.count("index", "m") == 0
    assert _paths(pinecone, "/query") == []


def test_queries_take_what_there_is(client: PineconeIndex, pinecone: PineconeServer) -> None:
    client.upsert("index", "n", records(unit_vectors(7)))
    pinecone.faults.eventual(reads_behind=None)
    client.upsert("index", "n", records(unit_vectors(9)))
    assert len(client.query("index", "n", unit_vectors(1)[0], top_k=10)) == 7


def test_a_deleted_namespace_is_waited_for(
    connect: Callable[..., PineconeIndex], client: PineconeIndex, pinecone: PineconeServer
) -> None:
    client.upsert("index", "n", records(unit_vectors(7)))
    pinecone.faults.eventual(reads_behind=3)
    client.delete_namespace("index", "n")
    assert client.count("index", "n") == 0
    client.upsert("index", "n", records(unit_vectors(2)))
    assert client.count("index", "n") == 2
    pinecone.faults.eventual(reads_behind=None)
    impatient = connect(patience=replace(QUICK, catch_up_seconds=0.1))
    with pytest.raises(TransientError, match="still shows namespace 'n', which is deleted"):
        impatient.delete_namespace("index", "n")


def test_without_log_numbers_there_is_nothing_to_wait_for(client: PineconeIndex, pinecone: PineconeServer) -> None:
    pinecone.project.sends_lsn = False
    client.upsert("index", "n", records(unit_vectors(7)))
    client.delete("index", "n", ["r00000"])
    assert client.count("index", "n") == 6


def test_a_write_of_long_ago_is_not_waited_for(
    client: PineconeIndex, pinecone: PineconeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    client.upsert("index", "n", records(unit_vectors(7)))
    client.upsert("index", "n", records(unit_vectors(7)))
    pinecone.project.indexes["index"].namespaces.clear()  # another process deletes the namespace, and fills it again
    other = PineconeIndex(api_key=pinecone.api_key, host=pinecone.url, patience=QUICK)
    with closing(other):
        other.upsert("index", "n", records(unit_vectors(3)))
    monkeypatch.setattr(pinecone_freshness, "_MEMORY_SECONDS", 0.0)
    assert client.count("index", "n") == 3


def test_urls_of_fetches_stay_short(client: PineconeIndex, pinecone: PineconeServer) -> None:
    ids = [f"{number:03}{'/' * 509}" for number in range(12)] + [f"r{number}" for number in range(250)]
    vectors = unit_vectors(len(ids))
    client.upsert("index", "n", [VectorRecord(key, vector, {}) for key, vector in zip(ids, vectors, strict=True)])
    assert set(client.fetch_metadata("index", "n", [*ids, *ids])) == set(ids)
    fetches = _paths(pinecone, "/vectors/fetch")
    assert max(len(urlencode(request.query)) for request in fetches) < 7_000
    assert max(len(request.query) for request in fetches) <= 101
    assert len(fetches) < 15


def test_pages_are_cut_by_the_length_of_the_url() -> None:
    assert list(pages_of_ids(["/" * 512, "a", "a"], namespace="/" * 512)) == [["/" * 512, "a"]]
    assert list(pages_of_ids(["/" * 512, "%" * 512, "?" * 512, "#" * 512], namespace="/" * 512)) == [
        ["/" * 512, "%" * 512],
        ["?" * 512, "#" * 512],
    ]
    assert list(pages_of_ids([], namespace="n")) == []


def test_ids_are_listed_a_hundred_at_a_time(client: PineconeIndex, pinecone: PineconeServer) -> None:
    client.upsert("index", "n", records(unit_vectors(250)))
    pinecone.faults.fail_call(2, 503, path_contains="/vectors/list")
    assert len(set(client.list_ids("index", "n"))) == 250
    assert [request.status for request in _paths(pinecone, "/vectors/list")] == [200, 503, 200, 200]


def test_an_answer_that_is_too_large_is_read_in_two_steps(client: PineconeIndex, pinecone: PineconeServer) -> None:
    client.upsert("index", "n", records(unit_vectors(300), kind="x"))
    expected = client.query("index", "n", unit_vectors(1)[0], top_k=2_500, where={"kind": "x"})
    pinecone.faults.fail_next(1, 400, path_contains="/query")
    assert client.query("index", "n", unit_vectors(1)[0], top_k=2_500, where={"kind": "x"}) == expected
    assert len(expected) == 300
    pinecone.faults.fail_next(1, 400, path_contains="/query")
    with pytest.raises(PermanentError, match="refused with 400"):
        client.query("index", "n", unit_vectors(1)[0], top_k=10)
    pinecone.faults.fail_next(2, 400, path_contains="/query")
    with pytest.raises(PermanentError, match="refused with 400"):
        client.query("index", "n", unit_vectors(1)[0], top_k=2_500)


def test_more_hits_than_the_vendor_gives_are_refused(client: PineconeIndex) -> None:
    with pytest.raises(PermanentError, match="top_k is 10,001"):
        client.query("index", "n", unit_vectors(1)[0], top_k=10_001)


def test_equal_hits_come_in_the_order_of_their_ids(client: PineconeIndex) -> None:
    (vector,) = unit_vectors(1)
    client.upsert("index", "n", [VectorRecord(key, vector, {}) for key in "dbcae"])
    assert "".join(hit.id for hit in client.query("index", "n", vector, top_k=5)) == "abcde"


def test_filters_are_spelled_in_pinecones_language() -> None:
    assert spell_filter({}) is None
    assert spell_filter({"kind": "pr", "labels": ["x", "y"], "open": True}) == {
        "$and": [
            {"kind": {"$eq": "pr"}},
            {"labels": {"$eq": "x"}},
            {"labels": {"$eq": "y"}},
            {"open": {"$eq": True}},
        ]
    }


@pytest.mark.parametrize("namespace", ["", "ü"])
def test_a_namespace_that_is_not_legal_never_means_the_default_one(
    client: PineconeIndex, pinecone: PineconeServer, namespace: str
) -> None:
    before = len(pinecone.requests)
    for act in (
        lambda: client.count("index", namespace),
        lambda: list(client.list_ids("index", namespace)),
        lambda: client.fetch_metadata("index", namespace, ["a"]),
        lambda: client.delete("index", namespace, ["a"]),
        lambda: client.delete_namespace("index", namespace),
        lambda: client.query("index", namespace, unit_vectors(1)[0], top_k=1),
    ):
        with pytest.raises(PermanentError, match="namespace"):
            act()
    assert len(pinecone.requests) == before

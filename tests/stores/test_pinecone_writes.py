from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import replace
from typing import Any

import pytest

from neural_memory_pipelines.errors import PermanentError, TransientError
from neural_memory_pipelines.stores.vectors import pinecone_batches
from neural_memory_pipelines.stores.vectors.pinecone import PineconeIndex
from neural_memory_pipelines.stores.vectors.pinecone_connection import DataPlane, Patience
from neural_memory_pipelines.stores.vectors.pinecone_sending import send_all

from .contracts.vector_index import DIM, records, unit_vectors
from .pinecone_server import PineconeServer

QUICK = Patience(backoff_seconds=0.01, catch_up_seconds=2.0, ready_seconds=2.0, poll_seconds=0.05)
UPSERTS = "/vectors/upsert"


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


@pytest.fixture
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pinecone_batches, "BATCH_RECORDS", 10)


def _upserts(pinecone: PineconeServer) -> list[Any]:
    return [request for request in pinecone.requests if request.path == UPSERTS]


@pytest.mark.usefixtures("small_batches")
def test_every_request_is_paced(connect: Callable[..., PineconeIndex], pinecone: PineconeServer) -> None:
    paced: list[int] = []
    client = connect(throttle=paced.append)
    pinecone.faults.fail_next(2, 500, path_contains=UPSERTS)
    client.upsert("index", "n", records(unit_vectors(95)))
    client.query("index", "n", unit_vectors(1)[0], top_k=3)
    client.delete("index", "n", ["a"])
    assert paced == [1] * len(pinecone.requests)


@pytest.mark.usefixtures("small_batches")
def test_batches_go_four_at_once(client: PineconeIndex, monkeypatch: pytest.MonkeyPatch) -> None:
    gate = threading.Barrier(4, timeout=5)  # breaks, and fails the test, if fewer come
    running, most, lock = 0, 0, threading.Lock()
    real = DataPlane.upsert

    def upsert(self: DataPlane, **arguments: Any) -> Any:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        gate.wait()
        try:
            return real(self, **arguments)
        finally:
            with lock:
                running -= 1

    monkeypatch.setattr(DataPlane, "upsert", upsert)
    client.upsert("index", "n", records(unit_vectors(120)))
    assert most == 4


@pytest.mark.usefixtures("small_batches")
@pytest.mark.parametrize("status", [408, 429, 500, 503])
def test_a_batch_that_fails_half_way_is_sent_again(
    client: PineconeIndex, pinecone: PineconeServer, status: int
) -> None:
    pinecone.faults.fail_call(5, status, path_contains=UPSERTS)
    client.upsert("index", "n", records(unit_vectors(100)))
    assert client.count("index", "n") == 100
    assert len(_upserts(pinecone)) == 11


@pytest.mark.usefixtures("small_batches")
def test_a_connection_lost_after_the_write_is_repeated(client: PineconeIndex, pinecone: PineconeServer) -> None:
    pinecone.faults.drop_connection_after_applying(3, path_contains=UPSERTS)
    client.upsert("index", "n", records(unit_vectors(100)))
    assert client.count("index", "n") == 100
    assert len(_upserts(pinecone)) == 13


def test_deletes_whose_answer_is_lost_are_repeated(client: PineconeIndex, pinecone: PineconeServer) -> None:
    client.upsert("index", "n", records(unit_vectors(5)))
    pinecone.faults.drop_connection_after_applying(1, path_contains="/vectors/delete")
    client.delete("index", "n", ["r00000"])
    assert client.count("index", "n") == 4
    pinecone.faults.drop_connection_after_applying(1, path_contains="/namespaces/n")
    client.delete_namespace("index", "n")
    assert [r.status for r in pinecone.requests if r.method == "DELETE"] == [None, 404]
    assert client.count("index", "n") == 0


@pytest.mark.parametrize("stored", [0, 7])
def test_a_batch_that_is_stored_in_part_is_sent_again(
    client: PineconeIndex, monkeypatch: pytest.MonkeyPatch, stored: int
) -> None:
    real, answers = DataPlane.upsert, [stored, stored]

    def upsert(self: DataPlane, *, vectors: list[Any], namespace: str) -> Any:
        answer = real(self, vectors=vectors, namespace=namespace)
        if answers:
            answer.upserted_count = answers.pop()
        return answer

    monkeypatch.setattr(DataPlane, "upsert", upsert)
    client.upsert("index", "n", records(unit_vectors(10)))
    assert answers == []
    answers[:] = [stored] * QUICK.attempts
    with pytest.raises(TransientError, match=f"namespace 'n': {stored} of a batch of 10 vectors were stored"):
        client.upsert("index", "n", records(unit_vectors(10)))
    assert answers == []


@pytest.mark.usefixtures("small_batches")
def test_a_persistent_failure_ends_after_known_attempts(client: PineconeIndex, pinecone: PineconeServer) -> None:
    pinecone.faults.fail_next(10_000, 500, path_contains=UPSERTS)
    with pytest.raises(TransientError, match="upsert into index index, namespace 'n': answer 500"):
        client.upsert("index", "n", records(unit_vectors(500)))
    assert len(_upserts(pinecone)) <= 4 * QUICK.attempts, "four batches were under way, the other 46 are not begun"


def test_attempts_do_not_run_out_with_the_life_of_the_process(client: PineconeIndex, pinecone: PineconeServer) -> None:
    pinecone.faults.fail_next(10_000, 500, path_contains=UPSERTS)
    for _ in range(40):  # far beyond the failures after which the SDK's own retries stop
        with pytest.raises(TransientError):
            client.upsert("index", "n", records(unit_vectors(1)))
    assert len(_upserts(pinecone)) == 40 * QUICK.attempts


@pytest.mark.usefixtures("small_batches")
def test_retry_after_is_kept_to_by_all(client: PineconeIndex, pinecone: PineconeServer) -> None:
    pinecone.faults.fail_next(1, 429, retry_after=0.4, path_contains=UPSERTS)
    started = time.monotonic()
    client.upsert("index", "n", records(unit_vectors(200)))
    assert time.monotonic() - started >= 0.4
    assert len(_upserts(pinecone)) == 21


def test_a_long_retry_after_is_left_to_the_caller(client: PineconeIndex, pinecone: PineconeServer) -> None:
    pinecone.faults.fail_next(1, 429, retry_after=120, path_contains=UPSERTS)
    with pytest.raises(TransientError, match="answer 429") as caught:
        client.upsert("index", "n", records(unit_vectors(1)))
    assert caught.value.retry_after_seconds == 120
    assert len(_upserts(pinecone)) == 1


def test_the_last_retry_after_is_told(connect: Callable[..., PineconeIndex], pinecone: PineconeServer) -> None:
    client = connect(patience=replace(QUICK, attempts=2))
    pinecone.faults.fail_next(5, 503, retry_after=0.05, path_contains=UPSERTS)
    with pytest.raises(TransientError) as caught:
        client.upsert("index", "n", records(unit_vectors(1)))
    assert caught.value.retry_after_seconds == pytest.approx(0.05)
    assert len(_upserts(pinecone)) == 2


def test_too_many_namespaces_are_a_quota(client: PineconeIndex, pinecone: PineconeServer) -> None:
    pinecone.faults.quota_namespaces = 1
    client.upsert("index", "n", records(unit_vectors(1)))
    with pytest.raises(PermanentError, match=r"namespace 'm': a quota of the plan is used up: .*namespaces"):
        client.upsert("index", "m", records(unit_vectors(1)))
    assert len(_upserts(pinecone)) == 2


def test_ids_are_deleted_by_the_thousand(client: PineconeIndex, pinecone: PineconeServer) -> None:
    written = records(unit_vectors(2_500))
    client.upsert("index", "n", written)
    client.delete("index", "n", [record.id for record in written] * 2)
    sizes = [len(request.body["ids"]) for request in pinecone.requests if request.path == "/vectors/delete"]
    assert sizes == [1_000, 1_000, 500]
    assert client.count("index", "n") == 0


def test_after_a_failure_nothing_is_begun_and_items_are_taken_as_needed() -> None:
    taken, sent = [], []

    def items() -> Iterator[int]:
        for number in range(100):
            taken.append(number)
            yield number

    def send(number: int) -> None:
        if number == 3:
            raise TransientError("third")
        sent.append(number)

    with pytest.raises(TransientError, match="third"):
        send_all(items(), send, at_once=1)
    assert sent == [0, 1, 2]
    assert len(taken) < 10

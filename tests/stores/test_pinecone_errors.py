from __future__ import annotations

import traceback
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from typing import Any

import pytest
from pinecone.errors import ApiError, RateLimitError

from neural_memory_pipelines.errors import (
    ConfigurationError,
    NeuralMemoryError,
    NotFoundError,
    PermanentError,
    TransientError,
)
from neural_memory_pipelines.stores.vectors.pinecone import PineconeIndex
from neural_memory_pipelines.stores.vectors.pinecone_connection import Patience
from neural_memory_pipelines.stores.vectors.pinecone_errors import translate

from .contracts.vector_index import DIM, records, unit_vectors
from .pinecone_server import PineconeServer

QUICK = Patience(backoff_seconds=0.01, catch_up_seconds=2.0, ready_seconds=2.0, poll_seconds=0.05)
SECRET = "pcsk_a-secret-of-ours"
CALLS: list[Callable[[PineconeIndex], object]] = [
    lambda client: client.ensure_index("index", dim=DIM),
    lambda client: client.drop_index("index"),
    lambda client: client.upsert("index", "n", records(unit_vectors(1))),
    lambda client: client.delete("index", "n", ["a"]),
    lambda client: client.delete_namespace("index", "n"),
    lambda client: list(client.list_ids("index", "n")),
    lambda client: client.count("index", "n"),
    lambda client: client.fetch_metadata("index", "n", ["a"]),
    lambda client: client.query("index", "n", unit_vectors(1)[0], top_k=1),
    lambda client: client.check(),
    lambda client: client.imports.start_import("index", "s3://bucket/prefix"),
]


@pytest.fixture
def connect(pinecone: PineconeServer) -> Iterator[Callable[..., PineconeIndex]]:
    with ExitStack() as stack:

        def make(**settings: Any) -> PineconeIndex:
            defaults: dict[str, Any] = {"api_key": pinecone.api_key, "host": pinecone.url, "patience": QUICK}
            return stack.enter_context(closing(PineconeIndex(**(defaults | settings))))

        yield make


@pytest.fixture
def client(connect: Callable[..., PineconeIndex]) -> PineconeIndex:
    return connect()


@pytest.mark.parametrize("act", CALLS)
def test_a_wrong_key_is_a_wrong_setting_and_is_not_shown(
    connect: Callable[..., PineconeIndex],
    pinecone: PineconeServer,
    act: Callable[[PineconeIndex], object],
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("DEBUG")
    client = connect(api_key=SECRET)
    with pytest.raises(ConfigurationError, match="PINECONE_API_KEY") as caught:
        act(client)
    assert len(pinecone.requests) == 1
    shown = "".join(traceback.format_exception(caught.value)) + caplog.text + repr(client) + repr(client._connection)
    assert SECRET not in shown
    assert SECRET[-4:] not in repr(client)


@pytest.mark.parametrize("key", ["", "  ", f"{SECRET}\n", f"{SECRET}ü"])
def test_a_key_that_cannot_be_sent_is_a_wrong_setting(key: str) -> None:
    with pytest.raises(ConfigurationError, match="PINECONE_API_KEY") as caught:
        PineconeIndex(api_key=key)
    assert SECRET not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize("act", CALLS)
def test_a_service_that_is_away_is_transient(
    client: PineconeIndex, pinecone: PineconeServer, act: Callable[[PineconeIndex], object]
) -> None:
    pinecone.faults.fail_next(1_000, 503)
    with pytest.raises(TransientError, match="answer 503"):
        act(client)
    assert len(pinecone.requests) == QUICK.attempts


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, PermanentError),
        (401, ConfigurationError),
        (402, PermanentError),
        (403, PermanentError),
        (404, NotFoundError),
        (408, TransientError),
        (409, TransientError),
        (413, PermanentError),
        (500, TransientError),
        (504, TransientError),
    ],
)
def test_what_statuses_mean(
    client: PineconeIndex, pinecone: PineconeServer, status: int, kind: type[NeuralMemoryError]
) -> None:
    pinecone.faults.fail_next(100, status)
    with pytest.raises(kind) as caught:
        client.check()
    assert type(caught.value) is kind
    assert len(pinecone.requests) == (QUICK.attempts if kind is TransientError else 1)


def test_a_message_that_repeats_the_key_is_cleaned() -> None:
    error = translate(ApiError(f"bad key {SECRET}", 400), doing="upsert", api_key=SECRET)
    assert str(error) == "Pinecone, upsert: refused with 400: bad key ***"


@pytest.mark.parametrize(
    ("header", "seconds"), [("2.5", 2.5), ("0", 0.0), ("-1", None), ("nan", None), ("Sun, 22 Nov 2026", None)]
)
def test_retry_after_is_read(header: str, seconds: float | None) -> None:
    error = translate(RateLimitError(headers={"retry-after": header}), doing="upsert", api_key=SECRET)
    assert isinstance(error, TransientError)
    assert error.retry_after_seconds == seconds

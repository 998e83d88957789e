from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator

import boto3
import pytest
from botocore.config import Config

from neural_memory_pipelines.errors import (
    ConfigurationError,
    NeuralMemoryError,
    NotFoundError,
    PermanentError,
    TransientError,
)
from neural_memory_pipelines.stores.objects.protocol import ObjectStore
from neural_memory_pipelines.stores.objects.s3 import S3ObjectStore
from neural_memory_pipelines.stores.objects.s3_client import s3_client

from .contracts.object_store import CALLS
from .s3_server import answering, refusal


def _store_at(endpoint_url: str, *, max_attempts: int) -> S3ObjectStore:
    client = s3_client(
        region="us-east-1",
        endpoint_url=endpoint_url,
        access_key_id="a",
        secret_access_key="b",
        max_attempts=max_attempts,
    )
    return S3ObjectStore(client, bucket="memory")


@pytest.mark.parametrize(
    ("settings", "variable"),
    [
        ({"access_key_id": "a"}, "AWS_SECRET_ACCESS_KEY"),
        ({"secret_access_key": "a-secret"}, "AWS_ACCESS_KEY_ID"),
        ({"endpoint_url": "localhost:8333"}, "AWS_ENDPOINT_URL_S3"),
        ({"region": "us east 1"}, "AWS_REGION"),
    ],
)
def test_what_cannot_be_right_makes_no_client(settings: dict[str, str], variable: str) -> None:
    with pytest.raises(ConfigurationError, match=variable) as caught:
        s3_client(**{"region": "us-east-1", **settings})  # type: ignore[arg-type]  # strings, all of them
    assert "a-secret" not in str(caught.value)


@pytest.fixture(scope="module")
def store_away() -> Iterator[S3ObjectStore]:
    # Bound and not listening: the port stays ours and refuses.
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield _store_at(f"http://127.0.0.1:{bound.getsockname()[1]}", max_attempts=2)


@pytest.mark.parametrize("call", CALLS)
def test_a_server_that_is_away_may_come_back(store_away: ObjectStore, call: Callable[[ObjectStore], object]) -> None:
    started = time.monotonic()
    with pytest.raises(TransientError, match=r"127\.0\.0\.1"):
        call(store_away)
    assert time.monotonic() - started < 5


def test_a_server_that_is_silent_is_not_waited_for() -> None:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        client = boto3.session.Session().client(
            "s3",
            endpoint_url=f"http://127.0.0.1:{listening.getsockname()[1]}",
            region_name="us-east-1",
            aws_access_key_id="a",
            aws_secret_access_key="b",
            config=Config(read_timeout=0.3, retries={"total_max_attempts": 1, "mode": "standard"}),
        )
        with pytest.raises(TransientError, match="timeout"):
            S3ObjectStore(client, bucket="memory").get("k")


@pytest.mark.parametrize(
    "call",
    [lambda store: store.get("k"), lambda store: store.put_many({"k": b"1"}), lambda store: list(store.list(""))],
)
def test_a_server_that_is_too_busy_is_asked_as_often_as_configured(call: Callable[[ObjectStore], object]) -> None:
    with answering(503, refusal("SlowDown"), headers={"Retry-After": "7"}) as server:
        with pytest.raises(TransientError, match="503") as caught:
            call(_store_at(server.endpoint_url, max_attempts=2))
        assert server.request_count == 2
    assert caught.value.retry_after_seconds == 7


@pytest.mark.parametrize(
    ("status", "code", "expected", "said"),
    [
        (500, "InternalError", TransientError, "InternalError"),
        (429, "TooManyRequests", TransientError, "Said so"),
        (400, "RequestTimeout", TransientError, "RequestTimeout"),
        (409, "OperationAborted", TransientError, "OperationAborted"),
        (400, "BadDigest", TransientError, "BadDigest"),
        (403, "AccessDenied", ConfigurationError, "s3:PutObject"),
        (400, "ExpiredToken", ConfigurationError, "AWS_SESSION_TOKEN"),
        (403, "RequestTimeTooSkewed", ConfigurationError, "clock"),
        (400, "AuthorizationHeaderMalformed", ConfigurationError, "AWS_REGION"),
        (404, "NoSuchBucket", ConfigurationError, "S3_BUCKET"),
        (404, "NoSuchKey", NotFoundError, "read object 'k'"),
        (403, "InvalidObjectState", PermanentError, "InvalidObjectState"),
        (501, "NotImplemented", PermanentError, "NotImplemented"),
        (400, "KeyTooLongError", PermanentError, "status 400"),
    ],
)
def test_answers_become_errors_of_ours(status: int, code: str, expected: type[NeuralMemoryError], said: str) -> None:
    with answering(status, refusal(code)) as server, pytest.raises(expected, match=said) as caught:
        _store_at(server.endpoint_url, max_attempts=1).get("k")
    assert type(caught.value) is expected
    assert "bucket memory at 127.0.0.1" in str(caught.value)


def test_an_object_cut_short_is_not_taken_for_whole() -> None:
    answer = answering(200, "half", headers={"Content-Length": "8", "ETag": '"e"'})
    with answer as server, pytest.raises(TransientError, match="read object 'k'"):
        _store_at(server.endpoint_url, max_attempts=1).get("k")


@pytest.mark.parametrize("call", CALLS)
def test_a_missing_page_of_another_server_is_no_missing_object(call: Callable[[ObjectStore], object]) -> None:
    with answering(404, "<html>no such page") as server, pytest.raises(TransientError, match="AWS_ENDPOINT_URL_S3"):
        call(_store_at(server.endpoint_url, max_attempts=1))

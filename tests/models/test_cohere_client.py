"""The connection to Cohere: tries, waits, and what becomes of each failure."""

from __future__ import annotations

import logging
import socket
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from functools import partial
from typing import Any

import pytest

from neural_memory_pipelines.errors import (
    ConfigurationError,
    ContractError,
    NotFoundError,
    PermanentError,
    TransientError,
)
from neural_memory_pipelines.models.cohere_client import CohereClient, open_cohere_client
from neural_memory_pipelines.models.retries import RetryPolicy

from .cohere_fixtures import QUICK_RETRIES
from .cohere_server import CohereServer, Fault, month_used_up, rate_limited


def ask(client: CohereClient, model: str = "embed-v4.0") -> Any:
    def request(sdk: Any) -> Any:
        return sdk.embed(model=model, texts=["a"], input_type="search_query", embedding_types=["float"])

    return client.call(request, purpose="embed a")


@pytest.fixture
def client(cohere: CohereServer) -> Iterator[CohereClient]:
    client = CohereClient(cohere.api_key, base_url=cohere.url, timeout_seconds=0.3, retries=QUICK_RETRIES)
    yield client
    client.close()


FAILURES = {
    "rate": rate_limited(),
    "rate for a minute of a trial key": Fault(
        status=429, message="You are using a Trial key, which is limited to 40 API calls / minute."
    ),
    "timeout": Fault(waits_seconds=60),
    "dropped in the answer": Fault(drops=True),
    **{str(status): Fault(status=status, message="not now") for status in (408, 409, 499, 500, 502, 503, 504)},
}


@pytest.mark.parametrize("fault", FAILURES.values(), ids=FAILURES.keys())
def test_what_may_succeed_later_is_tried_again(cohere: CohereServer, client: CohereClient, fault: Fault) -> None:
    cohere.faults.at(fault, 1, 2)
    assert ask(client).embeddings.float_
    assert len(cohere.requests) == 3


@pytest.mark.parametrize("fault", FAILURES.values(), ids=FAILURES.keys())
def test_after_the_last_try_the_caller_is_told(cohere: CohereServer, client: CohereClient, fault: Fault) -> None:
    cohere.faults.always(fault)
    with pytest.raises(TransientError, match=r"embed a failed.*; tried 3 of 3 times in \d+\.\d s$") as raised:
        ask(client)
    assert raised.value.retry_after_seconds is None
    assert len(cohere.requests) == 3


def test_each_try_is_logged(cohere: CohereServer, client: CohereClient, caplog: pytest.LogCaptureFixture) -> None:
    cohere.faults.at(Fault(status=503, message="overloaded"), 1)
    with caplog.at_level(logging.WARNING):
        ask(client)
    (record,) = caplog.records
    assert "status 503 (overloaded); try 2 of 3 in 0.0 s" in record.getMessage()


FINAL = {
    "401": (Fault(status=401, message="invalid api token"), ConfigurationError, "set COHERE_API_KEY"),
    "402": (Fault(status=402, message="Maximum billing reached"), ConfigurationError, "billing limit"),
    "403": (Fault(status=403, message="no"), ConfigurationError, "set COHERE_API_KEY"),
    "498": (Fault(status=498, message="invalid token"), ConfigurationError, "set COHERE_API_KEY"),
    "month": (month_used_up(), ConfigurationError, "the month's calls are used up; set COHERE_API_KEY"),
    "404": (Fault(status=404, message="model 'x' not found"), NotFoundError, "no such model .* CO_API_URL"),
    "307": (Fault(status=307, headers={"Location": "http://127.0.0.1:1/"}), ConfigurationError, "set CO_API_URL"),
    "400": (Fault(status=400, message="invalid request: x"), PermanentError, r"status 400 \(invalid request: x\)"),
    "413": (Fault(status=413, message="too large"), PermanentError, "status 413"),
    "422": (Fault(status=422, message="7 is no dimension"), PermanentError, "status 422"),
    "501": (Fault(status=501, message="never"), PermanentError, "status 501"),
}


@pytest.mark.parametrize(("fault", "kind", "message"), FINAL.values(), ids=FINAL.keys())
def test_what_will_fail_again_is_not_tried_again(
    cohere: CohereServer, client: CohereClient, fault: Fault, kind: type[Exception], message: str
) -> None:
    cohere.faults.always(fault)
    with pytest.raises(kind, match=message) as raised:
        ask(client)
    assert type(raised.value) is kind
    assert len(cohere.requests) == 1


def test_a_wait_that_is_asked_for_is_kept(cohere: CohereServer, client: CohereClient) -> None:
    cohere.faults.at(rate_limited("0.15"), 1)
    started = time.monotonic()
    ask(client)
    assert time.monotonic() - started >= 0.15


def _in_an_hour() -> str:
    return format_datetime(datetime.now(UTC) + timedelta(hours=1), usegmt=True)


@pytest.mark.parametrize(
    ("header", "least", "most"),
    [(lambda: "61", 61, 61), (lambda: "61.5", 61.5, 61.5), (_in_an_hour, 3500, 3601)],
    ids=["seconds", "fraction", "date"],
)
def test_a_wait_that_is_too_long_is_left_to_the_caller(
    cohere: CohereServer, client: CohereClient, header: Callable[[], str], least: float, most: float
) -> None:
    cohere.faults.always(rate_limited(header()))
    with pytest.raises(TransientError) as raised:
        ask(client)
    assert raised.value.retry_after_seconds is not None
    assert least <= raised.value.retry_after_seconds <= most
    assert len(cohere.requests) == 1


@pytest.mark.parametrize("header", ["soon", "-1", "", "nan", format_datetime(datetime(2020, 1, 1, tzinfo=UTC))])
def test_a_wait_that_cannot_be_read_or_is_over_is_no_wait(
    cohere: CohereServer, client: CohereClient, header: str
) -> None:
    cohere.faults.at(rate_limited(header), 1, 2)
    assert ask(client).embeddings.float_


def test_waits_double_up_to_the_longest() -> None:
    policy = RetryPolicy(attempts=6, first_wait_seconds=1, longest_wait_seconds=5)
    waits = [policy.wait_seconds(failures, None) for failures in range(1, 7)]
    assert waits[-1] is None
    for wait, plain in zip(waits, [1, 2, 4, 5, 5], strict=False):
        assert wait is not None
        assert plain <= wait <= plain * 1.2
    assert policy.wait_seconds(1, 6) is None


def test_nobody_there(cohere: CohereServer) -> None:
    with socket.socket() as bound:  # bound and not listening: the port stays ours and refuses
        bound.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{bound.getsockname()[1]}"
        client = CohereClient("a-secret-key", base_url=url, retries=QUICK_RETRIES)
        with pytest.raises(TransientError, match=r"no answer \(ConnectError.*tried 3 of 3 times") as raised:
            ask(client)
        client.close()
    assert "a-secret-key" not in str(raised.value)


def test_a_wrong_key_is_named_by_its_variable_and_never_shown(cohere: CohereServer) -> None:
    client = CohereClient("a-secret-key", base_url=cohere.url, retries=QUICK_RETRIES)
    with pytest.raises(ConfigurationError, match=r"invalid api token.*COHERE_API_KEY"):
        ask(client)
    cohere.faults.always(Fault(status=403, message="the key a-secret-key may not do this"))
    with pytest.raises(ConfigurationError, match=r"the key \*\*\* may not") as raised:
        ask(client)
    assert raised.value.__suppress_context__, "the cause quotes the answer"
    assert "a-secret-key" not in f"{raised.value!r} {client!r}"
    client.close()


def test_an_unknown_model_is_not_found(client: CohereClient) -> None:
    with pytest.raises(NotFoundError, match="model 'embed-v9' not found"):
        ask(client, "embed-v9")


@pytest.mark.parametrize(
    ("body", "message"),
    [(b"<html>welcome</html>", r"status 200 \(<html>.*the answer is not JSON"), (b"1", "not of the documented form")],
)
def test_an_answer_of_another_kind_is_a_broken_contract(
    cohere: CohereServer, client: CohereClient, body: bytes, message: str
) -> None:
    cohere.faults.always(Fault(spoils=lambda _: body))
    with pytest.raises(ContractError, match=message):
        ask(client)
    assert len(cohere.requests) == 1


@pytest.mark.parametrize("key", ["", " ", "two words", "line\nbreak", "schlüssel", "tab\t", "nul\x00"])
def test_a_key_that_can_be_none_is_refused_unseen(key: str) -> None:
    with pytest.raises(ConfigurationError, match="COHERE_API_KEY cannot be a key") as raised:
        CohereClient(key)
    assert not key.strip() or key not in str(raised.value)


@pytest.mark.parametrize(
    "url", ["ftp://host", "api.cohere.com", "http://", "http://user:pass-word@host:port", "https:///x"]
)
def test_a_url_that_cannot_be_read_is_refused_unseen(url: str) -> None:
    with pytest.raises(ConfigurationError, match="CO_API_URL") as raised:
        CohereClient("key", base_url=url)
    assert "pass-word" not in str(raised.value)


def test_variables_of_the_sdk_do_not_leak_in(cohere: CohereServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CO_API_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("CO_API_KEY", "another-key")
    client = CohereClient(cohere.api_key, base_url=cohere.url, retries=QUICK_RETRIES)
    assert ask(client).embeddings.float_
    client.close()


def test_one_client_for_a_key_and_address(cohere: CohereServer) -> None:
    open_client: Callable[..., CohereClient] = partial(open_cohere_client, base_url=cohere.url)
    assert open_client("one-key") is open_client("one-key")
    assert open_client("one-key") is not open_client("another-key")

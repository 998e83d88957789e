"""Pinecone's clients, with attempts that are counted here: one request for each, paced, and again when it may help.

What is asked of the service is decided elsewhere. The SDK would try four times by itself, by a rule that the data
plane does not let us set and with a budget that it shares over the whole process and runs out of; its part is turned
off, so that a request is sent `Patience.attempts` times at most, each time after `throttle`.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

import httpx
from pinecone import Pinecone, RetryConfig
from pinecone._internal.constants import DATA_PLANE_API_VERSION
from pinecone._internal.http_client import HTTPClient
from pinecone.errors import PineconeError, PineconeValueError
from pinecone.index import Index
from pinecone.models.response_info import ResponseInfo

from neural_memory_pipelines.errors import ConfigurationError, TransientError
from neural_memory_pipelines.stores.limits.protocol import Throttle
from neural_memory_pipelines.stores.vectors.pinecone_errors import translate

CONTROL_HOST = "https://api.pinecone.io"

T = TypeVar("T")


def unpaced(_requests: int) -> None:
    """Let requests go at once."""


_ONE_ATTEMPT = RetryConfig(max_retries=0)
_FIRST_POLL_SECONDS = 0.02


@dataclass(frozen=True, slots=True)
class Patience:
    """How often to ask, and how long to wait.

    Attributes:
        attempts: requests sent for one call, at most.
        backoff_seconds: wait after the first failure; doubles each time, with jitter.
        longest_wait_seconds: a Retry-After beyond it is handed to the caller and not waited for.
        read_timeout_seconds: of one request.
        catch_up_seconds: for an index to show our own writes.
        ready_seconds: for an index to be created or deleted.
        poll_seconds: between two looks at something that takes long.
    """

    attempts: int = 4
    backoff_seconds: float = 0.5
    longest_wait_seconds: float = 60.0
    read_timeout_seconds: float = 30.0
    catch_up_seconds: float = 60.0
    ready_seconds: float = 300.0
    poll_seconds: float = 2.0


PATIENCE = Patience()


class DataPlane(Index):
    """The SDK's client of one index, sending each request once and keeping the answer's headers.

    The SDK offers no setting for the first, and drops the headers of deletes, which hold their place in the log.
    """

    def __init__(self, *, host: str, api_key: str, timeout: float) -> None:
        super().__init__(host=host, api_key=api_key, timeout=timeout)
        self._http.close()
        self._http: _ObservedHTTP = _ObservedHTTP(
            replace(self._config, retry_config=_ONE_ATTEMPT), DATA_PLANE_API_VERSION
        )

    def latest_info(self) -> ResponseInfo:
        """Describe the latest answer that this thread got."""
        return ResponseInfo(raw_headers=dict(self._http.latest.headers))


class _Latest(threading.local):
    headers: httpx.Headers = httpx.Headers()


class _ObservedHTTP(HTTPClient):
    latest = _Latest()

    def post(self, path: str, timeout: float | httpx.Timeout | None = None, **kwargs: Any) -> httpx.Response:
        return self._observe(super().post(path, timeout=timeout, **kwargs))

    def delete(self, path: str, timeout: float | httpx.Timeout | None = None, **kwargs: Any) -> httpx.Response:
        return self._observe(super().delete(path, timeout=timeout, **kwargs))

    def _observe(self, response: httpx.Response) -> httpx.Response:
        self.latest.headers = response.headers
        return response


@dataclass(slots=True)
class _Hold:
    """Until when the service asked us to wait: one thread hears it, all keep to it."""

    until: float = 0.0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def extend(self, seconds: float) -> None:
        with self.lock:
            self.until = max(self.until, time.monotonic() + seconds)

    def wait(self) -> None:
        while (rest_seconds := self.until - time.monotonic()) > 0:
            time.sleep(rest_seconds)


class PineconeConnection:
    """A project at Pinecone. Thread-safe.

    Args:
        api_key: of the project; sent to `host` and to the hosts of its indexes, shown nowhere.
        host: of the control plane; `https://api.pinecone.io` if None.
        throttle: called with 1 before each request.
        patience: attempts and waits.

    Raises:
        ConfigurationError: the key is empty or cannot be sent in a header.
    """

    def __init__(
        self, *, api_key: str, host: str | None = None, throttle: Throttle, patience: Patience = PATIENCE
    ) -> None:
        if not api_key:
            raise ConfigurationError("PINECONE_API_KEY is empty: set a key of the project that is to hold the indexes")
        self.patience = patience
        self.host = host or CONTROL_HOST
        self._api_key = api_key
        self._throttle = throttle
        self._hold = _Hold()
        self._planes: dict[str, DataPlane] = {}
        self._lock = threading.Lock()
        try:
            self.control = Pinecone(
                api_key, host=self.host, timeout=patience.read_timeout_seconds, retry_config=_ONE_ATTEMPT
            )
        except PineconeValueError:
            # Not chained: whatever the SDK may say about the key is not worth the risk.
            raise ConfigurationError(
                "PINECONE_API_KEY cannot be sent: it holds white space, a control or a non-ASCII character"
            ) from None

    def data(self, index_host: str) -> DataPlane:
        """Give the client of one index; the same one each time."""
        with self._lock:
            plane = self._planes.get(index_host)
            if plane is None:
                plane = DataPlane(host=index_host, api_key=self._api_key, timeout=self.patience.read_timeout_seconds)
                self._planes[index_host] = plane
            return plane

    def call(self, doing: str, request: Callable[[], T]) -> T:
        """Send a request that may be sent twice, until it succeeds or all attempts are used.

        Args:
            doing: what it does, for messages.
            request: sends exactly one request; a `TransientError` of its own counts as a failed attempt.

        Raises:
            TransientError: every attempt failed, or the service asks for a longer wait than `Patience` allows.
            PermanentError: the service refuses; one request was sent.
        """
        attempt = 0
        while True:
            attempt += 1
            self._hold.wait()
            self._throttle(1)
            try:
                return request()
            except PineconeError as exc:
                error = translate(exc, doing=doing, api_key=self._api_key)
                if not isinstance(error, TransientError) or not self._is_worth_another(error, attempt):
                    raise error from exc
            except TransientError as exc:
                error = exc
                if not self._is_worth_another(error, attempt):
                    raise
            self._back_off(error, attempt)

    def close(self) -> None:
        """Close all connections; a later call fails."""
        with self._lock:
            for plane in self._planes.values():
                plane.close()
            self._planes.clear()
        self.control.close()

    def __repr__(self) -> str:
        return f"{type(self).__name__}(host={self.host!r})"

    def _is_worth_another(self, error: TransientError, attempt: int) -> bool:
        if attempt >= self.patience.attempts:
            return False
        return (error.retry_after_seconds or 0) <= self.patience.longest_wait_seconds

    def _back_off(self, error: TransientError, attempt: int) -> None:
        if error.retry_after_seconds is not None:
            self._hold.extend(error.retry_after_seconds)
            return
        longest = min(self.patience.longest_wait_seconds, self.patience.backoff_seconds * 2 ** (attempt - 1))
        time.sleep(random.uniform(longest / 2, longest))  # noqa: S311 - spreads requests, keeps no secret


def wait_until(look: Callable[[], T | None], *, wait_seconds: float, poll_seconds: float, late: str) -> T:
    """Look again and again, at short intervals first, until there is something.

    Args:
        look: returns None as long as there is nothing.
        wait_seconds: how long at most; it looks at least once.
        poll_seconds: longest pause between two looks.
        late: message of the error.

    Raises:
        TransientError: there was nothing in time.
    """
    deadline = time.monotonic() + wait_seconds
    pause_seconds = min(_FIRST_POLL_SECONDS, poll_seconds)
    while True:
        found = look()
        if found is not None:
            return found
        rest_seconds = deadline - time.monotonic()
        if rest_seconds <= 0:
            raise TransientError(late, retry_after_seconds=poll_seconds)
        time.sleep(min(pause_seconds, rest_seconds))
        pause_seconds = min(poll_seconds, pause_seconds * 2)

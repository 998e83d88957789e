"""The connection to Cohere: one client for embeddings, rerank and chat, with its retries and its errors in our words.

What is asked, and what becomes of the answers, is decided by the modules that use it.
"""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import cache
from typing import TypeVar
from urllib.parse import urlsplit

import httpx
from cohere import ClientV2
from cohere.core.api_error import ApiError
from cohere.core.parse_error import ParsingError

from neural_memory_pipelines.errors import (
    ConfigurationError,
    ContractError,
    NeuralMemoryError,
    NotFoundError,
    PermanentError,
    TransientError,
)
from neural_memory_pipelines.models.retries import DEFAULT_RETRIES, RetryPolicy

_Answer = TypeVar("_Answer")

_DEFAULT_URL = "https://api.cohere.com"
_CONNECT_SECONDS = 10.0
_MOST_CHARACTERS_SHOWN = 300
_TRANSIENT = frozenset({408, 409, 425, 429, 499, 500, 502, 503, 504})
_MONTHLY_LIMIT = re.compile(r"(/|per|a)\s*month", re.IGNORECASE)

_KEY_REFUSED = (ConfigurationError, "the key is refused; set COHERE_API_KEY to a valid one")
_MEANINGS: dict[int, tuple[type[NeuralMemoryError], str]] = {
    401: _KEY_REFUSED,
    403: _KEY_REFUSED,
    498: _KEY_REFUSED,
    402: (ConfigurationError, "the account of COHERE_API_KEY has reached its billing limit"),
    404: (NotFoundError, "there is no such model for this key, or CO_API_URL is not Cohere's API"),
}
_MEANINGS_OF_HUNDREDS: dict[int, tuple[type[NeuralMemoryError], str]] = {
    2: (ContractError, "the answer is not JSON; check CO_API_URL"),
    3: (ConfigurationError, "it redirects; set CO_API_URL to the address itself"),
}

_log = logging.getLogger(__name__)


class CohereClient:
    """Cohere's API through its SDK. Thread-safe; connects on first use; retries here, and nowhere below.

    The SDK's own retries are off: they know neither timeouts nor dropped connections, wait for any Retry-After up to a
    minute, and try again what a trial key has used up for the month.

    Args:
        api_key: COHERE_API_KEY.
        base_url: CO_API_URL, for another address than Cohere's own.
        timeout_seconds: the longest silence while an answer is awaited.
        retries: how often what may succeed later is tried.

    Raises:
        ConfigurationError: the key or the URL cannot be right.
    """

    def __init__(
        self,
        api_key: str,
        *,
        base_url: str | None = None,
        timeout_seconds: float = 60.0,
        retries: RetryPolicy = DEFAULT_RETRIES,
    ) -> None:
        # Checked here, because the HTTP library would quote a key that cannot stand in a header.
        if not (api_key and api_key.isascii() and api_key.isprintable()) or " " in api_key:
            raise ConfigurationError("COHERE_API_KEY cannot be a key: it is empty, or has blanks or control characters")
        self._secret = api_key
        self._address = _address_of(base_url or _DEFAULT_URL)
        self._http = httpx.Client(timeout=httpx.Timeout(timeout_seconds, connect=_CONNECT_SECONDS))
        self._sdk = ClientV2(
            api_key,
            base_url=base_url or _DEFAULT_URL,  # named always: the SDK would read a variable of its own
            httpx_client=self._http,
            max_retries=0,
            log_warning_experimental_features=False,
        )
        self.retries = retries

    def __repr__(self) -> str:
        return f"CohereClient({self._address})"

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def call(
        self, request: Callable[[ClientV2], _Answer], *, purpose: str, admit: Callable[[], None] | None = None
    ) -> _Answer:
        """Send a request, again while that may help.

        Args:
            request: makes the call on the SDK.
            purpose: what the call is for, such as "embed 96 texts with embed-v4.0"; stands in messages.
            admit: called before each try; waits for the rate limit. What it raises ends the call.

        Raises:
            ConfigurationError: the key is refused, unpaid, or used up for the month; or CO_API_URL is no such API.
            NotFoundError: no such model, or it is not open to this key.
            PermanentError: the request is refused.
            TransientError: the service did not answer, or said no for now, at every try.
            ContractError: the answer is not of the documented form.
        """
        started = time.monotonic()
        failures = 0
        while True:
            if admit is not None:
                admit()
            try:
                return self._try(request, purpose)
            except TransientError as error:
                failures += 1
                wait_seconds = self.retries.wait_seconds(failures, error.retry_after_seconds)
                if wait_seconds is None:
                    spent_seconds = time.monotonic() - started
                    raise TransientError(
                        f"{error}; tried {failures} of {self.retries.attempts} times in {spent_seconds:.1f} s",
                        retry_after_seconds=error.retry_after_seconds,
                    ) from error
                _log.warning("%s; try %d of %d in %.1f s", error, failures + 1, self.retries.attempts, wait_seconds)
            time.sleep(wait_seconds)

    def _try(self, request: Callable[[ClientV2], _Answer], purpose: str) -> _Answer:
        where = f"Cohere at {self._address}: {purpose} failed"
        try:
            return request(self._sdk)
        except ApiError as error:
            # No cause: it carries the whole answer, which may quote the key.
            raise _translate(error, where, said=self._said(error.body)) from None
        except httpx.RequestError as error:
            raise TransientError(f"{where}, no answer ({type(error).__name__}: {error})") from error
        except (ParsingError, TypeError) as error:
            # The SDK builds its objects from the answer unchecked: an unforeseen form ends in a TypeError.
            raise ContractError(
                f"{where}, the answer is not of the documented form ({type(error).__name__})"
            ) from error

    def _said(self, body: object) -> str:
        text = str(body.get("message", body) if isinstance(body, Mapping) else body)
        return " ".join(text.replace(self._secret, "***").split())[:_MOST_CHARACTERS_SHOWN]


@cache
def open_cohere_client(
    api_key: str,
    *,
    base_url: str | None = None,
    retries: RetryPolicy = DEFAULT_RETRIES,
) -> CohereClient:
    """Give the client of a key and address: one per process, so that all that is asked shares its connections.

    Raises:
        ConfigurationError: the key or the URL cannot be right.
    """
    return CohereClient(api_key, base_url=base_url, retries=retries)


def _address_of(url: str) -> str:
    # What urlsplit says of a URL that it cannot read may quote a password.
    try:
        parts = urlsplit(url)
        address = parts.hostname if parts.port is None else f"{parts.hostname}:{parts.port}"
    except ValueError:
        address = None
    if not address or not parts.hostname or parts.scheme not in {"http", "https"}:
        raise ConfigurationError(f"CO_API_URL cannot be read: expected a URL such as {_DEFAULT_URL}")
    return address


def _translate(error: ApiError, where: str, *, said: str) -> NeuralMemoryError:
    """Say in our words what a status means.

    Source: https://docs.cohere.com/reference/errors, read 2026-11-22.
    """
    status = error.status_code or 0
    where = f"{where} with status {status} ({said})"
    if status == 429 and _MONTHLY_LIMIT.search(said):
        return ConfigurationError(f"{where}: the month's calls are used up; set COHERE_API_KEY to a production key")
    if status in _TRANSIENT:
        return TransientError(where, retry_after_seconds=_retry_after_seconds(error.headers or {}))
    kind, advice = _MEANINGS.get(status) or _MEANINGS_OF_HUNDREDS.get(status // 100) or (PermanentError, "refused")
    return kind(f"{where}: {advice}")


def _retry_after_seconds(headers: Mapping[str, str]) -> float | None:
    """Read Retry-After: seconds, or a date, as RFC 9110 section 10.2.3 has it; None if there is none to read."""
    value = headers.get("retry-after", "").strip()
    if re.fullmatch(r"\d+(\.\d+)?", value):
        return float(value)
    try:
        at = parsedate_to_datetime(value)
    except ValueError:
        return None
    return max((at.replace(tzinfo=at.tzinfo or UTC) - datetime.now(UTC)).total_seconds(), 0.0)

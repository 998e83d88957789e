"""What goes wrong at Pinecone, in the words of `errors.py`.

Nothing is retried or sent here; the key is taken out of every message.
"""

from __future__ import annotations

import math
import re

from pinecone.errors import (
    ApiError,
    ForbiddenError,
    PineconeConnectionError,
    PineconeError,
    PineconeTimeoutError,
    ResponseParsingError,
    UnauthorizedError,
)
from pinecone.errors import NotFoundError as MissingError

from neural_memory_pipelines.errors import (
    ConfigurationError,
    ContractError,
    NeuralMemoryError,
    NotFoundError,
    PermanentError,
    TransientError,
)

_TRANSIENT_STATUSES = frozenset({408, 409, 429})
_MESSAGE_CHARS = 500
_QUOTA_WORDS = re.compile(r"quota|reached the max|limit|upgrade", re.IGNORECASE)


def translate(error: PineconeError, *, doing: str, api_key: str) -> NeuralMemoryError:
    """Say what an error of the SDK means.

    Args:
        error: what the SDK raised.
        doing: what was asked for, such as "upsert into index a".
        api_key: never shown, even if the service repeats it.

    Source: docs.pinecone.io/reference/api/errors; quota is 403, rate is 429.
    """
    said = error.message.replace(api_key, "***")[:_MESSAGE_CHARS]
    if isinstance(error, ApiError):
        return _answered(error, doing=doing, said=said)
    if isinstance(error, PineconeTimeoutError | PineconeConnectionError):
        return TransientError(f"Pinecone does not answer, {doing}: {said}")
    if isinstance(error, ResponseParsingError):
        return ContractError(f"Pinecone, {doing}: the answer cannot be read ({said}); a newer SDK may be needed")
    return PermanentError(f"Pinecone, {doing}: the SDK refuses the call: {said}")


def _forbidden(error: ForbiddenError, *, doing: str, said: str) -> PermanentError:
    if _QUOTA_WORDS.search(f"{error.error_code} {said}"):
        return PermanentError(
            f"Pinecone, {doing}: a quota of the plan is used up: {said}; "
            "delete what is not needed, share indexes by namespace, or raise the plan"
        )
    return PermanentError(
        f"Pinecone, {doing}: forbidden: {said}; "
        "the roles of PINECONE_API_KEY or the index's deletion protection do not allow it"
    )


def _answered(error: ApiError, *, doing: str, said: str) -> NeuralMemoryError:
    if isinstance(error, UnauthorizedError):
        return ConfigurationError(
            f"Pinecone refuses PINECONE_API_KEY ({doing}): set a key of the project that holds the indexes"
        )
    if isinstance(error, ForbiddenError):
        return _forbidden(error, doing=doing, said=said)
    if isinstance(error, MissingError):
        return NotFoundError(f"Pinecone, {doing}: not found ({said})")
    status = error.status_code
    if status in _TRANSIENT_STATUSES or status >= 500:
        return TransientError(
            f"Pinecone, {doing}: answer {status}: {said}", retry_after_seconds=_retry_after_seconds(error)
        )
    return PermanentError(f"Pinecone, {doing}: refused with {status}: {said}")


def _retry_after_seconds(error: ApiError) -> float | None:
    value = (error.headers or {}).get("retry-after", "")
    try:
        seconds = float(value)
    except ValueError:  # absent, or a date, which Pinecone does not send
        return None
    return seconds if seconds >= 0 and math.isfinite(seconds) else None

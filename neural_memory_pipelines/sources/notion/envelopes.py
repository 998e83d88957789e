"""What a payload that comes without an envelope is, and the fields of the envelope it needs.

Reading the payload itself happens in `objects.py`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from neural_memory_pipelines.domain.ids import hash_json
from neural_memory_pipelines.errors import InvalidEventError
from neural_memory_pipelines.sources.notion.locating import located
from neural_memory_pipelines.sources.notion.payloads import Webhook
from neural_memory_pipelines.sources.protocol import EnvelopeFields
from neural_memory_pipelines.sources.reading import PAYLOAD, Spot, read_array, read_model, read_object
from neural_memory_pipelines.sources.times import utc_time

_TIMES = ("last_edited_time", "created_time")
_TIMELESS = datetime(1970, 1, 1, tzinfo=UTC)
"""The time of what has none: who a user is does not depend on when it was said."""
_CHANGING = frozenset({"request_id"})
"""Keys that differ between two answers which say the same."""


def envelope_fields(payload: Mapping[str, Any]) -> EnvelopeFields:
    """Derive the envelope of a payload from the payload alone, so that wrapping it twice gives the same event.

    Raises:
        InvalidEventError: the payload is neither a webhook nor an object of the API, or has no time.
    """
    if payload.get("entity") is not None:
        webhook = read_model(Webhook, payload, PAYLOAD)
        own_id = payload.get("id")
        key = (
            own_id if isinstance(own_id, str) and own_id and own_id.isascii() and len(own_id) <= 64 else _hash(payload)
        )
        return EnvelopeFields(webhook.type, webhook.timestamp, f"notion:{key}")
    found = located(payload)
    if found is None:
        raise InvalidEventError("payload: expected a webhook of Notion or an object of its API; the keys name neither")
    kind, value, spot = found
    return EnvelopeFields(f"{kind}.observed", _occurred_at(kind, value, spot), f"notion:{_hash(payload)}")


def _occurred_at(kind: str, value: object, spot: Spot) -> datetime:
    told = read_object(value, spot)
    if kind == "list":
        place = spot.at("results")
        times = [time for item in read_array(told.get("results"), place) for time in _times(item)]
        if not times:
            raise InvalidEventError(f"{place}: expected an object with a time, as a list has none itself")
        return max(times)
    for time in _times(told):
        return time
    expected = f"expected an ISO 8601 time with an offset, as {_TIMES[1]} is none either"
    raise InvalidEventError(f"{spot.at(_TIMES[0])}: {expected}")


def _times(value: object) -> Iterator[datetime]:
    if isinstance(value, Mapping):
        found = (utc_time(value.get(key)) for key in _TIMES)
        timeless = [_TIMELESS] if value.get("object") == "user" else []
        yield from [*(time for time in found if time), *timeless][:1]


def _hash(payload: Mapping[str, Any]) -> str:
    try:
        return hash_json({key: value for key, value in payload.items() if key not in _CHANGING})
    except (RecursionError, ValueError, TypeError) as error:
        # Nested too deeply for the JSON writer, or a number of thousands of digits.
        raise InvalidEventError(f"payload: expected JSON that can be written again: {type(error).__name__}") from error

"""Reading payloads: what surrounds an event, and what exactly is wrong with a bad one.

Every field is named by its path. What an event means is decided by the module of its kind.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from neural_memory_pipelines.domain.events import SourceEvent
from neural_memory_pipelines.errors import InvalidEventError
from neural_memory_pipelines.sources.slack.payloads import Inner, User, Wrapper, moment

CALLBACK = "event_callback"

_ModelT = TypeVar("_ModelT", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Callback:
    """An event with what surrounds it.

    Attributes:
        kind: the event's type, such as "message".
        body: the event, as sent.
        at: when it happened: by Slack's clock if it says, else as the envelope has it. Aware UTC.
        channel_name: the channel's, where the sender knew it.
        users: people that the message names or is by, where the sender knew them, by id.
        bots: ids of users that are known to be bots.
    """

    kind: str
    body: Mapping[str, Any]
    at: datetime
    channel_name: str | None
    users: Mapping[str, User]
    bots: frozenset[str]


def read_callback(event: SourceEvent) -> Callback | None:
    """Read what surrounds an event; None if the payload is no event, but a message of Slack to the app itself.

    Raises:
        InvalidEventError: a field is missing or wrong; the message gives its path.
    """
    payload: object = event.payload
    if not isinstance(payload, Mapping):
        raise InvalidEventError(f"payload: expected an object, got {_json_type(payload)}")
    if payload.get("type", CALLBACK) != CALLBACK and "event" not in payload:
        return None
    wrapper = read_model(Wrapper, payload, "payload")
    body = member(payload, "event", "payload")
    inner = read_model(Inner, body, "payload.event")
    assert isinstance(body, Mapping)
    known = wrapper.users or {}
    bots = {entry.user_id for entry in wrapper.authorizations or () if entry.is_bot and entry.user_id}
    return Callback(
        kind=inner.type,
        body=body,
        at=moment(inner.event_ts) if inner.event_ts else event.occurred_at,
        channel_name=wrapper.channel_name or None,
        users={user.id: user for user in known.values()},
        bots=frozenset(bots),
    )


def read_model(model: type[_ModelT], value: object, path: str) -> _ModelT:
    """Read one object of a payload.

    Raises:
        InvalidEventError: a field is missing or wrong; the message gives its path.
    """
    if not isinstance(value, Mapping):
        raise InvalidEventError(f"{path}: expected an object, got {_json_type(value)}")
    try:
        return model.model_validate(value if isinstance(value, dict) else dict(value))
    except ValidationError as error:
        raise InvalidEventError(_explain(error, path)) from error


def member(value: Mapping[str, Any], key: str, path: str) -> object:
    """Take a member of an object.

    Raises:
        InvalidEventError: there is none of this name.
    """
    if key not in value:
        raise InvalidEventError(f"{path}.{key}: required, but missing")
    return value[key]


_EXPECTED = {
    "int_type": "an integer",
    "string_type": "a string",
    "string_unicode": "a string without lone surrogates",
    "string_too_short": "a string that is not empty",
    "string_pattern_mismatch": "an id of letters and digits",
    "bool_type": "true or false",
    "list_type": "an array",
    "dict_type": "an object",
    "model_type": "an object",
}


def _explain(error: ValidationError, root: str) -> str:
    first = error.errors(include_url=False)[0]
    path = root + "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in first["loc"])
    if first["type"] == "missing":
        return f"{path}: required, but missing"
    if first["type"] in _EXPECTED:
        return f"{path}: expected {_EXPECTED[first['type']]}, got {_shown(first['input'])}"
    expected = first["msg"].removeprefix("Value error, ").removeprefix("Input should be ")
    return f"{path}: expected {expected}, got {_shown(first['input'])}"


def _json_type(value: object) -> str:
    if value is None:
        return "null"
    names = {bool: "a boolean", int: "an integer", float: "a fraction", str: "a string", list: "an array"}
    return names.get(type(value), "an object")


def _shown(value: object) -> str:
    """Show a text as it is, cut short, and name the type of anything else."""
    return ascii(value[:60]) if isinstance(value, str) else _json_type(value)

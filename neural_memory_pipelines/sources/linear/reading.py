"""Reading payloads: which object an event is about, who acted, and what exactly is wrong with a bad one.

What the objects mean for the memory is decided in `documents.py`, `links.py` and `observations.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from neural_memory_pipelines.domain.accounts import Account
from neural_memory_pipelines.domain.events import SourceEvent
from neural_memory_pipelines.errors import InvalidEventError
from neural_memory_pipelines.sources.linear.accounts import actor_account
from neural_memory_pipelines.sources.linear.payloads import Actor, Key, time_of

OBSERVED = "observed"
REMOVE = "remove"
RESTORE = "restore"
VERBS = frozenset({"create", "update", REMOVE, RESTORE, OBSERVED})

_SHOWN_LIMIT_CHARS = 60
_SHOWN_LIMIT_NUMBER = 10**_SHOWN_LIMIT_CHARS
_ModelT = TypeVar("_ModelT", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Reading:
    """A payload, opened.

    Attributes:
        verb: one of `VERBS`.
        occurred_at: when the event happened.
        subject: the object that it is about.
        path: where that stands, for messages.
        url: the object's address, as far as the payload around it says.
        accounts: who acted, if the payload says so.
        comes_back: the event brings back what was archived or in the bin.
    """

    verb: str
    occurred_at: datetime
    subject: Mapping[str, Any]
    path: str
    url: str | None
    accounts: tuple[Account, ...]
    comes_back: bool

    def read(self, model: type[_ModelT]) -> _ModelT:
        """Read the object.

        Raises:
            InvalidEventError: a field is missing or wrong; the message gives its path.
        """
        return read_model(model, self.subject, self.path)

    def is_gone(self, key: Key) -> bool:
        """Tell whether the event takes the object away: it was removed, archived, or put into the bin."""
        return self.verb == REMOVE or (self.verb != RESTORE and (key.is_put_away or bool(key.trashed)))

    def gone_at(self, key: Key) -> datetime:
        """Tell from when on the object is gone. Archiving need not touch an object's own time of update."""
        return max(moment for moment in (self.occurred_at, key.updated_at, key.archived_at) if moment is not None)

    def holds_at(self, updated_at: datetime) -> datetime:
        """Tell as of when the object's description holds. Coming back need not touch its own time of update."""
        return max(updated_at, self.occurred_at) if self.comes_back else updated_at


def open_payload(event: SourceEvent) -> Reading:
    """Find the object that an event is about, be it in a webhook or bare, as the API returns it.

    Raises:
        InvalidEventError: there is none, or who acted cannot be read.
    """
    payload, verb = event.payload, event.action.partition(".")[2]
    if not isinstance(payload, Mapping):
        raise InvalidEventError(f"payload: expected an object, got {_json_type(payload)}")
    if is_bare(payload):
        return Reading(verb, event.occurred_at, payload, "payload", None, (), verb == RESTORE)
    if "data" not in payload:
        raise InvalidEventError("payload.data: required, but missing")
    subject, actor, url = payload["data"], payload.get("actor"), payload.get("url")
    if not isinstance(subject, Mapping):
        raise InvalidEventError(f"payload.data: expected an object, got {_json_type(subject)}")
    who = actor_account(read_model(Actor, actor, "payload.actor")) if actor is not None else None
    return Reading(
        verb=verb,
        occurred_at=event.occurred_at,
        subject=subject,
        path="payload.data",
        url=url if isinstance(url, str) else None,
        accounts=(who,) if who else (),
        comes_back=verb == RESTORE or _was_away(payload.get("updatedFrom")),
    )


def is_bare(payload: Mapping[str, Any]) -> bool:
    """Tell an object of the API from a webhook, which wraps its object and has no id of its own."""
    return "data" not in payload and "id" in payload


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


def read_time(value: object, path: str) -> datetime:
    """Read an ISO 8601 time with an offset.

    Raises:
        InvalidEventError: it is something else.
    """
    try:
        return time_of(value)
    except ValueError as error:
        raise InvalidEventError(f"{path}: expected {error}, got {_shown(value)}") from error


def _was_away(updated_from: object) -> bool:
    return isinstance(updated_from, Mapping) and bool(updated_from.get("archivedAt") or updated_from.get("trashed"))


_EXPECTED = {
    "float_type": "a number",
    "string_type": "a string",
    "string_unicode": "a string without lone surrogates",
    "string_too_short": "a string that is not empty",
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
        return f"{path}: expected {_EXPECTED[first['type']]}, got {_json_type(first['input'])}"
    expected = first["msg"].removeprefix("Value error, ").removeprefix("Input should be ")
    return f"{path}: expected {expected}, got {_shown(first['input'])}"


def _json_type(value: object) -> str:
    if value is None:
        return "null"
    names = {bool: "a boolean", int: "an integer", float: "a fraction", str: "a string", list: "an array"}
    return names.get(type(value), "an object")


def _shown(value: object) -> str:
    """Show a scalar as it is, cut short, and name the type of anything else."""
    if isinstance(value, str):
        return ascii(value[:_SHOWN_LIMIT_CHARS])
    if isinstance(value, float) or (type(value) is int and abs(value) < _SHOWN_LIMIT_NUMBER):
        return str(value)
    return _json_type(value)

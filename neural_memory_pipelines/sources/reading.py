"""Reading payloads: what was expected at which place, and what stands there instead, in the same words for all sources.

Which objects a system sends, and what they mean for the memory, is up to that system's own modules.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NoReturn, TypeAlias, TypeVar

from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic_core import PydanticCustomError

from neural_memory_pipelines.errors import InvalidEventError
from neural_memory_pipelines.sources.models import time_of

_SHOWN_STEPS = 24
_SHOWN_CHARS = 60
_SHOWN_BITS = 64
_BELOW = "below"

_ModelT = TypeVar("_ModelT", bound=BaseModel)
_ValueT = TypeVar("_ValueT")


@dataclass(frozen=True, slots=True)
class Spot:
    """A place in a payload, as a chain from the inside out: blocks nest thousands deep, and few paths are shown."""

    step: str | int
    above: Spot | None = None

    def at(self, step: str | int) -> Spot:
        """Step inside, by a key or an index."""
        return Spot(step, self)

    def __str__(self) -> str:
        """Spell the path; the middle of a very long one is left out."""
        steps: list[str | int] = []
        here: Spot | None = self
        while here is not None:
            steps.append(here.step)
            here = here.above
        root, *inner = reversed(steps)
        shown = "".join(
            f"[{step}]" if isinstance(step, int) else f".{step[:_SHOWN_CHARS]}" for step in inner[-_SHOWN_STEPS:]
        )
        return f"{root}{shown}" if len(inner) <= _SHOWN_STEPS else f"{root}...{shown}"


PAYLOAD = Spot("payload")

Where: TypeAlias = str | Spot
"""Where a value stands in a payload: its path as a text, or a spot that can spell it."""


def read_object(value: object, path: Where) -> Mapping[str, Any]:
    """Read an object of a payload as it is.

    Raises:
        InvalidEventError: it is something else.
    """
    if not isinstance(value, Mapping):
        raise InvalidEventError(f"{path}: expected an object, got {json_type(value)}")
    return value


def read_array(value: object, path: Where) -> Sequence[Any]:
    """Read an array of a payload as it is.

    Raises:
        InvalidEventError: it is something else.
    """
    if not isinstance(value, list | tuple):
        raise InvalidEventError(f"{path}: expected an array, got {json_type(value)}")
    return value


def read_model(model: type[_ModelT], value: object, path: Where) -> _ModelT:
    """Read one object of a payload.

    Raises:
        InvalidEventError: a field is missing or wrong; the message gives its path.
    """
    told = read_object(value, path)
    try:
        return model.model_validate(told if isinstance(told, dict) else dict(told))
    except ValidationError as error:
        _refuse(error, path)


def read_value(shape: TypeAdapter[_ValueT], value: object, path: Where) -> _ValueT:
    """Read a value of any shape.

    Raises:
        InvalidEventError: it, or something in it, is wrong; the message gives its path.
    """
    try:
        return shape.validate_python(value)
    except ValidationError as error:
        _refuse(error, path)


def read_time(value: object, path: Where) -> datetime:
    """Read an ISO 8601 time with an offset, as UTC.

    Raises:
        InvalidEventError: it is something else.
    """
    try:
        return time_of(value)
    except ValueError as error:
        raise InvalidEventError(f"{path}: expected {error}, got {shown(value)}") from error


def member(value: Mapping[str, Any], key: str, path: Where) -> object:
    """Take a member of an object.

    Raises:
        InvalidEventError: there is none of this name.
    """
    if key not in value:
        raise InvalidEventError(f"{path}.{key}: required, but missing")
    return value[key]


def fault_below(field: str, fault: str) -> PydanticCustomError:
    """Make the error by which a validator of a whole object says what is wrong with one field of it.

    Args:
        field: its path from the object on, such as `files[3].path`.
        fault: what the message says of it.
    """
    return PydanticCustomError(_BELOW, "{fault}", {"field": field, "fault": fault})


def json_type(value: object) -> str:
    """Name the type of a JSON value."""
    if value is None:
        return "null"
    names = {bool: "a boolean", int: "an integer", float: "a fraction", str: "a string", list: "an array"}
    return names.get(type(value), "an object")


def shown(value: object) -> str:
    """Show a scalar as it is, cut short, and name the type of anything else."""
    if isinstance(value, str):
        return ascii(value[:_SHOWN_CHARS])
    if isinstance(value, float) or (type(value) is int and value.bit_length() <= _SHOWN_BITS):
        return ascii(value)
    return "a huge integer" if type(value) is int else json_type(value)


_EXPECTED = {
    "int_type": "an integer",
    "float_type": "a number",
    "string_type": "a string",
    "string_unicode": "a string without lone surrogates",
    "string_too_short": "a string that is not empty",
    "bool_type": "true or false",
    "list_type": "an array",
    "tuple_type": "an array",
    "dict_type": "an object",
    "model_type": "an object",
}


def _refuse(error: ValidationError, path: Where) -> NoReturn:
    """Say what is wrong first, for what follows may come of it."""
    fault = error.errors(include_url=False)[0]
    spot = path if isinstance(path, Spot) else Spot(path)
    for step in fault["loc"]:
        spot = spot.at(step)
    kind, told = fault["type"], fault["input"]
    if kind == "missing":
        raise InvalidEventError(f"{spot}: required, but missing") from error
    if kind == _BELOW:
        raise InvalidEventError(f"{spot}.{fault['ctx']['field']}: {fault['msg']}") from error
    if kind in _EXPECTED:
        raise InvalidEventError(f"{spot}: expected {_EXPECTED[kind]}, got {json_type(told)}") from error
    expected = fault["msg"].removeprefix("Value error, ").removeprefix("Input should be ")
    raise InvalidEventError(f"{spot}: expected {expected}, got {shown(told)}") from error

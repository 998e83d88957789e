"""Reading JSON with its place: every fault of a payload is told by the path at which it stands.

Which objects there are is said in `payloads.py`; what they mean to the memory is decided elsewhere.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn, TypeVar

from pydantic import BaseModel, TypeAdapter, ValidationError

from neural_memory_pipelines.errors import InvalidEventError

_SHOWN_STEPS = 24
_SHOWN_CHARS = 60

_ValueT = TypeVar("_ValueT")
_ModelT = TypeVar("_ModelT", bound=BaseModel)


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


def read_model(model: type[_ModelT], value: object, spot: Spot) -> _ModelT:
    """Read one object.

    Raises:
        InvalidEventError: a field is missing or wrong; the message gives its path.
    """
    try:
        return model.model_validate(dict(read_mapping(value, spot)))
    except ValidationError as error:
        _refuse(error, spot)


def read_value(shape: TypeAdapter[_ValueT], value: object, spot: Spot) -> _ValueT:
    """Read a value of any shape.

    Raises:
        InvalidEventError: it, or something in it, is wrong; the message gives its path.
    """
    try:
        return shape.validate_python(value)
    except ValidationError as error:
        _refuse(error, spot)


def read_mapping(value: object, spot: Spot) -> Mapping[str, Any]:
    """Check that a value is an object.

    Raises:
        InvalidEventError: it is not.
    """
    if not isinstance(value, Mapping):
        raise InvalidEventError(f"{spot}: expected an object, got {json_type(value)}")
    return value


def read_array(value: object, spot: Spot) -> Sequence[Any]:
    """Check that a value is an array.

    Raises:
        InvalidEventError: it is not.
    """
    if not isinstance(value, list | tuple):
        raise InvalidEventError(f"{spot}: expected an array, got {json_type(value)}")
    return value


def json_type(value: object) -> str:
    """Name the type of a JSON value."""
    if value is None:
        return "null"
    names = {bool: "a boolean", int: "an integer", float: "a fraction", str: "a string", list: "an array"}
    return names.get(type(value), "an object")


_EXPECTED = {
    "int_type": "an integer",
    "float_type": "a number",
    "string_type": "a string",
    "string_unicode": "a string without lone surrogates",
    "string_too_short": "a string that is not empty",
    "bool_type": "true or false",
    "list_type": "an array",
    "dict_type": "an object",
    "model_type": "an object",
}


def _refuse(error: ValidationError, spot: Spot) -> NoReturn:
    fault = error.errors(include_url=False)[0]
    for step in fault["loc"]:
        spot = spot.at(step)
    if fault["type"] == "missing":
        raise InvalidEventError(f"{spot}: required, but missing") from error
    if fault["type"] in _EXPECTED:
        expected, got = _EXPECTED[fault["type"]], json_type(fault["input"])
        raise InvalidEventError(f"{spot}: expected {expected}, got {got}") from error
    expected = fault["msg"].removeprefix("Value error, ").removeprefix("Input should be ")
    raise InvalidEventError(f"{spot}: expected {expected}, got {_shown(fault['input'])}") from error


def _shown(value: object) -> str:
    """Show a text cut short, and name the type of anything else: a number may have too many digits to be shown."""
    return ascii(value[:_SHOWN_CHARS]) if isinstance(value, str) else json_type(value)

"""The vendor's metadata filter language, read into a predicate. It knows no store.

Source: https://docs.pinecone.io/guides/search/filter-by-metadata
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from typing import Any

from .refusals import RefusalError

Metadata = Mapping[str, Any]
Predicate = Callable[[Metadata], bool]

MAX_LISTED_VALUES = 10_000

_COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "$gt": operator.gt,
    "$gte": operator.ge,
    "$lt": operator.lt,
    "$lte": operator.le,
}


def read_filter(expression: object) -> Predicate:
    """Return the predicate of a filter expression; an empty one lets all pass.

    Raises:
        RefusalError: the expression is not in the language.
    """
    if not isinstance(expression, dict):
        raise RefusalError(400, "Invalid filter: expected an object")
    return _all_of([_read_entry(key, value) for key, value in expression.items()])


def _read_entry(key: str, value: object) -> Predicate:
    if key in {"$and", "$or"}:
        if not isinstance(value, list) or not value:
            raise RefusalError(400, f"Invalid filter: {key} must be a non-empty list of expressions")
        parts = [read_filter(part) for part in value]
        return _all_of(parts) if key == "$and" else lambda metadata: any(part(metadata) for part in parts)
    if key.startswith("$"):
        raise RefusalError(400, f"Invalid filter: {key} is not a valid operator at this level")
    if not isinstance(value, dict):
        return _read_condition(key, "$eq", value)
    if not value:
        raise RefusalError(400, f"Invalid filter: no condition for field '{key}'")
    return _all_of([_read_condition(key, name, operand) for name, operand in value.items()])


def _read_condition(field: str, name: str, operand: Any) -> Predicate:
    if name in {"$eq", "$ne"}:
        _check_scalar(field, operand)
        return _when(name == "$eq", lambda metadata: _holds(metadata.get(field), operand))
    if name in {"$in", "$nin"}:
        _check_listed(field, name, operand)
        return _when(name == "$in", lambda metadata: any(_holds(metadata.get(field), item) for item in operand))
    if name in _COMPARISONS:
        return _comparison(field, name, operand)
    if name == "$exists" and isinstance(operand, bool):
        return lambda metadata: (field in metadata) is operand
    raise RefusalError(400, f"Invalid filter: {name} is not a valid operator for field '{field}'")


def _comparison(field: str, name: str, operand: Any) -> Predicate:
    if not _is_number(operand):
        raise RefusalError(400, f"Invalid filter: the {name} operator must be followed by a number for field '{field}'")
    compare = _COMPARISONS[name]
    return lambda metadata: _is_number(metadata.get(field)) and compare(metadata[field], operand)


def _check_listed(field: str, name: str, operand: object) -> None:
    if not isinstance(operand, list) or len(operand) > MAX_LISTED_VALUES:
        raise RefusalError(
            400, f"Invalid filter: {name} must be a list of at most {MAX_LISTED_VALUES} values for field '{field}'"
        )
    for item in operand:
        _check_scalar(field, item)


def _check_scalar(field: str, operand: object) -> None:
    if not isinstance(operand, (str, int, float)):
        raise RefusalError(400, f"Invalid filter: illegal condition for field '{field}', got {operand!r}")


def _holds(stored: object, wanted: object) -> bool:
    """Tell whether a field has a value; a list of strings has each of its members."""
    if isinstance(stored, list):
        return wanted in stored
    # True is 1 for Python, and not for the vendor.
    return isinstance(stored, bool) is isinstance(wanted, bool) and stored == wanted


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _when(expected: bool, predicate: Predicate) -> Predicate:
    return predicate if expected else lambda metadata: not predicate(metadata)


def _all_of(parts: list[Predicate]) -> Predicate:
    return lambda metadata: all(part(metadata) for part in parts)

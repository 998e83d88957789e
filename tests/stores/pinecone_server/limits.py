"""The vendor's limits on names, ids, sizes and values, each with the vendor's sentence. What a schema says is not here.

Source: https://docs.pinecone.io/reference/api/database-limits
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from .refusals import RefusalError

MAX_UPSERT_RECORDS = 1_000
MAX_REQUEST_BYTES = 2 * 1024 * 1024
MAX_ANSWER_BYTES = 4 * 1024 * 1024
MAX_DELETE_IDS = 1_000
MAX_FETCH_IDS = 1_000
MAX_PAGE_ITEMS = 100
MAX_TOP_K = 10_000
MAX_DIMENSION = 20_000
MAX_NAME_CHARACTERS = 512
MAX_METADATA_BYTES = 40 * 1024

_MAX_FLOAT32 = (2 - 2**-23) * 2.0**127
_INDEX_NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,43}[a-z0-9])?")


def check_index_name(name: str) -> None:
    """Refuse a name that is not 1-45 of a-z, 0-9 and hyphen, or has a hyphen at an end."""
    if not _INDEX_NAME.fullmatch(name):
        raise RefusalError(
            400,
            "Index name must be 1-45 characters of lowercase alphanumerics and hyphens, "
            f"and must not begin or end with a hyphen: {name!r}",
        )


def check_name(kind: str, name: object) -> str:
    """Return a record id or a namespace, or refuse it: 1-512 ASCII characters, no NUL."""
    if not isinstance(name, str) or not 1 <= len(name) <= MAX_NAME_CHARACTERS:
        raise RefusalError(400, f"{kind} must be a string of length 1 to {MAX_NAME_CHARACTERS}")
    if not name.isascii() or "\x00" in name:
        raise RefusalError(400, f"{kind} must be ASCII without null characters, but got {name!r}")
    return name


def check_count(kind: str, items: Sequence[object], *, most: int) -> None:
    """Refuse no items, or more than `most`."""
    if not items:
        raise RefusalError(400, f"At least one of {kind} is required")
    if len(items) > most:
        raise RefusalError(400, f"Request has {len(items)} {kind}, which exceeds the limit of {most}")


def check_range(kind: str, number: object, *, most: int) -> int:
    """Return a number from 1 to `most`, or refuse it."""
    if type(number) is not int or not 1 <= number <= most:
        raise RefusalError(400, f"{kind} must be between 1 and {most}, got {number!r}")
    return number


def check_body_bytes(size_bytes: int) -> None:
    """Refuse a body over 2 MB."""
    if size_bytes > MAX_REQUEST_BYTES:
        raise _too_large(413, size_bytes, most_bytes=MAX_REQUEST_BYTES)


def check_answer_bytes(size_bytes: int) -> None:
    """Refuse a query whose answer is over 4 MB."""
    if size_bytes > MAX_ANSWER_BYTES:
        raise _too_large(400, size_bytes, most_bytes=MAX_ANSWER_BYTES)


def check_values(values: object, *, dimension: int, owner: str) -> list[float]:
    """Return the numbers of a vector, or refuse a wrong dimension and anything that is not a finite number."""
    if not isinstance(values, list) or not all(type(value) in {int, float} for value in values):
        raise RefusalError(400, f"{owner}: vector values must be numbers")
    if len(values) != dimension:
        raise RefusalError(400, f"Vector dimension {len(values)} does not match the dimension of the index {dimension}")
    if not all(-_MAX_FLOAT32 <= value <= _MAX_FLOAT32 for value in values):
        raise RefusalError(400, f"{owner}: vector values must be finite 32-bit floats")
    return values


def check_not_zero(values: Sequence[float], record_id: str) -> None:
    """Refuse a vector of zeros only."""
    if not any(values):
        raise RefusalError(
            400,
            f"Dense vectors must contain at least one non-zero value. Vector ID '{record_id}' contains only zeros",
        )


def check_metadata(metadata: Mapping[str, Any]) -> None:
    """Refuse null, nested values, lists of anything but strings, reserved keys and more than 40 KB."""
    for field, value in metadata.items():
        if field.startswith("$"):
            raise RefusalError(400, f"Metadata keys must not start with '$', got '{field}'")
        if not _is_metadata_value(value):
            raise RefusalError(
                400,
                "Metadata value must be a string, number, boolean or list of strings, "
                f"got '{json.dumps(value)[:20]}' for field '{field}'",
            )
    size_bytes = len(json.dumps(metadata, ensure_ascii=False, separators=(",", ":")).encode())
    if size_bytes > MAX_METADATA_BYTES:
        raise RefusalError(
            400,
            f"metadata size is {size_bytes} bytes, which exceeds the limit of {MAX_METADATA_BYTES} bytes per vector",
        )


def _is_metadata_value(value: object) -> bool:
    if isinstance(value, list):
        return all(isinstance(item, str) for item in value)
    if isinstance(value, (int, float)):
        return -sys.float_info.max <= value <= sys.float_info.max
    return isinstance(value, str)


def _too_large(status: int, size_bytes: int, *, most_bytes: int) -> RefusalError:
    return RefusalError(
        status, f"Error, message length too large: found {size_bytes} bytes, the limit is: {most_bytes} bytes"
    )

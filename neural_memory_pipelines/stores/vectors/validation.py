"""What may enter a vector index, checked before a byte is sent: names, ids, vectors, metadata.

The limits are those that every index here can keep; what one store alone demands belongs in its adapter.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from neural_memory_pipelines.errors import ConfigurationError, PermanentError
from neural_memory_pipelines.stores.vectors.protocol import METADATA_LIMIT_BYTES, MetadataValue, VectorRecord

DIM_LIMIT = 16_000
"""Most dimensions that pgvector stores; Pinecone takes 20,000."""

NAME_LIMIT_CHARS = 512
"""Most characters of an id or a namespace."""

_INDEX_NAME = re.compile(r"[a-z0-9-]{1,45}")
_PRINTABLE_ASCII = re.compile(r"[\x20-\x7e]+")
_EXACT_INTEGER_LIMIT = 2**53  # indexes hold numbers as 64-bit floats
_CHECKED_ROWS = 512  # bounds the copy that checking vectors makes

_encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode


def check_index(index: str, *, dim: int) -> None:
    """Check the name and dimension of an index that is about to be created.

    Raises:
        ConfigurationError: the name is not 1-45 characters of a-z, 0-9 and hyphen, or dim is not in 1..16,000.
    """
    if not _INDEX_NAME.fullmatch(index):
        raise ConfigurationError(f"index name {index!r}: expected 1-45 characters of a-z, 0-9 and hyphen")
    if not 1 <= dim <= DIM_LIMIT:
        raise ConfigurationError(f"index {index}: dimension {dim} is not in 1..{DIM_LIMIT:,}")


def check_namespace(namespace: str) -> None:
    """Check a namespace.

    Raises:
        PermanentError: it is not 1-512 printable ASCII characters.
    """
    _check_name("namespace", namespace)


def check_records(records: Sequence[VectorRecord], *, dim: int) -> list[str]:
    """Check every record, all of them before any is sent.

    Returns:
        The metadata of each record as compact JSON, in their order.

    Raises:
        PermanentError: an id, a vector or metadata is not legal; the message names the id and the field.
    """
    spelled = []
    for record in records:
        _check_name("vector id", record.id)
        if record.values.shape != (dim,):
            raise PermanentError(f"vector {record.id!r}: shape {record.values.shape}, the index expects ({dim},)")
        spelled.append(_spell_metadata(record.id, record.metadata))
    for start in range(0, len(records), _CHECKED_ROWS):
        _check_values(records[start : start + _CHECKED_ROWS])
    return spelled


def check_query(vector: npt.NDArray[np.float32], *, dim: int, top_k: int) -> None:
    """Check what is asked of an index.

    Raises:
        PermanentError: the vector has another shape, is not finite or has no direction, or top_k is below 1.
    """
    if vector.shape != (dim,):
        raise PermanentError(f"query vector: shape {vector.shape}, the index expects ({dim},)")
    if top_k < 1:
        raise PermanentError(f"top_k is {top_k}, expected at least 1")
    fault = _fault_of(vector)
    if fault:
        raise PermanentError(f"query vector: {fault}")


def check_where(where: Mapping[str, MetadataValue]) -> None:
    """Check a filter: the same types as metadata, and no empty list.

    Raises:
        PermanentError: a key or a value can match nothing; the message names the key.
    """
    for key, value in where.items():
        fault = _key_fault(key) or _value_fault(value)
        if not fault and value == []:
            fault = "is an empty list, which asks for nothing"
        if fault:
            raise PermanentError(f"where, field {key!r}: {fault}")


def spell_json(value: Mapping[str, MetadataValue]) -> str:
    """Write metadata as compact JSON."""
    return _encode(dict(value))


def _check_name(what: str, name: str) -> None:
    if not _PRINTABLE_ASCII.fullmatch(name) or len(name) > NAME_LIMIT_CHARS:
        shown = repr(name[:80]) + ("..." if len(name) > 80 else "")
        raise PermanentError(f"{what} {shown}: expected 1-{NAME_LIMIT_CHARS} printable ASCII characters")


def _check_values(records: Sequence[VectorRecord]) -> None:
    matrix = np.stack([record.values for record in records]).astype(np.float32, copy=False)
    # One pass clears all that is well; what is not (including a square beyond float32) is looked at one by one.
    with np.errstate(over="ignore"):
        squares = np.einsum("ij,ij->i", matrix, matrix)
    for position in map(int, np.flatnonzero(~((squares > 0) & np.isfinite(squares)))):
        fault = _fault_of(matrix[position])
        if fault:
            raise PermanentError(f"vector {records[position].id!r}: {fault}")


def _fault_of(vector: npt.NDArray[np.float32]) -> str | None:
    if not np.isfinite(vector).all():
        return f"value {int(np.flatnonzero(~np.isfinite(vector))[0])} is not finite"
    # Stores compute the norm in float32, where squares of tiny values are zero and of huge ones infinite.
    with np.errstate(over="ignore"):
        square = float(np.sum(np.square(vector, dtype=np.float32)))
    if square == 0:
        return "all values are zero or too small to have a direction"
    return None if math.isfinite(square) else "its values are too large to have a norm"


def _spell_metadata(record_id: str, metadata: Mapping[str, MetadataValue]) -> str:
    for key, value in metadata.items():
        fault = _key_fault(key) or _value_fault(value)
        if fault:
            raise PermanentError(f"vector {record_id!r}, metadata field {key!r}: {fault}")
    spelled = spell_json(metadata)
    size_bytes = len(spelled.encode())
    if size_bytes > METADATA_LIMIT_BYTES:
        largest = max(metadata, key=lambda key: len(_encode(metadata[key])))
        raise PermanentError(
            f"vector {record_id!r}: metadata of {size_bytes} bytes, at most {METADATA_LIMIT_BYTES} are legal; "
            f"the largest field is {largest!r}"
        )
    return spelled


def _key_fault(key: object) -> str | None:
    if not isinstance(key, str) or not key or key.startswith("$"):
        return "expected a key that is a text, not empty, and does not start with $"
    return _text_fault(key)


def _value_fault(value: object) -> str | None:
    if isinstance(value, str):
        return _text_fault(value)
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return None if abs(value) <= _EXACT_INTEGER_LIMIT else f"{value} is beyond 2**53 and would be rounded"
    if isinstance(value, float):
        return None if math.isfinite(value) else f"{value} is not finite"
    if isinstance(value, list):
        return _list_fault(value)
    return f"expected text, number, bool or list of texts, got {type(value).__name__}"


def _list_fault(values: list[object]) -> str | None:
    for value in values:
        if not isinstance(value, str):
            return f"expected a list of texts, found {type(value).__name__} in it"
        fault = _text_fault(value)
        if fault:
            return fault
    return None


def _text_fault(text: str) -> str | None:
    if text.isascii():
        return "holds a NUL character" if "\x00" in text else None
    if "\x00" in text or any("\ud800" <= char <= "\udfff" for char in text):
        return "holds a NUL or half a surrogate pair, which is no text"
    return None

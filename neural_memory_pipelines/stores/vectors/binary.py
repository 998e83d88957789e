"""pgvector's binary format, which costs a tenth of the client time that printing floats does.

Statements and connections are elsewhere.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
from psycopg.adapt import Buffer, Dumper
from psycopg.pq import Format
from sqlalchemy import Connection


@dataclass(frozen=True, slots=True)
class BinaryParameter:
    """A parameter that is spelled already. Its type is left to the cast that the statement must put around it."""

    data: Buffer = field(repr=False)


class _BinaryDumper(Dumper):
    format = Format.BINARY

    def dump(self, obj: BinaryParameter) -> Buffer:
        return obj.data


def accept_binary(connection: Connection) -> None:
    """Teach a connection to send `BinaryParameter`; needed once for each checkout from the pool."""
    driver_connection: Any = connection.connection.driver_connection
    driver_connection.adapters.register_dumper(BinaryParameter, _BinaryDumper)


def encode_vector(vector: npt.NDArray[np.float32]) -> BinaryParameter:
    """Spell a `vector`: its dimension, an unused number, and the values, big-endian."""
    return BinaryParameter(struct.pack(">HH", len(vector), 0) + vector.astype(">f4").tobytes())


def encode_vectors(vectors: Sequence[npt.NDArray[np.float32]], *, vector_oid: int) -> BinaryParameter:
    """Spell a `vector[]`: the header of an array, then a length and a vector each.

    Args:
        vectors: at least one, each of shape (dim,).
        vector_oid: the number of the type `vector`, which differs between databases.
    """
    values = np.stack(vectors)
    count, dim = values.shape
    row = np.dtype([("length", ">i4"), ("dim", ">u2"), ("unused", ">u2"), ("values", ">f4", (dim,))])
    header = struct.pack(">iiIii", 1, 0, vector_oid, count, 1)  # one dimension, no nulls, counted from 1
    encoded = bytearray(len(header) + count * row.itemsize)
    encoded[: len(header)] = header
    rows = np.frombuffer(encoded, dtype=row, offset=len(header))
    rows["length"] = row.itemsize - 4
    rows["dim"] = dim
    rows["values"] = values
    return BinaryParameter(encoded)

"""Vectors as Pinecone takes them: rounded, in batches that fit a request.

Nothing is sent here.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import orjson

from neural_memory_pipelines.stores.vectors.protocol import VectorRecord

REQUEST_BYTES = 1_950_000
"""Most bytes of a request body; the vendor allows 2 MB.

Source: docs.pinecone.io/reference/api/database-limits/operation-limits
"""

BATCH_RECORDS = 1_000
"""Most records of a request, by the same page."""

_DECIMALS = 6  # half a unit of it is 20 times less than what moves a cosine in its sixth place, and digits are bytes
_UNIT_TOLERANCE = 1e-3
_ROWS_AT_ONCE = 128  # bounds the numbers that are held as Python objects, 32 bytes each

WireRecord = dict[str, Any]


def unit_rows(rows: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
    """Scale what is far from unit length to it; the metric is cosine, so nothing changes but what rounding takes.

    Args:
        rows: shape (n, dim), each with a direction.

    Returns:
        The same shape; rows of about unit length are as they were.
    """
    wide = rows.astype(np.float64)
    lengths = np.linalg.norm(wide, axis=1, keepdims=True)
    scaled: npt.NDArray[np.float64] = wide / np.where(np.abs(lengths - 1) < _UNIT_TOLERANCE, 1.0, lengths)
    return scaled


def spell_batches(
    records: Sequence[VectorRecord], *, namespace: str, request_bytes: int = REQUEST_BYTES
) -> Iterator[list[WireRecord]]:
    """Spell records for the wire, in as few requests as the limits allow. Lazy: holds one batch.

    Sizes are measured with the encoder that the SDK uses, on what it will encode.

    Args:
        records: legal ones, each id once.
        namespace: it is part of each request.
        request_bytes: most bytes of a request body; a single record may be larger.
    """
    room_bytes = request_bytes - len(orjson.dumps({"vectors": [], "namespace": namespace}))
    batch: list[WireRecord] = []
    used_bytes = 0
    for record in _spell(records):
        size_bytes = len(orjson.dumps(record)) + len(",")
        if batch and (used_bytes + size_bytes > room_bytes or len(batch) == BATCH_RECORDS):
            yield batch
            batch, used_bytes = [], 0
        batch.append(record)
        used_bytes += size_bytes
    if batch:
        yield batch


def _spell(records: Sequence[VectorRecord]) -> Iterator[WireRecord]:
    for start in range(0, len(records), _ROWS_AT_ONCE):
        some = records[start : start + _ROWS_AT_ONCE]
        rows = np.round(unit_rows(np.stack([record.values for record in some])), _DECIMALS)
        for record, values in zip(some, rows.tolist(), strict=True):
            yield {"id": record.id, "values": values, "metadata": dict(record.metadata)}

"""Vectors that carry spelling: hashed counts of 3- to 5-grams, the same on every machine. Knows no meaning.

Texts that share words are near each other; another space of vectors has nothing to do with the first.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

_SIZES = (3, 4, 5)
_RADIX = np.uint64(0x100000001B3)
_SPREAD = np.uint64(0x9E3779B97F4A7C15)
_UPPER_HALF = np.uint64(32)
_ROLE_WEIGHT = 0.15  # a question and a document of the same words have a cosine of about 0.98


def embed(texts: Sequence[str], *, space: str, whole_dim: int, dim: int, role: str) -> list[list[float]]:
    """Give one vector a text: the first `dim` numbers of a vector of length 1 and `whole_dim` dimensions."""
    tilt = _ROLE_WEIGHT * _unit(_sums(role, space=f"{space}:role", dim=whole_dim))
    vectors = np.stack([_unit(_unit(_sums(text, space=space, dim=whole_dim)) + tilt) for text in texts])
    return np.round(vectors[:, :dim], 7).tolist()  # type: ignore[no-any-return]  # numpy knows no nesting of lists


def _sums(text: str, *, space: str, dim: int) -> npt.NDArray[np.float64]:
    """Add +1 or -1 per n-gram, by its hash, to the dimension that its hash names; damped by the square root."""
    codes = np.frombuffer(f" {text.lower()} ".encode("utf-8", "replace"), dtype=np.uint8).astype(np.uint64)
    counts = np.zeros(2 * dim, dtype=np.int64)
    for size in _SIZES:
        starts = len(codes) - size + 1
        if starts < 1:
            continue
        hashes = np.full(starts, zlib.crc32(f"{space}:{size}".encode()), dtype=np.uint64)
        for offset in range(size):
            hashes = (hashes ^ codes[offset : offset + starts]) * _RADIX
        cells = ((hashes * _SPREAD) >> _UPPER_HALF) % np.uint64(2 * dim)
        counts += np.bincount(cells.astype(np.int64), minlength=2 * dim)
    sums = (counts[:dim] - counts[dim:]).astype(np.float64)
    return np.sign(sums) * np.sqrt(np.abs(sums))


def _unit(vector: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    length = float(np.linalg.norm(vector))
    return vector / length if length else np.eye(1, len(vector))[0]

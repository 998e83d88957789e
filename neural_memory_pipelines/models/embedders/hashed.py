"""An embedder without weights: signed hashed counts of character n-grams, for tests and benchmarks.

Knows spelling, not meaning. Bit-for-bit the same vectors on every machine; no model file, no state.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from neural_memory_pipelines.models.embedders.limits import refuse_too_long
from neural_memory_pipelines.models.embedders.protocol import InputRole, Vectors
from neural_memory_pipelines.models.embedders.specs import HASHED

_BYTES_PER_TOKEN = 4
_TEXTS_PER_PASS = 8  # the counters of one pass (9 x 3072 x 8 bytes) stay in a core's second-level cache
_NGRAM_SIZES = (3, 4, 5)
_CELLS = 2 * HASHED.dim  # per text: a counter for +1 and one for -1 in each dimension

# A space before each text marks the border of its first word. The four after it fill the n-grams of its last one;
# no n-gram starts in them, so none reaches into the next text.
_FRONT = b" "
_BACK = b" " * (_NGRAM_SIZES[-1] - 1)
_WHITESPACE_TO_SPACE = bytes.maketrans(b"\x00\t\n\x0b\x0c\r", b" " * 6)

_RADIX = np.uint32(0x01000193)
_SPREAD = np.uint32(0x9E3779B1)
_HALF_BITS = np.uint32(16)


class HashedEmbedder:
    """Signed feature hashing of the 3- to 5-grams of lower-cased UTF-8 bytes, square-root damped, unit length.

    Each n-gram adds +1 or -1, by its hash, to the dimension that its hash names; a dimension's sum s becomes
    sign(s) * sqrt(|s|). Square root and division are exactly rounded by IEEE 754, a logarithm is not.

    Source:
        Weinberger, Dasgupta, Langford, Smola, Attenberg: Feature Hashing for Large Scale Multitask Learning,
        ICML 2009 (the signed hash); Perronnin, Sanchez, Mensink: Improving the Fisher Kernel, ECCV 2010 (the root).
    """

    model = HASHED.model
    dim = HASHED.dim
    max_tokens = HASHED.max_tokens
    batch_size = 256
    workers = 1
    billed_tokens = 0

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Count one token per four UTF-8 bytes begun: about the English average of subword tokenizers."""
        return [-(-_utf8_length_bytes(text) // _BYTES_PER_TOKEN) for text in texts]

    def embed(self, texts: Sequence[str], *, role: InputRole) -> Vectors:
        """Embed texts, in their order; see `Embedder.embed`. Both roles give the same vector."""
        del role
        refuse_too_long(self.count_tokens(texts), model=self.model, max_tokens=self.max_tokens)
        vectors = np.empty((len(texts), HASHED.dim), dtype=np.float32)
        counter = _NgramCounter()
        for start in range(0, len(texts), _TEXTS_PER_PASS):
            stop = start + _TEXTS_PER_PASS
            encoded = [text.lower().encode("utf-8", "replace") for text in texts[start:stop]]
            counter.sum_signs(encoded, out=vectors[start:stop])
            _scale_to_unit(vectors[start:stop])
        return vectors


def _utf8_length_bytes(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode("utf-8", "replace"))


class _NgramCounter:
    """Counts the n-grams of a few texts at a time.

    Keeps its buffers: measured, the page faults of fresh ones in each pass take three times as long as the counting.
    """

    def __init__(self) -> None:
        self._reserve(1 << 14)

    def _reserve(self, positions: int) -> None:
        self._capacity = positions
        self._codes = np.empty(positions, dtype=np.uint32)
        self._hashes = np.empty(positions, dtype=np.uint32)
        self._spread = np.empty(positions, dtype=np.uint32)
        self._first_cell = np.empty(positions, dtype=np.int64)
        self._cells = np.empty(len(_NGRAM_SIZES) * positions, dtype=np.int64)

    def sum_signs(self, encoded: Sequence[bytes], *, out: Vectors) -> None:
        """Write the sums of the signs of all n-grams per text and dimension, whole numbers, shape (texts, dim)."""
        joined = _FRONT + (_BACK + _FRONT).join(encoded) + _BACK
        if len(joined) > self._capacity:
            self._reserve(2 * len(joined))
        self._codes[: len(joined)] = np.frombuffer(joined.translate(_WHITESPACE_TO_SPACE), dtype=np.uint8)
        self._assign_cells(encoded)
        cells = self._fill_cells(len(joined))
        # The last row gathers the n-grams that start between two texts.
        counts = np.bincount(cells, minlength=(len(encoded) + 1) * _CELLS).reshape(-1, 2, HASHED.dim)
        np.subtract(counts[:-1, 0], counts[:-1, 1], out=out, casting="unsafe")

    def _assign_cells(self, encoded: Sequence[bytes]) -> None:
        """Give each byte position the first counter of its text, or of the row past the last for the gaps."""
        start = 0
        for row, text in enumerate(encoded):
            gap = start + len(_FRONT) + len(text)
            self._first_cell[start:gap] = row * _CELLS
            start = gap + len(_BACK)
            self._first_cell[gap:start] = len(encoded) * _CELLS

    def _fill_cells(self, positions: int) -> npt.NDArray[np.int64]:
        """Name the counter of every n-gram: polynomial hashes, each size grown from the one below."""
        filled = 0
        self._hashes[:positions] = self._codes[:positions]
        for size in range(2, _NGRAM_SIZES[-1] + 1):
            count = positions - size + 1
            hashes = self._hashes[:count]
            hashes *= _RADIX
            hashes += self._codes[size - 1 : positions]
            if size in _NGRAM_SIZES:
                spread = _spread_over_cells(hashes, out=self._spread[:count])
                np.add(self._first_cell[:count], spread, out=self._cells[filled : filled + count])
                filled += count
        return self._cells[:filled]


def _spread_over_cells(hashes: npt.NDArray[np.uint32], *, out: npt.NDArray[np.uint32]) -> npt.NDArray[np.uint32]:
    """Map hashes to 0..2*dim-1 by the upper half of a product, which depends on every bit below it."""
    np.multiply(hashes, _SPREAD, out=out)
    out >>= _HALF_BITS
    out *= np.uint32(_CELLS)
    out >>= _HALF_BITS
    return out


def _scale_to_unit(sums: Vectors) -> None:
    """Turn sums s, in place, into sign(s) * sqrt(|s| / sum of all |s|), of length 1. A row of zeros gets axis 0."""
    magnitudes = np.abs(sums)
    totals = magnitudes.sum(axis=1, keepdims=True)
    empty = totals[:, 0] == 0
    totals[empty] = 1
    magnitudes /= totals
    np.sqrt(magnitudes, out=magnitudes)
    np.copysign(magnitudes, sums, out=sums)
    sums[empty, 0] = 1

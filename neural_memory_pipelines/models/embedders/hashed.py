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
_TEXTS_PER_PASS = 16  # measured: at 32 the arrays outgrow what the allocator keeps, and page faults triple the time
_LARGEST_NGRAM = 5
_CELLS = 2 * HASHED.dim  # per text: a counter for +1 and one for -1 in each dimension

# A space before each text marks the border of its first word. The four after it fill the n-grams of its last one;
# no n-gram starts in them, so none reaches into the next text.
_FRONT = b" "
_BACK = b" " * (_LARGEST_NGRAM - 1)
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

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Count one token per four UTF-8 bytes begun: about the English average of subword tokenizers."""
        return [-(-_utf8_length_bytes(text) // _BYTES_PER_TOKEN) for text in texts]

    def embed(self, texts: Sequence[str], *, role: InputRole) -> Vectors:
        """Embed texts, in their order; see `Embedder.embed`. Both roles give the same vector."""
        del role
        refuse_too_long(self.count_tokens(texts), model=self.model, max_tokens=self.max_tokens)
        vectors = np.empty((len(texts), HASHED.dim), dtype=np.float32)
        for start in range(0, len(texts), _TEXTS_PER_PASS):
            stop = start + _TEXTS_PER_PASS
            encoded = [text.lower().encode("utf-8", "replace") for text in texts[start:stop]]
            _scale_to_unit(_signed_sums(encoded), out=vectors[start:stop])
        return vectors


def _utf8_length_bytes(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode("utf-8", "replace"))


def _signed_sums(encoded: Sequence[bytes]) -> npt.NDArray[np.float32]:
    """Sum the signs of all n-grams per text and dimension.

    Returns:
        Whole numbers, shape (len(encoded), dim).
    """
    joined = _FRONT + (_BACK + _FRONT).join(encoded) + _BACK
    codes = np.frombuffer(joined.translate(_WHITESPACE_TO_SPACE), dtype=np.uint8).astype(np.uint32)
    first_cell = _first_cells([len(_FRONT) + len(text) for text in encoded])
    cells = np.empty((_LARGEST_NGRAM - 2) * len(codes), dtype=np.int64)
    filled = 0
    hashes = codes[:-1] * _RADIX + codes[1:]
    for size in range(3, _LARGEST_NGRAM + 1):
        hashes = hashes[:-1] * _RADIX
        hashes += codes[size - 1 :]
        np.add(first_cell[: len(hashes)], _cells(hashes), out=cells[filled : filled + len(hashes)])
        filled += len(hashes)
    # The last row gathers the n-grams that start between two texts.
    counts = np.bincount(cells[:filled], minlength=(len(encoded) + 1) * _CELLS).reshape(-1, 2, HASHED.dim)
    return (counts[:-1, 0] - counts[:-1, 1]).astype(np.float32)


def _first_cells(lengths_bytes: Sequence[int]) -> npt.NDArray[np.int64]:
    """Give each byte position the first counter of its text, or of the row past the last for the gaps."""
    rows = np.full((len(lengths_bytes), 2), len(lengths_bytes), dtype=np.int64)
    rows[:, 0] = np.arange(len(lengths_bytes))
    repeats = np.full((len(lengths_bytes), 2), len(_BACK), dtype=np.int64)
    repeats[:, 0] = lengths_bytes
    return np.repeat(rows.ravel() * _CELLS, repeats.ravel())


def _cells(hashes: npt.NDArray[np.uint32]) -> npt.NDArray[np.uint32]:
    """Map polynomial hashes to 0..2*dim-1 by the upper half of a product, which depends on every bit below it."""
    spread = hashes * _SPREAD
    spread >>= _HALF_BITS
    spread *= np.uint32(_CELLS)
    spread >>= _HALF_BITS
    return spread


def _scale_to_unit(sums: npt.NDArray[np.float32], *, out: Vectors) -> None:
    """Write sign(s) * sqrt(|s| / sum of all |s|): the damped sums at length 1. A text without any gets axis 0."""
    magnitudes = np.abs(sums)
    totals = magnitudes.sum(axis=1, keepdims=True)
    empty = totals[:, 0] == 0
    totals[empty] = 1
    magnitudes /= totals
    np.sqrt(magnitudes, out=magnitudes)
    np.copysign(magnitudes, sums, out=out)
    out[empty, 0] = 1

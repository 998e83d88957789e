"""What every embedder promises. Implementations live beside this module, one per runtime or vendor."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Protocol

import numpy as np
import numpy.typing as npt

Vectors = npt.NDArray[np.float32]
"""Shape (texts, dim), float32, each row of length 1."""


class InputRole(StrEnum):
    """What a text is embedded for. Models with asymmetric roles give different vectors; others ignore it."""

    SEARCH_DOCUMENT = "search_document"
    SEARCH_QUERY = "search_query"


class Embedder(Protocol):
    """Turns texts into unit vectors. Thread-safe; construction loads the model, `embed` keeps no state but the bill."""

    @property
    def model(self) -> str:
        """Model id, `provider/name`, naming runtime and quantization where they change the vectors."""
        ...

    @property
    def dim(self) -> int:
        """Length of a vector."""
        ...

    @property
    def max_tokens(self) -> int:
        """Most tokens of one text, as `count_tokens` counts them, that the model reads."""
        ...

    @property
    def batch_size(self) -> int:
        """Most texts worth handing over in one `embed` call."""
        ...

    @property
    def workers(self) -> int:
        """How many concurrent `embed` calls are worth making (1 = call it from one thread)."""
        ...

    @property
    def billed_tokens(self) -> int:
        """Tokens that the vendor billed through this embedder in this process so far; 0 for a model on this machine."""
        ...

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Count the tokens of each text, without the special tokens that the model adds."""
        ...

    def embed(self, texts: Sequence[str], *, role: InputRole) -> Vectors:
        """Embed texts, in their order.

        Returns:
            float32 array of shape (len(texts), dim), rows of length 1.

        Raises:
            PermanentError: a text has more than `max_tokens` tokens (it is never cut silently).
            TransientError: the model's service did not answer.
        """
        ...

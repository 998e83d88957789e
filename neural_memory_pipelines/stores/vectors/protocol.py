"""What every vector index promises. Vectors and metadata are never read back as truth: Postgres holds it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

MetadataValue = str | int | float | bool | list[str]
"""What an index can hold beside a vector: no null, no nesting, times as numbers."""

METADATA_LIMIT_BYTES = 1024


@dataclass(frozen=True, slots=True)
class VectorRecord:
    """A vector to store: `values` has shape (dim,), float32, unit length."""

    id: str
    values: npt.NDArray[np.float32]
    metadata: Mapping[str, MetadataValue]


@dataclass(frozen=True, slots=True)
class VectorHit:
    """An answer to a query; `score` is the cosine similarity, -1..1."""

    id: str
    score: float
    metadata: Mapping[str, MetadataValue]


class VectorIndex(Protocol):
    """Named indexes of one dimension each, holding namespaces of vectors under ids."""

    def ensure_index(self, index: str, *, dim: int) -> None:
        """Create the index if it is missing.

        Raises:
            ConfigurationError: it exists with another dimension, or its name is not legal.
        """
        ...

    def drop_index(self, index: str) -> None:
        """Delete an index with all that it holds; a missing one is no error."""
        ...

    def upsert(self, index: str, namespace: str, records: Sequence[VectorRecord]) -> None:
        """Write vectors; the same id replaces. All are stored on return.

        Raises:
            PermanentError: a vector has another dimension, is not finite, or its metadata is not legal.
        """
        ...

    def delete(self, index: str, namespace: str, ids: Sequence[str]) -> None:
        """Delete vectors; unknown ids are no error."""
        ...

    def delete_namespace(self, index: str, namespace: str) -> None:
        """Delete a namespace with all its vectors; a missing one is no error."""
        ...

    def list_ids(self, index: str, namespace: str) -> Iterator[str]:
        """Iterate over the ids of a namespace, in no promised order."""
        ...

    def count(self, index: str, namespace: str) -> int:
        """Count the vectors of a namespace; 0 if it does not exist."""
        ...

    def fetch_metadata(self, index: str, namespace: str, ids: Sequence[str]) -> dict[str, Mapping[str, MetadataValue]]:
        """Read the metadata of vectors, for checks. Unknown ids are missing from the answer."""
        ...

    def query(
        self,
        index: str,
        namespace: str,
        vector: npt.NDArray[np.float32],
        *,
        top_k: int,
        where: Mapping[str, MetadataValue] | None = None,
    ) -> list[VectorHit]:
        """Find the nearest vectors by cosine, best first.

        Args:
            index: which index.
            namespace: which namespace; a missing one holds nothing.
            vector: shape (dim,).
            top_k: most hits.
            where: keeps vectors whose metadata has all these values; a text also matches a list that holds it, a
                list matches a list that holds all of it.

        Raises:
            NotFoundError: there is no such index.
        """
        ...

    def written_up_to(self, index: str, namespace: str) -> int | None:
        """Say how far this process has written into the log of a namespace; None if reads show every write at once."""
        ...

    def expect(self, index: str, namespace: str, position: int) -> None:
        """Have counts, lists and metadata wait until they show what some process wrote up to a place in the log."""
        ...

    def check(self) -> str:
        """Ask whether the store answers; see `ObjectStore.check`."""
        ...

"""What an index promises that can be filled at once, more cheaply than by upserts. No implementation is here."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from neural_memory_pipelines.stores.vectors.protocol import VectorRecord


class BulkFill(Protocol):
    """Fills namespaces that hold nothing yet."""

    @property
    def least_vectors(self) -> int:
        """From how many vectors on it is worth its while."""
        ...

    def fill(self, index: str, namespace: str, records: Iterable[VectorRecord], *, dim: int) -> bool:
        """Fill a namespace that holds nothing, and wait until all is there.

        Args:
            index: an index that exists.
            namespace: a namespace without vectors.
            records: what it shall hold, each id once.
            dim: of the index.

        Returns:
            Whether it holds these records now. False: an earlier fill, of a run that was lost, has ended instead.

        Raises:
            TransientError: it is not complete in time, and goes on; ask again later.
            PermanentError: it was refused.
        """
        ...

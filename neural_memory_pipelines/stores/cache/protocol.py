"""What every cache promises: to forget is allowed, to lie is not.

No implementation lives here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol


class Cache(Protocol):
    """Strings under string keys, each with a time to live."""

    def set_many(self, values: Mapping[str, str], *, ttl_seconds: int) -> None:
        """Write values in one go.

        Raises:
            TransientError: the cache does not answer. Callers go on without it and say so.
            PermanentError: `ttl_seconds` is below 1.
        """
        ...

    def get_many(self, keys: Sequence[str]) -> dict[str, str]:
        """Read values; missing keys are missing from the answer.

        Raises:
            TransientError: the cache does not answer.
        """
        ...

    def delete_many(self, keys: Sequence[str]) -> None:
        """Delete keys; unknown ones are no error.

        Raises:
            TransientError: the cache does not answer.
        """
        ...

    def check(self) -> str:
        """Ask whether the cache answers; see `ObjectStore.check`."""
        ...

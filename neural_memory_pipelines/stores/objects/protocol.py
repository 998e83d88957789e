"""What every object store promises: bytes under keys, written whole or not at all.

No implementation lives here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class ObjectInfo:
    """An object as a listing shows it. `etag` changes whenever the content does; `modified_at` is aware UTC."""

    key: str
    size_bytes: int
    etag: str
    modified_at: datetime


class ObjectStore(Protocol):
    """Keys are relative paths of printable characters, separated by `/`, without `.` or `..` parts."""

    def put_many(self, objects: Mapping[str, bytes]) -> None:
        """Write objects, each atomically; an existing object is replaced. All outlive this process on return."""
        ...

    def get(self, key: str) -> bytes:
        """Read one object.

        Raises:
            NotFoundError: there is none under this key.
        """
        ...

    def get_many(self, keys: Sequence[str]) -> dict[str, bytes]:
        """Read objects. Missing ones are missing from the answer."""
        ...

    def delete(self, key: str, *, if_etag: str | None = None) -> bool:
        """Delete one object; with `if_etag`, only while its content is that one. Deleting nothing is no error.

        Returns:
            Whether the object is gone now.
        """
        ...

    def list(self, prefix: str, *, limit: int | None = None) -> Iterator[ObjectInfo]:
        """List the objects whose key starts with `prefix`, in key order."""
        ...

    def check(self) -> str:
        """Write, read and delete a probe.

        Returns:
            A description for people, without secrets.

        Raises:
            TransientError: the store does not answer.
            ConfigurationError: it refuses us.
        """
        ...

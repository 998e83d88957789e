"""What the server keeps: indexes, their namespaces, and what of them reads can see. No request is parsed here."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from .imports import ImportJob

DEFAULT_NAMESPACE = "__default__"


@dataclass(frozen=True, slots=True)
class StoredRecord:
    """A record as the store keeps it: values as 32-bit floats, numbers of the metadata as 64-bit floats."""

    id: str
    values: tuple[float, ...]
    metadata: Mapping[str, Any] | None
    vector: NDArray[np.float32] = field(compare=False, repr=False)


Records = dict[str, StoredRecord]
# What a namespace holds becomes what it holds after a write; None is a namespace that does not exist.
Write = Callable[[Records | None], Records | None]


@dataclass(slots=True)
class _UnseenWrite:
    """A write that reads do not see yet, and after how many more of them they will; None waits for `catch_up`."""

    lsn: int
    write: Write
    reads_left: int | None


@dataclass(slots=True)
class Namespace:
    """Two copies of the records: as written, and as reads see them. Log numbers count the writes of this namespace."""

    committed: Records | None = None
    lsn_committed: int = 0
    lsn_reconciled: int = 0
    _visible: Records | None = None
    _unseen: deque[_UnseenWrite] = field(default_factory=deque)

    def commit(self, write: Write, *, reads_behind: int | None) -> int:
        """Apply a write and return its log number; reads see it after `reads_behind` of them.

        The log of a namespace that was deleted begins anew, as that of any other namespace: the worst case for a
        client that remembers numbers, and the vendor promises no better.
        """
        if self.committed is None and not self._unseen:
            self.lsn_committed = self.lsn_reconciled = 0
        self.committed = write(self.committed)
        self.lsn_committed += 1
        self._unseen.append(_UnseenWrite(self.lsn_committed, write, reads_behind))
        self._reconcile()
        return self.lsn_committed

    def read(self) -> Records | None:
        """Return what this read sees, and bring the unseen writes one read nearer."""
        self._reconcile()
        seen = None if self._visible is None else dict(self._visible)
        for unseen in self._unseen:
            if unseen.reads_left is not None:
                unseen.reads_left -= 1
        return seen

    def catch_up(self) -> None:
        """Let reads see every write."""
        for unseen in self._unseen:
            unseen.reads_left = 0
        self._reconcile()

    def _reconcile(self) -> None:
        while self._unseen and self._unseen[0].reads_left is not None and self._unseen[0].reads_left <= 0:
            due = self._unseen.popleft()
            self._visible = due.write(self._visible)
            self.lsn_reconciled = due.lsn


@dataclass(slots=True)
class Index:
    """One classic dense index."""

    name: str
    dimension: int
    metric: str
    cloud: str
    region: str
    deletion_protection: str
    tags: dict[str, str]
    describes_until_ready: int
    namespaces: dict[str, Namespace] = field(default_factory=dict)
    imports: dict[str, ImportJob] = field(default_factory=dict)
    ready: bool = False

    def namespace(self, name: str) -> Namespace:
        """Return the book of a namespace, whether or not it exists."""
        return self.namespaces.setdefault(name or DEFAULT_NAMESPACE, Namespace())

    def written(self) -> dict[str, Records]:
        """Return the namespaces that exist, with all that was written to them."""
        return {name: book.committed for name, book in self.namespaces.items() if book.committed is not None}

    def read(self) -> Iterator[tuple[str, Records]]:
        """Yield the namespaces that a read of the whole index sees, sorted by name."""
        for name, book in sorted(self.namespaces.items()):
            records = book.read()
            if records is not None:
                yield name, records


@dataclass(slots=True)
class Project:
    """All indexes of the one API key, and the settings that tests change. Hold `lock` while using it.

    Attributes:
        reads_behind: how many reads pass before a write is seen: 0 at once, None not before `catch_up`.
        describes_until_ready: how often a new index is described as Initializing.
        describes_until_imported: how often an import is described as InProgress.
        buckets: local directories that stand for buckets.
        sends_lsn: whether answers carry log numbers.
    """

    indexes: dict[str, Index] = field(default_factory=dict)
    reads_behind: int | None = 0
    quota_namespaces: int | None = None
    quota_indexes: int | None = None
    describes_until_ready: int = 0
    describes_until_imported: int = 1
    buckets: dict[str, Any] = field(default_factory=dict)
    sends_lsn: bool = True
    lock: threading.RLock = field(default_factory=threading.RLock)

    def catch_up(self) -> None:
        """Let reads see every write."""
        with self.lock:
            for index in self.indexes.values():
                for book in index.namespaces.values():
                    book.catch_up()

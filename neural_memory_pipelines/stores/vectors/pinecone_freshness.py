"""How far this process has written into namespaces at Pinecone, and waiting until reads show it.

Pinecone shows writes some time after it has taken them. Each write is answered with its place in the namespace's log,
each query with the place up to which it sees; nothing here writes.

Source: docs.pinecone.io/guides/index-data/check-data-freshness
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass

import numpy as np
from pinecone.models.response_info import ResponseInfo

from neural_memory_pipelines.stores.vectors.pinecone_connection import DataPlane, PineconeConnection, wait_until

_MEMORY_SECONDS = 600.0  # another process may delete the namespace or the index, and its log starts again from 1


@dataclass(frozen=True, slots=True)
class IndexTarget:
    """A ready index: where it is served and what it takes."""

    name: str
    host: str
    dim: int


@dataclass(frozen=True, slots=True)
class _Write:
    lsn: int
    at_seconds: float


class WriteLog:
    """The last write of this process into each namespace that no read is known to show. Thread-safe."""

    def __init__(self) -> None:
        self._writes: dict[tuple[str, str, str], _Write] = {}
        self._last: dict[tuple[str, str], int] = {}
        self._lock = threading.Lock()

    def note(self, target: IndexTarget, namespace: str, answer: ResponseInfo | None) -> None:
        """Keep a write's place; an answer without one (a proxy may drop headers) leaves nothing to wait for."""
        lsn = answer.lsn_committed if answer is not None else None
        if lsn is None:
            return
        with self._lock:
            self._last[target.name, namespace] = max(lsn, self._last.get((target.name, namespace), 0))
        self.expect(target, namespace, lsn)

    def last(self, name: str, namespace: str) -> int | None:
        """Give the place of the last write of this process, shown or not."""
        with self._lock:
            return self._last.get((name, namespace))

    def expect(self, target: IndexTarget, namespace: str, lsn: int) -> None:
        """Keep a place that reads must reach, whoever wrote it."""
        key = (target.host, target.name, namespace)
        with self._lock:
            known = self._writes.get(key)
            if known is None or known.lsn < lsn:
                self._writes[key] = _Write(lsn, time.monotonic())

    def awaited(self, target: IndexTarget, namespace: str) -> int | None:
        """Give the place that a read must have reached, if there is one."""
        with self._lock:
            write = self._writes.get((target.host, target.name, namespace))
        if write is None or time.monotonic() - write.at_seconds > _MEMORY_SECONDS:
            return None
        return write.lsn

    def seen(self, target: IndexTarget, namespace: str, lsn: int) -> None:
        """Stop waiting for all up to a place."""
        key = (target.host, target.name, namespace)
        with self._lock:
            write = self._writes.get(key)
            if write is not None and write.lsn <= lsn:
                del self._writes[key]

    def forget(self, name: str, namespace: str | None = None) -> None:
        """Drop what is known of a namespace, or of all of an index."""
        with self._lock:
            for key in [key for key in self._writes if key[1] == name and namespace in {None, key[2]}]:
                del self._writes[key]
            for place in [place for place in self._last if place[0] == name and namespace in {None, place[1]}]:
                del self._last[place]


PROCESS_WRITES = WriteLog()
"""What this process wrote, through whichever client."""


class Freshness:
    """Waits until an index shows what this process wrote.

    Args:
        connection: to the project.
        writes: what was written.
    """

    def __init__(self, connection: PineconeConnection, writes: WriteLog = PROCESS_WRITES) -> None:
        self._connection = connection
        self.writes = writes

    def wait(self, target: IndexTarget, namespace: str) -> DataPlane:
        """Wait until reads of a namespace show our own writes; costs nothing if they are known to.

        Returns:
            The client to read with.

        Raises:
            TransientError: the index lags behind for longer than we wait.
        """
        plane = self._connection.data(target.host)
        lsn = self.writes.awaited(target, namespace)
        if lsn is None:
            return plane
        patience = self._connection.patience
        wait_until(
            lambda: True if self._shows(plane, target, namespace, lsn=lsn) else None,
            wait_seconds=patience.catch_up_seconds,
            poll_seconds=patience.poll_seconds,
            late=(
                f"Pinecone index {target.name}, namespace {namespace!r}, lags behind: it does not show our own write "
                f"{lsn} after {patience.catch_up_seconds:g} s; read again later"
            ),
        )
        self.writes.seen(target, namespace, lsn)
        return plane

    def _shows(self, plane: DataPlane, target: IndexTarget, namespace: str, *, lsn: int) -> bool:
        probe = np.eye(1, target.dim).tolist()[0]  # queries alone say how far they see; which vector does not matter
        answer = self._connection.call(
            f"read how far index {target.name} is", lambda: plane.query(top_k=1, vector=probe, namespace=namespace)
        )
        return answer.response_info is not None and answer.response_info.is_reconciled(lsn)

"""The place of the one `up` of a home: its lock, what is written down of it, and the processes that belong to it.

All that `up` starts carries the home in its environment, so that it is found even if nothing was written down.
"""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass

import psutil
from filelock import FileLock, Timeout

from neural_memory_pipelines.errors import PermanentError, TransientError
from neural_memory_pipelines.local.session import stack_of
from neural_memory_pipelines.settings import Settings

MARK = "NEURAL_MEMORY_UP"
"""The environment variable of all processes of an `up`; its value is the home."""

_STOP_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class UpRecord:
    """A running `up`, as it is written down for other commands.

    `url` is None until the UI answers; `starts_stores` says whether the stores are its own, to be stopped with it.
    """

    pid: int
    created_at: float
    url: str | None
    starts_stores: bool = False


class UpPlace:
    """The files and processes of the `up` of one home."""

    # SIGINT lets Dagster end its runs and children in order; what is left after these seconds is killed.
    ending = ((signal.SIGINT, 20.0), (signal.SIGKILL, 10.0))

    def __init__(self, settings: Settings) -> None:
        self.home = stack_of(settings).home
        self._settings = settings
        self._record = self.home / "up.json"
        self._lock = self.home / "up.lock"
        self._starts_stores = False

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold the place, cleared of what an earlier `up` left when it crashed; at the end, clear it again.

        Raises:
            PermanentError: an `up` is running.
        """
        # Makes the home ours before a file of ours lies in it.
        stack_of(self._settings).start(postgres=False, valkey=False)
        lock = FileLock(self._lock)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            raise PermanentError(f"`neural-memory up` is already running{self._whereabouts()}") from None
        try:
            left = self._read()
            self._starts_stores = left is not None and left.starts_stores
            self.end_processes()
            self.write_down(None)
            yield
        finally:
            self.end_processes()
            self._record.unlink(missing_ok=True)
            lock.release()

    def claim_stores(self, *, are_running: bool) -> bool:
        """Decide whether the stores are this `up`'s own: it is about to start them, or an earlier one that crashed did.

        It is written down first, so that the next `up` knows it should this one crash too.
        """
        self._starts_stores = self._starts_stores or not are_running
        self.write_down(None)
        return self._starts_stores

    def write_down(self, url: str | None) -> None:
        """Tell other commands where this `up` is."""
        process = psutil.Process()
        record = UpRecord(process.pid, process.create_time(), url, self._starts_stores)
        partial = self._record.with_suffix(".partial")
        partial.write_text(json.dumps(asdict(record)), encoding="utf-8")
        partial.replace(self._record)

    def is_held(self) -> bool:
        """Tell whether an `up` is running."""
        if not self._lock.exists():
            return False
        lock = FileLock(self._lock)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            return True
        lock.release()
        return False

    def record(self) -> UpRecord | None:
        """Read what is written down of an `up`, if its process is alive."""
        record = self._read()
        try:
            is_same = record is not None and abs(psutil.Process(record.pid).create_time() - record.created_at) < 1
        except psutil.NoSuchProcess:
            return None
        return record if is_same else None

    def _read(self) -> UpRecord | None:
        try:
            return UpRecord(**json.loads(self._record.read_text(encoding="utf-8")))
        except (FileNotFoundError, ValueError, TypeError):
            return None

    def stop(self) -> bool:
        """Ask a running `up` to end and wait for it, or end what a crashed one left.

        Returns:
            Whether anything ran.

        Raises:
            TransientError: it does not end.
        """
        deadline = time.monotonic() + _STOP_SECONDS
        asked = False
        while self.is_held():
            record = self.record()
            if record is not None and not asked:
                os.kill(record.pid, signal.SIGINT)
                asked = True
            if time.monotonic() > deadline:
                raise TransientError(f"`neural-memory up`{self._whereabouts()} does not end: look at what it is doing")
            time.sleep(0.2)
        return self.end_processes() or asked

    def end_processes(self) -> bool:
        """End all processes that an `up` of this home started.

        Returns:
            Whether there were any.
        """
        found = False
        for number, patience_seconds in self.ending:
            deadline = time.monotonic() + patience_seconds
            signalled: set[int] = set()
            while (left := self.processes()) and time.monotonic() < deadline:
                found = True
                for process in left:
                    if process.pid not in signalled:
                        _send(process, number)
                        signalled.add(process.pid)
                psutil.wait_procs(left, timeout=0.5)
        return found

    def processes(self) -> list[psutil.Process]:
        """Find all processes that an `up` of this home started."""
        return [process for process in psutil.process_iter() if _home_of(process) == str(self.home)]

    def _whereabouts(self) -> str:
        record = self.record()
        if record is None:
            return ""
        return f" at {record.url} (process {record.pid})" if record.url else f", and is starting (process {record.pid})"


def _home_of(process: psutil.Process) -> str | None:
    try:
        return process.environ().get(MARK) if process.status() != psutil.STATUS_ZOMBIE else None
    except psutil.Error:
        return None


def _send(process: psutil.Process, number: signal.Signals) -> None:
    try:
        process.send_signal(number)
    except psutil.NoSuchProcess:
        return

"""Calls that end in time, whatever the other side does. Knows no service."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import TypeVar

from neural_memory_pipelines.errors import TransientError

_Result = TypeVar("_Result")


@dataclass(frozen=True, slots=True)
class Deadline:
    """When work is to be over: `ends` is on the clock of `time.monotonic`."""

    seconds: float
    ends: float

    def check(self, where: str) -> None:
        """End work whose time is up.

        Raises:
            TransientError: it is.
        """
        if time.monotonic() >= self.ends:
            raise self.missed(where)

    def missed(self, where: str) -> TransientError:
        """Make the error of work that was not over in time."""
        return TransientError(f"{where}: not done within {self.seconds:g} s")


def within(seconds: float, work: Callable[[Deadline], _Result], *, where: str) -> _Result:
    """Do work in a thread that nobody waits for longer than that, not even the end of the process.

    Time limits of HTTP libraries are for one silence: neither a name server that does not answer nor an answer that
    comes byte by byte ends by them.

    Args:
        seconds: the longest wait.
        work: is to check its deadline between calls, so that it ends soon after it was given up.
        where: what the work is for; begins the message.

    Raises:
        TransientError: it was not over in time. What the work itself raises is raised here.
    """
    deadline = Deadline(seconds, time.monotonic() + seconds)
    outcome: Future[_Result] = Future()

    def run() -> None:
        try:
            outcome.set_result(work(deadline))
        except BaseException as error:  # noqa: BLE001 - handed over whole to the caller, who raises it
            outcome.set_exception(error)

    threading.Thread(target=run, name="bounded-call", daemon=True).start()
    finished = threading.Event()
    outcome.add_done_callback(lambda _: finished.set())
    if not finished.wait(seconds):
        raise deadline.missed(where)
    return outcome.result()

"""What goes wrong, at which calls. Tests plan it; the server looks it up."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Fault:
    """What is done to a call.

    Args:
        status: answered, with `message` and `headers`, in place of an answer; 0 for none.
        hangs: nothing is answered until the caller hangs up.
        drips: the answer comes byte by byte, and never ends.
        cut: the connection is closed in the middle of the answer, after the work is done.
        forgets_rows: how many of the rows of an insert are not written, and not named in its answer.
        body: answered in place of a good answer, as it is.
    """

    status: int = 0
    message: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    hangs: bool = False
    drips: bool = False
    cut: bool = False
    forgets_rows: int = 0
    body: bytes | None = None


def rate_limited(retry_after: str) -> Fault:
    """Make the answer to one who asks too often."""
    return Fault(status=429, message="Too many requests", headers={"Retry-After": retry_after})


class Faults:
    """The plan of a test: what befalls calls whose path ends so, how often (None: always), after how many others."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.clear()

    def clear(self) -> None:
        """Forget the plan."""
        with self._lock:
            self._rules: list[_Rule] = []

    def at(self, fault: Fault, path_ends: str = "", *, times: int | None = None, skip: int = 0) -> None:
        """Let calls fail."""
        with self._lock:
            self._rules.append(_Rule(fault, path_ends, times, skip))

    def next(self, path: str) -> Fault:
        """Count a call, and tell what is planned for it."""
        with self._lock:
            return next((rule.fault for rule in self._rules if rule.fires(path)), Fault())


@dataclass
class _Rule:
    fault: Fault
    path_ends: str
    times: int | None
    skip: int

    def fires(self, path: str) -> bool:
        if not path.endswith(self.path_ends) or self.times == 0:
            return False
        if self.skip:
            self.skip -= 1
            return False
        if self.times is not None:
            self.times -= 1
        return True

"""What goes wrong, at which call. Tests plan it; the server looks it up."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Fault:
    """What is done to a call.

    Args:
        status: answered, with `message` and `headers`, in place of an answer; 0 for none.
        waits_seconds: silence before anything is answered; ends when the caller hangs up.
        drops: the connection is closed in the middle of the answer, after the work is done and billed.
        spoils: changes the body of a good answer; bytes are sent as they are.
    """

    status: int = 0
    message: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    waits_seconds: float = 0.0
    drops: bool = False
    spoils: Callable[[dict[str, Any]], Any] | None = None


def rate_limited(retry_after: str | None = None) -> Fault:
    """Make the answer of a key that asks too often."""
    return Fault(
        status=429,
        message="You are past the per minute request limit, please wait and try again later.",
        headers={} if retry_after is None else {"Retry-After": retry_after},
    )


def month_used_up() -> Fault:
    """Make the answer of a trial key that has no calls left."""
    return Fault(status=429, message="You are using a Trial key, which is limited to 1000 API calls / month.")


class Faults:
    """The plan of a test. Calls are numbered from 1 since the last reset."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.clear()

    def clear(self) -> None:
        """Forget the plan, and count from 1 again."""
        with self._lock:
            self._planned: dict[int, Fault] = {}
            self._always: Fault | None = None
            self._calls = 0

    def at(self, fault: Fault, *calls: int) -> None:
        """Let these calls fail."""
        with self._lock:
            self._planned.update(dict.fromkeys(calls, fault))

    def always(self, fault: Fault | None) -> None:
        """Let every call fail for which nothing else is planned; None ends that."""
        with self._lock:
            self._always = fault

    def next(self) -> Fault | None:
        """Count a call, and tell what is planned for it."""
        with self._lock:
            self._calls += 1
            return self._planned.pop(self._calls, self._always)

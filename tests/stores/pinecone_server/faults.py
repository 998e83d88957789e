"""What a test tells the server to do wrong, and for which calls. Nothing here answers a request."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from .refusals import RefusalError
from .state import Project

_ADVICE = "asked for by the test"


@dataclass(slots=True)
class _Rule:
    """A fault that fires on matching calls: not on the first `skip`, then `times` times (None is always)."""

    path_contains: str
    times: int | None
    skip: int = 0
    refuse: Callable[[], RefusalError] | None = None
    drop: bool = False
    delay_seconds: float = 0.0

    def fires(self, path: str) -> bool:
        """Count a call and tell whether the fault meets it."""
        if self.path_contains not in path or self.times == 0:
            return False
        if self.skip:
            self.skip -= 1
            return False
        if self.times is not None:
            self.times -= 1
        return True


@dataclass(frozen=True, slots=True)
class Plan:
    """What befalls one call.

    Attributes:
        delay_seconds: how long it waits before anything else.
        refusal: the error that it gets, unapplied.
        drop: whether the connection is cut after the call was applied.
    """

    delay_seconds: float = 0.0
    refusal: RefusalError | None = None
    drop: bool = False


@dataclass(slots=True)
class Faults:
    """The faults to come. Paths are the vendor's, such as /vectors/upsert; the empty text is in all of them."""

    _project: Project
    _rules: list[_Rule] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def fail_next(
        self, n: int = 1, status: int = 429, *, retry_after: float | None = None, path_contains: str = ""
    ) -> None:
        """Refuse the next `n` matching calls; `retry_after` is in seconds. Each retry of a client is a call."""
        self._add(_Rule(path_contains, n, refuse=_refusal(status, retry_after)))

    def fail_call(
        self, number: int, status: int = 500, *, retry_after: float | None = None, path_contains: str = ""
    ) -> None:
        """Refuse the `number`-th matching data call from now (from 1), and no other."""
        self._add(_Rule(path_contains, 1, skip=number - 1, refuse=_refusal(status, retry_after)))

    def drop_connection_after_applying(self, n: int = 1, path_contains: str = "") -> None:
        """Apply the next `n` matching calls, then close the socket without an answer."""
        self._add(_Rule(path_contains, n, drop=True))

    def delay(self, seconds: float, path_contains: str = "") -> None:
        """Let every matching call wait before it is looked at, until the next reset."""
        self._add(_Rule(path_contains, None, delay_seconds=seconds))

    def eventual(self, *, reads_behind: int | None = None) -> None:
        """Hide each coming write from as many reads of its namespace; None hides it until `catch_up`."""
        self._project.reads_behind = reads_behind

    def catch_up(self) -> None:
        """Let reads see every write so far."""
        self._project.catch_up()

    @property
    def quota_namespaces(self) -> int | None:
        """How many namespaces an index may have; None is no limit."""
        return self._project.quota_namespaces

    @quota_namespaces.setter
    def quota_namespaces(self, limit: int | None) -> None:
        self._project.quota_namespaces = limit

    @property
    def quota_indexes(self) -> int | None:
        """How many indexes the project may have; None is no limit."""
        return self._project.quota_indexes

    @quota_indexes.setter
    def quota_indexes(self, limit: int | None) -> None:
        self._project.quota_indexes = limit

    def plan(self, path: str, *, data_plane: bool) -> Plan:
        """Return what befalls a call that has just arrived, and count it. A refused call uses up no drop."""
        delay_seconds, refusal, drop = 0.0, None, False
        with self._lock:
            for rule in self._rules:
                if (rule.skip and not data_plane) or (rule.drop and refusal is not None) or not rule.fires(path):
                    continue
                delay_seconds += rule.delay_seconds
                drop = drop or rule.drop
                refusal = refusal or (rule.refuse() if rule.refuse else None)
        return Plan(delay_seconds, refusal, drop and refusal is None)

    def _add(self, rule: _Rule) -> None:
        with self._lock:
            self._rules.append(rule)


def _refusal(status: int, retry_after_seconds: float | None) -> Callable[[], RefusalError]:
    return lambda: RefusalError(status, f"HTTP {status}, {_ADVICE}", retry_after_seconds=retry_after_seconds)

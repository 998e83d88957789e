"""How long the stages of a search take. It measures and decides nothing."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager


class Stopwatch:
    """Adds up time by stage. A stage may run in a thread of its own, beside others."""

    def __init__(self) -> None:
        self._started = time.perf_counter()
        self._stages: dict[str, float] = {}

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Measure what is done inside; the same name again adds up."""
        started = time.perf_counter()
        try:
            yield
        finally:
            self._stages[name] = self._stages.get(name, 0.0) + time.perf_counter() - started

    def latency_ms(self) -> dict[str, float]:
        """The milliseconds of each stage in the order in which they ended, and "total" since the beginning.

        Stages that ran beside each other add up to more than the total.
        """
        stages = {name: round(seconds * 1_000, 2) for name, seconds in self._stages.items()}
        return {**stages, "total": round((time.perf_counter() - self._started) * 1_000, 2)}

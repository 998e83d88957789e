"""How often a call to a model's service is tried, and how long it waits in between. Knows no service and calls none."""

from __future__ import annotations

import random
from dataclasses import dataclass

_MOST_JITTER = 0.2  # workers refused at one moment shall not come back at one moment


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """Waits double from try to try, or are what the service asks for; each is up to a fifth longer, by chance.

    Args:
        attempts: tries in all, at least 1.
        first_wait_seconds: the wait after the first failure.
        longest_wait_seconds: no wait is longer. A service that asks for more is not waited for: the caller is told.
    """

    attempts: int = 4
    first_wait_seconds: float = 1.0
    longest_wait_seconds: float = 60.0

    def wait_seconds(self, failures: int, asked_seconds: float | None) -> float | None:
        """Tell how long to wait before the next try.

        Args:
            failures: tries that failed so far, from 1.
            asked_seconds: the least wait that the service asked for, if it named one.

        Returns:
            Seconds, or None where there is to be no further try.
        """
        if failures >= self.attempts:
            return None
        if asked_seconds is None:
            wait_seconds = min(self.first_wait_seconds * 2.0 ** (failures - 1), self.longest_wait_seconds)
        elif asked_seconds > self.longest_wait_seconds:
            return None
        else:
            wait_seconds = asked_seconds
        return wait_seconds * random.uniform(1, 1 + _MOST_JITTER)  # noqa: S311  # spreads load, guards nothing


DEFAULT_RETRIES = RetryPolicy()

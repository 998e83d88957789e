"""What a rate limiter promises. What is limited, and to how much, is decided by those who ask for a throttle."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeAlias

Throttle: TypeAlias = Callable[[int], None]
"""Called with a number of units; returns once they may be spent."""


class Limiter(Protocol):
    """Holds limits by name. Thread-safe."""

    def throttle(self, name: str, *, amount: int, per_seconds: int) -> Throttle:
        """Make the throttle of a limit. Those of one name, amount and time share it, in whichever process they are.

        The throttle returns once `cost` units are free, and raises TransientError when that would take too long;
        a cost above `amount` is spent in parts. Throttles of equal arguments are equal.

        Args:
            name: what is limited, such as "cohere:inputs" or "pinecone:requests:{index}".
            amount: most units in any `per_seconds`, at least 1.
            per_seconds: length of the window, at least 1.

        Raises:
            PermanentError: an argument is out of range.
        """
        ...

"""The exceptions of the whole package, and nothing else.

    NeuralMemoryError
    +-- PermanentError          the same call will fail again: do not retry
    |   +-- ConfigurationError  a setting is wrong; names the variable
    |   +-- InvalidEventError   an event cannot be read; names the field
    |   +-- NotFoundError       what was asked for does not exist
    |   +-- RefusedValueError   a store cannot hold a value: too long, or not in its alphabet
    +-- TransientError          the same call may succeed later; carries retry_after_seconds
    +-- ContractError           a store or model broke its word (wrong dimension, lost write)

Adapters translate the errors of their SDK into these; `defs/failures.py` alone maps them to Dagster.
"""

from __future__ import annotations


class NeuralMemoryError(Exception):
    """Base of every error that this package raises on purpose."""


class PermanentError(NeuralMemoryError):
    """The same call will fail again: bad input, bad configuration, an illegal transition."""


class ConfigurationError(PermanentError):
    """A setting is missing or wrong. The message names the environment variable."""


class InvalidEventError(PermanentError):
    """A source event cannot be read. The message names the field and what was expected there."""


class NotFoundError(PermanentError):
    """What was asked for does not exist."""


class RefusedValueError(PermanentError):
    """A store cannot hold a value: it is too long, or outside its alphabet or range."""


class TransientError(NeuralMemoryError):
    """The same call may succeed later.

    Args:
        message: what failed, where, and why it is worth another try.
        retry_after_seconds: the wait that the service asked for, if it named one.
    """

    def __init__(self, message: str, *, retry_after_seconds: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds


class ContractError(NeuralMemoryError):
    """A store or a model broke its word: a wrong dimension, a lost write, an unknown id."""

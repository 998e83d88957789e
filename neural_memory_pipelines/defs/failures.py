"""The one place where our errors become Dagster's: permanent ones are not retried, transient ones are.

Nothing is swallowed, and no other module raises Dagster's errors.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import dagster as dg

from neural_memory_pipelines.errors import ContractError, NeuralMemoryError, PermanentError, TransientError

_TRANSIENT_RETRIES = 4
_FIRST_WAIT_SECONDS = 5.0


class TickFailedError(dg.DagsterError):
    """A tick met a store that is away, and is to be repeated.

    After any other error a run-status sensor moves on to the next run and never returns to this one.
    """


@contextmanager
def mapped_failures(context: dg.AssetExecutionContext | dg.AssetCheckExecutionContext) -> Iterator[None]:
    """Turn the errors of a step into a failed or a retried Dagster step."""
    try:
        yield
    except TransientError as error:
        tried = context.op_execution_context.retry_number
        if tried == _TRANSIENT_RETRIES:
            raise _failure(error, f"{error} (tried {tried + 1} times)") from error
        wait_seconds = error.retry_after_seconds
        if wait_seconds is None:
            wait_seconds = _FIRST_WAIT_SECONDS * 2**tried
        context.log.warning(f"{error}; trying again in {wait_seconds:.0f} s")
        raise dg.RetryRequested(max_retries=_TRANSIENT_RETRIES, seconds_to_wait=wait_seconds) from error
    except (PermanentError, ContractError) as error:
        raise _failure(error, str(error)) from error


@contextmanager
def repeated_tick() -> Iterator[None]:
    """Make a run-status sensor look at the same run again at its next tick if a store is away at this one."""
    try:
        yield
    except TransientError as error:
        raise TickFailedError(str(error)) from error


def _failure(error: NeuralMemoryError, description: str) -> dg.Failure:
    return dg.Failure(description=description, metadata={"error": type(error).__name__}, allow_retries=False)

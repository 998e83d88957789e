"""The one place where our errors become Dagster's: permanent ones are not retried, transient ones are.

Nothing is swallowed, and no other module raises Dagster's errors.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import dagster as dg

from neural_memory_pipelines.errors import ContractError, NeuralMemoryError, PermanentError, TransientError

_TRANSIENT_RETRIES = 4
_FIRST_WAIT_SECONDS = 5.0

_StepContext = dg.AssetExecutionContext | dg.AssetCheckExecutionContext | dg.OpExecutionContext


class TickFailedError(dg.DagsterError):
    """A tick met a store that is away, and is to be repeated.

    After any other error a run-status sensor moves on to the next run and never returns to this one.
    """


@contextmanager
def mapped_failures(context: _StepContext) -> Iterator[None]:
    """Turn the errors of a step into a failed or a retried Dagster step."""
    try:
        yield
    except TransientError as error:
        op_context = context if isinstance(context, dg.OpExecutionContext) else context.op_execution_context
        tried = op_context.retry_number
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


def failed_in_workspaces(refused: Mapping[str, str], metadata: Mapping[str, Any]) -> dg.Failure:
    """Make the failure of a step that did what it could: it names the workspaces where that was not possible, and why.

    It is not retried: most of what is refused once is refused again, and what was done is not done twice.
    """
    sentences = "; ".join(f"{workspace}: {why}" for workspace, why in refused.items())
    return dg.Failure(
        description=f"refused in {len(refused)} workspaces: {sentences}", metadata=dict(metadata), allow_retries=False
    )


def _failure(error: NeuralMemoryError, description: str) -> dg.Failure:
    return dg.Failure(description=description, metadata={"error": type(error).__name__}, allow_retries=False)

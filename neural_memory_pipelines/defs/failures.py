"""The one place where our errors become Dagster's: permanent ones are not retried, transient ones are."""

from collections.abc import Iterator
from contextlib import contextmanager

import dagster as dg

from neural_memory_pipelines.errors import ContractError, PermanentError, TransientError

_TRANSIENT_RETRIES = 4
_FIRST_WAIT_SECONDS = 5.0


@contextmanager
def mapped_failures(context: dg.AssetExecutionContext | dg.AssetCheckExecutionContext) -> Iterator[None]:
    """Turn the errors of a step into a failed or a retried Dagster step."""
    try:
        yield
    except TransientError as error:
        attempt = context.op_execution_context.retry_number
        wait = error.retry_after_seconds or _FIRST_WAIT_SECONDS * 2**attempt
        context.log.warning(f"{error}; trying again in {wait:.0f} s")
        raise dg.RetryRequested(max_retries=_TRANSIENT_RETRIES, seconds_to_wait=wait) from error
    except (PermanentError, ContractError) as error:
        raise dg.Failure(
            description=str(error), metadata={"error": type(error).__name__}, allow_retries=False
        ) from error

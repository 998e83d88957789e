"""Sends runs of evaluation to who is told of them outside: what waits, oldest first, one after the other.

Runs that evaluate never come here: they leave a row, and it waits as long as the destination is away.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from datetime import datetime, timedelta

from neural_memory_pipelines.domain.ids import WorkspaceId
from neural_memory_pipelines.errors import (
    ConfigurationError,
    ContractError,
    NeuralMemoryError,
    PermanentError,
    TransientError,
)
from neural_memory_pipelines.steps.report import StepReport, timed
from neural_memory_pipelines.stores.bundle import Stores
from neural_memory_pipelines.stores.postgres.eval_reports import Claim, claim_report, settle_failed, settle_sent
from neural_memory_pipelines.stores.postgres.eval_runs import run_named
from neural_memory_pipelines.stores.reports.protocol import ReportDestination

LEASE_SECONDS = 120.0  # far longer than a destination may take: whoever holds it that long was killed
_FIRST_WAIT_SECONDS = 60.0
_LONGEST_WAIT_SECONDS = 3_600.0
_LONGEST_ASKED_SECONDS = 86_400.0

_log = logging.getLogger(__name__)


def send_reports(
    workspace: WorkspaceId, *, stores: Stores, destination: ReportDestination, now: datetime, limit: int = 50
) -> StepReport:
    """Send the reports of a workspace whose time has come.

    A report that is refused for itself is kept with the reason, and the next one follows. Where the destination is
    away, or refuses us, the rest waits with it. A sender that was killed leaves a claim that ends by itself; what it
    had sent already is sent again, and replaces itself.

    Args:
        workspace: whose.
        stores: where the reports and their runs are kept.
        destination: who is told.
        now: the time at which this begins.
        limit: most reports.

    Returns:
        `seen` reports were tried, `written` were sent, `failed` were not; `reasons` and `notes` say why.
    """
    clock = _clock(now)
    with timed(StepReport()) as report:
        while report.seen < limit:
            claim = _claim(workspace, stores, destination, now=clock())
            if claim is None:
                break
            report.seen += 1
            if not _send(workspace, claim, report, stores=stores, destination=destination, clock=clock):
                break
    return report


def wait_seconds(attempt: int, asked_seconds: float | None) -> float:
    """Tell how long a report waits after its `attempt`-th failure, from 1: a minute, doubled up to an hour.

    A destination that asks for more gets it, up to a day.
    """
    doubled = _FIRST_WAIT_SECONDS * 2.0 ** min(attempt - 1, 16)
    return max(min(doubled, _LONGEST_WAIT_SECONDS), min(asked_seconds or 0.0, _LONGEST_ASKED_SECONDS))


def _claim(workspace: WorkspaceId, stores: Stores, destination: ReportDestination, *, now: datetime) -> Claim | None:
    with stores.database.transaction(workspace) as tx:
        return claim_report(tx, now=now, lease_seconds=LEASE_SECONDS, destination=destination.name)


def _send(
    workspace: WorkspaceId,
    claim: Claim,
    report: StepReport,
    *,
    stores: Stores,
    destination: ReportDestination,
    clock: Callable[[], datetime],
) -> bool:
    """Send one report and settle its row.

    Returns:
        Whether the next one is worth a try.
    """
    try:
        with stores.database.transaction(workspace) as tx:
            run = run_named(tx, claim.run_id)
        url = destination.send(workspace, run)
    except (TransientError, PermanentError, ContractError) as error:
        is_refused = isinstance(error, PermanentError) and not isinstance(error, ConfigurationError)
        retry_at = None if is_refused else _retry_at(clock(), claim.attempt, error)
        with stores.database.transaction(workspace) as tx:
            settle_failed(tx, claim, error=str(error), retry_at=retry_at)
        _tell(report, workspace, claim, error, retry_at)
        return is_refused
    with stores.database.transaction(workspace) as tx:
        settle_sent(tx, claim, now=clock(), url=url)
    report.written += 1
    report.show({"run": claim.run_id, "suite": run.suite.value, "url": url})
    return True


def _retry_at(now: datetime, attempt: int, error: NeuralMemoryError) -> datetime:
    asked = error.retry_after_seconds if isinstance(error, TransientError) else None
    return now + timedelta(seconds=wait_seconds(attempt, asked))


def _tell(
    report: StepReport, workspace: WorkspaceId, claim: Claim, error: NeuralMemoryError, retry_at: datetime | None
) -> None:
    report.failed += 1
    report.count_reason("refused" if retry_at is None else type(error).__name__)
    when = "not tried again by itself" if retry_at is None else f"waits until {retry_at:%Y-%m-%d %H:%M:%S %Z}"
    report.notes.append(f"{claim.run_id}: {error}; {when}")
    _log.warning(
        "workspace %s: run %s was not sent to %s: %s; %s", workspace, claim.run_id, claim.destination, error, when
    )


def _clock(now: datetime) -> Callable[[], datetime]:
    """Make a clock that stands at `now`, and goes on."""
    started = time.monotonic()
    return lambda: now + timedelta(seconds=time.monotonic() - started)

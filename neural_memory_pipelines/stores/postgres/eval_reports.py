"""Which runs of evaluation a destination outside is still to be told of: written with the run, claimed, settled.

Nothing is sent here; a claim is a lease that ends by itself, so that no transaction is open while a report is sent.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import text

from neural_memory_pipelines.domain.ids import WorkspaceId
from neural_memory_pipelines.stores.postgres.bulk import insert_rows
from neural_memory_pipelines.stores.postgres.engine import Database, Transaction
from neural_memory_pipelines.stores.postgres.tables import eval_reports

BRAINTRUST = "braintrust"

# A claimed row has no error and a later `retry_at`, the end of its lease; a refused one an error and no `retry_at`.
_IS_DUE = "sent_at IS NULL AND (retry_at <= :now OR (retry_at IS NULL AND error IS NULL))"

_WAITING = f"""SELECT workspace_id, count(*), min(created_at) FROM eval_reports
WHERE {_IS_DUE} AND destination = :destination GROUP BY workspace_id ORDER BY min(created_at), workspace_id"""

# Materialized, or the plan may look for the oldest row once per row, and claim another one each time.
_CLAIM = f"""WITH due AS MATERIALIZED (
    SELECT run_id FROM eval_reports WHERE {_IS_DUE} AND destination = :destination
    ORDER BY created_at, run_id LIMIT 1 FOR UPDATE SKIP LOCKED
)
UPDATE eval_reports t SET attempts = t.attempts + 1, error = NULL, retry_at = :lease_ends_at
FROM due WHERE t.run_id = due.run_id AND t.destination = :destination
RETURNING t.run_id, t.attempts"""

_CLAIMED = "run_id = :run_id AND destination = :destination"

_LIST = """SELECT run_id, destination, suite, created_at, attempts, retry_at, error, sent_at, url,
    CASE WHEN sent_at IS NOT NULL THEN 'sent' WHEN error IS NOT NULL AND retry_at IS NULL THEN 'refused'
        WHEN error IS NULL AND retry_at > :now THEN 'sending' ELSE 'waiting' END AS state
FROM eval_reports LEFT JOIN eval_runs USING (workspace_id, run_id)
ORDER BY sent_at IS NOT NULL, created_at DESC, run_id LIMIT :limit"""


class ReportState(StrEnum):
    """How far a report is."""

    WAITING = "waiting"
    """It is sent when its time comes."""
    SENDING = "sending"
    """A sender has claimed it."""
    REFUSED = "refused"
    """The destination will not have it; nobody tries again before `hasten`."""
    SENT = "sent"
    """The destination has it."""


@dataclass(frozen=True, slots=True)
class WaitingReports:
    """A workspace with reports that may be sent now: how many, and since when the oldest waits."""

    workspace: WorkspaceId
    reports: int
    oldest_at: datetime


@dataclass(frozen=True, slots=True)
class Claim:
    """A report that the caller alone may send until its lease ends. `attempt` counts from 1."""

    run_id: str
    destination: str
    attempt: int


@dataclass(frozen=True, slots=True)
class Report:
    """One row, with the suite of its run (None if that is gone), and how far it is."""

    run_id: str
    destination: str
    suite: str | None
    created_at: datetime
    attempts: int
    retry_at: datetime | None
    error: str | None
    sent_at: datetime | None
    url: str | None
    state: ReportState


def put_report(tx: Transaction, run_id: str, *, destination: str = BRAINTRUST) -> None:
    """Note that a destination is to be told of a run; twice is once. Belongs into the transaction that keeps the run."""
    insert_rows(tx, eval_reports, [{"run_id": run_id, "destination": destination}], on_conflict="DO NOTHING")


def waiting(database: Database, *, now: datetime, destination: str = BRAINTRUST) -> list[WaitingReports]:
    """List the workspaces with reports that may be sent now, in one query; that of the oldest report first."""
    with database.catalog() as connection:
        rows = connection.execute(text(_WAITING), {"now": now, "destination": destination}).all()
    return [WaitingReports(WorkspaceId(workspace), reports, oldest_at) for workspace, reports, oldest_at in rows]


def claim_report(tx: Transaction, *, now: datetime, lease_seconds: float, destination: str) -> Claim | None:
    """Claim the oldest report that may be sent now; None if there is none that nobody else has.

    Args:
        tx: to be committed before anything is sent.
        now: the time.
        lease_seconds: how long the claim holds. A sender that was killed loses it then, and the report is sent again.
        destination: whose reports.
    """
    row = tx.connection.execute(
        text(_CLAIM),
        {"now": now, "lease_ends_at": now + timedelta(seconds=lease_seconds), "destination": destination},
    ).one_or_none()
    return Claim(row.run_id, destination, row.attempts) if row else None


def settle_sent(tx: Transaction, claim: Claim, *, now: datetime, url: str) -> None:
    """Record that the destination has the report, whoever may have claimed it since."""
    tx.connection.execute(
        text(f"UPDATE eval_reports SET sent_at = :now, url = :url, error = NULL, retry_at = NULL WHERE {_CLAIMED}"),
        {**asdict(claim), "now": now, "url": url},
    )


def settle_failed(tx: Transaction, claim: Claim, *, error: str, retry_at: datetime | None) -> None:
    """Record why a report could not be sent, unless another sender has claimed it since.

    Args:
        tx: the transaction.
        claim: what was tried.
        error: why, without secrets.
        retry_at: when it is worth another try; None if it is refused for good.
    """
    tx.connection.execute(
        text(
            f"UPDATE eval_reports SET error = :error, retry_at = :retry_at WHERE {_CLAIMED} "
            "AND attempts = :attempt AND sent_at IS NULL"
        ),
        {**asdict(claim), "error": error, "retry_at": retry_at},
    )


def hasten(tx: Transaction, *, destination: str = BRAINTRUST) -> int:
    """Let reports that failed or were refused be sent at once; those that are being sent stay claimed.

    Returns:
        How many there are.
    """
    changed = tx.connection.execute(
        text(
            "UPDATE eval_reports SET error = NULL, retry_at = NULL "
            "WHERE sent_at IS NULL AND error IS NOT NULL AND destination = :destination"
        ),
        {"destination": destination},
    )
    return changed.rowcount


def list_reports(tx: Transaction, *, now: datetime, limit: int) -> list[Report]:
    """List reports: those that were not sent first, each with the latest first."""
    rows = tx.connection.execute(text(_LIST), {"now": now, "limit": limit})
    return [Report(**{**row._mapping, "state": ReportState(row.state)}) for row in rows]

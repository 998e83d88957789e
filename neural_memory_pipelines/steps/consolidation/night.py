"""Begins and ends the consolidation of a workspace: what it saw, what it covers, and what is due to be archived.

What is done in between is up to the other steps; a night that never ended leaves the state of the one before.
"""

from __future__ import annotations

from datetime import datetime

from neural_memory_pipelines.domain.consolidation import ConsolidationSettings
from neural_memory_pipelines.domain.evaluation import Suite
from neural_memory_pipelines.domain.ids import Json, WorkspaceId, hash_json
from neural_memory_pipelines.domain.versions import EmbeddingVersion
from neural_memory_pipelines.steps.consolidation.due import archive_due, seen_hash
from neural_memory_pipelines.steps.report import StepReport, timed
from neural_memory_pipelines.steps.versions.archive import archive
from neural_memory_pipelines.stores.bundle import Stores
from neural_memory_pipelines.stores.postgres import eval_events, nights
from neural_memory_pipelines.stores.postgres.aging import next_leaving
from neural_memory_pipelines.stores.postgres.consolidation_settings import read_settings
from neural_memory_pipelines.stores.postgres.engine import Transaction
from neural_memory_pipelines.stores.postgres.night_coverage import NightRow, night_coverage, record_night
from neural_memory_pipelines.stores.postgres.workspaces import active_version, version_named


def begin_night(
    workspace: WorkspaceId,
    *,
    stores: Stores,
    settings: ConsolidationSettings,
    now: datetime,
    grace_days: float,
    run: str,
) -> None:
    """Note what there is to consolidate, before anything of it is read.

    What comes in while the night runs is then new to the next one, whether this one happened to read it or not.

    Args:
        workspace: which one.
        stores: where it is.
        settings: the workspace's.
        now: the moment of the night; aware.
        grace_days: days for which a version that was replaced is kept.
        run: names this night; `end_night` is told the same.
    """
    with stores.database.transaction(workspace) as tx:
        seen = nights.look(tx)
        nights.begin(tx, seen, seen_hash=seen_hash(seen, settings, now=now, grace_days=grace_days), run=run)


def end_night(
    workspace: WorkspaceId,
    version: EmbeddingVersion,
    *,
    stores: Stores,
    now: datetime,
    grace_days: float,
    run: str,
) -> StepReport:
    """Archive what is due, and record the night: its coverage, a reason to evaluate, and how far consolidation is.

    The record is one transaction. A night that left everything as it was records no coverage and gives no reason to
    evaluate. Done twice, it is done once.

    Args:
        workspace: which one.
        version: at which it was consolidated; nothing is done at one that is not served.
        stores: where it is.
        now: the moment of the night; aware.
        grace_days: days for which a version that was replaced is kept.
        run: the night that `begin_night` began.

    Returns:
        seen = observations that may be consolidated, written = rows of the record, deleted = archived vectors; kinds
        count how many observations are grouped, summarized, cited and out of the hot index.
    """
    report = StepReport()
    database = stores.database
    with timed(report), database.lock(workspace, "consolidate:night"):
        if active_version(database, workspace) != version:
            report.notes.append("the night is ended at the active version")
            return report
        _archive_due(workspace, stores=stores, now=now, grace_days=grace_days, report=report)
        with database.transaction(workspace) as tx:
            _record(tx, NightRow(now, version.name, night_coverage(tx)), run=run, report=report)
    return report


def _archive_due(
    workspace: WorkspaceId, *, stores: Stores, now: datetime, grace_days: float, report: StepReport
) -> None:
    with stores.database.transaction(workspace) as tx:
        leaving = archive_due(nights.look(tx).versions, now=now, grace_days=grace_days)
    for name in leaving:
        archived = archive(
            workspace,
            version_named(stores.database, name),
            stores=stores,
            decided_by="neural-memory",
            reason=f"it was replaced over {grace_days:g} days ago",
        )
        report.deleted += archived.deleted
        report.notes.append(f"{name} was archived: {archived.deleted} vectors left the indexes")


def _record(tx: Transaction, night: NightRow, *, run: str, report: StepReport) -> None:
    totals = night.coverage.totals
    report.seen, report.kinds = totals["observations"], totals
    leaving_at = next_leaving(tx, read_settings(tx))
    seen = nights.end(tx, run=run, now=night.at, leaving_at=leaving_at)
    if seen is None:
        report.notes.append("another night began meanwhile, or none began: the record is left to that one")
        return
    is_recorded = record_night(tx, night)
    is_reason = eval_events.put_event(tx, _event_id(seen, night), suite=Suite.NIGHTLY, payload=_payload(seen, night))
    report.written = is_recorded + is_reason
    report.unchanged = 0 if report.written else 1


def _event_id(seen: str, night: NightRow) -> str:
    spelled: Json = [str(Suite.NIGHTLY), seen, night.embedding_version, night.coverage.spelled()]
    return f"evt_{hash_json(spelled)[:32]}"


def _payload(seen: str, night: NightRow) -> dict[str, Json]:
    return {
        "night": seen,
        "at": night.at.isoformat(),
        "embedding_version": night.embedding_version,
        "coverage": night.coverage.totals,
    }

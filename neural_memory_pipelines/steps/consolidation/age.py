"""Lets old observations leave the hot index once a summary tells of them, and come back; and pins those that must stay.

Rows, evidence and embeddings stay where they are. The index follows when it is reconciled the next time.
"""

from __future__ import annotations

from datetime import datetime

from neural_memory_pipelines.domain.consolidation import ConsolidationSettings
from neural_memory_pipelines.domain.ids import ObservationId, WorkspaceId
from neural_memory_pipelines.errors import NotFoundError, PermanentError
from neural_memory_pipelines.steps.report import StepReport, timed
from neural_memory_pipelines.stores.bundle import Stores
from neural_memory_pipelines.stores.postgres import aging


def age_observations(
    workspace: WorkspaceId, *, stores: Stores, settings: ConsolidationSettings, now: datetime
) -> StepReport:
    """Bring in line which observations are out of the hot index with which may be: the old ones of a summarized topic.

    Importance has no floor: what leaves is still told by its topic's summary, and found in its document's chunks. The
    least important leave first, then the oldest; at most `age_per_night` between one night and the next, however often
    it runs. Reconcile the index of observations afterwards, at every version that is kept up to date.

    Args:
        workspace: whose observations.
        stores: where they are.
        settings: the workspace's.
        now: the moment at which ages are taken; aware.

    Returns:
        seen = observations that may be out, written = left now, deleted = marks taken away: these come back,
        unchanged = were out before, skipped = wait for another night.
    """
    report = StepReport()
    database = stores.database
    # One transaction, and no other that writes observations meanwhile.
    with timed(report), database.lock(workspace, "consolidate:aging"), database.writing(workspace) as tx:
        report.deleted = aging.bring_back(tx, settings, now)
        left = aging.let_leave(tx, settings, now)
        counts = aging.count_aging(tx, settings, now)
    report.seen, report.written = counts.may_be_out, len(left)
    report.unchanged = counts.out - len(left)
    report.skipped = counts.may_be_out - counts.out
    report.kinds = {"left": len(left), "came back": report.deleted, "out in all": counts.out}
    if report.skipped:
        report.reasons["the night's share was used up"] = report.skipped
    for row in left:
        report.show(
            {
                "observation": row.observation_id,
                "importance": round(row.importance, 4),
                "occurred": f"{row.occurred_at:%Y-%m-%d}",
            }
        )
    return report


def pin_observation(
    workspace: WorkspaceId, observation: ObservationId, *, stores: Stores, pinned_by: str, reason: str
) -> None:
    """Keep an observation in the hot index, whatever its age; one that left comes back with the next night.

    Raises:
        PermanentError: nobody says who wants it, or why.
        NotFoundError: there is no such observation.
    """
    if not (pinned_by.strip() and reason.strip()):
        raise PermanentError(f"pinning {observation}: say who wants it and why")
    with stores.database.transaction(workspace) as tx:
        if not aging.pin(tx, observation, pinned_by=pinned_by.strip(), reason=reason.strip()):
            raise NotFoundError(f"workspace {workspace} has no observation {observation!r}; expected an id, obs_...")


def unpin_observation(workspace: WorkspaceId, observation: ObservationId, *, stores: Stores) -> None:
    """Let an observation age again, from the next night on.

    Raises:
        NotFoundError: it was not pinned.
    """
    with stores.database.transaction(workspace) as tx:
        if not aging.unpin(tx, observation):
            raise NotFoundError(f"in workspace {workspace}, observation {observation!r} is not pinned")

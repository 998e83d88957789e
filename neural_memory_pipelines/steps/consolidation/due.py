"""Which workspaces are due to be consolidated: by their night, or early since much is new. It consolidates nothing.

It decides from the database alone. A workspace that cannot be judged is named, and stops no other.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from neural_memory_pipelines.domain.consolidation import ConsolidationSettings, latest_night
from neural_memory_pipelines.domain.ids import Json, WorkspaceId, hash_json
from neural_memory_pipelines.domain.lifecycle import VersionStatus
from neural_memory_pipelines.errors import NeuralMemoryError, TransientError
from neural_memory_pipelines.stores.postgres import nights
from neural_memory_pipelines.stores.postgres.consolidation_settings import settings_of
from neural_memory_pipelines.stores.postgres.engine import Database
from neural_memory_pipelines.stores.postgres.nights import Look, NightSchedule, NightState, PlacedVersion

# Raised when a night makes something else of the same: then every workspace is due once more.
_NIGHT_VERSION = 1
_MOST_IN_A_ROW = 3
_HOURS_TO_NEXT_NIGHT = 50


@dataclass(frozen=True, slots=True)
class DueNight:
    """A workspace to consolidate at a version, and why.

    `key` is the same for the same reason: a request that is repeated can be told.
    """

    workspace: WorkspaceId
    version: str
    key: str
    why: str


@dataclass(slots=True)
class Due:
    """The workspaces that are due, and those that could not be judged, with the reason."""

    nights: list[DueNight] = field(default_factory=list)
    failed: dict[WorkspaceId, str] = field(default_factory=dict)


def nights_due(database: Database, *, now: datetime, grace_days: float) -> Due:
    """Find the workspaces whose latest night has begun and has something to do.

    One query tells whose night nobody has looked at yet; only those are looked into, one short transaction each. One
    that has nothing to do is not looked at again before its next night; one that is due stays so until its night has
    ended: neither a tick that was lost nor a daemon that was down at that time loses a night.

    Args:
        database: where the workspaces are.
        now: the moment of the tick; aware.
        grace_days: days for which a version that was replaced is kept.
    """

    def judge(scheduled: NightSchedule) -> DueNight | None:
        settings = settings_of(scheduled.workspace, scheduled.spelled)
        night = latest_night(settings, now)
        if scheduled.looked_at is not None and scheduled.looked_at >= night:
            return None
        with database.transaction(scheduled.workspace) as tx:
            why = why_due(nights.look(tx), settings, now=now, grace_days=grace_days)
            if why is None:
                nights.note_looked_at(tx, night)
                return None
        return DueNight(scheduled.workspace, scheduled.active, f"{night:%Y-%m-%dT%H:%MZ}", why)

    return _each(database, judge)


def early_due(database: Database) -> Due:
    """Find the workspaces with so many new observations that they are to be consolidated before their night.

    Each further portion of that many is a reason of its own, so that a run that failed does not end the matter.
    """

    def judge(scheduled: NightSchedule) -> DueNight | None:
        settings = settings_of(scheduled.workspace, scheduled.spelled)
        with database.transaction(scheduled.workspace) as tx:
            new = nights.count_new(tx)
        if new.observations < settings.early_observations:
            return None
        since = f"{new.since:%Y-%m-%dT%H:%M:%S.%fZ}" if new.since else "the-first"
        key = f"{since}-{new.observations // settings.early_observations}"
        return DueNight(scheduled.workspace, scheduled.active, key, f"{new.observations} new observations")

    return _each(database, judge)


def archive_due(versions: Sequence[PlacedVersion], *, now: datetime, grace_days: float) -> list[str]:
    """Name the versions whose grace period is over, and those that a process stopped archiving half way."""
    before = now - timedelta(days=grace_days)
    return [
        known.name
        for known in versions
        if (known.status is VersionStatus.RETIRED and known.since < before) or known.status is VersionStatus.ARCHIVED
    ]


def seen_hash(seen: Look, settings: ConsolidationSettings, *, now: datetime, grace_days: float) -> str:
    """Hash all that a night reads. Versions that it is about to archive are left out, as they are gone after it."""
    leaving = archive_due(seen.versions, now=now, grace_days=grace_days)
    spelled: Json = {
        "night": _NIGHT_VERSION,
        "observations": seen.observations,
        "digests": seen.digests,
        "settings": settings.spelled(),
        "active": seen.active,
        "versions": {known.name: str(known.status) for known in seen.versions if known.name not in leaving},
    }
    return hash_json(spelled)


def next_night(settings: ConsolidationSettings, now: datetime) -> datetime:
    """When the next night of a workspace begins, after `now`; both aware, the answer in UTC."""
    later = (latest_night(settings, now + timedelta(hours=hours)) for hours in range(_HOURS_TO_NEXT_NIGHT))
    return next(night for night in later if night > now)


def why_due(seen: Look, settings: ConsolidationSettings, *, now: datetime, grace_days: float) -> str | None:
    """Say why a night that begins at, or has begun by, a moment is due; None if there is nothing to do in it."""
    state = seen.state
    if state and state.night_at and state.night_at >= latest_night(settings, now):
        return None
    if leaving := archive_due(seen.versions, now=now, grace_days=grace_days):
        return f"{', '.join(leaving)} is due to be archived"
    if state is None or state.night_at is None:
        return "it has never been consolidated" if seen.observations else None
    return _what_changed(state, seen_hash(seen, settings, now=now, grace_days=grace_days), now)


def _what_changed(state: NightState, found: str, now: datetime) -> str | None:
    if not state.is_whole:
        return "its last night was cut off"
    if state.night_hash != found:
        return "something changed since its last night"
    is_leaving = state.leaving_at is not None and state.leaving_at <= now
    return "observations are due to leave the hot index" if is_leaving else None


def _each(database: Database, judge: Callable[[NightSchedule], DueNight | None]) -> Due:
    """Judge all workspaces.

    Raises:
        TransientError: the database is away; not for one workspace alone.
    """
    due = Due()
    in_a_row = 0
    for scheduled in nights.night_schedules(database):
        try:
            night = judge(scheduled)
        except NeuralMemoryError as error:
            in_a_row = in_a_row + 1 if isinstance(error, TransientError) else 0
            if in_a_row == _MOST_IN_A_ROW:
                raise
            due.failed[scheduled.workspace] = str(error)
        else:
            in_a_row = 0
            due.nights += [night] if night else []
    return due

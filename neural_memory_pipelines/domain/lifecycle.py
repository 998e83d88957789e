"""The life of an embedding version in a workspace: which status may follow which. No store is known here.

proposed -> canary -> active -> retired -> archived -> proposed
              ^          ^         |
              |          +---------+  rollback
              +-> archived            (a version may be given up at any time but while it is active)
"""

from __future__ import annotations

from enum import StrEnum

from neural_memory_pipelines.domain.ids import WorkspaceId
from neural_memory_pipelines.errors import PermanentError


class VersionStatus(StrEnum):
    """Where an embedding version stands in a workspace."""

    PROPOSED = "proposed"
    """Registered; nothing is built, nothing is spent."""
    CANARY = "canary"
    """Being built, or built, beside the active one; new events go to both."""
    ACTIVE = "active"
    """Served. Each workspace has one."""
    RETIRED = "retired"
    """Was active; kept as it should be for a rollback."""
    ARCHIVED = "archived"
    """Its vectors left the indexes."""


KEPT_UP_TO_DATE = frozenset({VersionStatus.CANARY, VersionStatus.ACTIVE, VersionStatus.RETIRED})
"""New events are embedded and indexed at versions of these statuses."""

_NEXT = {
    VersionStatus.PROPOSED: {VersionStatus.CANARY, VersionStatus.ARCHIVED},
    VersionStatus.CANARY: {VersionStatus.ACTIVE, VersionStatus.ARCHIVED},
    VersionStatus.ACTIVE: {VersionStatus.RETIRED},
    VersionStatus.RETIRED: {VersionStatus.ACTIVE, VersionStatus.ARCHIVED},
    VersionStatus.ARCHIVED: {VersionStatus.PROPOSED},
}
_ADVICE = {
    (VersionStatus.PROPOSED, VersionStatus.ACTIVE): "build it first",
    (VersionStatus.ARCHIVED, VersionStatus.ACTIVE): "propose and build it again",
    (VersionStatus.ACTIVE, VersionStatus.ARCHIVED): "it is served; promote another version first",
}


class IllegalTransitionError(PermanentError):
    """A version cannot come from the status that it has to the one that was asked for."""


def check_transition(version: str, before: VersionStatus, after: VersionStatus) -> None:
    """Refuse a change of status that cannot be.

    Raises:
        IllegalTransitionError: says what the version is, what was asked, and what may be done.
    """
    if after in _NEXT[before]:
        return
    advice = _ADVICE.get((before, after)) or f"it may become {' or '.join(sorted(_NEXT[before]))}"
    raise IllegalTransitionError(f"embedding version {version} is {before} and cannot become {after}: {advice}")


def refuse_archived(version: str, status: VersionStatus, workspace: WorkspaceId) -> None:
    """Refuse to work on a version that is archived.

    Raises:
        PermanentError: says what to do.
    """
    if status is VersionStatus.ARCHIVED:
        raise PermanentError(
            f"embedding version {version} is archived in workspace {workspace}: propose it again to build it"
        )

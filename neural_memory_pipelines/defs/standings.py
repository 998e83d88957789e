"""Where embedding versions stand in workspaces: what assets and jobs ask about it, and how it is shown as tables.

It changes nothing; what may follow what is decided in `domain/lifecycle.py`.
"""

from typing import Any

from neural_memory_pipelines.defs.metadata import table_of
from neural_memory_pipelines.domain.ids import WorkspaceId
from neural_memory_pipelines.domain.lifecycle import KEPT_UP_TO_DATE
from neural_memory_pipelines.domain.versions import EmbeddingVersion
from neural_memory_pipelines.errors import NotFoundError, PermanentError
from neural_memory_pipelines.local.session import Session
from neural_memory_pipelines.steps.versions.propose import known_standing
from neural_memory_pipelines.stores.postgres.lifecycles import Standing, TransitionRow, standing, standings, transitions
from neural_memory_pipelines.stores.postgres.workspaces import list_workspaces


def kept_version(session: Session, workspace: WorkspaceId, version_name: str) -> EmbeddingVersion:
    """Read a version that a workspace keeps up to date.

    Raises:
        NotFoundError: there is no such version, or the workspace does not know it.
        PermanentError: it is proposed or archived; says what to do.
    """
    version = session.version(version_name)
    with session.stores.database.transaction(workspace) as tx:
        known = known_standing(standing(tx, version_name), workspace, version)
    if known.status not in KEPT_UP_TO_DATE:
        raise PermanentError(
            f"embedding version {version_name} is {known.status} in workspace {workspace}: "
            "propose it, and run the job build_version on its partition first"
        )
    return version


def workspaces_that_know(session: Session, version_name: str) -> list[WorkspaceId]:
    """List the workspaces in which a version stands anywhere.

    Raises:
        NotFoundError: there is no such version, or none knows it.
    """
    session.version(version_name)
    database = session.stores.database
    found = []
    for workspace in list_workspaces(database):
        with database.transaction(workspace) as tx:
            found += [workspace] if standing(tx, version_name) else []
    if not found:
        raise NotFoundError(f"no workspace knows the embedding version {version_name}: propose it first")
    return found


def standings_metadata(session: Session, workspace: WorkspaceId) -> dict[str, Any]:
    """Show which version serves a workspace, all its versions, and the steps that they took, the latest first."""
    with session.stores.database.transaction(workspace) as tx:
        versions, steps = standings(tx), transitions(tx)
    return {
        "served": session.active_version(workspace).name,
        "versions": table_of([_version_row(version) for version in versions]),
        "history": table_of([_step_row(step) for step in reversed(steps)]),
    }


def _version_row(version: Standing) -> dict[str, str | int]:
    asked = {None: "not asked", True: "passed", False: "not passed"}
    return {
        "version": version.name,
        "status": str(version.status),
        "since": version.since.isoformat(timespec="seconds"),
        "gate": asked[version.gate_passed],
        "model": version.model,
        "dim": version.dim,
        "topology": version.topology,
    }


def _step_row(step: TransitionRow) -> dict[str, str]:
    return {
        "at": step.at.isoformat(timespec="seconds"),
        "version": step.embedding_version,
        "from": step.from_status or "",
        "to": step.to_status,
        "by": step.decided_by,
        "reason": step.reason,
        "forced": "forced" if step.forced else "",
    }

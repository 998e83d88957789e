"""Registers an embedding version with a workspace, and begins to build it. Nothing is embedded here."""

from __future__ import annotations

from neural_memory_pipelines.domain.ids import WorkspaceId
from neural_memory_pipelines.domain.lifecycle import KEPT_UP_TO_DATE, VersionStatus, check_transition, refuse_archived
from neural_memory_pipelines.domain.versions import EmbeddingVersion
from neural_memory_pipelines.errors import NotFoundError
from neural_memory_pipelines.stores.bundle import Stores
from neural_memory_pipelines.stores.postgres import lifecycles, workspaces
from neural_memory_pipelines.stores.postgres.lifecycles import Standing


def propose_version(
    workspace: WorkspaceId, version: EmbeddingVersion, *, stores: Stores, decided_by: str, reason: str
) -> VersionStatus:
    """Register a version with a workspace. One that is proposed or built already stays as it is.

    Returns:
        Where the version stands now.

    Raises:
        IllegalTransitionError: the workspace is served at this version.
    """
    workspaces.register_version(stores.database, version)
    with stores.database.transaction(workspace) as tx:
        lifecycles.lock_lives(tx)
        known = lifecycles.standing(tx, version.name)
        if known is None:
            lifecycles.begin(tx, version.name, VersionStatus.PROPOSED, reason=reason, decided_by=decided_by)
            return VersionStatus.PROPOSED
        if known.status in {VersionStatus.PROPOSED, VersionStatus.CANARY, VersionStatus.RETIRED}:
            return known.status
        check_transition(version.name, known.status, VersionStatus.PROPOSED)
        lifecycles.clear_gate(tx, version.name)
        lifecycles.set_status(
            tx, version.name, known.status, VersionStatus.PROPOSED, decided_by=decided_by, reason=reason
        )
    return VersionStatus.PROPOSED


def begin_build(workspace: WorkspaceId, version: EmbeddingVersion, *, stores: Stores) -> VersionStatus:
    """Make sure that a version may be built; from here on, new events go to it too.

    Returns:
        Where the version stands now.

    Raises:
        NotFoundError: it was never proposed to this workspace.
        PermanentError: it is archived.
    """
    with stores.database.transaction(workspace) as tx:
        known = lifecycles.standing(tx, version.name)
        if known is not None and known.status in KEPT_UP_TO_DATE:
            return known.status
        lifecycles.lock_lives(tx)
        known = known_standing(lifecycles.standing(tx, version.name), workspace, version)
        refuse_archived(version.name, known.status, workspace)
        if known.status is VersionStatus.PROPOSED:
            lifecycles.set_status(
                tx,
                version.name,
                known.status,
                VersionStatus.CANARY,
                decided_by="neural-memory",
                reason="its build began",
            )
            return VersionStatus.CANARY
        return known.status


def known_standing(standing: Standing | None, workspace: WorkspaceId, version: EmbeddingVersion) -> Standing:
    """Insist on a version that a workspace knows.

    Raises:
        NotFoundError: it does not; says what to do.
    """
    if standing is None:
        raise NotFoundError(
            f"workspace {workspace} does not know the embedding version {version.name}: propose it first"
        )
    return standing

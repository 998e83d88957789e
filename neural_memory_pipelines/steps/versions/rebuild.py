"""Drops the vectors of a version from its indexes and writes them again, from the durable ones. No model is called."""

from __future__ import annotations

from neural_memory_pipelines.domain.ids import WorkspaceId
from neural_memory_pipelines.domain.lifecycle import KEPT_UP_TO_DATE
from neural_memory_pipelines.domain.versions import EmbeddingVersion, Family
from neural_memory_pipelines.errors import PermanentError
from neural_memory_pipelines.steps.index import reconcile_index
from neural_memory_pipelines.steps.report import Progress, StepReport, no_progress
from neural_memory_pipelines.steps.scope import Scope
from neural_memory_pipelines.steps.versions.archive import delete_places
from neural_memory_pipelines.steps.versions.propose import known_standing
from neural_memory_pipelines.stores.bundle import Stores
from neural_memory_pipelines.stores.postgres import lifecycles


def rebuild_index(
    workspace: WorkspaceId, version: EmbeddingVersion, *, stores: Stores, on_progress: Progress = no_progress
) -> dict[Family, StepReport]:
    """Rebuild all that a version has in vector indexes. Searches find less until it is done.

    A place that was named by other settings gets the name that it has by the settings of now.

    Returns:
        A report per family: deleted = dropped, written = written again, failed = texts without a kept vector.

    Raises:
        NotFoundError: the workspace does not know the version.
        PermanentError: nothing of the version belongs into an index; it is proposed, or archived.
    """
    with stores.database.transaction(workspace) as tx:
        known = known_standing(lifecycles.standing(tx, version.name), workspace, version)
    if known.status not in KEPT_UP_TO_DATE:
        raise PermanentError(
            f"embedding version {version.name} is {known.status} in workspace {workspace}: it has no index to rebuild"
        )
    reports = {}
    for family in Family:
        dropped, scope = StepReport(), Scope(workspace, version, family, stores)
        with stores.database.lock(workspace, f"index:{family}:{version.name}"):
            with stores.database.transaction(workspace) as tx:
                scope.refuse_archived(tx)
            delete_places(workspace, version, family, stores=stores, report=dropped)
        report = reconcile_index(scope, on_progress=on_progress)
        report.deleted += dropped.deleted
        reports[family] = report
    return reports

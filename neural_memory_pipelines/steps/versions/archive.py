"""Takes a version that is not served out of the indexes. What it was is remembered; asked twice, it is harmless."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from neural_memory_pipelines.domain.ids import WorkspaceId
from neural_memory_pipelines.domain.lifecycle import VersionStatus, check_transition
from neural_memory_pipelines.domain.versions import EmbeddingVersion, Family, Topology
from neural_memory_pipelines.steps.report import StepReport, timed
from neural_memory_pipelines.steps.versions.propose import known_standing
from neural_memory_pipelines.stores.bundle import Stores
from neural_memory_pipelines.stores.postgres import families, lifecycles, places, vectors_kept


def archive(
    workspace: WorkspaceId,
    version: EmbeddingVersion,
    *,
    stores: Stores,
    decided_by: str,
    reason: str,
    drop_vectors: bool = False,
) -> StepReport:
    """Delete the namespaces of a version, then its ledger. Its status comes first: nobody builds it meanwhile.

    Args:
        workspace: whose version.
        version: which one.
        stores: where it lies.
        decided_by: who wants it.
        reason: why, for the audit.
        drop_vectors: delete the durable vectors too; without them, to build it again is to pay again.

    Returns:
        deleted = vectors that were deleted from indexes; seen = namespaces.

    Raises:
        NotFoundError: the workspace does not know the version.
        IllegalTransitionError: it is served.
    """
    report = StepReport()
    with timed(report):
        with stores.database.transaction(workspace) as tx:
            lifecycles.lock_lives(tx)
            known = known_standing(lifecycles.standing(tx, version.name), workspace, version)
            if known.status is not VersionStatus.ARCHIVED:
                check_transition(version.name, known.status, VersionStatus.ARCHIVED)
                lifecycles.set_status(
                    tx, version.name, known.status, VersionStatus.ARCHIVED, decided_by=decided_by, reason=reason
                )
        for family in Family:
            # A run that builds the version holds this lock; it ends, and its next one is refused.
            with stores.database.lock(workspace, f"index:{family}:{version.name}"):
                delete_places(workspace, version, family, stores=stores, report=report)
        if drop_vectors:
            with stores.database.transaction(workspace) as tx:
                report.notes.append(f"{vectors_kept.drop_vectors(tx, version)} durable vectors were dropped")
    return report


def due_for_archive(workspace: WorkspaceId, *, stores: Stores, grace_days: float) -> list[str]:
    """List the versions that were retired longer ago than the grace period."""
    before = datetime.now(UTC) - timedelta(days=grace_days)
    with stores.database.transaction(workspace) as tx:
        return [
            standing.name
            for standing in lifecycles.standings(tx)
            if standing.status is VersionStatus.RETIRED and standing.since < before
        ]


def delete_places(
    workspace: WorkspaceId, version: EmbeddingVersion, family: Family, *, stores: Stores, report: StepReport
) -> None:
    """Delete the namespaces of a family at a version, then the ledger's rows: after a crash between, do it again."""
    with stores.database.transaction(workspace) as tx:
        there = places.places(tx, version, [family])
        counted = families.family_counts(tx, version, family).indexed_vectors
    for place in there:
        stores.vectors.delete_namespace(place.index, place.namespace)
    with stores.database.transaction(workspace) as tx:
        places.forget_places(tx, version, [family])
        unused = places.indexes_without_places(tx, [place.index for place in there])
    if version.topology is Topology.STORE:  # such an index is this workspace's own, and accounts have few of them
        for index in unused:
            stores.vectors.drop_index(index)
    report.seen += len(there)
    report.deleted += counted

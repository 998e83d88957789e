"""Makes the profiles of a workspace's entities again where their evidence changed.

The formulas are in `domain/profiles/`, what counts as evidence in `stores/postgres/profile_evidence.py`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import numpy.typing as npt

from neural_memory_pipelines.domain.consolidation import ConsolidationSettings
from neural_memory_pipelines.domain.ids import EntityId, WorkspaceId, hash_json
from neural_memory_pipelines.domain.lifecycle import refuse_archived
from neural_memory_pipelines.domain.profiles.centroids import (
    BODY,
    VIEWS,
    WeightedSums,
    distance_cosine,
    recency_weights,
)
from neural_memory_pipelines.domain.versions import EmbeddingVersion
from neural_memory_pipelines.steps.consolidation.describe_entities import describe_entities
from neural_memory_pipelines.steps.consolidation.profiles_report import Mover, ProfilesReport, conclude
from neural_memory_pipelines.steps.report import Progress, no_progress, timed
from neural_memory_pipelines.stores.bundle import Stores
from neural_memory_pipelines.stores.postgres import lifecycles, profile_evidence, profile_writing, profiles
from neural_memory_pipelines.stores.postgres.engine import Transaction
from neural_memory_pipelines.stores.postgres.profile_evidence import EvidenceStanding
from neural_memory_pipelines.stores.postgres.profile_writing import KeptProfile, ProfileDraft

# Counted up when profiles are made otherwise, so that all are made again.
_FORM = 1
_ENTITIES_AT_ONCE = 256  # bounds the memory for sums: three float64 vectors each
_VECTORS_AT_ONCE = 1_000


@dataclass(frozen=True, slots=True)
class _Run:
    workspace: WorkspaceId
    version: EmbeddingVersion
    stores: Stores
    settings: ConsolidationSettings
    now: datetime

    def lock_name(self) -> str:
        return _lock_name(self.version)

    def evidence_hash(self, standing: EvidenceStanding) -> str:
        """Hash all that a profile is made from: an equal hash is an equal profile."""
        return hash_json([_FORM, self.settings.half_life_days, self.settings.timezone, standing.prints])


def rebuild_profiles(
    workspace: WorkspaceId,
    version: EmbeddingVersion,
    *,
    stores: Stores,
    settings: ConsolidationSettings,
    now: datetime,
    on_progress: Progress = no_progress,
) -> ProfilesReport:
    """Make the profiles at a version again whose evidence changed, and let go of those without any.

    An entity's keywords are weighed against what others of its kind said when its profile was made.

    Args:
        workspace: whose entities.
        version: of the vectors.
        stores: where they are.
        settings: half-life, time zone, and the drift above which a profile is flagged.
        now: when profiles are made (aware); it decides nothing else.
        on_progress: is told the number of profiles made.

    Returns:
        seen = entities that have evidence, written = profiles made, unchanged, deleted = profiles without evidence;
        failed = profiles that lack vectors of some texts: they are made again when these are there.

    Raises:
        PermanentError: the version is archived.
    """
    report = ProfilesReport()
    run = _Run(workspace, version, stores, settings, now)
    with timed(report), stores.database.lock(workspace, run.lock_name()):
        with stores.database.transaction(workspace) as tx:
            _refuse_archived(tx, version)
            standings = profile_evidence.evidence_standings(tx, version)
            known = profile_writing.evidence_hashes(tx, version)
        due = [item for item in standings if item.is_lost or known.get(item.entity_id) != run.evidence_hash(item)]
        report.deleted = _forget(run, sorted(known.keys() - {item.entity_id for item in standings}))
        on_progress(0, total=len(due))
        for start in range(0, len(due), _ENTITIES_AT_ONCE):
            report.movers += _rebuild(run, due[start : start + _ENTITIES_AT_ONCE])
            on_progress(len(due[start : start + _ENTITIES_AT_ONCE]))
        with stores.database.transaction(workspace) as tx:
            drifted = profiles.drifted_profiles(tx, version, above_cosine=settings.drift_cosine)
        report.written = len(due)
        conclude(report, standings, drifted, above_cosine=settings.drift_cosine)
    return report


def accept_profile(
    workspace: WorkspaceId,
    version: EmbeddingVersion,
    entity: EntityId,
    *,
    stores: Stores,
    accepted_by: str,
    now: datetime,
) -> None:
    """Take a profile as it is now for the one that drift is measured from.

    Args:
        workspace: whose entity.
        version: of the profile.
        entity: which one.
        stores: where it is.
        accepted_by: who accepts it.
        now: when (aware).

    Raises:
        NotFoundError: there is none, or one without a vector.
    """
    with stores.database.lock(workspace, _lock_name(version)), stores.database.transaction(workspace) as tx:
        profiles.accept(tx, version, entity, accepted_by=accepted_by, now=now)


def _lock_name(version: EmbeddingVersion) -> str:
    return f"consolidate:profiles:{version.name}"


def _refuse_archived(tx: Transaction, version: EmbeddingVersion) -> None:
    standing = lifecycles.standing(tx, version.name)
    if standing is not None:
        refuse_archived(version.name, standing.status, tx.workspace_id)


def _forget(run: _Run, gone: Sequence[EntityId]) -> int:
    if gone:
        with run.stores.database.transaction(run.workspace) as tx:
            profile_writing.forget_profiles(tx, run.version, gone)
    return len(gone)


def _rebuild(run: _Run, due: Sequence[EvidenceStanding]) -> list[Mover]:
    """Make some profiles in one transaction; tell how far those that there were have moved."""
    entities = [item.entity_id for item in due]
    with run.stores.database.transaction(run.workspace) as tx:
        _refuse_archived(tx, run.version)
        centroids = _centroids(run, tx, entities)
        described = describe_entities(tx, due, timezone=run.settings.timezone)
        kept = profile_writing.kept_profiles(tx, run.version, entities)
        # What was read may have changed between two statements. Such a profile is made again by the next run.
        still = {item.entity_id: item for item in profile_evidence.evidence_standings(tx, run.version)}
        drafts = [
            ProfileDraft(
                entity_id=item.entity_id,
                observations=item.observations,
                summaries=item.summaries,
                descriptors=described[item.entity_id],
                evidence_hash=run.evidence_hash(item) if _same(item, still.get(item.entity_id)) else "",
                drift_cosine=_drift(centroids[item.entity_id].get(BODY), kept.get(item.entity_id)),
                is_whole=not item.missing,
                centroids=centroids[item.entity_id],
            )
            for item in due
            if item.entity_id in described
        ]
        profile_writing.write_profiles(tx, run.version, drafts, kept=kept, now=run.now)
    return _movers(due, drafts, kept)


def _same(item: EvidenceStanding, again: EvidenceStanding | None) -> bool:
    return again is not None and again.prints == item.prints


def _centroids(
    run: _Run, tx: Transaction, entities: Sequence[EntityId]
) -> dict[EntityId, dict[str, npt.NDArray[np.float32]]]:
    sums = WeightedSums[tuple[EntityId, str]](run.version.dim)
    for part in profile_evidence.stream_evidence(tx, run.version, entities, batch=_VECTORS_AT_ONCE):
        weights = recency_weights(part.ages_days, run.settings.half_life_days) * part.shares
        sums.add(part.keys, part.vectors, weights)
    found: dict[EntityId, dict[str, npt.NDArray[np.float32]]] = {entity: {} for entity in entities}
    for entity in entities:
        for view in VIEWS:
            centroid = sums.unit((entity, view))
            if centroid is not None:
                found[entity][view] = centroid
    return found


def _drift(body: npt.NDArray[np.float32] | None, kept: KeptProfile | None) -> float:
    if body is None or kept is None or kept.accepted is None:
        return 0.0
    return distance_cosine(body, kept.accepted)


def _movers(
    due: Sequence[EvidenceStanding], drafts: Sequence[ProfileDraft], kept: Mapping[EntityId, KeptProfile]
) -> list[Mover]:
    by_id = {item.entity_id: item for item in due}
    movers = []
    for draft in drafts:
        before = kept.get(draft.entity_id)
        if draft.body is not None and before is not None and before.body is not None:
            change = distance_cosine(draft.body, before.body)
            item = by_id[draft.entity_id]
            movers.append(Mover(item.entity_id, item.kind, item.name, draft.drift_cosine, change))
    return movers

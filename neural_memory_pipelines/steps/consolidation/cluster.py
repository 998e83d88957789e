"""Finds the topics of a workspace, and groups what each entity had to do with by time.

What belongs together is decided in `domain/topics/`; entities' windows are grouped in `windows.py`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from neural_memory_pipelines.domain.consolidation import ConsolidationSettings
from neural_memory_pipelines.domain.ids import ClusterId, ContentHash, ObservationId, WorkspaceId, hash_json
from neural_memory_pipelines.domain.topics.due import FullFacts, FullReason, full_due
from neural_memory_pipelines.domain.topics.nights import NightPlan, plan_night
from neural_memory_pipelines.domain.topics.values import Night, Topic, TopicsState, Vectors
from neural_memory_pipelines.domain.versions import EmbeddingVersion
from neural_memory_pipelines.errors import TransientError
from neural_memory_pipelines.models.clusterers.evoc import cluster
from neural_memory_pipelines.steps.consolidation.topic_rows import write_plan
from neural_memory_pipelines.steps.consolidation.windows import group_by_entity
from neural_memory_pipelines.steps.report import StepReport, timed
from neural_memory_pipelines.stores.bundle import Stores
from neural_memory_pipelines.stores.postgres import clusters, topic_states
from neural_memory_pipelines.stores.postgres.clusters import TOPIC, ObservationVector
from neural_memory_pipelines.stores.postgres.engine import Transaction
from neural_memory_pipelines.stores.postgres.topic_states import TopicStanding
from neural_memory_pipelines.stores.postgres.vectors_kept import vectors_of

_VECTORS_AT_ONCE = 4_096


@dataclass(slots=True)
class TopicsReport(StepReport):
    """What became of topics: seen = observations, written = topics and windows that changed, deleted = gone ones.

    `pending` observations wait for a topic; `full` says why everything was clustered anew, if it was.
    """

    pending: int = 0
    topics: int = 0
    full: str | None = None
    is_changed: bool = False


@dataclass(frozen=True, slots=True)
class _Before:
    """What a night finds."""

    observed: Mapping[ObservationId, ObservationVector]
    without_vector: int
    state: TopicsState
    standing: TopicStanding | None

    def input_hash(self, version: EmbeddingVersion, settings: ConsolidationSettings) -> str:
        return hash_json([version.name, settings.topics_hash, *sorted(self.observed)])


def find_topics(
    workspace: WorkspaceId,
    version: EmbeddingVersion,
    *,
    stores: Stores,
    settings: ConsolidationSettings,
    now: datetime,
    full: bool = False,
) -> TopicsReport:
    """Bring topics and entities' windows up to date, in one transaction.

    Args:
        workspace: whose observations.
        version: the active one, whose vectors tell what is alike.
        stores: where they are.
        settings: the workspace's.
        now: the night (aware).
        full: cluster everything anew, though it is not due.

    Returns:
        What changed. An unchanged night reads no vectors and writes nothing.

    Raises:
        TransientError: another run found topics meanwhile, or vectors went away.
    """
    report = TopicsReport()
    with timed(report), stores.database.lock(workspace, "consolidate:topics"):
        with stores.database.transaction(workspace) as tx:
            before = _read(tx, version)
        report.seen = len(before.observed)
        _note_left_out(before, settings, report)
        reason = "it was asked for" if full else _why_full(before, version, settings, now)
        input_hash = before.input_hash(version, settings)
        is_new = before.standing is None or before.standing.input_hash != input_hash
        plan = None
        if is_new or reason is not None:
            plan = _plan(workspace, version, before, stores=stores, settings=settings, full=reason is not None)
            report.full = str(reason) if reason else None
        with stores.database.transaction(workspace) as tx:
            if plan is not None:
                standing = _standing(before, version, settings, now, is_full=reason is not None)
                topic_states.put_standing(tx, standing, after=before.standing)
                write_plan(tx, plan, before.observed, before.state, version_name=version.name, now=now)
            windows = group_by_entity(tx, workspace, settings=settings, version_name=version.name, now=now)
        _count(report, before.state if plan is None else plan.state, plan)
        report.written += windows.written
        report.deleted += windows.deleted
        report.unchanged += windows.seen - windows.written
    return report


def _read(tx: Transaction, version: EmbeddingVersion) -> _Before:
    standing = topic_states.topic_standing(tx)  # first: what is written after it is then never taken for older
    observed = {item.observation_id: item for item in clusters.consolidated_observations(tx, version)}
    members: dict[ClusterId, dict[ObservationId, float]] = {}
    for item in clusters.memberships(tx, TOPIC):
        members.setdefault(item.cluster_id, {})[item.observation_id] = item.similarity_cosine or 0.0
    topics = tuple(
        Topic(row.cluster_id, members.get(row.cluster_id, {}), row.vector_sum, row.threshold_cosine)
        for row in clusters.living_clusters(tx, TOPIC)
        if row.vector_sum is not None and row.threshold_cosine is not None
    )
    waiting = topic_states.waiting(tx)
    without = clusters.count_consolidated(tx) - len(observed)
    return _Before(observed, without, TopicsState(topics, waiting.pending, waiting.left_out), standing)


def _why_full(
    before: _Before, version: EmbeddingVersion, settings: ConsolidationSettings, now: datetime
) -> FullReason | None:
    standing = before.standing
    is_same = standing is not None and (standing.embedding_version, standing.settings_hash) == (
        version.name,
        settings.topics_hash,
    )
    facts = FullFacts(
        full_at=standing.full_at if standing is not None and is_same else None,
        changed=standing is not None and standing.full_hash != before.input_hash(version, settings),
        topics=len(before.state.topics),
        observations=len(before.observed),
        pending_since=len(before.state.pending),
    )
    return full_due(facts, now=now, every_days=settings.full_every_days, pool_share=settings.pool_share)


def _plan(
    workspace: WorkspaceId,
    version: EmbeddingVersion,
    before: _Before,
    *,
    stores: Stores,
    settings: ConsolidationSettings,
    full: bool,
) -> NightPlan:
    def read(ids: Sequence[ObservationId]) -> Vectors:
        found = np.empty((len(ids), version.dim), dtype=np.float32)
        for start in range(0, len(ids), _VECTORS_AT_ONCE):
            part = ids[start : start + _VECTORS_AT_ONCE]
            found[start : start + len(part)] = _vectors(part, before, version, stores=stores, workspace=workspace)
        return found

    night = Night(
        workspace_id=workspace,
        least_members=settings.least_members,
        vectors_of=read,
        cluster=lambda vectors: cluster(vectors, least=settings.least_members),
    )
    return plan_night(before.state, before.observed, full=full, night=night)


def _vectors(
    ids: Sequence[ObservationId], before: _Before, version: EmbeddingVersion, *, stores: Stores, workspace: WorkspaceId
) -> Vectors:
    hashes: list[ContentHash] = [before.observed[key].content_hash for key in ids]
    with stores.database.transaction(workspace) as tx:
        found = vectors_of(tx, version, hashes)
    lost = sum(content_hash not in found for content_hash in hashes)
    if lost:
        raise TransientError(f"{lost} vectors of {workspace} at {version.name} went away while topics were found")
    return np.stack([found[content_hash] for content_hash in hashes])


def _standing(
    before: _Before, version: EmbeddingVersion, settings: ConsolidationSettings, now: datetime, *, is_full: bool
) -> TopicStanding:
    input_hash = before.input_hash(version, settings)
    known = before.standing
    return TopicStanding(
        embedding_version=version.name,
        settings_hash=settings.topics_hash,
        input_hash=input_hash,
        full_hash=input_hash if is_full or known is None else known.full_hash,
        full_at=now if is_full or known is None else known.full_at,
    )


def _note_left_out(before: _Before, settings: ConsolidationSettings, report: TopicsReport) -> None:
    if before.without_vector:
        report.failed = before.without_vector
        report.notes.append(
            f"{before.without_vector:,} observations have no vector yet: the embedding step gives them one, "
            "and the next run groups them"
        )
    if len(before.observed) < settings.least_members:
        report.notes.append(
            f"there are {len(before.observed)} observations that all may read, and a topic takes "
            f"{settings.least_members}: there are no topics yet"
        )


def _count(report: TopicsReport, state: TopicsState, plan: NightPlan | None) -> None:
    report.topics = len(state.topics)
    report.pending = len(state.pending) + len(state.left_out)
    report.unchanged = len(state.topics)
    if plan is None:
        return
    report.written = len(plan.changed)
    report.deleted = len(plan.gone)
    report.unchanged = len(state.topics) - len(plan.changed)
    report.is_changed = bool(plan.changed or plan.gone)
    for event in plan.events:
        report.kinds[str(event.change)] = report.kinds.get(event.change, 0) + 1
    if report.full:
        report.notes.append(f"everything was clustered anew: {report.full}")

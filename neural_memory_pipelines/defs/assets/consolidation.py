"""The group `consolidation`: what a night makes of a workspace's observations.

Each asset calls one step of `steps/consolidation/`; what those decide is not known here.
"""

from collections.abc import Callable, Mapping
from typing import Any

import dagster as dg
from pydantic import Field

from neural_memory_pipelines.defs.consolidation_metadata import summaries_metadata, topics_metadata
from neural_memory_pipelines.defs.failures import mapped_failures
from neural_memory_pipelines.defs.metadata import OWNERS, report_metadata, table_metadata
from neural_memory_pipelines.defs.nights import Night, nights_of
from neural_memory_pipelines.defs.partitions import to_workspace, workspace_version_partitions
from neural_memory_pipelines.defs.profiles_metadata import profiles_metadata
from neural_memory_pipelines.defs.resources import MemoryResource, progress_of
from neural_memory_pipelines.domain.versions import Family
from neural_memory_pipelines.steps.consolidation.age import age_observations
from neural_memory_pipelines.steps.consolidation.cluster import find_topics
from neural_memory_pipelines.steps.consolidation.night import begin_night, end_night
from neural_memory_pipelines.steps.consolidation.profile import rebuild_profiles
from neural_memory_pipelines.steps.consolidation.summarize import summarize_clusters
from neural_memory_pipelines.steps.index import reconcile_index


def _per_night(
    context: dg.AssetExecutionContext, memory: MemoryResource, act: Callable[[Night], Mapping[str, Any]]
) -> dg.MaterializeResult[None]:
    with mapped_failures(context):
        for night in nights_of(context, memory):
            context.add_asset_metadata(act(night), partition_key=night.key)
    return dg.MaterializeResult()


def _if_served(night: Night, act: Callable[[Night], Mapping[str, Any]]) -> Mapping[str, Any]:
    """Act at the version that is served; at another, say that there is nothing to do."""
    if night.is_served:
        return act(night)
    return {"notes": f"made at {night.served}, which serves the workspace; nothing to do at {night.version.name}"}


class ClusterConfig(dg.Config):
    """What may be asked of a run beyond what changed."""

    full: bool = Field(default=False, description="Cluster everything anew, though it is not due.")


@dg.asset(
    partitions_def=workspace_version_partitions,
    deps=[
        "observation_embeddings",
        dg.AssetDep("entities", partition_mapping=to_workspace),
        dg.AssetDep("relationships", partition_mapping=to_workspace),
    ],
    group_name="consolidation",
    kinds={"postgres", "python"},
    owners=OWNERS,
    code_version="1",
    metadata=table_metadata("memory_clusters"),
)
def observation_clusters(
    context: dg.AssetExecutionContext, config: ClusterConfig, memory: MemoryResource
) -> dg.MaterializeResult[None]:
    """Topics, and what each entity had to do with in a time window; their ids stay the same from night to night."""

    def act(night: Night) -> Mapping[str, Any]:
        begin_night(
            night.workspace,
            stores=night.stores,
            settings=night.settings,
            now=night.now,
            grace_days=night.grace_days,
            run=night.run,
        )
        report = find_topics(
            night.workspace,
            night.version,
            stores=night.stores,
            settings=night.settings,
            now=night.now,
            full=config.full,
        )
        return topics_metadata(night, report)

    return _per_night(context, memory, lambda night: _if_served(night, act))


@dg.asset(
    partitions_def=workspace_version_partitions,
    deps=[observation_clusters],
    group_name="consolidation",
    kinds={"postgres", "cohere"},
    owners=OWNERS,
    code_version="1",
    metadata=table_metadata("memory_summaries"),
    pool="embedder",
)
def summaries(context: dg.AssetExecutionContext, memory: MemoryResource) -> dg.MaterializeResult[None]:
    """What each topic and entity's window comes down to, in 3 to 7 sentences that cite their observations."""

    def act(night: Night) -> Mapping[str, Any]:
        report = summarize_clusters(
            night.workspace,
            night.version,
            stores=night.stores,
            settings=night.settings,
            summarizer=night.summarizer(),
            now=night.now,
            on_progress=progress_of(context, "summaries"),
        )
        return summaries_metadata(report)

    return _per_night(context, memory, lambda night: _if_served(night, act))


@dg.asset(
    partitions_def=workspace_version_partitions,
    deps=["observation_embeddings", "summary_embeddings"],
    group_name="consolidation",
    kinds={"postgres", "python"},
    owners=OWNERS,
    code_version="1",
    metadata=table_metadata("memory_profiles"),
)
def profiles(context: dg.AssetExecutionContext, memory: MemoryResource) -> dg.MaterializeResult[None]:
    """What each person, team, repository, component and project has to do with: centroids, words, counts, drift."""

    def act(night: Night) -> Mapping[str, Any]:
        report = rebuild_profiles(
            night.workspace, night.version, stores=night.stores, settings=night.settings, now=night.now
        )
        return profiles_metadata(night, report)

    return _per_night(context, memory, act)


@dg.asset(
    partitions_def=workspace_version_partitions,
    deps=[summaries, "observation_index", "profile_index"],
    group_name="consolidation",
    kinds={"postgres", "pgvector", "pinecone"},
    owners=OWNERS,
    code_version="1",
    pool="vector_index",
)
def hot_observations(context: dg.AssetExecutionContext, memory: MemoryResource) -> dg.MaterializeResult[None]:
    """Which observations stay in the index: old ones whose topic has a summary leave it, and nothing else."""

    def act(night: Night) -> Mapping[str, Any]:
        aged = (
            report_metadata(
                age_observations(night.workspace, stores=night.stores, settings=night.settings, now=night.now)
            )
            if night.is_served
            else {}
        )
        indexed = reconcile_index(night.scope(Family.OBSERVATIONS))
        return {**aged, "vectors_deleted": indexed.deleted, "vectors_upserted": indexed.written}

    return _per_night(context, memory, act)


@dg.asset(
    partitions_def=workspace_version_partitions,
    deps=[hot_observations, "chunk_index", "summary_index", "knowledge_cache"],
    group_name="consolidation",
    kinds={"postgres"},
    owners=OWNERS,
    code_version="1",
    metadata=table_metadata("consolidation_nights"),
)
def consolidation_night(context: dg.AssetExecutionContext, memory: MemoryResource) -> dg.MaterializeResult[None]:
    """The end of a night: what is due is archived, what is covered is counted, an evaluation is asked for."""

    def act(night: Night) -> Mapping[str, Any]:
        report = end_night(
            night.workspace,
            night.version,
            stores=night.stores,
            now=night.now,
            grace_days=night.grace_days,
            run=night.run,
        )
        return report_metadata(report)

    return _per_night(context, memory, lambda night: _if_served(night, act))


consolidation_assets = [observation_clusters, summaries, profiles, hot_observations, consolidation_night]

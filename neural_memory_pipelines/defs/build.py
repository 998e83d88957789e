"""Assembles the definitions. Touches no network and reads no setting."""

import dagster as dg

from neural_memory_pipelines.defs.assets.caches import graph_adjacency_cache, knowledge_cache
from neural_memory_pipelines.defs.assets.consolidation import consolidation_assets
from neural_memory_pipelines.defs.assets.embeddings import embedding_assets
from neural_memory_pipelines.defs.assets.evaluation import evaluation_assets
from neural_memory_pipelines.defs.assets.graph import entities, relationships
from neural_memory_pipelines.defs.assets.indexes import index_assets
from neural_memory_pipelines.defs.assets.ingestion import raw_artifacts
from neural_memory_pipelines.defs.assets.knowledge import knowledge
from neural_memory_pipelines.defs.assets.versions import canary, served_version
from neural_memory_pipelines.defs.checks.consolidation import no_profile_drifted
from neural_memory_pipelines.defs.checks.dead_letters import no_dead_letters
from neural_memory_pipelines.defs.checks.evaluation import evaluation_checks
from neural_memory_pipelines.defs.checks.memory import memory_checks
from neural_memory_pipelines.defs.consolidation_times import (
    consolidated,
    early_consolidation,
    nightly,
    weekly_reconcile,
)
from neural_memory_pipelines.defs.evaluation_times import evaluations_due
from neural_memory_pipelines.defs.jobs import (
    build_version,
    consolidate_workspace,
    evaluation_jobs,
    index_workspace,
    ingest_workspace,
)
from neural_memory_pipelines.defs.lifecycle_jobs import lifecycle_jobs
from neural_memory_pipelines.defs.report_jobs import reports_waiting, send_evaluation_reports
from neural_memory_pipelines.defs.resources import MemoryResource
from neural_memory_pipelines.defs.sensors import knowledge_changed, source_data, stranded_events


def build_definitions(memory: MemoryResource | None = None) -> dg.Definitions:
    """Build the code location's definitions; tests may hand in a resource of their own."""
    return dg.Definitions(
        assets=[
            raw_artifacts,
            knowledge,
            entities,
            relationships,
            graph_adjacency_cache,
            *embedding_assets,
            *index_assets,
            *consolidation_assets,
            canary,
            served_version,
            knowledge_cache,
            *evaluation_assets,
        ],
        asset_checks=[*memory_checks, no_dead_letters, no_profile_drifted, *evaluation_checks],
        jobs=[
            ingest_workspace,
            index_workspace,
            build_version,
            consolidate_workspace,
            *evaluation_jobs,
            send_evaluation_reports,
            *lifecycle_jobs.values(),
        ],
        sensors=[
            source_data,
            stranded_events,
            knowledge_changed,
            consolidated,
            early_consolidation,
            evaluations_due,
            reports_waiting,
        ],
        schedules=[nightly, weekly_reconcile],
        resources={"memory": memory or MemoryResource()},
        executor=dg.in_process_executor,
    )

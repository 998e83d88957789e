"""The tables, as SQLAlchemy sees them. The migrations build them; a test holds the two equal.

Every table with a `workspace_id` is under row-level security, see `migrations/`.
"""

from __future__ import annotations

from neural_memory_pipelines.stores.postgres.tables.base import metadata
from neural_memory_pipelines.stores.postgres.tables.consolidation import (
    cluster_events,
    cluster_members,
    consolidation_nights,
    consolidations,
    memory_clusters,
    memory_profiles,
    memory_summaries,
    observation_pins,
    pending_observations,
    profile_centroids,
    profile_drifts,
)
from neural_memory_pipelines.stores.postgres.tables.evaluation import (
    eval_events,
    eval_reports,
    eval_results,
    eval_runs,
    lexical_counts,
    lexical_terms,
    questions,
)
from neural_memory_pipelines.stores.postgres.tables.graph import (
    document_entities,
    document_handles,
    document_links,
    entities,
    entity_aliases,
    identity_claims,
    identity_decisions,
    relationship_evidence,
    relationships,
)
from neural_memory_pipelines.stores.postgres.tables.ingestion import (
    dead_letters,
    embedding_versions,
    ingestion_commits,
    source_events,
    source_renames,
    stores,
    workspaces,
)
from neural_memory_pipelines.stores.postgres.tables.knowledge import (
    document_parts,
    document_versions,
    knowledge_chunks,
    knowledge_documents,
    memory_observations,
)
from neural_memory_pipelines.stores.postgres.tables.vectors import (
    cache_entries,
    embeddings,
    graph_cache_entries,
    vector_entries,
    vector_indexes,
    vector_namespaces,
)
from neural_memory_pipelines.stores.postgres.tables.versions import version_transitions, workspace_versions

__all__ = [
    "WORKSPACE_TABLES",
    "cache_entries",
    "cluster_events",
    "cluster_members",
    "consolidation_nights",
    "consolidations",
    "dead_letters",
    "document_entities",
    "document_handles",
    "document_links",
    "document_parts",
    "document_versions",
    "embedding_versions",
    "embeddings",
    "entities",
    "entity_aliases",
    "eval_events",
    "eval_reports",
    "eval_results",
    "eval_runs",
    "graph_cache_entries",
    "identity_claims",
    "identity_decisions",
    "ingestion_commits",
    "knowledge_chunks",
    "knowledge_documents",
    "lexical_counts",
    "lexical_terms",
    "memory_clusters",
    "memory_observations",
    "memory_profiles",
    "memory_summaries",
    "metadata",
    "observation_pins",
    "pending_observations",
    "profile_centroids",
    "profile_drifts",
    "questions",
    "relationship_evidence",
    "relationships",
    "source_events",
    "source_renames",
    "stores",
    "vector_entries",
    "vector_indexes",
    "vector_namespaces",
    "version_transitions",
    "workspace_versions",
    "workspaces",
]

WORKSPACE_TABLES = tuple(table for table in metadata.tables.values() if "workspace_id" in table.c)

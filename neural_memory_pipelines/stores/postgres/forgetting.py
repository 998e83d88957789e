"""Forgetting what was derived from events: everything but the ledger of events, decisions of people, and raw bytes.

When that is done is decided by the steps.
"""

from __future__ import annotations

from sqlalchemy import text

from neural_memory_pipelines.stores.postgres.engine import Transaction

# Documents take their chunks, observations, handles, links and evidence with them, clusters their members. Vectors go
# too, for they are made of texts; the ledger of the index stays, so that the next run deletes there what nobody wants
# any more. The record of nights and reasons to evaluate stay: they are numbers, and are not made twice.
_DERIVED = (
    "relationships",
    "document_entities",
    "knowledge_documents",
    "document_versions",
    "document_parts",
    "ingestion_commits",
    "source_renames",
    "stores",
    "identity_claims",
    "entity_aliases",
    "entities",
    "memory_summaries",
    "cluster_events",
    "memory_clusters",
    "pending_observations",
    "memory_profiles",
    "profile_centroids",
    "profile_drifts",
    "consolidations",
    "embeddings",
    "lexical_terms",
    "lexical_counts",
)
# Where a workspace had no questions, titles of its documents stood in.
_ASKED_TITLES = (
    """DELETE FROM eval_results r USING eval_runs e WHERE e.workspace_id = :workspace AND NOT e.are_own
    AND r.workspace_id = e.workspace_id AND r.run_id = e.run_id""",
    "DELETE FROM eval_runs WHERE workspace_id = :workspace AND NOT are_own",
)


def forget_derived(tx: Transaction) -> None:
    """Delete everything of a workspace that its events and the next night yield again, and why some events are dead.

    Callers have all events read again, the dead ones too.
    """
    for table in _DERIVED:
        tx.connection.execute(
            text(f"DELETE FROM {table} WHERE workspace_id = :workspace"), {"workspace": tx.workspace_id}
        )
    for statement in _ASKED_TITLES:
        tx.connection.execute(text(statement), {"workspace": tx.workspace_id})
    tx.connection.execute(
        text(
            "DELETE FROM dead_letters d USING source_events e "
            "WHERE e.workspace_id = d.workspace_id AND e.idempotency_key = d.idempotency_key AND e.status = 'dead'"
        )
    )
    tx.connection.execute(text("UPDATE cache_entries SET generation = ''"))

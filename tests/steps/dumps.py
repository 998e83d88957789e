"""Everything that the stores hold of a workspace, in one comparable value.

Left out is what differs between two honest runs: the times of the run itself, names made from them, and how often a
folder was put into the inbox before a run got through.
"""

from __future__ import annotations

import json
import re
from typing import Any

import redis
from sqlalchemy import text

from neural_memory_pipelines.domain.ids import WorkspaceId
from neural_memory_pipelines.domain.placement import Place
from neural_memory_pipelines.domain.versions import Family
from neural_memory_pipelines.local.session import Session
from neural_memory_pipelines.steps.scope import Scope
from neural_memory_pipelines.stores.postgres import places
from neural_memory_pipelines.stores.postgres.engine import Transaction
from neural_memory_pipelines.stores.postgres.tables import WORKSPACE_TABLES, metadata

Dump = dict[str, list[Any]]

_QUERIES = {
    "workspaces": "SELECT organization_id, active_embedding_version, settings::text FROM workspaces",
    "events": """SELECT CASE WHEN source <> 'docs' THEN idempotency_key END AS key, source, action, status, reason,
        attempts FROM source_events WHERE source <> 'docs' OR status <> 'unchanged'""",
    "dead letters": "SELECT dead_letter_id, idempotency_key, reason, raw_key FROM dead_letters",
    "documents": """SELECT document_id, source, source_id, version, content_hash, type, title, summary, state, url,
        metadata_json::text, author_json::text, lineage_json->>'action' AS action, deleted_at IS NULL AS is_live,
        CASE WHEN deleted_at IS NULL THEN occurred_at END AS occurred_at FROM knowledge_documents""",
    "chunks": """SELECT chunk_id, document_id, chunk_index, chunk_hash, section_label, text, token_count,
        keywords::text, embedding_version, occurred_at, superseded_at IS NULL AS is_live, search::text
        FROM knowledge_chunks""",
    "observations": """SELECT observation_id, document_id, content_hash, text, title, summary, importance, tags::text,
        subject_refs::text, privacy, embedding_version, occurred_at, superseded_at IS NULL AS is_live
        FROM memory_observations""",
    "embeddings": "SELECT embedding_version, content_hash, encode(sha256(vector), 'hex') FROM embeddings",
    "vector ledger": """SELECT embedding_version, family, vector_id, index_name, namespace, content_hash, metadata_hash
        FROM vector_entries""",
    "cache ledger": """SELECT document_id, version, source, source_id, generation = cache_generation AS is_warm
        FROM cache_entries JOIN workspaces USING (workspace_id)""",
}
_PRESENT = {
    "documents": "SELECT document_id, content_hash FROM knowledge_documents WHERE deleted_at IS NULL",
    "chunks": "SELECT chunk_id, chunk_index, chunk_hash FROM knowledge_chunks WHERE superseded_at IS NULL",
    "observations": "SELECT observation_id, content_hash FROM memory_observations WHERE superseded_at IS NULL",
    "vector ledger": "SELECT vector_id, content_hash FROM vector_entries",
    "cache ledger": """SELECT document_id, generation = cache_generation AS is_warm
        FROM cache_entries JOIN workspaces USING (workspace_id)""",
}
_FILLED = (Family.CHUNKS, Family.OBSERVATIONS)
_VECTORS = text(
    "SELECT id, metadata::text, encode(sha256(vector_send(embedding)), 'hex') FROM vectors.vector_records "
    "WHERE index_name = :index AND namespace = :namespace"
)


def dump(session: Session, workspace: WorkspaceId) -> Dump:
    """Read all stores."""
    version = session.active_version(workspace)
    content: Dump = {}
    with session.stores.database.transaction(workspace) as tx:
        for name, query in _QUERIES.items():
            content[name] = _rows(tx, query)
        for family in _FILLED:
            content[f"{family} index"] = sorted(
                (place.namespace, *row)
                for place in places.places(tx, version, [family])
                for row in tx.connection.execute(_VECTORS, {"index": place.index, "namespace": place.namespace})
            )
        raw_keys = tx.connection.execute(
            text("SELECT raw_key FROM source_events UNION SELECT raw_key FROM dead_letters "
                 "UNION SELECT raw_pointer FROM knowledge_documents")
        ).scalars().all()  # fmt: skip
    content["missing raw artifacts"] = sorted(set(raw_keys) - set(session.stores.objects.get_many(raw_keys)))
    content["inbox"] = [info.key for info in session.stores.objects.list(f"inbox/{workspace}/")]
    content["cache"] = _cached(session, workspace)
    return content


def present(session: Session, workspace: WorkspaceId) -> Dump:
    """Read which ids, keys and contents are live in each store, without what depends on the past (versions, times)."""
    with session.stores.database.transaction(workspace) as tx:
        content = {name: _rows(tx, query) for name, query in _PRESENT.items()}
    for family in _FILLED:
        content[f"{family} index"] = sorted(indexed_ids(session, workspace, family))
    content["cache"] = sorted(re.sub(r":v\d+$", "", key) for key in cache_keys(session, workspace))
    return content


def statuses(session: Session, workspace: WorkspaceId) -> dict[str, int]:
    """Count the events of a workspace by status."""
    with session.stores.database.transaction(workspace) as tx:
        query = "SELECT status, count(*) FROM source_events GROUP BY status"
        return dict(tuple(row) for row in tx.connection.execute(text(query)))


def rows(session: Session, workspace: WorkspaceId, query: str, **parameters: Any) -> list[tuple[Any, ...]]:
    """Ask the workspace's Postgres."""
    with session.stores.database.transaction(workspace) as tx:
        return [tuple(row) for row in tx.connection.execute(text(query), parameters)]


def indexed_ids(session: Session, workspace: WorkspaceId, family: Family) -> set[str]:
    """List the ids in the vector index."""
    return Scope(workspace, session.active_version(workspace), family, session.stores).indexed_ids()


def places_of(session: Session, workspace: WorkspaceId, family: Family) -> list[Place]:
    """List where the vectors of a family lie."""
    return Scope(workspace, session.active_version(workspace), family, session.stores).places()


def cache_keys(session: Session, workspace: WorkspaceId) -> dict[str, str]:
    """List the cache's keys and values of a workspace."""
    ids = [row[0] for row in rows(session, workspace, "SELECT document_id FROM knowledge_documents")]
    with redis.Redis.from_url(session.endpoints.redis_url, decode_responses=True) as client:
        found = [key for key in client.scan_iter(count=10_000) if workspace in key or any(id_ in key for id_ in ids)]
        return dict(zip(found, client.mget(found), strict=True)) if found else {}


def empty_cache(session: Session, workspace: WorkspaceId) -> int:
    """Delete a workspace's keys from the cache."""
    keys = list(cache_keys(session, workspace))
    session.stores.cache.delete_many(keys)
    return len(keys)


def wipe(session: Session, workspace: WorkspaceId) -> None:
    """Make the stores forget a workspace, so that another run under its name starts from nothing."""
    empty_cache(session, workspace)
    version = session.new_workspace_version
    with session.stores.database.transaction(workspace) as tx:
        for place in places.places(tx, version, list(Family)):
            session.stores.vectors.delete_namespace(place.index, place.namespace)
        for table in reversed(metadata.sorted_tables):
            if table in WORKSPACE_TABLES:
                tx.connection.execute(table.delete())


def _rows(tx: Transaction, query: str) -> list[Any]:
    return sorted((tuple(row) for row in tx.connection.execute(text(query))), key=repr)


def _cached(session: Session, workspace: WorkspaceId) -> list[Any]:
    held: list[tuple[Any, ...]] = []
    for key, value in cache_keys(session, workspace).items():
        if key.startswith("document:"):
            row = json.loads(value)
            held.append((key, row["document_id"], row["version"], row["content_hash"], row["title"]))
        else:
            held.append((key,) if key.startswith("cache-generation:") else (key, value))
    return sorted(held)

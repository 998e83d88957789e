"""Everything that is held of a workspace outside the object store, as one text for each place.

It reads all tables, the vector index, the cache and, if it is given one, Dagster's own storage.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import dagster as dg
import redis
from dagster._serdes import serialize_value
from sqlalchemy import text

from neural_memory_pipelines.domain.ids import WorkspaceId
from neural_memory_pipelines.local.session import Session
from neural_memory_pipelines.stores.postgres.tables import WORKSPACE_TABLES, metadata

_OTHER_TABLES = {"alembic_version", "embedding_versions", "vector_indexes", "vector_records"}
_ALL_TABLES = "SELECT table_name FROM information_schema.tables WHERE table_schema IN ('public', 'vectors')"


def holdings(
    session: Session, workspace: WorkspaceId, *, instance: dg.DagsterInstance | None = None, log: str = ""
) -> dict[str, str]:
    """Read all that is held: by table, "vectors", "cache", "dagster" and "log"."""
    held = dict(_tables(session, workspace))
    held["vectors"] = "\n".join(_vectors(session, workspace))
    held["cache"] = "\n".join(_cache(session))
    held["dagster"] = "\n".join(_dagster(instance)) if instance else ""
    held["log"] = log
    return held


def found_in(held: Mapping[str, str], values: Iterable[str]) -> dict[str, set[str]]:
    """Tell which values stand where; places without any are left out."""
    wanted = set(values)
    found = {place: {value for value in wanted if value in content} for place, content in held.items()}
    return {place: values for place, values in found.items() if values}


def _tables(session: Session, workspace: WorkspaceId) -> Iterator[tuple[str, str]]:
    with session.stores.database.transaction(workspace) as tx:
        known = set(tx.connection.execute(text(_ALL_TABLES)).scalars())
        assert known <= {table.name for table in WORKSPACE_TABLES} | _OTHER_TABLES, "a table that nobody looks into"
        for table in WORKSPACE_TABLES:
            rows = tx.connection.execute(text(f"SELECT to_jsonb(t)::text FROM {table.name} t")).scalars()
            yield table.name, "\n".join(rows)
        yield (
            "embedding_versions",
            "\n".join(tx.connection.execute(text("SELECT to_jsonb(t)::text FROM embedding_versions t")).scalars()),
        )
    assert {table.name for table in metadata.tables.values()} - {
        table.name for table in WORKSPACE_TABLES
    } <= _OTHER_TABLES


def _vectors(session: Session, workspace: WorkspaceId) -> Iterator[str]:
    query = (
        "SELECT namespace || ' ' || id || ' ' || metadata::text FROM vectors.vector_records "
        "WHERE starts_with(namespace, :place)"
    )
    with session.stores.database.engine.begin() as connection:
        yield from connection.execute(text(query), {"place": f"ws_{workspace}__"}).scalars()


def _cache(session: Session) -> Iterator[str]:
    # Of all workspaces: what belongs to documents that are forgotten tells no workspace.
    with redis.Redis.from_url(session.endpoints.redis_url, decode_responses=True) as client:
        keys = list(client.scan_iter(count=10_000))
        for key, value in zip(keys, client.mget(keys) if keys else (), strict=True):
            yield f"{key} {value}"


def _dagster(instance: dg.DagsterInstance) -> Iterator[str]:
    for run in instance.get_runs():
        yield repr(run)
        for entry in instance.all_logs(run.run_id):
            yield serialize_value(entry)

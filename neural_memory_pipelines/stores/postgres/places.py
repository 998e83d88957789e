"""Which namespaces hold the vectors of a workspace. Their names are made in `domain/placement.py`."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import text

from neural_memory_pipelines.domain.placement import DEFAULT_STORE, Place
from neural_memory_pipelines.domain.versions import EmbeddingVersion, Family
from neural_memory_pipelines.stores.postgres.engine import Transaction


def register_place(tx: Transaction, version: EmbeddingVersion, family: Family, *, store: str, place: Place) -> Place:
    """Record where the vectors of a store are about to lie.

    Returns:
        Where they lie: a place that was recorded before stays, whatever the settings say by now.
    """
    values = {"workspace": tx.workspace_id, "version": version.name, "family": str(family), "store": store}
    tx.connection.execute(
        text(
            "INSERT INTO vector_namespaces (workspace_id, embedding_version, family, store, index_name, namespace) "
            "VALUES (:workspace, :version, :family, :store, :index_name, :namespace) ON CONFLICT DO NOTHING"
        ),
        {**values, "index_name": place.index, "namespace": place.namespace},
    )
    row = tx.connection.execute(
        text(
            "SELECT index_name, namespace FROM vector_namespaces WHERE workspace_id = :workspace "
            "AND embedding_version = :version AND family = :family AND store = :store"
        ),
        values,
    ).one()
    return Place(row.index_name, row.namespace)


def places(tx: Transaction, version: EmbeddingVersion, families: Sequence[Family]) -> list[Place]:
    """List where the vectors of families lie at a version, without doubles, by name."""
    rows = tx.connection.execute(
        text(
            "SELECT DISTINCT index_name, namespace FROM vector_namespaces WHERE embedding_version = :version "
            "AND family = ANY(:families) ORDER BY index_name, namespace"
        ),
        {"version": version.name, "families": [str(family) for family in families]},
    )
    return [Place(row.index_name, row.namespace) for row in rows]


def note_written(tx: Transaction, place: Place, position: int) -> None:
    """Keep how far a place was written, for processes that read it."""
    tx.connection.execute(
        text(
            "UPDATE vector_namespaces SET written_up_to = :position, written_at = now() "
            "WHERE index_name = :index_name AND namespace = :namespace"
        ),
        {"position": position, "index_name": place.index, "namespace": place.namespace},
    )


def written_lately(tx: Transaction, version: EmbeddingVersion, family: Family) -> dict[Place, int]:
    """Map places to how far they were written within the last ten minutes: no index lags behind for longer."""
    rows = tx.connection.execute(
        text(
            "SELECT index_name, namespace, written_up_to FROM vector_namespaces WHERE embedding_version = :version "
            "AND family = :family AND written_at > now() - interval '10 minutes'"
        ),
        {"version": version.name, "family": str(family)},
    )
    return {Place(row.index_name, row.namespace): row.written_up_to for row in rows}


def forget_places(tx: Transaction, version: EmbeddingVersion, families: Sequence[Family]) -> None:
    """Forget where vectors lay, after they were deleted there, and that they did."""
    values = {"version": version.name, "families": [str(family) for family in families]}
    for table in ("vector_entries", "vector_namespaces"):
        tx.connection.execute(
            text(f"DELETE FROM {table} WHERE embedding_version = :version AND family = ANY(:families)"), values
        )


def indexes_without_places(tx: Transaction, indexes: Sequence[str]) -> list[str]:
    """List those of some indexes in which this workspace has no vectors any more."""
    used = set(tx.connection.scalars(text("SELECT DISTINCT index_name FROM vector_namespaces")))
    return [index for index in dict.fromkeys(indexes) if index not in used]


def note_indexes_of_stores(tx: Transaction, version: EmbeddingVersion) -> None:
    """Write beside each docs store which index holds its chunks, if this is the version that is served.

    A store that no push has named, such as a folder, is recorded here.
    """
    tx.connection.execute(
        text(
            "INSERT INTO stores AS s (workspace_id, name, index_name, embedding_dim) "
            "SELECT n.workspace_id, n.store, n.index_name, :dim FROM vector_namespaces n "
            "WHERE n.embedding_version = :version AND n.family = 'chunks' AND n.store <> :no_store "
            "AND EXISTS (SELECT FROM workspaces WHERE active_embedding_version = :version) "
            "ON CONFLICT (workspace_id, name) "
            "DO UPDATE SET index_name = excluded.index_name, embedding_dim = excluded.embedding_dim "
            "WHERE (s.index_name, s.embedding_dim) IS DISTINCT FROM (excluded.index_name, excluded.embedding_dim)"
        ),
        {"version": version.name, "dim": version.dim, "no_store": DEFAULT_STORE},
    )

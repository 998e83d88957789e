"""The registry of workspaces and of embedding versions.

Which version a workspace should have is decided elsewhere.
"""

from __future__ import annotations

from sqlalchemy import Connection, select, text
from sqlalchemy.dialects.postgresql import insert

from neural_memory_pipelines.domain.ids import WorkspaceId
from neural_memory_pipelines.domain.lifecycle import VersionStatus
from neural_memory_pipelines.domain.redaction import RedactionPolicy
from neural_memory_pipelines.domain.versions import ChunkSpec, EmbeddingVersion, Topology
from neural_memory_pipelines.errors import NotFoundError
from neural_memory_pipelines.stores.postgres import lifecycles
from neural_memory_pipelines.stores.postgres.engine import Database, Transaction
from neural_memory_pipelines.stores.postgres.tables import embedding_versions, workspaces


def register_version(database: Database, version: EmbeddingVersion) -> None:
    """Record an embedding version, if it is new."""
    with database.catalog() as connection:
        connection.execute(
            insert(embedding_versions)
            .values(
                name=version.name,
                provider=version.provider,
                model=version.model,
                dim=version.dim,
                compression=version.compression,
                chunking=version.chunking.spelled(),
                topology=str(version.topology),
            )
            .on_conflict_do_nothing()
        )


def register_workspace(tx: Transaction, *, organization_id: str, version: EmbeddingVersion) -> None:
    """Record a workspace served at `version`, if it is new; a known one stays as it is."""
    created = tx.connection.scalar(
        insert(workspaces)
        .values(workspace_id=tx.workspace_id, organization_id=organization_id, active_embedding_version=version.name)
        .on_conflict_do_nothing()
        .returning(workspaces.c.workspace_id)
    )
    if created is not None:
        lifecycles.begin(tx, version.name, VersionStatus.ACTIVE, reason="the workspace is new")


def redaction_policy(tx: Transaction) -> RedactionPolicy:
    """Read what is taken out of the texts of a workspace; everything that looks private, where nothing was said."""
    name = tx.connection.scalar(text("SELECT settings ->> 'redaction' FROM workspaces"))
    return RedactionPolicy(name or RedactionPolicy.ALL)


def set_redaction_policy(tx: Transaction, policy: RedactionPolicy) -> None:
    """Choose what is taken out of the texts of a workspace from now on."""
    tx.connection.execute(
        text("UPDATE workspaces SET settings = settings || jsonb_build_object('redaction', CAST(:policy AS text))"),
        {"policy": policy},
    )


def list_workspaces(database: Database) -> list[WorkspaceId]:
    """List all workspaces, by name."""
    with database.catalog() as connection:
        return [
            WorkspaceId(name) for name in connection.scalars(select(workspaces.c.workspace_id).order_by("workspace_id"))
        ]


def active_version(database: Database, workspace_id: WorkspaceId) -> EmbeddingVersion:
    """Read the embedding version at which a workspace is served.

    Raises:
        NotFoundError: there is no such workspace.
    """
    with database.transaction(workspace_id) as tx:
        name = tx.connection.scalar(select(workspaces.c.active_embedding_version))
        if name is None:
            raise NotFoundError(f"workspace {workspace_id!r} does not exist yet: ingest something into it first")
        return _version(tx.connection, name)


def served_version(tx: Transaction, known: EmbeddingVersion) -> EmbeddingVersion:
    """Read the version at which the transaction's workspace is served; `known` is what it was a moment ago."""
    name = tx.connection.scalar(select(workspaces.c.active_embedding_version))
    return known if name in {None, known.name} else _version(tx.connection, str(name))


def version_named(database: Database, name: str) -> EmbeddingVersion:
    """Read an embedding version by its name.

    Raises:
        NotFoundError: there is none of this name.
    """
    with database.catalog() as connection:
        return _version(connection, name)


def _version(connection: Connection, name: str) -> EmbeddingVersion:
    row = connection.execute(
        text("SELECT model, dim, compression, chunking, topology FROM embedding_versions WHERE name = :name"),
        {"name": name},
    ).one_or_none()
    if row is None:
        raise NotFoundError(f"embedding version {name!r} does not exist")
    return EmbeddingVersion(
        model=row.model,
        dim=row.dim,
        compression=row.compression,
        chunking=ChunkSpec(**row.chunking),
        topology=Topology(row.topology),
    )

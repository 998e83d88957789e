"""The roles and databases of the embedded PostgreSQL. Tables are not made here: the migrations make them.

Every statement can be run again, so that a set-up killed half-way is completed by the next start.
"""

from __future__ import annotations

import psycopg
from psycopg import sql

from neural_memory_pipelines.local.cluster import OWNER_ROLE

PIPELINE_ROLE = "neural_memory_pipeline"
DAGSTER_ROLE = "neural_memory_dagster"
PIPELINE_DATABASE = "neural_memory"
DAGSTER_DATABASE = "dagster"

_Connection = psycopg.Connection[tuple[object, ...]]


def ensure_roles_and_databases(connection: _Connection, *, pipeline_password: str, dagster_password: str) -> None:
    """Create what is missing.

    Args:
        connection: as the superuser, in autocommit mode (a database cannot be created inside a transaction).
        pipeline_password: of the role that the pipeline connects as.
        dagster_password: of the role that Dagster's storage connects as.
    """
    _ensure_role(connection, PIPELINE_ROLE, pipeline_password)
    _ensure_role(connection, DAGSTER_ROLE, dagster_password)
    _ensure_database(connection, PIPELINE_DATABASE, owner=OWNER_ROLE, guest=PIPELINE_ROLE)
    _ensure_database(connection, DAGSTER_DATABASE, owner=DAGSTER_ROLE, guest=None)
    # Dagster commits once per event, about a hundred times per run, and each would wait for the disk. A killed server
    # may lose the last half second of run history, never anything of the memory itself.
    connection.execute(
        sql.SQL("ALTER DATABASE {} SET synchronous_commit = off").format(sql.Identifier(DAGSTER_DATABASE))
    )


def _ensure_role(connection: _Connection, role: str, password: str) -> None:
    if _exists(connection, "SELECT 1 FROM pg_roles WHERE rolname = %s", role):
        return
    # The verifier is computed here, so that the password never reaches the server or its log.
    verifier = connection.pgconn.encrypt_password(password.encode(), role.encode(), b"scram-sha-256").decode()
    connection.execute(
        sql.SQL(
            "CREATE ROLE {} LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE NOREPLICATION PASSWORD {}"
        ).format(sql.Identifier(role), sql.Literal(verifier))
    )


def _ensure_database(connection: _Connection, database: str, *, owner: str, guest: str | None) -> None:
    name = sql.Identifier(database)
    if not _exists(connection, "SELECT 1 FROM pg_database WHERE datname = %s", database):
        connection.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(name, sql.Identifier(owner)))
    # Otherwise every role may connect to every database.
    if _exists(connection, "SELECT 1 WHERE has_database_privilege('public', %s, 'CONNECT')", database):
        connection.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(name))
    if guest is not None:
        grant = sql.SQL("GRANT CONNECT, TEMPORARY ON DATABASE {} TO {}").format(name, sql.Identifier(guest))
        connection.execute(grant)


def _exists(connection: _Connection, query: sql.SQL | str, value: str) -> bool:
    return connection.execute(query, (value,)).fetchone() is not None

"""Connections to Postgres: an engine, a transaction bound to one workspace, and the lock that a step holds.

The workspace is set inside each transaction, so that poolers in transaction mode are safe.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import psycopg
from sqlalchemy import Connection, Engine, create_engine, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.pool import NullPool

from neural_memory_pipelines.domain.ids import WorkspaceId
from neural_memory_pipelines.errors import (
    ConfigurationError,
    ContractError,
    NeuralMemoryError,
    RefusedValueError,
    TransientError,
)

PIPELINE_ROLE = "neural_memory_pipeline"
WORKSPACE_SETTING = "neural_memory.workspace_id"
CATALOG_SETTING = "neural_memory.catalog"

_LOCK = text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 0))")
_RETRYABLE_STATES = frozenset({"40001", "40P01", "55P03", "57014"})
_DATA_STATES = ("22", "54")
_NOT_MIGRATED_STATES = frozenset({"42P01", "42703", "42883", "42501", "3F000", "3D000"})


@dataclass(frozen=True, slots=True)
class Transaction:
    """An open transaction that sees and writes the rows of one workspace."""

    connection: Connection
    workspace_id: WorkspaceId


class Database:
    """The product's Postgres. Safe to share between threads; after a fork, make another."""

    def __init__(self, url: str) -> None:
        # Prepared statements outlive a schema change and break under transaction poolers: none are kept.
        self.engine: Engine = create_engine(
            make_url(url).set(drivername="postgresql+psycopg"),
            pool_pre_ping=True,
            connect_args={"prepare_threshold": None, "connect_timeout": 10, "application_name": "neural-memory"},
        )

    @contextmanager
    def transaction(self, workspace_id: WorkspaceId) -> Iterator[Transaction]:
        """Open a transaction on one workspace; commit at the end, roll back on an error.

        Raises:
            TransientError: Postgres does not answer, or two transactions collided.
            ConfigurationError: it refuses us.
        """
        with self._begin(workspace_id, catalog=False) as connection:
            yield Transaction(connection, workspace_id)

    @contextmanager
    def writing(self, workspace_id: WorkspaceId) -> Iterator[Transaction]:
        """Open a transaction that writes documents or what follows from them: one at a time in each workspace.

        Whoever waits holds no row yet, so that two of them never wait for each other.
        """
        with self.transaction(workspace_id) as tx:
            tx.connection.execute(_LOCK, {"name": f"{workspace_id}:writing"})
            yield tx

    @contextmanager
    def catalog(self) -> Iterator[Connection]:
        """Open a transaction that sees the list of workspaces and embedding versions, and no workspace's rows."""
        with self._begin(WorkspaceId(""), catalog=True) as connection:
            yield connection

    @contextmanager
    def lock(self, workspace_id: WorkspaceId, step: str) -> Iterator[None]:
        """Hold a workspace's lock for one step, waiting for another process that holds it.

        The lock spares two runs from doing the same work; what makes it correct are the writes themselves.
        """
        with self.transaction(workspace_id) as tx:
            tx.connection.execute(_LOCK, {"name": f"{workspace_id}:{step}"})
            yield

    def check(self) -> str:
        """Ask whether Postgres answers.

        Returns:
            Its version and address, without secrets.
        """
        with self.catalog() as connection:
            version = connection.execute(text("SHOW server_version")).scalar_one()
        return _describe(version, self.engine)

    def close(self) -> None:
        """Close the pooled connections."""
        self.engine.dispose()

    @contextmanager
    def _begin(self, workspace_id: WorkspaceId, *, catalog: bool) -> Iterator[Connection]:
        with translated_errors(self.engine), self.engine.begin() as connection:
            connection.execute(
                text(
                    f"SELECT set_config('role', '{PIPELINE_ROLE}', true),"
                    f" set_config('{WORKSPACE_SETTING}', :workspace, true),"
                    f" set_config('{CATALOG_SETTING}', :catalog, true)"
                ),
                {"workspace": workspace_id, "catalog": "on" if catalog else "off"},
            )
            yield connection


@contextmanager
def translated_errors(engine: Engine) -> Iterator[None]:
    """Turn the driver's errors into ours. Messages name the server, never the password or the data of a row."""
    try:
        yield
    except PoolTimeoutError as error:
        raise TransientError(f"{_address(engine)}: all connections are in use") from error
    except DBAPIError as error:
        # The cause is the driver's error: SQLAlchemy's would carry the statement's parameters into tracebacks.
        raise _translated(error.orig or error, engine) from error.orig
    except psycopg.Error as error:
        raise _translated(error, engine) from error


def _translated(error: BaseException, engine: Engine) -> NeuralMemoryError:
    where = f"Postgres at {_address(engine)}"
    state = getattr(error, "sqlstate", None) or ""
    # The primary message alone: details and context quote rows.
    primary = error.diag.message_primary if isinstance(error, psycopg.Error) else None
    cause = primary or str(error).strip()
    is_lost = isinstance(error, psycopg.OperationalError)
    if state.startswith("28") or (is_lost and "authentication" in cause):
        return ConfigurationError(f"{where} refuses the user {engine.url.username!r}: check DATABASE_URL")
    if state in _NOT_MIGRATED_STATES or (state in {"22023", "42704"} and PIPELINE_ROLE in cause):
        return ConfigurationError(f"{where} is not set up for us ({cause}): run `neural-memory migrate`")
    if state.startswith(_DATA_STATES):
        return RefusedValueError(f"{where} cannot hold a value: {cause}")
    if is_lost or state in _RETRYABLE_STATES:
        return TransientError(f"{where}: {cause}")
    return ContractError(f"{where} refused a statement: {cause}")


def login_of(url: str) -> str | None:
    """Read the user that a database URL logs in as."""
    return make_url(url).username


def ping(url: str) -> str:
    """Ask whether the Postgres at a URL answers; see `Database.check`. Needs no schema of ours."""
    engine = create_engine(make_url(url).set(drivername="postgresql+psycopg"), poolclass=NullPool)
    with translated_errors(engine), engine.connect() as connection:
        version = connection.execute(text("SHOW server_version")).scalar_one()
    return _describe(version, engine)


def _describe(version: str, engine: Engine) -> str:
    return f"PostgreSQL {version} at {_address(engine)}"


def _address(engine: Engine) -> str:
    url = engine.url
    return f"{url.host}:{url.port or 5432}/{url.database}"

"""Brings a database to the newest schema, and tells how far it is.

Runs as the role that owns the schema; nothing else in the package does.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, create_engine, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.pool import NullPool

from neural_memory_pipelines.stores.postgres.engine import PIPELINE_ROLE, translated_errors

_MIGRATIONS = Path(__file__).parent / "migrations"
_LOCK = "SELECT pg_advisory_xact_lock(hashtextextended('neural-memory:migrate', 0))"


@dataclass(frozen=True, slots=True)
class SchemaState:
    """Where a database stands: the revision it has (None: it is empty) and the newest one there is."""

    current: str | None
    head: str

    @property
    def at_head(self) -> bool:
        """Whether nothing is left to do."""
        return self.current == self.head


def schema_state(admin_url: str) -> SchemaState:
    """Read how far a database is migrated."""
    engine = create_engine(_url(admin_url), poolclass=NullPool)
    with translated_errors(engine), engine.connect() as connection:
        return _state(connection)


def migrate(admin_url: str, *, pipeline_user: str | None = None) -> tuple[SchemaState, SchemaState]:
    """Apply all revisions that are missing, in one transaction; two at once are one.

    Args:
        admin_url: the database, as the role that owns the schema.
        pipeline_user: the login that the pipeline uses; it is made a member of the pipeline's role.

    Returns:
        The state before and after.
    """
    engine = create_engine(_url(admin_url), poolclass=NullPool)
    with translated_errors(engine), engine.begin() as connection:
        connection.execute(text(_LOCK))
        before = _state(connection)
        if not before.at_head:
            config = _config()
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
        for user in {pipeline_user, connection.execute(text("SELECT current_user")).scalar_one()} - {
            None,
            PIPELINE_ROLE,
        }:
            quoted = connection.dialect.identifier_preparer.quote(str(user))
            connection.execute(text(f"GRANT {PIPELINE_ROLE} TO {quoted}"))
        return before, _state(connection)


def _state(connection: Connection) -> SchemaState:
    head = ScriptDirectory.from_config(_config()).get_current_head()
    assert head is not None, "the package carries at least one migration"
    return SchemaState(current=MigrationContext.configure(connection).get_current_revision(), head=head)


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config


def _url(url: str) -> URL:
    return make_url(url).set(drivername="postgresql+psycopg")

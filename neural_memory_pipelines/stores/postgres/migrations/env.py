"""Alembic's entry: runs the revisions on the connection that `migrate.py` hands over.

It reads no setting and opens no connection.
"""

from __future__ import annotations

from alembic import context
from sqlalchemy import Connection

from neural_memory_pipelines.errors import ConfigurationError
from neural_memory_pipelines.stores.postgres.tables import metadata

connection: Connection | None = context.config.attributes.get("connection")
if connection is None:
    raise ConfigurationError("migrations run through `neural-memory migrate`, which knows the database")

context.configure(connection=connection, target_metadata=metadata, include_schemas=True)
with context.begin_transaction():
    context.run_migrations()

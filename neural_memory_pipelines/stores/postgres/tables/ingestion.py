"""Tables of what comes in: workspaces, the ingest ledger, dead letters, stores of documents and their pushes.

What documents become of it is in `knowledge.py`.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    Identity,
    Index,
    Integer,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from neural_memory_pipelines.stores.postgres.tables.base import (
    TIME,
    created_at,
    metadata,
    workspace_column,
)

workspaces = Table(
    "workspaces",
    metadata,
    Column("workspace_id", Text, primary_key=True),
    Column("organization_id", Text, nullable=False),
    Column("active_embedding_version", Text, ForeignKey("embedding_versions.name"), nullable=False),
    Column("settings", JSONB, nullable=False, server_default=text("'{}'::jsonb")),
    Column("cache_generation", Text, comment="Token that the cache holds while it is warm."),
    created_at(),
    Column(
        "night_looked_at",
        TIME,
        comment="The latest night of which it is known that nothing is to be done, or that it was done.",
    ),
    comment="One row per workspace.",
)


embedding_versions = Table(
    "embedding_versions",
    metadata,
    Column("name", Text, primary_key=True),
    Column("provider", Text, nullable=False),
    Column("model", Text, nullable=False),
    Column("dim", Integer, nullable=False),
    Column("compression", Text, nullable=False),
    Column("chunking", JSONB, nullable=False),
    Column("topology", Text, nullable=False, server_default="shared"),
    created_at(),
    comment="One row per embedding version, for all workspaces. A row never changes.",
)


source_events = Table(
    "source_events",
    metadata,
    workspace_column(),
    Column("idempotency_key", Text, nullable=False),
    Column("sequence", BigInteger, Identity(always=True), nullable=False),
    Column("source", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("occurred_at", TIME, nullable=False),
    Column("raw_key", Text, nullable=False),
    Column("content_hash", Text, nullable=False),
    Column("raw_bytes", BigInteger, nullable=False, server_default="0"),
    Column("status", Text, nullable=False, server_default="pending"),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("reason", Text, comment="Why the event was skipped or is dead."),
    created_at("received_at"),
    Column("settled_at", TIME),
    PrimaryKeyConstraint("workspace_id", "idempotency_key"),
    Index(
        "ix_source_events_pending",
        "workspace_id",
        "occurred_at",
        "sequence",
        postgresql_where=text("status = 'pending'"),
    ),
    comment="The ingest ledger: one row per event received, whatever became of it.",
)


dead_letters = Table(
    "dead_letters",
    metadata,
    Column("dead_letter_id", Text, primary_key=True),
    workspace_column(),
    Column("idempotency_key", Text, comment="Null when the envelope itself could not be read."),
    Column("origin", Text, nullable=False, comment="Inbox object and line."),
    Column("raw_key", Text, nullable=False),
    Column("reason", Text, nullable=False),
    created_at(),
    Index(None, "workspace_id", "created_at"),
    comment="Events that cannot be processed, with the reason and where their bytes are.",
)


stores = Table(
    "stores",
    metadata,
    workspace_column(),
    Column("name", Text, nullable=False),
    Column(
        "index_name", Text, comment="The index that holds its vectors at the version served; null before the first."
    ),
    Column("embedding_dim", Integer),
    created_at(),
    PrimaryKeyConstraint("workspace_id", "name"),
    comment="One row per store of documents, such as the docs of a repository.",
)

ingestion_commits = Table(
    "ingestion_commits",
    metadata,
    workspace_column(),
    Column("store", Text, nullable=False),
    Column("after_sha", Text, nullable=False),
    Column("before_sha", Text, nullable=False, comment="Empty for the first push."),
    Column("delivery_id", Text),
    Column("ref", Text),
    Column("event_key", Text, nullable=False, comment="Idempotency key of the event that brought it."),
    created_at(),
    PrimaryKeyConstraint("workspace_id", "store", "before_sha", "after_sha"),
    UniqueConstraint("workspace_id", "store", "delivery_id"),
    comment="One row per push of a store: a commit or a delivery that is known brings nothing.",
)

source_renames = Table(
    "source_renames",
    metadata,
    workspace_column(),
    Column("source", Text, nullable=False),
    Column("old_prefix", Text, nullable=False, comment="Of source ids."),
    Column("new_prefix", Text, nullable=False),
    Column("as_of", TIME, nullable=False),
    PrimaryKeyConstraint("workspace_id", "source", "old_prefix", "new_prefix", "as_of"),
    comment="What a source called by another name until a moment, such as a repository.",
)

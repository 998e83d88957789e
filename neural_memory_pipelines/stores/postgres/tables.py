"""The tables, as SQLAlchemy sees them. The migrations build them; a test holds the two equal.

Every table with a `workspace_id` is under row-level security, see `migrations/`.
"""

from __future__ import annotations

from sqlalchemy import (
    REAL,
    BigInteger,
    Column,
    Computed,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB, TIMESTAMP, TSVECTOR

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)

_TIME = TIMESTAMP(timezone=True)


def _workspace_column() -> Column[str]:
    return Column("workspace_id", Text, nullable=False)


def _created_at(name: str = "created_at") -> Column[object]:
    return Column(name, _TIME, nullable=False, server_default=func.now())


workspaces = Table(
    "workspaces",
    metadata,
    Column("workspace_id", Text, primary_key=True),
    Column("organization_id", Text, nullable=False),
    Column("active_embedding_version", Text, ForeignKey("embedding_versions.name"), nullable=False),
    Column("settings", JSONB, nullable=False, server_default=text("'{}'::jsonb")),
    Column("cache_generation", Text, comment="Token that the cache holds while it is warm."),
    _created_at(),
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
    _created_at(),
    comment="One row per embedding version, for all workspaces. A row never changes.",
)

source_events = Table(
    "source_events",
    metadata,
    _workspace_column(),
    Column("idempotency_key", Text, nullable=False),
    Column("sequence", BigInteger, Identity(always=True), nullable=False),
    Column("source", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("occurred_at", _TIME, nullable=False),
    Column("raw_key", Text, nullable=False),
    Column("content_hash", Text, nullable=False),
    Column("status", Text, nullable=False, server_default="pending"),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("reason", Text, comment="Why the event was skipped or is dead."),
    _created_at("received_at"),
    Column("settled_at", _TIME),
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
    _workspace_column(),
    Column("idempotency_key", Text, comment="Null when the envelope itself could not be read."),
    Column("origin", Text, nullable=False, comment="Inbox object and line."),
    Column("raw_key", Text, nullable=False),
    Column("reason", Text, nullable=False),
    _created_at(),
    Index(None, "workspace_id", "created_at"),
    comment="Events that cannot be processed, with the reason and where their bytes are.",
)

knowledge_documents = Table(
    "knowledge_documents",
    metadata,
    Column("document_id", Text, primary_key=True),
    _workspace_column(),
    Column("organization_id", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("source_id", Text, nullable=False),
    Column("type", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("summary", Text),
    Column("state", Text),
    Column("url", Text),
    Column("raw_pointer", Text, nullable=False),
    Column("content_hash", Text, nullable=False),
    Column("metadata_json", JSONB, nullable=False),
    Column("author_json", JSONB),
    Column("lineage_json", JSONB, nullable=False),
    Column("occurred_at", _TIME, nullable=False),
    Column("as_of", _TIME, nullable=False, comment="Orders two descriptions of the document: the later one wins."),
    Column("version", Integer, nullable=False),
    Column("deleted_at", _TIME),
    _created_at(),
    UniqueConstraint("workspace_id", "source", "source_id"),
    Index(None, "workspace_id", "occurred_at"),
    comment="One row per document of a source, at its latest version.",
)

knowledge_chunks = Table(
    "knowledge_chunks",
    metadata,
    Column("chunk_id", Text, primary_key=True),
    _workspace_column(),
    Column("document_id", Text, ForeignKey("knowledge_documents.document_id", ondelete="CASCADE"), nullable=False),
    Column("chunk_index", Integer, nullable=False),
    Column("text", Text, nullable=False),
    Column("token_count", Integer, nullable=False),
    Column("section_label", Text, nullable=False),
    Column("chunk_hash", Text, nullable=False, comment="SHA-256 of the text that is embedded: label and text."),
    Column("keywords", JSONB, nullable=False, comment="Identifiers in the text, such as #123 or ABC-12."),
    Column("embedding_model", Text, nullable=False),
    Column("embedding_version", Text, nullable=False),
    Column("occurred_at", _TIME, nullable=False),
    _created_at(),
    Column("superseded_at", _TIME),
    Column(
        "search",
        TSVECTOR,
        Computed("to_tsvector('english'::regconfig, section_label || ' ' || text)", persisted=True),
    ),
    Index(None, "document_id"),
    Index(None, "workspace_id", "chunk_hash"),
    Index(None, "workspace_id", "occurred_at"),
    Index("ix_knowledge_chunks_search", "search", postgresql_using="gin"),
    comment="One row per chunk that a document has or had; live while superseded_at is null.",
)

memory_observations = Table(
    "memory_observations",
    metadata,
    Column("observation_id", Text, primary_key=True),
    _workspace_column(),
    Column("document_id", Text, ForeignKey("knowledge_documents.document_id", ondelete="CASCADE"), nullable=False),
    Column("text", Text, nullable=False),
    Column("title", Text),
    Column("summary", Text),
    Column("importance", REAL, nullable=False),
    Column("tags", JSONB, nullable=False),
    Column("subject_refs", JSONB, nullable=False),
    Column("privacy", Text, nullable=False),
    Column("content_hash", Text, nullable=False),
    Column("embedding_model", Text, nullable=False),
    Column("embedding_version", Text, nullable=False),
    Column("occurred_at", _TIME, nullable=False),
    _created_at(),
    Column("superseded_at", _TIME),
    UniqueConstraint("workspace_id", "content_hash"),
    Index(None, "document_id"),
    Index(None, "workspace_id", "occurred_at"),
    comment="One row per statement that a document makes or made; live while superseded_at is null.",
)

embeddings = Table(
    "embeddings",
    metadata,
    _workspace_column(),
    Column("embedding_version", Text, ForeignKey("embedding_versions.name"), nullable=False),
    Column("content_hash", Text, nullable=False, comment="SHA-256 of the text that was embedded."),
    Column("vector", LargeBinary, nullable=False, comment="float32, little-endian, unit length."),
    _created_at(),
    PrimaryKeyConstraint("workspace_id", "embedding_version", "content_hash"),
    comment="The durable vectors: one row per text and version, so that no text is embedded twice.",
)

vector_entries = Table(
    "vector_entries",
    metadata,
    _workspace_column(),
    Column("embedding_version", Text, ForeignKey("embedding_versions.name"), nullable=False),
    Column("family", Text, nullable=False),
    Column("vector_id", Text, nullable=False),
    Column("index_name", Text, nullable=False),
    Column("namespace", Text, nullable=False),
    Column("content_hash", Text, nullable=False, comment="Empty until the index has confirmed the vector."),
    Column("metadata_hash", Text, nullable=False),
    _created_at("upserted_at"),
    PrimaryKeyConstraint("workspace_id", "embedding_version", "family", "vector_id"),
    comment="The ledger of the vector indexes: one row per vector that an index holds, or may hold after a crash.",
)

cache_entries = Table(
    "cache_entries",
    metadata,
    _workspace_column(),
    Column("document_id", Text, nullable=False),
    Column("generation", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("source", Text, nullable=False),
    Column("source_id", Text, nullable=False),
    PrimaryKeyConstraint("workspace_id", "document_id"),
    comment="The ledger of the cache: which version of a document was primed into which generation of it.",
)

vector_indexes = Table(
    "vector_indexes",
    metadata,
    Column("name", Text, primary_key=True),
    Column("dim", Integer, nullable=False),
    schema="vectors",
    comment="The indexes of the pgvector store.",
)

WORKSPACE_TABLES = tuple(table for table in metadata.tables.values() if "workspace_id" in table.c)

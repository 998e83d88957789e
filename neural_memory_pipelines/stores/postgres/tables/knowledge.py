"""Tables of what is known: documents with their versions and parts, chunks, observations.

What they say of each other is in `graph.py`.
"""

from __future__ import annotations

from sqlalchemy import (
    REAL,
    Boolean,
    Column,
    Computed,
    Index,
    Integer,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB, TSVECTOR

from neural_memory_pipelines.stores.postgres.tables.base import (
    TIME,
    created_at,
    document_column,
    metadata,
    workspace_column,
)

knowledge_documents = Table(
    "knowledge_documents",
    metadata,
    Column("document_id", Text, primary_key=True),
    workspace_column(),
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
    Column("occurred_at", TIME, nullable=False),
    Column("as_of", TIME, nullable=False, comment="Orders two descriptions of the document: the later one wins."),
    Column("as_of_event", Text, nullable=False, comment="Idempotency key of the event that described it last."),
    Column("parent_source_id", Text, comment="The document that this one goes with."),
    Column("deleted_with", Text, comment="Source id of the parent whose deletion took this document along."),
    Column("privacy", Text, nullable=False, server_default="org"),
    Column("version", Integer, nullable=False),
    Column("deleted_at", TIME),
    created_at(),
    UniqueConstraint("workspace_id", "source", "source_id"),
    Index(None, "workspace_id", "occurred_at"),
    Index(None, "workspace_id", "source", "parent_source_id"),
    comment="One row per document of a source, at its latest version.",
)


document_versions = Table(
    "document_versions",
    metadata,
    workspace_column(),
    Column("document_id", Text, nullable=False, comment="Which may not be one yet: parts alone make none."),
    Column("event_key", Text, nullable=False, comment="Idempotency key of the event."),
    Column("part_id", Text, nullable=False, comment="Empty for a description of the whole document."),
    Column("as_of", TIME, nullable=False),
    Column("deletes", Boolean, nullable=False),
    Column("content_hash", Text, nullable=False),
    Column("raw_pointer", Text, nullable=False),
    Column("link_ids", JSONB, nullable=False, comment="The links that this description states."),
    created_at(),
    PrimaryKeyConstraint("document_id", "event_key", "part_id"),
    Index(None, "workspace_id", "event_key"),
    comment="One row per description of a document, current or not: with its raw artifact.",
)

document_parts = Table(
    "document_parts",
    metadata,
    workspace_column(),
    Column("source", Text, nullable=False),
    Column("source_id", Text, nullable=False),
    Column("part_id", Text, nullable=False),
    Column("as_of", TIME, nullable=False),
    Column("event_key", Text, nullable=False),
    Column("raw_pointer", Text, nullable=False),
    Column("context_id", Text),
    Column("content", JSONB, comment="Null once the part was deleted."),
    Column("content_hash", Text, nullable=False),
    PrimaryKeyConstraint("workspace_id", "source", "source_id", "part_id"),
    Index(None, "workspace_id", "source", "context_id"),
    comment="The latest state of each part of the documents that no event describes whole.",
)


knowledge_chunks = Table(
    "knowledge_chunks",
    metadata,
    Column("chunk_id", Text, primary_key=True),
    workspace_column(),
    document_column(),
    Column("chunk_index", Integer, nullable=False),
    Column("text", Text, nullable=False),
    Column("token_count", Integer, nullable=False),
    Column("section_label", Text, nullable=False),
    Column("chunk_hash", Text, nullable=False, comment="SHA-256 of the text that is embedded: label and text."),
    Column("keywords", JSONB, nullable=False, comment="Identifiers in the text, such as #123 or ABC-12."),
    Column("embedding_model", Text, nullable=False),
    Column("embedding_version", Text, nullable=False),
    Column("occurred_at", TIME, nullable=False),
    created_at(),
    Column("superseded_at", TIME),
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
    workspace_column(),
    document_column(),
    Column("text", Text, nullable=False),
    Column("title", Text),
    Column("summary", Text),
    Column("importance", REAL, nullable=False),
    Column("importance_factors", JSONB, nullable=False, server_default=text("'{}'::jsonb")),
    Column("tags", JSONB, nullable=False),
    Column("subject_refs", JSONB, nullable=False),
    Column("privacy", Text, nullable=False),
    Column("content_hash", Text, nullable=False),
    Column("embedding_model", Text, nullable=False),
    Column("embedding_version", Text, nullable=False),
    Column("occurred_at", TIME, nullable=False),
    created_at(),
    Column("superseded_at", TIME),
    Column("aged_at", TIME, comment="When it left the hot index; null while it is there."),
    UniqueConstraint("workspace_id", "content_hash"),
    Index(None, "document_id"),
    Index(None, "workspace_id", "occurred_at"),
    Index(None, "workspace_id", "created_at"),
    comment="One row per statement that a document makes or made; live while superseded_at is null.",
)

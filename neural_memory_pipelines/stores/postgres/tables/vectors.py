"""Tables of vectors and caches: the durable vectors, and the ledgers of what indexes and caches hold.

The vectors of the pgvector store lie in a table that SQLAlchemy knows no type for; `stores/vectors/` reads it.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    Table,
    Text,
)

from neural_memory_pipelines.stores.postgres.tables.base import (
    TIME,
    created_at,
    metadata,
    workspace_column,
)

embeddings = Table(
    "embeddings",
    metadata,
    workspace_column(),
    Column("embedding_version", Text, ForeignKey("embedding_versions.name"), nullable=False),
    Column("content_hash", Text, nullable=False, comment="SHA-256 of the text that was embedded."),
    Column("vector", LargeBinary, nullable=False, comment="float32, little-endian, unit length."),
    created_at(),
    PrimaryKeyConstraint("workspace_id", "embedding_version", "content_hash"),
    comment="The durable vectors: one row per text and version, so that no text is embedded twice.",
)


vector_entries = Table(
    "vector_entries",
    metadata,
    workspace_column(),
    Column("embedding_version", Text, ForeignKey("embedding_versions.name"), nullable=False),
    Column("family", Text, nullable=False),
    Column("vector_id", Text, nullable=False),
    Column("index_name", Text, nullable=False),
    Column("namespace", Text, nullable=False),
    Column("content_hash", Text, nullable=False, comment="Empty until the index has confirmed the vector."),
    Column("metadata_hash", Text, nullable=False),
    created_at("upserted_at"),
    PrimaryKeyConstraint("workspace_id", "embedding_version", "family", "vector_id"),
    comment="The ledger of the vector indexes: one row per vector that an index holds, or may hold after a crash.",
)


cache_entries = Table(
    "cache_entries",
    metadata,
    workspace_column(),
    Column("document_id", Text, nullable=False),
    Column("generation", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("content_hash", Text, nullable=False, server_default=""),
    Column("source", Text, nullable=False),
    Column("source_id", Text, nullable=False),
    PrimaryKeyConstraint("workspace_id", "document_id"),
    comment="The ledger of the cache: which version of a document was primed into which generation of it.",
)


graph_cache_entries = Table(
    "graph_cache_entries",
    metadata,
    workspace_column(),
    Column("direction", Text, nullable=False, comment="out or in"),
    Column("node_kind", Text, nullable=False),
    Column("node_id", Text, nullable=False),
    Column("generation", Text, nullable=False),
    Column("content_hash", Text, nullable=False, comment="Of the neighbours that were primed."),
    PrimaryKeyConstraint("workspace_id", "direction", "node_kind", "node_id"),
    comment="The ledger of the cached neighbours: which were primed into which generation of the cache.",
)

vector_namespaces = Table(
    "vector_namespaces",
    metadata,
    workspace_column(),
    Column("embedding_version", Text, ForeignKey("embedding_versions.name"), nullable=False),
    Column("family", Text, nullable=False),
    Column("store", Text, nullable=False),
    Column("index_name", Text, nullable=False),
    Column("namespace", Text, nullable=False),
    Column(
        "written_up_to", BigInteger, comment="Place in the index's log that a read must have reached to be believed."
    ),
    Column("written_at", TIME),
    created_at(),
    PrimaryKeyConstraint("workspace_id", "embedding_version", "family", "store"),
    comment="Where the vectors of each family, version and store lie: what is searched, and what archiving deletes.",
)

vector_indexes = Table(
    "vector_indexes",
    metadata,
    Column("name", Text, primary_key=True),
    Column("dim", Integer, nullable=False),
    schema="vectors",
    comment="The indexes of the pgvector store.",
)

"""The first schema: workspaces, the ingest ledger, documents with chunks and observations, vectors, ledgers.

Row-level security is enabled and forced on every table with a workspace; the pipeline's role owns none of them.
"""

from __future__ import annotations

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_ROLE = "neural_memory_pipeline"

_WORKSPACE_TABLES = (
    "workspaces",
    "source_events",
    "dead_letters",
    "knowledge_documents",
    "knowledge_chunks",
    "memory_observations",
    "embeddings",
    "vector_entries",
    "cache_entries",
)

_TABLES = """
CREATE TABLE cache_entries (
    workspace_id TEXT NOT NULL,
    document_id TEXT NOT NULL,
    generation TEXT NOT NULL,
    version INTEGER NOT NULL,
    source TEXT NOT NULL,
    source_id TEXT NOT NULL,
    CONSTRAINT pk_cache_entries PRIMARY KEY (workspace_id, document_id)
);
COMMENT ON TABLE cache_entries IS 'The ledger of the cache: which version of a document was primed into which generation of it.';

CREATE TABLE dead_letters (
    dead_letter_id TEXT NOT NULL,
    workspace_id TEXT NOT NULL,
    idempotency_key TEXT,
    origin TEXT NOT NULL,
    raw_key TEXT NOT NULL,
    reason TEXT NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_dead_letters PRIMARY KEY (dead_letter_id)
);
CREATE INDEX ix_dead_letters_workspace_id_created_at ON dead_letters (workspace_id, created_at);
COMMENT ON TABLE dead_letters IS 'Events that cannot be processed, with the reason and where their bytes are.';
COMMENT ON COLUMN dead_letters.idempotency_key IS 'Null when the envelope itself could not be read.';
COMMENT ON COLUMN dead_letters.origin IS 'Inbox object and line.';

CREATE TABLE embedding_versions (
    name TEXT NOT NULL,
    provider TEXT NOT NULL,
    model TEXT NOT NULL,
    dim INTEGER NOT NULL,
    compression TEXT NOT NULL,
    chunking JSONB NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_embedding_versions PRIMARY KEY (name)
);
COMMENT ON TABLE embedding_versions IS 'One row per embedding version, for all workspaces. A row never changes.';

CREATE TABLE knowledge_documents (
    document_id TEXT NOT NULL,
    workspace_id TEXT NOT NULL,
    organization_id TEXT NOT NULL,
    source TEXT NOT NULL,
    source_id TEXT NOT NULL,
    type TEXT NOT NULL,
    title TEXT NOT NULL,
    summary TEXT,
    state TEXT,
    url TEXT,
    raw_pointer TEXT NOT NULL,
    content_hash TEXT NOT NULL,
    metadata_json JSONB NOT NULL,
    author_json JSONB,
    lineage_json JSONB NOT NULL,
    occurred_at TIMESTAMP WITH TIME ZONE NOT NULL,
    as_of TIMESTAMP WITH TIME ZONE NOT NULL,
    version INTEGER NOT NULL,
    deleted_at TIMESTAMP WITH TIME ZONE,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_knowledge_documents PRIMARY KEY (document_id),
    CONSTRAINT uq_knowledge_documents_workspace_id_source_source_id UNIQUE (workspace_id, source, source_id)
);
CREATE INDEX ix_knowledge_documents_workspace_id_occurred_at ON knowledge_documents (workspace_id, occurred_at);
COMMENT ON TABLE knowledge_documents IS 'One row per document of a source, at its latest version.';
COMMENT ON COLUMN knowledge_documents.as_of IS 'Orders two descriptions of the document: the later one wins.';

CREATE TABLE source_events (
    workspace_id TEXT NOT NULL,
    idempotency_key TEXT NOT NULL,
    sequence BIGINT GENERATED ALWAYS AS IDENTITY,
    source TEXT NOT NULL,
    action TEXT NOT NULL,
    occurred_at TIMESTAMP WITH TIME ZONE NOT NULL,
    raw_key TEXT NOT NULL,
    content_hash TEXT NOT NULL,
    status TEXT DEFAULT 'pending' NOT NULL,
    attempts INTEGER DEFAULT '0' NOT NULL,
    reason TEXT,
    received_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    settled_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_source_events PRIMARY KEY (workspace_id, idempotency_key)
);
CREATE INDEX ix_source_events_pending ON source_events (workspace_id, occurred_at, sequence) WHERE status = 'pending';
COMMENT ON TABLE source_events IS 'The ingest ledger: one row per event received, whatever became of it.';
COMMENT ON COLUMN source_events.reason IS 'Why the event was skipped or is dead.';

CREATE TABLE vectors.vector_indexes (
    name TEXT NOT NULL,
    dim INTEGER NOT NULL,
    CONSTRAINT pk_vector_indexes PRIMARY KEY (name)
);
COMMENT ON TABLE vectors.vector_indexes IS 'The indexes of the pgvector store.';

CREATE TABLE embeddings (
    workspace_id TEXT NOT NULL,
    embedding_version TEXT NOT NULL,
    content_hash TEXT NOT NULL,
    vector BYTEA NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_embeddings PRIMARY KEY (workspace_id, embedding_version, content_hash),
    CONSTRAINT fk_embeddings_embedding_version_embedding_versions FOREIGN KEY(embedding_version) REFERENCES embedding_versions (name)
);
COMMENT ON TABLE embeddings IS 'The durable vectors: one row per text and version, so that no text is embedded twice.';
COMMENT ON COLUMN embeddings.content_hash IS 'SHA-256 of the text that was embedded.';
COMMENT ON COLUMN embeddings.vector IS 'float32, little-endian, unit length.';

CREATE TABLE knowledge_chunks (
    chunk_id TEXT NOT NULL,
    workspace_id TEXT NOT NULL,
    document_id TEXT NOT NULL,
    chunk_index INTEGER NOT NULL,
    text TEXT NOT NULL,
    token_count INTEGER NOT NULL,
    section_label TEXT NOT NULL,
    chunk_hash TEXT NOT NULL,
    keywords JSONB NOT NULL,
    embedding_model TEXT NOT NULL,
    embedding_version TEXT NOT NULL,
    occurred_at TIMESTAMP WITH TIME ZONE NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    superseded_at TIMESTAMP WITH TIME ZONE,
    search TSVECTOR GENERATED ALWAYS AS (to_tsvector('english'::regconfig, section_label || ' ' || text)) STORED,
    CONSTRAINT pk_knowledge_chunks PRIMARY KEY (chunk_id),
    CONSTRAINT fk_knowledge_chunks_document_id_knowledge_documents FOREIGN KEY(document_id) REFERENCES knowledge_documents (document_id) ON DELETE CASCADE
);
CREATE INDEX ix_knowledge_chunks_document_id ON knowledge_chunks (document_id);
CREATE INDEX ix_knowledge_chunks_search ON knowledge_chunks USING gin (search);
CREATE INDEX ix_knowledge_chunks_workspace_id_chunk_hash ON knowledge_chunks (workspace_id, chunk_hash);
CREATE INDEX ix_knowledge_chunks_workspace_id_occurred_at ON knowledge_chunks (workspace_id, occurred_at);
COMMENT ON TABLE knowledge_chunks IS 'One row per chunk that a document has or had; live while superseded_at is null.';
COMMENT ON COLUMN knowledge_chunks.chunk_hash IS 'SHA-256 of the text that is embedded: label and text.';
COMMENT ON COLUMN knowledge_chunks.keywords IS 'Identifiers in the text, such as #123 or ABC-12.';

CREATE TABLE memory_observations (
    observation_id TEXT NOT NULL,
    workspace_id TEXT NOT NULL,
    document_id TEXT NOT NULL,
    text TEXT NOT NULL,
    title TEXT,
    summary TEXT,
    importance REAL NOT NULL,
    tags JSONB NOT NULL,
    subject_refs JSONB NOT NULL,
    privacy TEXT NOT NULL,
    content_hash TEXT NOT NULL,
    embedding_model TEXT NOT NULL,
    embedding_version TEXT NOT NULL,
    occurred_at TIMESTAMP WITH TIME ZONE NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    superseded_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_memory_observations PRIMARY KEY (observation_id),
    CONSTRAINT uq_memory_observations_workspace_id_content_hash UNIQUE (workspace_id, content_hash),
    CONSTRAINT fk_memory_observations_document_id_knowledge_documents FOREIGN KEY(document_id) REFERENCES knowledge_documents (document_id) ON DELETE CASCADE
);
CREATE INDEX ix_memory_observations_document_id ON memory_observations (document_id);
CREATE INDEX ix_memory_observations_workspace_id_occurred_at ON memory_observations (workspace_id, occurred_at);
COMMENT ON TABLE memory_observations IS 'One row per statement that a document makes or made; live while superseded_at is null.';

CREATE TABLE vector_entries (
    workspace_id TEXT NOT NULL,
    embedding_version TEXT NOT NULL,
    family TEXT NOT NULL,
    vector_id TEXT NOT NULL,
    index_name TEXT NOT NULL,
    namespace TEXT NOT NULL,
    content_hash TEXT NOT NULL,
    metadata_hash TEXT NOT NULL,
    upserted_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_vector_entries PRIMARY KEY (workspace_id, embedding_version, family, vector_id),
    CONSTRAINT fk_vector_entries_embedding_version_embedding_versions FOREIGN KEY(embedding_version) REFERENCES embedding_versions (name)
);
COMMENT ON TABLE vector_entries IS 'The ledger of the vector indexes: one row per vector that an index holds, or may hold after a crash.';
COMMENT ON COLUMN vector_entries.content_hash IS 'Empty until the index has confirmed the vector.';

CREATE TABLE workspaces (
    workspace_id TEXT NOT NULL,
    organization_id TEXT NOT NULL,
    active_embedding_version TEXT NOT NULL,
    settings JSONB DEFAULT '{}'::jsonb NOT NULL,
    cache_generation TEXT,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_workspaces PRIMARY KEY (workspace_id),
    CONSTRAINT fk_workspaces_active_embedding_version_embedding_versions FOREIGN KEY(active_embedding_version) REFERENCES embedding_versions (name)
);
COMMENT ON TABLE workspaces IS 'One row per workspace.';
COMMENT ON COLUMN workspaces.cache_generation IS 'Token that the cache holds while it is warm.';
"""

# Vectors are high-entropy: compressing them costs time and saves nothing.
_VECTOR_STORE = """
CREATE TABLE vectors.vector_records (
    index_name TEXT NOT NULL,
    namespace TEXT NOT NULL,
    id TEXT NOT NULL,
    embedding vector NOT NULL,
    metadata JSONB NOT NULL,
    CONSTRAINT pk_vector_records PRIMARY KEY (index_name, namespace, id),
    CONSTRAINT fk_vector_records_index_name_vector_indexes
        FOREIGN KEY (index_name) REFERENCES vectors.vector_indexes (name)
);
COMMENT ON TABLE vectors.vector_records IS 'The vectors of the pgvector store: one row per vector.';
ALTER TABLE vectors.vector_records ALTER COLUMN embedding SET STORAGE EXTERNAL;
ALTER TABLE embeddings ALTER COLUMN vector SET STORAGE EXTERNAL;
"""


def upgrade() -> None:
    """Create everything."""
    op.execute("CREATE EXTENSION IF NOT EXISTS vector")
    op.execute("CREATE SCHEMA IF NOT EXISTS vectors")
    op.execute(_TABLES)
    op.execute(_VECTOR_STORE)
    op.execute(
        f"DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{_ROLE}') "
        f"THEN CREATE ROLE {_ROLE} NOLOGIN; END IF; END $$"
    )
    op.execute(f"GRANT USAGE ON SCHEMA public, vectors TO {_ROLE}")
    op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA vectors TO {_ROLE}")
    op.execute(f"GRANT SELECT, INSERT ON embedding_versions TO {_ROLE}")
    for table in _WORKSPACE_TABLES:
        op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO {_ROLE}")
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        op.execute(
            f"CREATE POLICY workspace ON {table} "
            "USING (workspace_id = nullif(current_setting('neural_memory.workspace_id', true), ''))"
        )
    # The list of workspaces is readable on request: sensors and `status` need the names, and nothing else.
    op.execute(
        "CREATE POLICY catalog ON workspaces FOR SELECT USING (current_setting('neural_memory.catalog', true) = 'on')"
    )

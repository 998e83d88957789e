"""The life of embedding versions, the places of vectors, and the tables that consolidation will fill.

Vectors of the pgvector store move to namespaces that name their store, and nothing is embedded again.
"""

from __future__ import annotations

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_ROLE = "neural_memory_pipeline"

_WORKSPACE_TABLES = (
    "workspace_versions",
    "version_transitions",
    "vector_namespaces",
    "memory_summaries",
    "profile_centroids",
    "questions",
)

_NEW_TABLES = """
CREATE TABLE workspace_versions (
    workspace_id TEXT NOT NULL,
    embedding_version TEXT NOT NULL,
    status TEXT NOT NULL,
    since TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    gate JSONB,
    gate_passed BOOLEAN,
    gate_at TIMESTAMP WITH TIME ZONE,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_workspace_versions PRIMARY KEY (workspace_id, embedding_version),
    CONSTRAINT fk_workspace_versions_embedding_version_embedding_versions FOREIGN KEY(embedding_version) REFERENCES embedding_versions (name)
);
CREATE UNIQUE INDEX uq_workspace_versions_active ON workspace_versions (workspace_id) WHERE status = 'active';
COMMENT ON TABLE workspace_versions IS 'Where each embedding version stands in a workspace; one is active.';
COMMENT ON COLUMN workspace_versions.status IS 'proposed, canary, active, retired or archived';
COMMENT ON COLUMN workspace_versions.since IS 'When it came to this status.';
COMMENT ON COLUMN workspace_versions.gate IS 'What the gate found last; null if it was never asked.';

CREATE TABLE version_transitions (
    workspace_id TEXT NOT NULL,
    sequence BIGINT GENERATED ALWAYS AS IDENTITY,
    embedding_version TEXT NOT NULL,
    from_status TEXT,
    to_status TEXT NOT NULL,
    decided_by TEXT NOT NULL,
    reason TEXT NOT NULL,
    forced BOOLEAN DEFAULT false NOT NULL,
    at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_version_transitions PRIMARY KEY (workspace_id, sequence),
    CONSTRAINT fk_version_transitions_embedding_version_embedding_versions FOREIGN KEY(embedding_version) REFERENCES embedding_versions (name)
);
COMMENT ON TABLE version_transitions IS 'Every change of the status of a version: who, when and why.';
COMMENT ON COLUMN version_transitions.from_status IS 'Null for the first.';
COMMENT ON COLUMN version_transitions.forced IS 'Although the gate had not passed.';

CREATE TABLE vector_namespaces (
    workspace_id TEXT NOT NULL,
    embedding_version TEXT NOT NULL,
    family TEXT NOT NULL,
    store TEXT NOT NULL,
    index_name TEXT NOT NULL,
    namespace TEXT NOT NULL,
    written_up_to BIGINT,
    written_at TIMESTAMP WITH TIME ZONE,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_vector_namespaces PRIMARY KEY (workspace_id, embedding_version, family, store),
    CONSTRAINT fk_vector_namespaces_embedding_version_embedding_versions FOREIGN KEY(embedding_version) REFERENCES embedding_versions (name)
);
COMMENT ON TABLE vector_namespaces IS 'Where the vectors of each family, version and store lie: what is searched, and what archiving deletes.';
COMMENT ON COLUMN vector_namespaces.written_up_to IS 'Place in the index''s log that a read must have reached to be believed.';

CREATE TABLE memory_summaries (
    summary_id TEXT NOT NULL,
    workspace_id TEXT NOT NULL,
    text TEXT NOT NULL,
    window_json JSONB NOT NULL,
    coverage_json JSONB NOT NULL,
    evidence JSONB NOT NULL,
    privacy TEXT DEFAULT 'org' NOT NULL,
    embedding_model TEXT NOT NULL,
    embedding_version TEXT NOT NULL,
    occurred_at TIMESTAMP WITH TIME ZONE NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    superseded_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_memory_summaries PRIMARY KEY (summary_id)
);
CREATE INDEX ix_memory_summaries_workspace_id_occurred_at ON memory_summaries (workspace_id, occurred_at);
COMMENT ON TABLE memory_summaries IS 'One row per summary of a topic or an entity in a time window.';
COMMENT ON COLUMN memory_summaries.text IS 'At most 1,200 characters.';
COMMENT ON COLUMN memory_summaries.window_json IS 'The entity or topic, and the time window.';
COMMENT ON COLUMN memory_summaries.evidence IS 'Ids of the observations that it cites.';
COMMENT ON COLUMN memory_summaries.occurred_at IS 'Of the latest observation.';

CREATE TABLE profile_centroids (
    workspace_id TEXT NOT NULL,
    entity_id TEXT NOT NULL,
    embedding_version TEXT NOT NULL,
    view TEXT NOT NULL,
    content_hash TEXT NOT NULL,
    privacy TEXT DEFAULT 'org' NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_profile_centroids PRIMARY KEY (workspace_id, entity_id, embedding_version, view),
    CONSTRAINT fk_profile_centroids_embedding_version_embedding_versions FOREIGN KEY(embedding_version) REFERENCES embedding_versions (name)
);
COMMENT ON TABLE profile_centroids IS 'One row per centroid: of an entity, a view and an embedding version.';
COMMENT ON COLUMN profile_centroids.view IS 'body, title or summary';
COMMENT ON COLUMN profile_centroids.content_hash IS 'Of what it was computed from; its vector is in embeddings.';

CREATE TABLE questions (
    workspace_id TEXT NOT NULL,
    question_id TEXT NOT NULL,
    question TEXT NOT NULL,
    expects JSONB NOT NULL,
    tags JSONB DEFAULT '[]'::jsonb NOT NULL,
    weight REAL DEFAULT 1 NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_questions PRIMARY KEY (workspace_id, question_id)
);
COMMENT ON TABLE questions IS 'One row per question with a known answer.';
COMMENT ON COLUMN questions.expects IS 'Documents, as source and source_id, of which each answers it.';
"""

_CHANGED_TABLES = """
ALTER TABLE embedding_versions ADD COLUMN topology TEXT DEFAULT 'shared' NOT NULL;
ALTER TABLE stores ADD COLUMN index_name TEXT, ADD COLUMN embedding_dim INTEGER;
COMMENT ON COLUMN stores.index_name IS 'The index that holds its vectors at the version served; null before the first.';
"""

# The owner sees no rows either while row-level security is forced.
_READ_BY_OWNER = (
    "workspaces",
    "vector_entries",
    "vector_namespaces",
    "workspace_versions",
    "knowledge_documents",
    "memory_observations",
)

# As `domain/placement.py` spells them.
_LEGAL_PART = """
CREATE FUNCTION pg_temp.legal_part(part TEXT) RETURNS TEXT LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN name = part THEN name
        ELSE name || '~' || left(encode(sha256(convert_to(part, 'UTF8')), 'hex'), 8) END
    FROM (SELECT left(btrim(regexp_replace(regexp_replace(part, '[^A-Za-z0-9._-]+', '-', 'g'), '_{2,}', '-', 'g'), '_'),
        120) AS name) n $$
"""

_PLACES = """
INSERT INTO workspace_versions (workspace_id, embedding_version, status)
SELECT workspace_id, active_embedding_version, 'active' FROM workspaces;

CREATE TEMPORARY TABLE moved ON COMMIT DROP AS
SELECT l.workspace_id, l.embedding_version, l.family, l.vector_id, l.index_name, l.namespace AS old_namespace, p.store,
    'ws_' || pg_temp.legal_part(l.workspace_id) || '__store_' || pg_temp.legal_part(p.store) || '__' || l.family
        || '__' || l.embedding_version AS new_namespace
FROM vector_entries l
LEFT JOIN memory_observations o ON l.family = 'observations' AND o.observation_id = split_part(l.vector_id, ':', 1)
LEFT JOIN knowledge_documents d
    ON d.document_id = CASE l.family WHEN 'chunks' THEN split_part(l.vector_id, '#', 1) ELSE o.document_id END
CROSS JOIN LATERAL (SELECT CASE WHEN d.source = 'docs'
    THEN coalesce(d.metadata_json ->> 'store', split_part(d.source_id, '/', 1)) ELSE 'activity' END AS store) p;

UPDATE vectors.vector_records r SET namespace = m.new_namespace FROM moved m
WHERE r.index_name = m.index_name AND r.namespace = m.old_namespace AND r.id = m.vector_id;

UPDATE vector_entries l SET namespace = m.new_namespace FROM moved m
WHERE l.workspace_id = m.workspace_id AND l.embedding_version = m.embedding_version AND l.family = m.family
    AND l.vector_id = m.vector_id;

INSERT INTO vector_namespaces (workspace_id, embedding_version, family, store, index_name, namespace)
SELECT DISTINCT workspace_id, embedding_version, family, store, index_name, new_namespace FROM moved;
"""


def upgrade() -> None:
    """Add what is new, and move vectors to the namespaces of their stores."""
    op.execute(_NEW_TABLES)
    op.execute(_CHANGED_TABLES)
    op.execute(_LEGAL_PART)
    for table in _READ_BY_OWNER:
        op.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
    op.execute(_PLACES)
    for table in _READ_BY_OWNER:
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
    for table in _WORKSPACE_TABLES:
        op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO {_ROLE}")
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        op.execute(
            f"CREATE POLICY workspace ON {table} "
            "USING (workspace_id = nullif(current_setting('neural_memory.workspace_id', true), ''))"
        )

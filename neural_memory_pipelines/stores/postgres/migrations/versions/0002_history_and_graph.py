"""Versions, parts, pushes and the graph: what histories and five sources need.

Every event is read again afterwards: what was persisted before knew no links, no accounts and no factors.
"""

from __future__ import annotations

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_ROLE = "neural_memory_pipeline"

_WORKSPACE_TABLES = (
    "stores",
    "ingestion_commits",
    "source_renames",
    "document_versions",
    "document_parts",
    "document_handles",
    "document_links",
    "identity_claims",
    "identity_decisions",
    "entities",
    "entity_aliases",
    "document_entities",
    "relationships",
    "relationship_evidence",
    "graph_cache_entries",
)

_NEW_TABLES = """
CREATE TABLE stores (
    workspace_id TEXT NOT NULL,
    name TEXT NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_stores PRIMARY KEY (workspace_id, name)
);
COMMENT ON TABLE stores IS 'One row per store of documents, such as the docs of a repository.';

CREATE TABLE ingestion_commits (
    workspace_id TEXT NOT NULL,
    store TEXT NOT NULL,
    after_sha TEXT NOT NULL,
    before_sha TEXT NOT NULL,
    delivery_id TEXT,
    ref TEXT,
    event_key TEXT NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_ingestion_commits PRIMARY KEY (workspace_id, store, before_sha, after_sha),
    CONSTRAINT uq_ingestion_commits_workspace_id_store_delivery_id UNIQUE (workspace_id, store, delivery_id)
);
COMMENT ON TABLE ingestion_commits IS 'One row per push of a store: a commit or a delivery that is known brings nothing.';
COMMENT ON COLUMN ingestion_commits.before_sha IS 'Empty for the first push.';
COMMENT ON COLUMN ingestion_commits.event_key IS 'Idempotency key of the event that brought it.';

CREATE TABLE source_renames (
    workspace_id TEXT NOT NULL,
    source TEXT NOT NULL,
    old_prefix TEXT NOT NULL,
    new_prefix TEXT NOT NULL,
    as_of TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_source_renames PRIMARY KEY (workspace_id, source, old_prefix, new_prefix, as_of)
);
COMMENT ON TABLE source_renames IS 'What a source called by another name until a moment, such as a repository.';
COMMENT ON COLUMN source_renames.old_prefix IS 'Of source ids.';

CREATE TABLE document_versions (
    workspace_id TEXT NOT NULL,
    document_id TEXT NOT NULL,
    event_key TEXT NOT NULL,
    part_id TEXT NOT NULL,
    as_of TIMESTAMP WITH TIME ZONE NOT NULL,
    deletes BOOLEAN NOT NULL,
    content_hash TEXT NOT NULL,
    raw_pointer TEXT NOT NULL,
    link_ids JSONB NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_document_versions PRIMARY KEY (document_id, event_key, part_id)
);
CREATE INDEX ix_document_versions_workspace_id_event_key ON document_versions (workspace_id, event_key);
COMMENT ON TABLE document_versions IS 'One row per description of a document, current or not: with its raw artifact.';
COMMENT ON COLUMN document_versions.document_id IS 'Which may not be one yet: parts alone make none.';
COMMENT ON COLUMN document_versions.event_key IS 'Idempotency key of the event.';
COMMENT ON COLUMN document_versions.part_id IS 'Empty for a description of the whole document.';
COMMENT ON COLUMN document_versions.link_ids IS 'The links that this description states.';

CREATE TABLE document_parts (
    workspace_id TEXT NOT NULL,
    source TEXT NOT NULL,
    source_id TEXT NOT NULL,
    part_id TEXT NOT NULL,
    as_of TIMESTAMP WITH TIME ZONE NOT NULL,
    event_key TEXT NOT NULL,
    raw_pointer TEXT NOT NULL,
    context_id TEXT,
    content JSONB,
    content_hash TEXT NOT NULL,
    CONSTRAINT pk_document_parts PRIMARY KEY (workspace_id, source, source_id, part_id)
);
CREATE INDEX ix_document_parts_workspace_id_source_context_id ON document_parts (workspace_id, source, context_id);
COMMENT ON TABLE document_parts IS 'The latest state of each part of the documents that no event describes whole.';
COMMENT ON COLUMN document_parts.content IS 'Null once the part was deleted.';

CREATE TABLE document_handles (
    workspace_id TEXT NOT NULL,
    document_id TEXT NOT NULL,
    handle TEXT NOT NULL,
    CONSTRAINT pk_document_handles PRIMARY KEY (document_id, handle),
    CONSTRAINT fk_document_handles_document_id_knowledge_documents FOREIGN KEY(document_id) REFERENCES knowledge_documents (document_id) ON DELETE CASCADE
);
CREATE INDEX ix_document_handles_workspace_id_handle ON document_handles (workspace_id, handle);
COMMENT ON TABLE document_handles IS 'The names by which texts may point at a document.';

CREATE TABLE document_links (
    link_id TEXT NOT NULL,
    workspace_id TEXT NOT NULL,
    document_id TEXT NOT NULL,
    type TEXT NOT NULL,
    origin_kind TEXT,
    origin_handle TEXT,
    origin_name TEXT,
    target_kind TEXT,
    target_handle TEXT,
    target_name TEXT,
    field TEXT NOT NULL,
    quote TEXT NOT NULL,
    chunk_id TEXT,
    start_char INTEGER NOT NULL,
    end_char INTEGER NOT NULL,
    confidence REAL NOT NULL,
    since TIMESTAMP WITH TIME ZONE NOT NULL,
    until TIMESTAMP WITH TIME ZONE,
    from_kind TEXT,
    from_id TEXT,
    to_kind TEXT,
    to_id TEXT,
    CONSTRAINT pk_document_links PRIMARY KEY (link_id),
    CONSTRAINT fk_document_links_document_id_knowledge_documents FOREIGN KEY(document_id) REFERENCES knowledge_documents (document_id) ON DELETE CASCADE
);
CREATE INDEX ix_document_links_document_id ON document_links (document_id);
CREATE INDEX ix_document_links_workspace_id_type ON document_links (workspace_id, type);
COMMENT ON TABLE document_links IS 'One row per link that a document states or stated; live while until is null.';
COMMENT ON COLUMN document_links.origin_kind IS 'Null: the document itself.';
COMMENT ON COLUMN document_links.target_kind IS 'Null: the document itself.';
COMMENT ON COLUMN document_links.field IS 'The field of the payload that states it; empty when words do.';
COMMENT ON COLUMN document_links.start_char IS 'Of the words in the text of the chunk.';
COMMENT ON COLUMN document_links.since IS 'As of the first description that stated it.';
COMMENT ON COLUMN document_links.until IS 'As of the first one that did not any more.';
COMMENT ON COLUMN document_links.from_kind IS 'The resolved origin; null until it is known.';
COMMENT ON COLUMN document_links.to_kind IS 'The resolved target; null until it is known.';

CREATE TABLE identity_claims (
    workspace_id TEXT NOT NULL,
    claim_id TEXT NOT NULL,
    account TEXT NOT NULL,
    name TEXT NOT NULL,
    handle TEXT,
    email_hash TEXT,
    email_verified BOOLEAN NOT NULL,
    is_bot BOOLEAN NOT NULL,
    seen_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_identity_claims PRIMARY KEY (workspace_id, claim_id)
);
COMMENT ON TABLE identity_claims IS 'Everything that events ever said of accounts. Rows are added, never taken away.';

CREATE TABLE identity_decisions (
    decision_id TEXT NOT NULL,
    workspace_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    first_account TEXT NOT NULL,
    second_account TEXT NOT NULL,
    decided_by TEXT NOT NULL,
    reason TEXT NOT NULL,
    decided_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_identity_decisions PRIMARY KEY (decision_id)
);
COMMENT ON TABLE identity_decisions IS 'The audit of identities: which accounts a person joined or parted, and why.';
COMMENT ON COLUMN identity_decisions.kind IS 'merge or split';

CREATE TABLE entities (
    entity_id TEXT NOT NULL,
    workspace_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    key TEXT NOT NULL,
    name TEXT NOT NULL,
    merged_into TEXT,
    merged_because TEXT,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_entities PRIMARY KEY (entity_id),
    CONSTRAINT uq_entities_workspace_id_kind_key UNIQUE (workspace_id, kind, key)
);
COMMENT ON TABLE entities IS 'One row per person, bot, team, repository, component, project or goal.';
COMMENT ON COLUMN entities.merged_into IS 'The entity that stands for this one.';

CREATE TABLE entity_aliases (
    workspace_id TEXT NOT NULL,
    alias_type TEXT NOT NULL,
    value TEXT NOT NULL,
    entity_id TEXT NOT NULL,
    verified BOOLEAN NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_entity_aliases PRIMARY KEY (workspace_id, alias_type, value),
    CONSTRAINT fk_entity_aliases_entity_id_entities FOREIGN KEY(entity_id) REFERENCES entities (entity_id) ON DELETE CASCADE
);
CREATE INDEX ix_entity_aliases_entity_id ON entity_aliases (entity_id);
COMMENT ON TABLE entity_aliases IS 'The names that an entity answers to. Rows are added and may move to another entity, never taken away.';

CREATE TABLE document_entities (
    workspace_id TEXT NOT NULL,
    document_id TEXT NOT NULL,
    entity_id TEXT NOT NULL,
    role TEXT NOT NULL,
    link_id TEXT NOT NULL,
    CONSTRAINT pk_document_entities PRIMARY KEY (document_id, entity_id, role),
    CONSTRAINT fk_document_entities_document_id_knowledge_documents FOREIGN KEY(document_id) REFERENCES knowledge_documents (document_id) ON DELETE CASCADE,
    CONSTRAINT fk_document_entities_entity_id_entities FOREIGN KEY(entity_id) REFERENCES entities (entity_id) ON DELETE CASCADE
);
CREATE INDEX ix_document_entities_workspace_id_entity_id ON document_entities (workspace_id, entity_id);
COMMENT ON TABLE document_entities IS 'Who and what a live document has to do with: mention, owner, author, assignee, reviewer, component.';
COMMENT ON COLUMN document_entities.link_id IS 'The strongest link that states it.';

CREATE TABLE relationships (
    relationship_id TEXT NOT NULL,
    workspace_id TEXT NOT NULL,
    type TEXT NOT NULL,
    from_kind TEXT NOT NULL,
    from_id TEXT NOT NULL,
    to_kind TEXT NOT NULL,
    to_id TEXT NOT NULL,
    confidence REAL NOT NULL,
    detected_by TEXT NOT NULL,
    since TIMESTAMP WITH TIME ZONE NOT NULL,
    until TIMESTAMP WITH TIME ZONE,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_relationships PRIMARY KEY (relationship_id),
    CONSTRAINT uq_relationships_workspace_id_type_from_id_to_id UNIQUE (workspace_id, type, from_id, to_id)
);
CREATE INDEX ix_relationships_workspace_id_from_id ON relationships (workspace_id, from_id);
CREATE INDEX ix_relationships_workspace_id_to_id ON relationships (workspace_id, to_id);
COMMENT ON TABLE relationships IS 'One row per edge; live while until is null.';
COMMENT ON COLUMN relationships.until IS 'Retired: no text or field states it any more.';

CREATE TABLE relationship_evidence (
    workspace_id TEXT NOT NULL,
    relationship_id TEXT NOT NULL,
    link_id TEXT NOT NULL,
    document_id TEXT NOT NULL,
    chunk_id TEXT,
    observation_id TEXT,
    start_char INTEGER NOT NULL,
    end_char INTEGER NOT NULL,
    quote TEXT NOT NULL,
    field TEXT NOT NULL,
    weight REAL NOT NULL,
    since TIMESTAMP WITH TIME ZONE NOT NULL,
    until TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_relationship_evidence PRIMARY KEY (relationship_id, link_id),
    CONSTRAINT fk_relationship_evidence_relationship_id_relationships FOREIGN KEY(relationship_id) REFERENCES relationships (relationship_id) ON DELETE CASCADE,
    CONSTRAINT fk_relationship_evidence_document_id_knowledge_documents FOREIGN KEY(document_id) REFERENCES knowledge_documents (document_id) ON DELETE CASCADE
);
CREATE INDEX ix_relationship_evidence_document_id ON relationship_evidence (document_id);
COMMENT ON TABLE relationship_evidence IS 'The words or fields that state an edge: in which chunk, from where to where.';

CREATE TABLE graph_cache_entries (
    workspace_id TEXT NOT NULL,
    direction TEXT NOT NULL,
    node_kind TEXT NOT NULL,
    node_id TEXT NOT NULL,
    generation TEXT NOT NULL,
    content_hash TEXT NOT NULL,
    CONSTRAINT pk_graph_cache_entries PRIMARY KEY (workspace_id, direction, node_kind, node_id)
);
COMMENT ON TABLE graph_cache_entries IS 'The ledger of the cached neighbours: which were primed into which generation of the cache.';
COMMENT ON COLUMN graph_cache_entries.direction IS 'out or in';
COMMENT ON COLUMN graph_cache_entries.content_hash IS 'Of the neighbours that were primed.';
"""

_CHANGED_TABLES = """
ALTER TABLE knowledge_documents
    ADD COLUMN as_of_event TEXT,
    ADD COLUMN parent_source_id TEXT,
    ADD COLUMN deleted_with TEXT,
    ADD COLUMN privacy TEXT DEFAULT 'org' NOT NULL;
CREATE INDEX ix_knowledge_documents_workspace_id_source_parent_source_id
    ON knowledge_documents (workspace_id, source, parent_source_id);
COMMENT ON COLUMN knowledge_documents.as_of_event IS 'Idempotency key of the event that described it last.';
COMMENT ON COLUMN knowledge_documents.parent_source_id IS 'The document that this one goes with.';
COMMENT ON COLUMN knowledge_documents.deleted_with IS 'Source id of the parent whose deletion took this document along.';
ALTER TABLE cache_entries ADD COLUMN content_hash TEXT DEFAULT '' NOT NULL;
ALTER TABLE source_events ADD COLUMN raw_bytes BIGINT DEFAULT '0' NOT NULL;
ALTER TABLE memory_observations ADD COLUMN importance_factors JSONB DEFAULT '{}'::jsonb NOT NULL;
"""

# The owner sees no rows either while row-level security is forced. What each document was taken from is noted, so that
# one that its event yields no more is found out.
_READ_AGAIN = """
ALTER TABLE knowledge_documents NO FORCE ROW LEVEL SECURITY;
ALTER TABLE source_events NO FORCE ROW LEVEL SECURITY;
UPDATE knowledge_documents SET as_of_event = lineage_json ->> 'event';
INSERT INTO document_versions
    (workspace_id, document_id, event_key, part_id, as_of, deletes, content_hash, raw_pointer, link_ids)
SELECT workspace_id, document_id, as_of_event, '', as_of, deleted_at IS NOT NULL, content_hash, raw_pointer, '[]'
FROM knowledge_documents;
UPDATE source_events SET status = 'pending', reason = NULL, settled_at = NULL WHERE status <> 'dead';
ALTER TABLE knowledge_documents ALTER COLUMN as_of_event SET NOT NULL;
ALTER TABLE knowledge_documents FORCE ROW LEVEL SECURITY;
ALTER TABLE source_events FORCE ROW LEVEL SECURITY;
"""


def upgrade() -> None:
    """Add what is new, and have every event read again."""
    op.execute(_NEW_TABLES)
    op.execute(_CHANGED_TABLES)
    op.execute(_READ_AGAIN)
    for table in _WORKSPACE_TABLES:
        op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO {_ROLE}")
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        op.execute(
            f"CREATE POLICY workspace ON {table} "
            "USING (workspace_id = nullif(current_setting('neural_memory.workspace_id', true), ''))"
        )

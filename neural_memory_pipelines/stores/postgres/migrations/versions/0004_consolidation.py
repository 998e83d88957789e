"""What consolidation makes: clusters, profiles and the nights that made them; observations that leave the hot index.

Nothing that is there changes, and nothing is embedded again.
"""

from __future__ import annotations

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_ROLE = "neural_memory_pipeline"

_WORKSPACE_TABLES = (
    "memory_clusters",
    "cluster_members",
    "pending_observations",
    "cluster_events",
    "memory_profiles",
    "profile_drifts",
    "consolidations",
    "consolidation_nights",
    "observation_pins",
    "eval_events",
)

_NEW_TABLES = """
CREATE TABLE memory_clusters (
    cluster_id TEXT NOT NULL,
    workspace_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    entity_id TEXT,
    window_start TIMESTAMP WITH TIME ZONE,
    window_end TIMESTAMP WITH TIME ZONE,
    embedding_version TEXT NOT NULL,
    label TEXT NOT NULL,
    keywords JSONB NOT NULL,
    size INTEGER NOT NULL,
    membership_hash TEXT NOT NULL,
    vector_sum BYTEA,
    threshold_cosine REAL,
    first_at TIMESTAMP WITH TIME ZONE NOT NULL,
    last_at TIMESTAMP WITH TIME ZONE NOT NULL,
    born_at TIMESTAMP WITH TIME ZONE NOT NULL,
    changed_at TIMESTAMP WITH TIME ZONE NOT NULL,
    died_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_memory_clusters PRIMARY KEY (cluster_id)
);
CREATE INDEX ix_memory_clusters_workspace_id_kind_died_at ON memory_clusters (workspace_id, kind, died_at);
COMMENT ON TABLE memory_clusters IS 'One row per topic, and per entity and time window, that has or had enough observations.';
COMMENT ON COLUMN memory_clusters.kind IS 'topic, or entity: what an entity had to do with in a time window';
COMMENT ON COLUMN memory_clusters.entity_id IS 'Null for a topic.';
COMMENT ON COLUMN memory_clusters.window_start IS 'Null for a topic.';
COMMENT ON COLUMN memory_clusters.window_end IS 'Null for a topic; the first moment that is not in it.';
COMMENT ON COLUMN memory_clusters.embedding_version IS 'At which members were found.';
COMMENT ON COLUMN memory_clusters.keywords IS 'By class-based TF-IDF, the weightiest first.';
COMMENT ON COLUMN memory_clusters.size IS 'Members.';
COMMENT ON COLUMN memory_clusters.membership_hash IS 'Of the ids of its members.';
COMMENT ON COLUMN memory_clusters.vector_sum IS 'Sum of the members'' body vectors, float32; null for an entity''s.';
COMMENT ON COLUMN memory_clusters.threshold_cosine IS 'Least similarity at which an observation joins; null for an entity''s.';
COMMENT ON COLUMN memory_clusters.first_at IS 'When its first observation occurred.';
COMMENT ON COLUMN memory_clusters.last_at IS 'When its last observation occurred.';
COMMENT ON COLUMN memory_clusters.changed_at IS 'When its members changed last.';
COMMENT ON COLUMN memory_clusters.died_at IS 'Null while it lives.';

CREATE TABLE cluster_members (
    workspace_id TEXT NOT NULL,
    cluster_id TEXT NOT NULL,
    observation_id TEXT NOT NULL,
    similarity_cosine REAL,
    joined_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_cluster_members PRIMARY KEY (cluster_id, observation_id),
    CONSTRAINT fk_cluster_members_cluster_id_memory_clusters FOREIGN KEY(cluster_id) REFERENCES memory_clusters (cluster_id) ON DELETE CASCADE
);
CREATE INDEX ix_cluster_members_workspace_id_observation_id ON cluster_members (workspace_id, observation_id);
COMMENT ON TABLE cluster_members IS 'Which observations a living cluster groups: an observation has one topic, and a window per entity.';
COMMENT ON COLUMN cluster_members.similarity_cosine IS 'To the topic''s centroid; null for an entity''s.';

CREATE TABLE pending_observations (
    workspace_id TEXT NOT NULL,
    observation_id TEXT NOT NULL,
    since TIMESTAMP WITH TIME ZONE NOT NULL,
    left_out BOOLEAN NOT NULL,
    CONSTRAINT pk_pending_observations PRIMARY KEY (workspace_id, observation_id)
);
COMMENT ON TABLE pending_observations IS 'Observations that found no topic and wait until there are enough of their kind.';
COMMENT ON COLUMN pending_observations.left_out IS 'Whether it was so when everything was clustered last.';

CREATE TABLE cluster_events (
    workspace_id TEXT NOT NULL,
    sequence BIGINT GENERATED ALWAYS AS IDENTITY,
    cluster_id TEXT NOT NULL,
    event TEXT NOT NULL,
    others JSONB NOT NULL,
    label TEXT NOT NULL,
    size INTEGER NOT NULL,
    at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_cluster_events PRIMARY KEY (workspace_id, sequence)
);
COMMENT ON TABLE cluster_events IS 'The life of topics: births, deaths, merges and splits.';
COMMENT ON COLUMN cluster_events.event IS 'birth, death, merge or split';
COMMENT ON COLUMN cluster_events.others IS 'The topics merged into, or split off from.';

CREATE TABLE memory_profiles (
    workspace_id TEXT NOT NULL,
    entity_id TEXT NOT NULL,
    embedding_version TEXT NOT NULL,
    observation_count INTEGER NOT NULL,
    summary_count INTEGER NOT NULL,
    descriptors JSONB NOT NULL,
    evidence_hash TEXT NOT NULL,
    drift_cosine REAL NOT NULL,
    accepted BYTEA,
    accepted_at TIMESTAMP WITH TIME ZONE NOT NULL,
    accepted_by TEXT DEFAULT '' NOT NULL,
    last_rebuilt_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_memory_profiles PRIMARY KEY (workspace_id, entity_id, embedding_version),
    CONSTRAINT fk_memory_profiles_embedding_version_embedding_versions FOREIGN KEY(embedding_version) REFERENCES embedding_versions (name)
);
COMMENT ON TABLE memory_profiles IS 'One row per entity and embedding version: what it has to do with.';
COMMENT ON COLUMN memory_profiles.descriptors IS 'Keywords, collaborators, components, contributions, hours.';
COMMENT ON COLUMN memory_profiles.evidence_hash IS 'Of all that it was made from.';
COMMENT ON COLUMN memory_profiles.drift_cosine IS 'Cosine distance to the accepted profile, of the body view.';
COMMENT ON COLUMN memory_profiles.accepted IS 'Body centroid of the profile that was accepted last, float32.';

CREATE TABLE profile_drifts (
    workspace_id TEXT NOT NULL,
    entity_id TEXT NOT NULL,
    embedding_version TEXT NOT NULL,
    at TIMESTAMP WITH TIME ZONE NOT NULL,
    drift_cosine REAL NOT NULL,
    observation_count INTEGER NOT NULL,
    CONSTRAINT pk_profile_drifts PRIMARY KEY (workspace_id, entity_id, embedding_version, at)
);
COMMENT ON TABLE profile_drifts IS 'One row per profile and night that changed it: how far it was from the accepted one.';

CREATE TABLE consolidations (
    workspace_id TEXT NOT NULL,
    embedding_version TEXT NOT NULL,
    settings_hash TEXT NOT NULL,
    full_at TIMESTAMP WITH TIME ZONE NOT NULL,
    full_hash TEXT DEFAULT '' NOT NULL,
    input_hash TEXT NOT NULL,
    night_hash TEXT DEFAULT '' NOT NULL,
    night_at TIMESTAMP WITH TIME ZONE,
    observed_until TIMESTAMP WITH TIME ZONE,
    seen JSONB,
    CONSTRAINT pk_consolidations PRIMARY KEY (workspace_id)
);
COMMENT ON TABLE consolidations IS 'One row per workspace: how far its consolidation is.';
COMMENT ON COLUMN consolidations.embedding_version IS 'At which topics were found last.';
COMMENT ON COLUMN consolidations.settings_hash IS 'Of the settings that decide topics.';
COMMENT ON COLUMN consolidations.full_at IS 'When everything was clustered anew.';
COMMENT ON COLUMN consolidations.full_hash IS 'The input_hash of that time.';
COMMENT ON COLUMN consolidations.input_hash IS 'Of the observations that topics were found from.';
COMMENT ON COLUMN consolidations.night_hash IS 'Of all that the last whole night saw.';
COMMENT ON COLUMN consolidations.night_at IS 'When the last whole night ended; null before the first.';
COMMENT ON COLUMN consolidations.observed_until IS 'When the last observation that it saw was written.';
COMMENT ON COLUMN consolidations.seen IS 'What the night that began last saw, and which run it was.';

CREATE TABLE consolidation_nights (
    workspace_id TEXT NOT NULL,
    at TIMESTAMP WITH TIME ZONE NOT NULL,
    embedding_version TEXT NOT NULL,
    observations INTEGER NOT NULL,
    in_topics INTEGER NOT NULL,
    in_summaries INTEGER NOT NULL,
    cited INTEGER NOT NULL,
    aged INTEGER NOT NULL,
    coverage_json JSONB NOT NULL,
    CONSTRAINT pk_consolidation_nights PRIMARY KEY (workspace_id, at)
);
COMMENT ON TABLE consolidation_nights IS 'One row per night that changed something: how much of the memory is consolidated.';
COMMENT ON COLUMN consolidation_nights.observations IS 'Live ones that may be consolidated.';
COMMENT ON COLUMN consolidation_nights.in_summaries IS 'Grouped by a cluster that has a summary.';
COMMENT ON COLUMN consolidation_nights.cited IS 'Cited by a summary.';
COMMENT ON COLUMN consolidation_nights.aged IS 'Out of the hot index.';

CREATE TABLE observation_pins (
    workspace_id TEXT NOT NULL,
    observation_id TEXT NOT NULL,
    pinned_by TEXT NOT NULL,
    reason TEXT NOT NULL,
    at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_observation_pins PRIMARY KEY (workspace_id, observation_id)
);
COMMENT ON TABLE observation_pins IS 'Observations that people want in the hot index whatever their age.';

CREATE TABLE eval_events (
    workspace_id TEXT NOT NULL,
    event_id TEXT NOT NULL,
    suite TEXT NOT NULL,
    payload JSONB NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    consumed_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_eval_events PRIMARY KEY (workspace_id, event_id)
);
COMMENT ON TABLE eval_events IS 'One row per reason to evaluate, written with what gave the reason.';
COMMENT ON COLUMN eval_events.suite IS 'Which questions are due.';
COMMENT ON COLUMN eval_events.consumed_at IS 'Null while it waits.';
"""

_CHANGED_TABLES = """
ALTER TABLE workspaces ADD COLUMN night_looked_at TIMESTAMP WITH TIME ZONE;
COMMENT ON COLUMN workspaces.night_looked_at IS 'The latest night of which it is known that nothing is to be done, or that it was done.';
ALTER TABLE memory_observations ADD COLUMN aged_at TIMESTAMP WITH TIME ZONE;
COMMENT ON COLUMN memory_observations.aged_at IS 'When it left the hot index; null while it is there.';
CREATE INDEX ix_memory_observations_workspace_id_created_at ON memory_observations (workspace_id, created_at);
ALTER TABLE memory_summaries
    ADD COLUMN cluster_id TEXT DEFAULT '' NOT NULL,
    ADD COLUMN title TEXT DEFAULT '' NOT NULL,
    ADD COLUMN sentences JSONB DEFAULT '[]'::jsonb NOT NULL,
    ADD COLUMN membership_hash TEXT DEFAULT '' NOT NULL,
    ADD COLUMN written_by TEXT DEFAULT '' NOT NULL,
    ADD COLUMN unsupported INTEGER DEFAULT '0' NOT NULL;
COMMENT ON COLUMN profile_centroids.content_hash IS 'Of its values; the vector is in embeddings.';
COMMENT ON COLUMN memory_summaries.evidence IS 'Ids of the observations that it cites; [1] is the first.';
COMMENT ON COLUMN memory_summaries.sentences IS 'Each with its evidence.';
COMMENT ON COLUMN memory_summaries.membership_hash IS 'Of what it was written from, and how.';
COMMENT ON COLUMN memory_summaries.written_by IS 'The summarizer, with its version.';
COMMENT ON COLUMN memory_summaries.unsupported IS 'Sentences that nothing supported.';
"""


def upgrade() -> None:
    """Add what is new."""
    op.execute(_NEW_TABLES)
    op.execute(_CHANGED_TABLES)
    for table in _WORKSPACE_TABLES:
        op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO {_ROLE}")
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        op.execute(
            f"CREATE POLICY workspace ON {table} "
            "USING (workspace_id = nullif(current_setting('neural_memory.workspace_id', true), ''))"
        )

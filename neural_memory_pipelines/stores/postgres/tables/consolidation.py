"""Tables of what consolidation makes of observations: clusters, summaries, profiles, and the nights that made them.

All of it can be made again from observations, entities and vectors; what people decide is in `observation_pins`.
"""

from __future__ import annotations

from sqlalchemy import (
    REAL,
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    Table,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from neural_memory_pipelines.stores.postgres.tables.base import TIME, created_at, metadata, workspace_column

memory_clusters = Table(
    "memory_clusters",
    metadata,
    Column("cluster_id", Text, primary_key=True),
    workspace_column(),
    Column("kind", Text, nullable=False, comment="topic, or entity: what an entity had to do with in a time window"),
    Column("entity_id", Text, comment="Null for a topic."),
    Column("window_start", TIME, comment="Null for a topic."),
    Column("window_end", TIME, comment="Null for a topic; the first moment that is not in it."),
    Column("embedding_version", Text, nullable=False, comment="At which members were found."),
    Column("label", Text, nullable=False),
    Column("keywords", JSONB, nullable=False, comment="By class-based TF-IDF, the weightiest first."),
    Column("size", Integer, nullable=False, comment="Members."),
    Column("membership_hash", Text, nullable=False, comment="Of the ids of its members."),
    Column("vector_sum", LargeBinary, comment="Sum of the members' body vectors, float32; null for an entity's."),
    Column("threshold_cosine", REAL, comment="Least similarity at which an observation joins; null for an entity's."),
    Column("first_at", TIME, nullable=False, comment="When its first observation occurred."),
    Column("last_at", TIME, nullable=False, comment="When its last observation occurred."),
    Column("born_at", TIME, nullable=False),
    Column("changed_at", TIME, nullable=False, comment="When its members changed last."),
    Column("died_at", TIME, comment="Null while it lives."),
    Index(None, "workspace_id", "kind", "died_at"),
    comment="One row per topic, and per entity and time window, that has or had enough observations.",
)

cluster_members = Table(
    "cluster_members",
    metadata,
    workspace_column(),
    Column("cluster_id", Text, ForeignKey("memory_clusters.cluster_id", ondelete="CASCADE"), nullable=False),
    Column("observation_id", Text, nullable=False),
    Column("similarity_cosine", REAL, comment="To the topic's centroid; null for an entity's."),
    Column("joined_at", TIME, nullable=False),
    PrimaryKeyConstraint("cluster_id", "observation_id"),
    Index(None, "workspace_id", "observation_id"),
    comment="Which observations a living cluster groups: an observation has one topic, and a window per entity.",
)

pending_observations = Table(
    "pending_observations",
    metadata,
    workspace_column(),
    Column("observation_id", Text, nullable=False),
    Column("since", TIME, nullable=False),
    Column("left_out", Boolean, nullable=False, comment="Whether it was so when everything was clustered last."),
    PrimaryKeyConstraint("workspace_id", "observation_id"),
    comment="Observations that found no topic and wait until there are enough of their kind.",
)

cluster_events = Table(
    "cluster_events",
    metadata,
    workspace_column(),
    Column("sequence", BigInteger, Identity(always=True), nullable=False),
    Column("cluster_id", Text, nullable=False),
    Column("event", Text, nullable=False, comment="birth, death, merge or split"),
    Column("others", JSONB, nullable=False, comment="The topics merged into, or split off from."),
    Column("label", Text, nullable=False),
    Column("size", Integer, nullable=False),
    Column("at", TIME, nullable=False),
    PrimaryKeyConstraint("workspace_id", "sequence"),
    comment="The life of topics: births, deaths, merges and splits.",
)

memory_summaries = Table(
    "memory_summaries",
    metadata,
    Column("summary_id", Text, primary_key=True),
    workspace_column(),
    Column("text", Text, nullable=False, comment="At most 1,200 characters."),
    Column("window_json", JSONB, nullable=False, comment="The entity or topic, and the time window."),
    Column("coverage_json", JSONB, nullable=False),
    Column("evidence", JSONB, nullable=False, comment="Ids of the observations that it cites; [1] is the first."),
    Column("privacy", Text, nullable=False, server_default="org"),
    Column("embedding_model", Text, nullable=False),
    Column("embedding_version", Text, nullable=False),
    Column("occurred_at", TIME, nullable=False, comment="Of the latest observation."),
    created_at(),
    Column("superseded_at", TIME),
    Column("cluster_id", Text, nullable=False, server_default=""),
    Column("title", Text, nullable=False, server_default=""),
    Column("sentences", JSONB, nullable=False, server_default=text("'[]'::jsonb"), comment="Each with its evidence."),
    Column("membership_hash", Text, nullable=False, server_default="", comment="Of what it was written from, and how."),
    Column("written_by", Text, nullable=False, server_default="", comment="The summarizer, with its version."),
    Column("unsupported", Integer, nullable=False, server_default="0", comment="Sentences that nothing supported."),
    Index(None, "workspace_id", "occurred_at"),
    comment="One row per summary of a topic or an entity in a time window.",
)

memory_profiles = Table(
    "memory_profiles",
    metadata,
    workspace_column(),
    Column("entity_id", Text, nullable=False),
    Column("embedding_version", Text, ForeignKey("embedding_versions.name"), nullable=False),
    Column("observation_count", Integer, nullable=False),
    Column("summary_count", Integer, nullable=False),
    Column("descriptors", JSONB, nullable=False, comment="Keywords, collaborators, components, contributions, hours."),
    Column("evidence_hash", Text, nullable=False, comment="Of all that it was made from."),
    Column("drift_cosine", REAL, nullable=False, comment="Cosine distance to the accepted profile, of the body view."),
    Column("accepted", LargeBinary, comment="Body centroid of the profile that was accepted last, float32."),
    Column("accepted_at", TIME, nullable=False),
    Column("accepted_by", Text, nullable=False, server_default=""),
    Column("last_rebuilt_at", TIME, nullable=False),
    PrimaryKeyConstraint("workspace_id", "entity_id", "embedding_version"),
    comment="One row per entity and embedding version: what it has to do with.",
)

profile_drifts = Table(
    "profile_drifts",
    metadata,
    workspace_column(),
    Column("entity_id", Text, nullable=False),
    Column("embedding_version", Text, nullable=False),
    Column("at", TIME, nullable=False),
    Column("drift_cosine", REAL, nullable=False),
    Column("observation_count", Integer, nullable=False),
    PrimaryKeyConstraint("workspace_id", "entity_id", "embedding_version", "at"),
    comment="One row per profile and night that changed it: how far it was from the accepted one.",
)

profile_centroids = Table(
    "profile_centroids",
    metadata,
    workspace_column(),
    Column("entity_id", Text, nullable=False),
    Column("embedding_version", Text, ForeignKey("embedding_versions.name"), nullable=False),
    Column("view", Text, nullable=False, comment="body, title or summary"),
    Column("content_hash", Text, nullable=False, comment="Of its values; the vector is in embeddings."),
    Column("privacy", Text, nullable=False, server_default=text("'org'")),
    created_at("updated_at"),
    PrimaryKeyConstraint("workspace_id", "entity_id", "embedding_version", "view"),
    comment="One row per centroid: of an entity, a view and an embedding version.",
)

consolidations = Table(
    "consolidations",
    metadata,
    Column("workspace_id", Text, primary_key=True),
    Column("embedding_version", Text, nullable=False, comment="At which topics were found last."),
    Column("settings_hash", Text, nullable=False, comment="Of the settings that decide topics."),
    Column("full_at", TIME, nullable=False, comment="When everything was clustered anew."),
    Column("full_hash", Text, nullable=False, server_default="", comment="The input_hash of that time."),
    Column("input_hash", Text, nullable=False, comment="Of the observations that topics were found from."),
    Column("night_hash", Text, nullable=False, server_default="", comment="Of all that the last whole night saw."),
    Column("night_at", TIME, comment="When the last whole night ended; null before the first."),
    Column("observed_until", TIME, comment="When the last observation that it saw was written."),
    Column("seen", JSONB, comment="What the night that began last saw, and which run it was."),
    comment="One row per workspace: how far its consolidation is.",
)

consolidation_nights = Table(
    "consolidation_nights",
    metadata,
    workspace_column(),
    Column("at", TIME, nullable=False),
    Column("embedding_version", Text, nullable=False),
    Column("observations", Integer, nullable=False, comment="Live ones that may be consolidated."),
    Column("in_topics", Integer, nullable=False),
    Column("in_summaries", Integer, nullable=False, comment="Grouped by a cluster that has a summary."),
    Column("cited", Integer, nullable=False, comment="Cited by a summary."),
    Column("aged", Integer, nullable=False, comment="Out of the hot index."),
    Column("coverage_json", JSONB, nullable=False),
    PrimaryKeyConstraint("workspace_id", "at"),
    comment="One row per night that changed something: how much of the memory is consolidated.",
)

observation_pins = Table(
    "observation_pins",
    metadata,
    workspace_column(),
    Column("observation_id", Text, nullable=False),
    Column("pinned_by", Text, nullable=False),
    Column("reason", Text, nullable=False),
    created_at("at"),
    PrimaryKeyConstraint("workspace_id", "observation_id"),
    comment="Observations that people want in the hot index whatever their age.",
)

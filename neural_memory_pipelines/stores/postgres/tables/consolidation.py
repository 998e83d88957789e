"""Tables that consolidation fills: summaries of observations, and the centroids of profiles.

They are here because their vectors are embedded, indexed and migrated as all others are.
"""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Index, PrimaryKeyConstraint, Table, Text, text
from sqlalchemy.dialects.postgresql import JSONB

from neural_memory_pipelines.stores.postgres.tables.base import TIME, created_at, metadata, workspace_column

memory_summaries = Table(
    "memory_summaries",
    metadata,
    Column("summary_id", Text, primary_key=True),
    workspace_column(),
    Column("text", Text, nullable=False, comment="At most 1,200 characters."),
    Column("window_json", JSONB, nullable=False, comment="The entity or topic, and the time window."),
    Column("coverage_json", JSONB, nullable=False),
    Column("evidence", JSONB, nullable=False, comment="Ids of the observations that it cites."),
    Column("privacy", Text, nullable=False, server_default="org"),
    Column("embedding_model", Text, nullable=False),
    Column("embedding_version", Text, nullable=False),
    Column("occurred_at", TIME, nullable=False, comment="Of the latest observation."),
    created_at(),
    Column("superseded_at", TIME),
    Index(None, "workspace_id", "occurred_at"),
    comment="One row per summary of a topic or an entity in a time window.",
)

profile_centroids = Table(
    "profile_centroids",
    metadata,
    workspace_column(),
    Column("entity_id", Text, nullable=False),
    Column("embedding_version", Text, ForeignKey("embedding_versions.name"), nullable=False),
    Column("view", Text, nullable=False, comment="body, title or summary"),
    Column("content_hash", Text, nullable=False, comment="Of what it was computed from; its vector is in embeddings."),
    Column("privacy", Text, nullable=False, server_default=text("'org'")),
    created_at("updated_at"),
    PrimaryKeyConstraint("workspace_id", "entity_id", "embedding_version", "view"),
    comment="One row per centroid: of an entity, a view and an embedding version.",
)

"""Tables of the life of embedding versions in a workspace: where each stands, and every step that it took.

What may follow what is decided in `domain/lifecycle.py`.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, Identity, Index, PrimaryKeyConstraint, Table, Text, text
from sqlalchemy.dialects.postgresql import JSONB

from neural_memory_pipelines.stores.postgres.tables.base import TIME, created_at, metadata, workspace_column

workspace_versions = Table(
    "workspace_versions",
    metadata,
    workspace_column(),
    Column("embedding_version", Text, ForeignKey("embedding_versions.name"), nullable=False),
    Column("status", Text, nullable=False, comment="proposed, canary, active, retired or archived"),
    Column("since", TIME, nullable=False, server_default=text("now()"), comment="When it came to this status."),
    Column("gate", JSONB, comment="What the gate found last; null if it was never asked."),
    Column("gate_passed", Boolean),
    Column("gate_at", TIME),
    created_at(),
    PrimaryKeyConstraint("workspace_id", "embedding_version"),
    Index(
        "uq_workspace_versions_active",
        "workspace_id",
        unique=True,
        postgresql_where=text("status = 'active'"),
    ),
    comment="Where each embedding version stands in a workspace; one is active.",
)

version_transitions = Table(
    "version_transitions",
    metadata,
    workspace_column(),
    Column("sequence", BigInteger, Identity(always=True), nullable=False),
    Column("embedding_version", Text, ForeignKey("embedding_versions.name"), nullable=False),
    Column("from_status", Text, comment="Null for the first."),
    Column("to_status", Text, nullable=False),
    Column("decided_by", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column(
        "forced", Boolean, nullable=False, server_default=text("false"), comment="Although the gate had not passed."
    ),
    created_at("at"),
    PrimaryKeyConstraint("workspace_id", "sequence"),
    comment="Every change of the status of a version: who, when and why.",
)

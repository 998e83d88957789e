"""Tables of evaluation: the questions that a workspace's memory should answer. Asking them is not done here."""

from __future__ import annotations

from sqlalchemy import REAL, Column, PrimaryKeyConstraint, Table, Text, text
from sqlalchemy.dialects.postgresql import JSONB

from neural_memory_pipelines.stores.postgres.tables.base import TIME, created_at, metadata, workspace_column

questions = Table(
    "questions",
    metadata,
    workspace_column(),
    Column("question_id", Text, nullable=False),
    Column("question", Text, nullable=False),
    Column("expects", JSONB, nullable=False, comment="Documents, as source and source_id, of which each answers it."),
    Column("tags", JSONB, nullable=False, server_default=text("'[]'::jsonb")),
    Column("weight", REAL, nullable=False, server_default=text("1")),
    created_at(),
    PrimaryKeyConstraint("workspace_id", "question_id"),
    comment="One row per question with a known answer.",
)

eval_events = Table(
    "eval_events",
    metadata,
    workspace_column(),
    Column("event_id", Text, nullable=False),
    Column("suite", Text, nullable=False, comment="Which questions are due."),
    Column("payload", JSONB, nullable=False),
    created_at(),
    Column("consumed_at", TIME, comment="Null while it waits."),
    PrimaryKeyConstraint("workspace_id", "event_id"),
    comment="One row per reason to evaluate, written with what gave the reason.",
)

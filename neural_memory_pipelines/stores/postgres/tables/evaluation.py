"""Tables of evaluation: questions, the reasons to ask them, the runs that asked them, and what is still to be reported.

Asking them is not done here.
"""

from __future__ import annotations

from sqlalchemy import (
    REAL,
    BigInteger,
    Boolean,
    Column,
    Index,
    Integer,
    PrimaryKeyConstraint,
    Table,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from neural_memory_pipelines.stores.postgres.tables.base import TIME, created_at, metadata, workspace_column

questions = Table(
    "questions",
    metadata,
    workspace_column(),
    Column("question_id", Text, nullable=False),
    Column("question", Text, nullable=False),
    Column(
        "expects",
        JSONB,
        nullable=False,
        comment="Documents, as source and source_id, or ids of evidence, of which each answers it.",
    ),
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
    Column("consumed_by", Text, comment="The evaluation that it led to."),
    PrimaryKeyConstraint("workspace_id", "event_id"),
    Index(
        "ix_eval_events_waiting", "workspace_id", "suite", "created_at", postgresql_where=text("consumed_at IS NULL")
    ),
    comment="One row per reason to evaluate, written with what gave the reason.",
)

eval_runs = Table(
    "eval_runs",
    metadata,
    workspace_column(),
    Column("run_id", Text, nullable=False),
    Column("suite", Text, nullable=False),
    Column("embedding_version", Text, nullable=False),
    Column("at", TIME, nullable=False, comment="When it began."),
    Column("are_own", Boolean, nullable=False, comment="Whether the questions are the workspace's, and no titles."),
    Column("questions_hash", Text, nullable=False, comment="Of the questions with their answers."),
    Column("retrieval", JSONB, nullable=False, comment="What decided the ranking: mode, weights, models."),
    Column("reasons", JSONB, nullable=False, comment="Payloads of the events that asked for it."),
    Column("metrics", JSONB, nullable=False),
    Column("compared_with", Text, comment="The accepted run before it; null if there was none to compare with."),
    Column("passed", Boolean, nullable=False, comment="Whether nothing got worse beyond what the workspace allows."),
    Column("worse", JSONB, nullable=False, comment="Questions that got worse, worst first, with both places."),
    Column("accepted_at", TIME, comment="When it became what later runs are compared with."),
    Column("accepted_by", Text, comment="Who accepted it; empty if it was because nothing got worse."),
    PrimaryKeyConstraint("workspace_id", "run_id"),
    Index(None, "workspace_id", "suite", "embedding_version", "at"),
    comment="One row per run of a suite.",
)

eval_results = Table(
    "eval_results",
    metadata,
    workspace_column(),
    Column("run_id", Text, nullable=False),
    Column("question_id", Text, nullable=False),
    Column("question", Text, nullable=False),
    Column("expects", JSONB, nullable=False, comment="As asked; see questions."),
    Column("tags", JSONB, nullable=False),
    Column("weight", REAL, nullable=False),
    Column("place", Integer, comment="Of the first right answer, from 1; null if there was none."),
    Column("latency_ms", REAL, nullable=False),
    Column("hits", JSONB, nullable=False, comment="The first ten: kind, id, source, source_id, score; no texts."),
    PrimaryKeyConstraint("workspace_id", "run_id", "question_id"),
    comment="One row per question of a run.",
)

eval_reports = Table(
    "eval_reports",
    metadata,
    workspace_column(),
    Column("run_id", Text, nullable=False),
    Column("destination", Text, nullable=False, comment="braintrust"),
    created_at(),
    Column("attempts", Integer, nullable=False, server_default=text("0")),
    Column("retry_at", TIME, comment="Not before; null: at once."),
    Column("error", Text, comment="Why the last attempt failed."),
    Column("sent_at", TIME, comment="Null while it waits."),
    Column("url", Text, comment="Where the destination shows it."),
    PrimaryKeyConstraint("workspace_id", "run_id", "destination"),
    Index("ix_eval_reports_waiting", "workspace_id", "created_at", postgresql_where=text("sent_at IS NULL")),
    comment="One row per run that a destination outside is to be told of.",
)

lexical_terms = Table(
    "lexical_terms",
    metadata,
    workspace_column(),
    Column("term", Text, nullable=False),
    Column("chunks", Integer, nullable=False, comment="Live chunks that hold it, as of the count."),
    PrimaryKeyConstraint("workspace_id", "term"),
    comment="How common words are in a workspace: what the ranking by words weighs them by.",
)

lexical_counts = Table(
    "lexical_counts",
    metadata,
    Column("workspace_id", Text, primary_key=True),
    Column("chunks", Integer, nullable=False, comment="Live chunks that were counted."),
    Column("documents", Integer, nullable=False, comment="That have any."),
    Column("tokens", BigInteger, nullable=False, comment="Of all of them."),
    Column("counted_at", TIME, nullable=False),
    comment="One row per workspace whose words were counted.",
)

"""Retrieval and evaluation: how common words are, the runs that asked a memory its questions, and their reports.

Nothing that is there changes, and nothing is embedded again.
"""

from __future__ import annotations

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_ROLE = "neural_memory_pipeline"

_WORKSPACE_TABLES = (
    "eval_runs",
    "eval_results",
    "eval_reports",
    "lexical_terms",
    "lexical_counts",
)

# What the sensors look at over all workspaces: ids and times, no texts.
_SEEN_BY_SENSORS = ("eval_events", "eval_reports")

_NEW_TABLES = """
CREATE TABLE eval_runs (
    workspace_id TEXT NOT NULL,
    run_id TEXT NOT NULL,
    suite TEXT NOT NULL,
    embedding_version TEXT NOT NULL,
    at TIMESTAMP WITH TIME ZONE NOT NULL,
    are_own BOOLEAN NOT NULL,
    questions_hash TEXT NOT NULL,
    retrieval JSONB NOT NULL,
    reasons JSONB NOT NULL,
    metrics JSONB NOT NULL,
    compared_with TEXT,
    passed BOOLEAN NOT NULL,
    worse JSONB NOT NULL,
    accepted_at TIMESTAMP WITH TIME ZONE,
    accepted_by TEXT,
    CONSTRAINT pk_eval_runs PRIMARY KEY (workspace_id, run_id)
);
CREATE INDEX ix_eval_runs_workspace_id_suite_embedding_version_at ON eval_runs (workspace_id, suite, embedding_version, at);
COMMENT ON TABLE eval_runs IS 'One row per run of a suite.';
COMMENT ON COLUMN eval_runs.at IS 'When it began.';
COMMENT ON COLUMN eval_runs.are_own IS 'Whether the questions are the workspace''s, and no titles.';
COMMENT ON COLUMN eval_runs.questions_hash IS 'Of the questions with their answers.';
COMMENT ON COLUMN eval_runs.retrieval IS 'What decided the ranking: mode, weights, models.';
COMMENT ON COLUMN eval_runs.reasons IS 'Payloads of the events that asked for it.';
COMMENT ON COLUMN eval_runs.compared_with IS 'The accepted run before it; null if there was none to compare with.';
COMMENT ON COLUMN eval_runs.passed IS 'Whether nothing got worse beyond what the workspace allows.';
COMMENT ON COLUMN eval_runs.worse IS 'Questions that got worse, worst first, with both places.';
COMMENT ON COLUMN eval_runs.accepted_at IS 'When it became what later runs are compared with.';
COMMENT ON COLUMN eval_runs.accepted_by IS 'Who accepted it; empty if it was because nothing got worse.';

CREATE TABLE eval_results (
    workspace_id TEXT NOT NULL,
    run_id TEXT NOT NULL,
    question_id TEXT NOT NULL,
    question TEXT NOT NULL,
    expects JSONB NOT NULL,
    tags JSONB NOT NULL,
    weight REAL NOT NULL,
    place INTEGER,
    latency_ms REAL NOT NULL,
    hits JSONB NOT NULL,
    CONSTRAINT pk_eval_results PRIMARY KEY (workspace_id, run_id, question_id)
);
COMMENT ON TABLE eval_results IS 'One row per question of a run.';
COMMENT ON COLUMN eval_results.expects IS 'As asked; see questions.';
COMMENT ON COLUMN eval_results.place IS 'Of the first right answer, from 1; null if there was none.';
COMMENT ON COLUMN eval_results.hits IS 'The first ten: kind, id, source, source_id, score; no texts.';

CREATE TABLE eval_reports (
    workspace_id TEXT NOT NULL,
    run_id TEXT NOT NULL,
    destination TEXT NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    attempts INTEGER DEFAULT 0 NOT NULL,
    retry_at TIMESTAMP WITH TIME ZONE,
    error TEXT,
    sent_at TIMESTAMP WITH TIME ZONE,
    url TEXT,
    CONSTRAINT pk_eval_reports PRIMARY KEY (workspace_id, run_id, destination)
);
CREATE INDEX ix_eval_reports_waiting ON eval_reports (workspace_id, created_at) WHERE sent_at IS NULL;
COMMENT ON TABLE eval_reports IS 'One row per run that a destination outside is to be told of.';
COMMENT ON COLUMN eval_reports.destination IS 'braintrust';
COMMENT ON COLUMN eval_reports.retry_at IS 'Not before; null: at once.';
COMMENT ON COLUMN eval_reports.error IS 'Why the last attempt failed.';
COMMENT ON COLUMN eval_reports.sent_at IS 'Null while it waits.';
COMMENT ON COLUMN eval_reports.url IS 'Where the destination shows it.';

CREATE TABLE lexical_terms (
    workspace_id TEXT NOT NULL,
    term TEXT NOT NULL,
    chunks INTEGER NOT NULL,
    CONSTRAINT pk_lexical_terms PRIMARY KEY (workspace_id, term)
);
COMMENT ON TABLE lexical_terms IS 'How common words are in a workspace: what the ranking by words weighs them by.';
COMMENT ON COLUMN lexical_terms.chunks IS 'Live chunks that hold it, as of the count.';

CREATE TABLE lexical_counts (
    workspace_id TEXT NOT NULL,
    chunks INTEGER NOT NULL,
    documents INTEGER NOT NULL,
    tokens BIGINT NOT NULL,
    counted_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_lexical_counts PRIMARY KEY (workspace_id)
);
COMMENT ON TABLE lexical_counts IS 'One row per workspace whose words were counted.';
COMMENT ON COLUMN lexical_counts.chunks IS 'Live chunks that were counted.';
COMMENT ON COLUMN lexical_counts.documents IS 'That have any.';
COMMENT ON COLUMN lexical_counts.tokens IS 'Of all of them.';
"""

_CHANGED_TABLES = r"""
ALTER TABLE eval_events ADD COLUMN consumed_by TEXT;
COMMENT ON COLUMN eval_events.consumed_by IS 'The evaluation that it led to.';
CREATE INDEX ix_eval_events_waiting ON eval_events (workspace_id, suite, created_at) WHERE consumed_at IS NULL;
COMMENT ON COLUMN questions.expects IS 'Documents, as source and source_id, or ids of evidence, of which each answers it.';
-- Vectors of up to about 2,000 values stay in their row: an exact scan of 1,536 values takes a third of the time.
ALTER TABLE vectors.vector_records SET (toast_tuple_target = 8160);
ALTER TABLE entities ADD COLUMN name_key TEXT GENERATED ALWAYS AS (lower(regexp_replace(normalize(name, NFKD), '[\u0300-\u036f]', '', 'g'))) STORED;
ALTER TABLE entities ADD COLUMN short_key TEXT GENERATED ALWAYS AS (CASE kind WHEN 'person' THEN split_part(lower(regexp_replace(normalize(name, NFKD), '[\u0300-\u036f]', '', 'g')), ' ', 1) WHEN 'repository' THEN lower(substring(name from '[^/]*$')) END) STORED;
CREATE INDEX ix_entities_workspace_id_name_key ON entities (workspace_id, name_key);
CREATE INDEX ix_entities_workspace_id_short_key ON entities (workspace_id, short_key);
COMMENT ON COLUMN entities.name_key IS 'The name without case and accents.';
COMMENT ON COLUMN entities.short_key IS 'The first name of a person, the repository without its owner; else null.';
ALTER TABLE entity_aliases ADD COLUMN spelling TEXT GENERATED ALWAYS AS (CASE WHEN alias_type IN ('provider', 'email', 'name') THEN value ELSE substr(value, strpos(value, ':') + 1) END) STORED;
CREATE INDEX ix_entity_aliases_workspace_id_spelling ON entity_aliases (workspace_id, spelling);
COMMENT ON COLUMN entity_aliases.spelling IS 'What people write: a login without its system, a name, a component.';
ALTER TABLE document_handles ADD COLUMN tail TEXT GENERATED ALWAYS AS (coalesce(substring(handle from '#[0-9]+$'), substring(handle from '@[0-9a-f]{7}(?=[0-9a-f]{33}$)'), substring(handle from '[^/]*$'))) STORED;
CREATE INDEX ix_document_handles_workspace_id_tail ON document_handles (workspace_id, tail);
COMMENT ON COLUMN document_handles.tail IS 'Its last part: #12, @ and seven digits of a commit, else what follows the last slash.';
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
    for table in _SEEN_BY_SENSORS:
        op.execute(
            f"CREATE POLICY catalog ON {table} FOR SELECT USING (current_setting('neural_memory.catalog', true) = 'on')"
        )

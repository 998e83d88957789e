"""Tables of the graph: what documents state, who and what they speak of, and the edges that follow.

Links are written with their documents; entities and relationships are derived from them by `steps/graph.py`.
"""

from __future__ import annotations

from sqlalchemy import (
    REAL,
    Boolean,
    Column,
    Computed,
    ForeignKey,
    Index,
    Integer,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
)

from neural_memory_pipelines.stores.postgres.tables.base import (
    TIME,
    created_at,
    document_column,
    metadata,
    workspace_column,
)

# Spelled as Postgres spells them, so that the migrations can be compared with them. Under row-level security an index
# on an expression is never used, one on a column is.
_NAME_KEY = r"lower(regexp_replace(normalize(name, NFKD), '[\u0300-\u036f]'::text, ''::text, 'g'::text))"
_SHORT_KEY = (
    f"CASE kind WHEN 'person'::text THEN split_part({_NAME_KEY}, ' '::text, 1) "
    "WHEN 'repository'::text THEN lower(substring(name, '[^/]*$'::text)) ELSE NULL::text END"
)
_SPELLING = (
    "CASE WHEN alias_type = ANY (ARRAY['provider'::text, 'email'::text, 'name'::text]) THEN value "
    "ELSE substr(value, strpos(value, ':'::text) + 1) END"
)
_TAIL = (
    "coalesce(substring(handle, '#[0-9]+$'::text), substring(handle, '@[0-9a-f]{7}(?=[0-9a-f]{33}$)'::text), "
    "substring(handle, '[^/]*$'::text))"
)

document_handles = Table(
    "document_handles",
    metadata,
    workspace_column(),
    document_column(),
    Column("handle", Text, nullable=False),
    Column(
        "tail",
        Text,
        Computed(_TAIL, persisted=True),
        comment="Its last part: #12, @ and seven digits of a commit, else what follows the last slash.",
    ),
    PrimaryKeyConstraint("document_id", "handle"),
    Index(None, "workspace_id", "handle"),
    Index(None, "workspace_id", "tail"),
    comment="The names by which texts may point at a document.",
)

document_links = Table(
    "document_links",
    metadata,
    Column("link_id", Text, primary_key=True),
    workspace_column(),
    document_column(),
    Column("type", Text, nullable=False),
    Column("origin_kind", Text, comment="Null: the document itself."),
    Column("origin_handle", Text),
    Column("origin_name", Text),
    Column("target_kind", Text, comment="Null: the document itself."),
    Column("target_handle", Text),
    Column("target_name", Text),
    Column("field", Text, nullable=False, comment="The field of the payload that states it; empty when words do."),
    Column("quote", Text, nullable=False),
    Column("chunk_id", Text),
    Column("start_char", Integer, nullable=False, comment="Of the words in the text of the chunk."),
    Column("end_char", Integer, nullable=False),
    Column("confidence", REAL, nullable=False),
    Column("since", TIME, nullable=False, comment="As of the first description that stated it."),
    Column("until", TIME, comment="As of the first one that did not any more."),
    Column("from_kind", Text, comment="The resolved origin; null until it is known."),
    Column("from_id", Text),
    Column("to_kind", Text, comment="The resolved target; null until it is known."),
    Column("to_id", Text),
    Index(None, "document_id"),
    Index(None, "workspace_id", "type"),
    comment="One row per link that a document states or stated; live while until is null.",
)

identity_claims = Table(
    "identity_claims",
    metadata,
    workspace_column(),
    Column("claim_id", Text, nullable=False),
    Column("account", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("handle", Text),
    Column("email_hash", Text),
    Column("email_verified", Boolean, nullable=False),
    Column("is_bot", Boolean, nullable=False),
    Column("seen_at", TIME, nullable=False),
    PrimaryKeyConstraint("workspace_id", "claim_id"),
    comment="Everything that events ever said of accounts. Rows are added, never taken away.",
)

identity_decisions = Table(
    "identity_decisions",
    metadata,
    Column("decision_id", Text, primary_key=True),
    workspace_column(),
    Column("kind", Text, nullable=False, comment="merge or split"),
    Column("first_account", Text, nullable=False),
    Column("second_account", Text, nullable=False),
    Column("decided_by", Text, nullable=False),
    Column("reason", Text, nullable=False),
    created_at("decided_at"),
    comment="The audit of identities: which accounts a person joined or parted, and why.",
)

entities = Table(
    "entities",
    metadata,
    Column("entity_id", Text, primary_key=True),
    workspace_column(),
    Column("kind", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("merged_into", Text, comment="The entity that stands for this one."),
    Column("merged_because", Text),
    created_at(),
    Column("name_key", Text, Computed(_NAME_KEY, persisted=True), comment="The name without case and accents."),
    Column(
        "short_key",
        Text,
        Computed(_SHORT_KEY, persisted=True),
        comment="The first name of a person, the repository without its owner; else null.",
    ),
    UniqueConstraint("workspace_id", "kind", "key"),
    Index(None, "workspace_id", "name_key"),
    Index(None, "workspace_id", "short_key"),
    comment="One row per person, bot, team, repository, component, project or goal.",
)

entity_aliases = Table(
    "entity_aliases",
    metadata,
    workspace_column(),
    Column("alias_type", Text, nullable=False),
    Column("value", Text, nullable=False),
    Column("entity_id", Text, ForeignKey("entities.entity_id", ondelete="CASCADE"), nullable=False),
    Column("verified", Boolean, nullable=False),
    created_at(),
    Column(
        "spelling",
        Text,
        Computed(_SPELLING, persisted=True),
        comment="What people write: a login without its system, a name, a component.",
    ),
    PrimaryKeyConstraint("workspace_id", "alias_type", "value"),
    Index(None, "workspace_id", "spelling"),
    Index(None, "entity_id"),
    comment="The names that an entity answers to. Rows are added and may move to another entity, never taken away.",
)

document_entities = Table(
    "document_entities",
    metadata,
    workspace_column(),
    document_column(),
    Column("entity_id", Text, ForeignKey("entities.entity_id", ondelete="CASCADE"), nullable=False),
    Column("role", Text, nullable=False),
    Column("link_id", Text, nullable=False, comment="The strongest link that states it."),
    PrimaryKeyConstraint("document_id", "entity_id", "role"),
    Index(None, "workspace_id", "entity_id"),
    comment="Who and what a live document has to do with: mention, owner, author, assignee, reviewer, component.",
)

relationships = Table(
    "relationships",
    metadata,
    Column("relationship_id", Text, primary_key=True),
    workspace_column(),
    Column("type", Text, nullable=False),
    Column("from_kind", Text, nullable=False),
    Column("from_id", Text, nullable=False),
    Column("to_kind", Text, nullable=False),
    Column("to_id", Text, nullable=False),
    Column("confidence", REAL, nullable=False),
    Column("detected_by", Text, nullable=False),
    Column("since", TIME, nullable=False),
    Column("until", TIME, comment="Retired: no text or field states it any more."),
    created_at(),
    UniqueConstraint("workspace_id", "type", "from_id", "to_id"),
    Index(None, "workspace_id", "from_id"),
    Index(None, "workspace_id", "to_id"),
    comment="One row per edge; live while until is null.",
)

relationship_evidence = Table(
    "relationship_evidence",
    metadata,
    workspace_column(),
    Column("relationship_id", Text, ForeignKey("relationships.relationship_id", ondelete="CASCADE"), nullable=False),
    Column("link_id", Text, nullable=False),
    document_column(),
    Column("chunk_id", Text),
    Column("observation_id", Text),
    Column("start_char", Integer, nullable=False),
    Column("end_char", Integer, nullable=False),
    Column("quote", Text, nullable=False),
    Column("field", Text, nullable=False),
    Column("weight", REAL, nullable=False),
    Column("since", TIME, nullable=False),
    Column("until", TIME),
    PrimaryKeyConstraint("relationship_id", "link_id"),
    Index(None, "document_id"),
    comment="The words or fields that state an edge: in which chunk, from where to where.",
)

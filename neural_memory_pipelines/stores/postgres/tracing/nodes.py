"""What is read of each kind of thing: a row of data per kind. Which things are asked for is up to the callers."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from sqlalchemy import text

from neural_memory_pipelines.stores.postgres.engine import Transaction
from neural_memory_pipelines.stores.postgres.privacy import OBSERVATION_IS_PRIVATE, cited_of
from neural_memory_pipelines.stores.postgres.tracing.kinds import Kind, NodeRow

WORDS_CHARS = 200
KEY_SEPARATOR = r"E'\x1f'"

DESCRIPTION_KEY = f"concat_ws({KEY_SEPARATOR}, v.document_id, v.event_key, v.part_id)"
ENTRY_KEY = f"concat_ws({KEY_SEPARATOR}, l.embedding_version, l.family, l.vector_id)"

_ACTIVE = "(SELECT active_embedding_version FROM workspaces)"
_NO = "false AS is_private, false AS is_deleted"


def _utc(column: str) -> str:
    return f"to_char({column} AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')"


def _first_words(column: str) -> str:
    return rf"left(regexp_replace({column}, '\s+', ' ', 'g'), {WORDS_CHARS})"


# What documents say of an entity; one that only private ones name is private itself.
_NAMED_BY = """EXISTS (SELECT FROM document_entities n JOIN knowledge_documents d USING (document_id)
    WHERE n.entity_id = e.entity_id AND {0})"""
_END_IS_PRIVATE = "EXISTS (SELECT FROM knowledge_documents d WHERE d.document_id = r.{0}_id AND d.privacy <> 'org')"
_EVIDENCE_OF = """EXISTS (SELECT FROM relationship_evidence n JOIN knowledge_documents d USING (document_id)
    WHERE n.relationship_id = r.relationship_id AND {0})"""
_END = """coalesce((SELECT e.name FROM entities e WHERE e.entity_id = r.{0}_id),
    (SELECT d.source || ' ' || d.source_id FROM knowledge_documents d WHERE d.document_id = r.{0}_id), r.{0}_id)"""
_NODES: Mapping[Kind, str] = {
    Kind.DOCUMENT: f"""SELECT d.document_id AS key, d.source || ' ' || d.source_id AS name, d.title AS words,
            d.privacy <> 'org' AS is_private, d.deleted_at IS NOT NULL AS is_deleted,
            jsonb_build_object('document_id', d.document_id, 'source', d.source, 'source_id', d.source_id,
                'type', d.type, 'version', d.version, 'occurred_at', {_utc("d.occurred_at")}, 'url', d.url,
                'deleted_at', {_utc("d.deleted_at")}) AS facts
        FROM knowledge_documents d WHERE d.document_id = ANY(:keys)""",
    Kind.CHUNK: f"""SELECT c.chunk_id AS key, c.section_label AS name, {_first_words("c.text")} AS words,
            d.privacy <> 'org' AS is_private, d.deleted_at IS NOT NULL AS is_deleted,
            jsonb_build_object('document_id', c.document_id, 'chunk_index', c.chunk_index, 'tokens', c.token_count,
                'chunk_hash', c.chunk_hash, 'occurred_at', {_utc("c.occurred_at")},
                'superseded_at', {_utc("c.superseded_at")}) AS facts
        FROM knowledge_chunks c JOIN knowledge_documents d USING (document_id) WHERE c.chunk_id = ANY(:keys)""",
    Kind.OBSERVATION: f"""SELECT o.observation_id AS key, '' AS name, {_first_words("o.text")} AS words,
            {OBSERVATION_IS_PRIVATE} AS is_private, d.deleted_at IS NOT NULL AS is_deleted,
            jsonb_build_object('document_id', o.document_id, 'importance', round(o.importance::numeric, 2),
                'occurred_at', {_utc("o.occurred_at")}, 'superseded_at', {_utc("o.superseded_at")},
                'aged_at', {_utc("o.aged_at")}) AS facts
        FROM memory_observations o JOIN knowledge_documents d USING (document_id)
        WHERE o.observation_id = ANY(:keys)""",
    Kind.SUMMARY: f"""SELECT s.summary_id AS key, '' AS name, s.title AS words,
            s.privacy <> 'org' OR {cited_of("s", OBSERVATION_IS_PRIVATE)} AS is_private,
            {cited_of("s", "d.deleted_at IS NOT NULL")} AS is_deleted,
            jsonb_build_object('cluster_id', s.cluster_id, 'start', s.window_json ->> 'start',
                'occurred_at', {_utc("s.occurred_at")}, 'cited', jsonb_array_length(s.evidence),
                'written_by', s.written_by, 'superseded_at', {_utc("s.superseded_at")}) AS facts
        FROM memory_summaries s WHERE s.summary_id = ANY(:keys)""",
    Kind.CLUSTER: f"""SELECT c.cluster_id AS key, '' AS name, c.label AS words, {_NO},
            jsonb_build_object('of', c.kind, 'size', c.size, 'entity_id', c.entity_id,
                'window_start', {_utc("c.window_start")}, 'window_end', {_utc("c.window_end")},
                'first_at', {_utc("c.first_at")}, 'last_at', {_utc("c.last_at")}, 'died_at', {_utc("c.died_at")}) AS facts
        FROM memory_clusters c WHERE c.cluster_id = ANY(:keys)""",
    Kind.PROFILE: f"""SELECT e.entity_id AS key, e.kind || ' ' || e.key AS name, e.name AS words,
            {_NAMED_BY.format("d.privacy <> 'org'")} AND NOT {_NAMED_BY.format("d.privacy = 'org'")} AS is_private,
            false AS is_deleted,
            jsonb_build_object('kind', e.kind, 'embedding_version', p.embedding_version,
                'observations', p.observation_count, 'summaries', p.summary_count,
                'last_rebuilt_at', {_utc("p.last_rebuilt_at")}, 'merged_into', e.merged_into) AS facts
        FROM entities e LEFT JOIN memory_profiles p ON p.entity_id = e.entity_id AND p.embedding_version = {_ACTIVE}
        WHERE e.entity_id = ANY(:keys)""",
    Kind.RELATIONSHIP: f"""SELECT r.relationship_id AS key, r.type AS name,
            {_END.format("from")} || ' -> ' || {_END.format("to")} AS words,
            {_END_IS_PRIVATE.format("from")} OR {_END_IS_PRIVATE.format("to")}
                OR NOT {_EVIDENCE_OF.format("d.privacy = 'org'")} AS is_private, false AS is_deleted,
            jsonb_build_object('type', r.type, 'from_id', r.from_id, 'to_id', r.to_id,
                'confidence', round(r.confidence::numeric, 2), 'detected_by', r.detected_by,
                'since', {_utc("r.since")}, 'until', {_utc("r.until")}) AS facts
        FROM relationships r WHERE r.relationship_id = ANY(:keys)""",
    # Versions are counted as `domain/changes.py` does: the first description, and each that differs from the one before.
    Kind.DESCRIPTION: f"""WITH ranked AS (
            SELECT v.*, (v.content_hash, v.deletes) IS DISTINCT FROM
                (lag(v.content_hash) OVER history, lag(v.deletes) OVER history) AS is_new,
                bool_or(v.part_id <> '') OVER (PARTITION BY v.document_id) AS has_parts
            FROM document_versions v WHERE v.document_id IN (
                SELECT split_part(k.key, {KEY_SEPARATOR}, 1) FROM unnest(CAST(:keys AS text[])) AS k(key))
            WINDOW history AS (PARTITION BY v.document_id ORDER BY v.as_of, v.deletes, v.event_key COLLATE "C")),
        counted AS (
            SELECT v.*, CASE WHEN NOT v.has_parts THEN count(*) FILTER (WHERE v.is_new) OVER (
                PARTITION BY v.document_id ORDER BY v.as_of, v.deletes, v.event_key COLLATE "C") END AS version
            FROM ranked v)
        SELECT {DESCRIPTION_KEY} AS key, v.event_key AS id, v.part_id AS name, '' AS words, {_NO},
            jsonb_build_object('version', v.version, 'event_key', v.event_key, 'part_id', nullif(v.part_id, ''),
                'as_of', {_utc("v.as_of")}, 'says_deleted', nullif(v.deletes, false), 'content_hash', v.content_hash,
                'holds', v.event_key = d.as_of_event) AS facts
        FROM counted v LEFT JOIN knowledge_documents d USING (document_id) WHERE {DESCRIPTION_KEY} = ANY(:keys)""",
    # A push or a thread may tell of several documents at once: who may not read one of them may not read its bytes.
    Kind.RAW: f"""WITH described AS (
            SELECT v.raw_pointer, bool_and(d.privacy = 'org') AS is_open, bool_and(d.deleted_at IS NOT NULL) AS is_deleted
            FROM document_versions v JOIN knowledge_documents d USING (document_id)
            WHERE v.raw_pointer = ANY(:keys) GROUP BY v.raw_pointer)
        SELECT DISTINCT ON (k.key) k.key, coalesce(e.source || ' ' || e.action, '') AS name, '' AS words,
            NOT coalesce(s.is_open, false) AS is_private, coalesce(s.is_deleted, false) AS is_deleted,
            jsonb_build_object('bytes', e.raw_bytes, 'received_at', {_utc("coalesce(e.received_at, l.created_at)")},
                'event_key', coalesce(e.idempotency_key, l.idempotency_key), 'source', e.source, 'action', e.action,
                'status', e.status, 'reason', coalesce(e.reason, l.reason), 'dead_letter_id', l.dead_letter_id) AS facts
        FROM unnest(CAST(:keys AS text[])) AS k(key) LEFT JOIN source_events e ON e.raw_key = k.key
        LEFT JOIN dead_letters l ON l.raw_key = k.key LEFT JOIN described s ON s.raw_pointer = k.key
        WHERE e.raw_key IS NOT NULL OR l.raw_key IS NOT NULL ORDER BY k.key, e.sequence, l.dead_letter_id""",
    Kind.VECTOR: f"""SELECT k.key, '' AS name, '' AS words, {_NO}, jsonb_build_object('in_indexes',
            (SELECT count(*) FROM vector_entries l WHERE l.vector_id = k.key)) AS facts
        FROM unnest(CAST(:keys AS text[])) AS k(key)""",
    Kind.ENTRY: f"""SELECT {ENTRY_KEY} AS key, l.vector_id AS id, '' AS name, '' AS words, {_NO},
            jsonb_build_object('family', l.family, 'embedding_version', l.embedding_version,
                'version_status', v.status, 'index', l.index_name, 'namespace', l.namespace,
                'upserted_at', {_utc("l.upserted_at")}, 'content_hash', nullif(l.content_hash, ''),
                'unconfirmed', nullif(l.content_hash = '', false)) AS facts
        FROM unnest(CAST(:keys AS text[])) AS k(key)
        JOIN vector_entries l ON l.workspace_id = :workspace
            AND l.embedding_version = split_part(k.key, {KEY_SEPARATOR}, 1)
            AND l.family = split_part(k.key, {KEY_SEPARATOR}, 2)
            AND l.vector_id = split_part(k.key, {KEY_SEPARATOR}, 3)
        LEFT JOIN workspace_versions v ON v.embedding_version = l.embedding_version""",
    Kind.QUESTION: f"""SELECT q.question_id AS key, '' AS name, {_first_words("q.question")} AS words, {_NO},
            jsonb_build_object('tags', q.tags, 'weight', round(q.weight::numeric, 2)) AS facts
        FROM questions q WHERE q.question_id = ANY(:keys)""",
}


def read_nodes(tx: Transaction, kind: Kind, keys: Collection[str]) -> dict[str, NodeRow]:
    """Read things of one kind by key, private and superseded ones too; what is not there is missing."""
    if not keys:
        return {}
    values: dict[str, object] = {"keys": list(keys)}
    if kind is Kind.ENTRY:
        values["workspace"] = tx.workspace_id
    found: dict[str, NodeRow] = {}
    for row in tx.connection.execute(text(_NODES[kind]), values):
        columns = row._mapping
        facts = {name: value for name, value in columns["facts"].items() if value is not None}
        found[columns["key"]] = NodeRow(
            key=columns["key"],
            id=columns.get("id", columns["key"]),
            name=columns["name"] or "",
            words=columns["words"] or "",
            is_private=columns["is_private"],
            is_deleted=columns["is_deleted"],
            facts=facts,
        )
    return found

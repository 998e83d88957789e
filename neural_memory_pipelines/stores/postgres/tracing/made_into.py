"""What was made from each kind of thing, as rows of data. How far that is followed is up to the callers."""

from __future__ import annotations

from collections.abc import Mapping

from neural_memory_pipelines.domain.versions import Family
from neural_memory_pipelines.stores.postgres.privacy import OBSERVATION_IS_PRIVATE
from neural_memory_pipelines.stores.postgres.tracing.edges import ABOUT, CITED, LATEST_FIRST, SUMMARY_IS_PRIVATE, Edge
from neural_memory_pipelines.stores.postgres.tracing.kinds import Kind
from neural_memory_pipelines.stores.postgres.tracing.nodes import ENTRY_KEY


def _entries(family: Family, source: str, *, parent: str, vector: str) -> Edge:
    """Lead to the vectors of something in the ledger, the version that was written last first."""
    query = f"""SELECT {parent} AS parent, {ENTRY_KEY} AS key, {LATEST_FIRST.format("l.upserted_at")}, false AS is_private
        FROM {source} JOIN vector_entries l ON l.family = '{family}' AND l.vector_id = {vector}
        WHERE {parent} = ANY(:parents)"""
    return Edge("vectors", Kind.ENTRY, query, is_followed=False)


def _asked_by(table: str, key: str) -> Edge:
    """Lead to the questions that expect something by its id."""
    query = f"""SELECT t.{key} AS parent, q.question_id AS key, 1 AS position, false AS is_private
        FROM {table} t JOIN questions q ON jsonb_path_exists(q.expects, '$.** ? (@ == $id)', jsonb_build_object('id', t.{key}))
        WHERE t.{key} = ANY(:parents)"""
    return Edge("questions", Kind.QUESTION, query, is_followed=False)


def _relationships(column: str, more: str = "true") -> Edge:
    query = f"""SELECT n.{column} AS parent, r.relationship_id AS key, -n.weight AS position,
        EXISTS (SELECT FROM knowledge_documents x WHERE x.document_id IN (r.from_id, r.to_id) AND x.privacy <> 'org')
            AS is_private
        FROM relationship_evidence n JOIN relationships r USING (relationship_id)
        WHERE n.{column} = ANY(:parents) AND {more}"""
    return Edge("relationships", Kind.RELATIONSHIP, query, is_followed=False)


_VIEWS = "CROSS JOIN (VALUES ('body'), ('title'), ('summary')) AS w(view)"
_CHUNKS_OF = """SELECT c.document_id AS parent, c.chunk_id AS key,
    (c.superseded_at IS NOT NULL)::int * 1000000 + c.chunk_index AS position, false AS is_private
    FROM knowledge_chunks c WHERE c.document_id = ANY(:parents)"""
_OBSERVATIONS_OF = f"""SELECT o.document_id AS parent, o.observation_id AS key, (o.superseded_at IS NOT NULL)::int * 1e12
    + extract(epoch FROM o.occurred_at) AS position, {OBSERVATION_IS_PRIVATE} AS is_private
    FROM memory_observations o JOIN knowledge_documents d USING (document_id) WHERE o.document_id = ANY(:parents)"""
_QUESTIONS_OF = """SELECT d.document_id AS parent, q.question_id AS key, 1 AS position, false AS is_private
    FROM knowledge_documents d JOIN questions q
        ON q.expects @> jsonb_build_array(jsonb_build_object('source', d.source, 'source_id', d.source_id))
        OR jsonb_path_exists(q.expects, '$.** ? (@ == $id)', jsonb_build_object('id', d.document_id))
    WHERE d.document_id = ANY(:parents)"""
_TOPICS_OF = """SELECT m.observation_id AS parent, m.cluster_id AS key, 1 AS position, false AS is_private
    FROM cluster_members m WHERE m.observation_id = ANY(:parents)"""
_CITED_BY = f"""SELECT n.id AS parent, s.summary_id AS key, {LATEST_FIRST.format("s.occurred_at")},
    {SUMMARY_IS_PRIVATE} AS is_private FROM {CITED} WHERE n.id = ANY(:parents) AND s.text <> ''"""
_ENTITIES_OF = f"""SELECT a.observation_id AS parent, a.entity_id AS key, 1 AS position, false AS is_private FROM {ABOUT}
    JOIN memory_profiles p ON p.entity_id = a.entity_id WHERE a.observation_id = ANY(:parents)"""
# As an array, what is cited is known before entities are looked for: those of all observations would take seconds.
_PROFILES_OF_SUMMARY = f"""SELECT s.summary_id AS parent, a.entity_id AS key, 1 AS position, false AS is_private
    FROM {CITED} JOIN {ABOUT} ON a.observation_id = n.id JOIN memory_profiles p ON p.entity_id = a.entity_id
    WHERE s.summary_id = ANY(:parents) AND s.superseded_at IS NULL
        AND a.observation_id = ANY(ARRAY(SELECT n.id FROM {CITED} WHERE s.summary_id = ANY(:parents)))"""
_SUMMARIES_OF_CLUSTER = f"""SELECT s.cluster_id AS parent, s.summary_id AS key, {LATEST_FIRST.format("s.occurred_at")},
    {SUMMARY_IS_PRIVATE} AS is_private FROM memory_summaries s WHERE s.cluster_id = ANY(:parents) AND s.text <> ''"""
_DESCRIBED_IN = """SELECT v.raw_pointer AS parent, d.document_id AS key, 1 AS position, d.privacy <> 'org' AS is_private
    FROM document_versions v JOIN knowledge_documents d USING (document_id) WHERE v.raw_pointer = ANY(:parents)"""
_ENTRIES_OF_VECTOR = f"""SELECT l.vector_id AS parent, {ENTRY_KEY} AS key, {LATEST_FIRST.format("l.upserted_at")},
    false AS is_private FROM vector_entries l WHERE l.vector_id = ANY(:parents)"""

MADE_INTO: Mapping[Kind, tuple[Edge, ...]] = {
    Kind.RAW: (Edge("documents", Kind.DOCUMENT, _DESCRIBED_IN),),
    Kind.DOCUMENT: (
        Edge("chunks", Kind.CHUNK, _CHUNKS_OF),
        Edge("observations", Kind.OBSERVATION, _OBSERVATIONS_OF),
        # What words state is shown with the chunk that has them.
        _relationships("document_id", "n.chunk_id IS NULL AND n.observation_id IS NULL"),
        Edge("questions", Kind.QUESTION, _QUESTIONS_OF, is_followed=False),
    ),
    Kind.CHUNK: (
        _entries(
            Family.CHUNKS,
            "knowledge_chunks c",
            parent="c.chunk_id",
            vector="c.document_id || '#' || left(c.chunk_hash, 16)",
        ),
        _relationships("chunk_id"),
        _asked_by("knowledge_chunks", "chunk_id"),
    ),
    Kind.OBSERVATION: (
        _entries(
            Family.OBSERVATIONS,
            f"memory_observations o {_VIEWS}",
            parent="o.observation_id",
            vector="o.observation_id || ':' || w.view",
        ),
        Edge("clusters", Kind.CLUSTER, _TOPICS_OF, is_followed=False),
        Edge("summaries", Kind.SUMMARY, _CITED_BY),
        Edge("profiles", Kind.PROFILE, _ENTITIES_OF),
        _relationships("observation_id"),
        _asked_by("memory_observations", "observation_id"),
    ),
    Kind.CLUSTER: (Edge("summaries", Kind.SUMMARY, _SUMMARIES_OF_CLUSTER),),
    Kind.SUMMARY: (
        _entries(Family.SUMMARIES, "memory_summaries s", parent="s.summary_id", vector="s.summary_id"),
        Edge("profiles", Kind.PROFILE, _PROFILES_OF_SUMMARY),
        _asked_by("memory_summaries", "summary_id"),
    ),
    Kind.PROFILE: (
        _entries(Family.PROFILES, f"entities e {_VIEWS}", parent="e.entity_id", vector="e.entity_id || ':' || w.view"),
    ),
    Kind.VECTOR: (Edge("ledger", Kind.ENTRY, _ENTRIES_OF_VECTOR, is_followed=False),),
}

"""What each kind of thing was made from, as rows of data. How far that is followed is up to the callers."""

from __future__ import annotations

from collections.abc import Mapping

from neural_memory_pipelines.stores.postgres.privacy import OBSERVATION_IS_PRIVATE
from neural_memory_pipelines.stores.postgres.tracing.edges import ABOUT, CITED, LATEST_FIRST, SUMMARY_IS_PRIVATE, Edge
from neural_memory_pipelines.stores.postgres.tracing.kinds import Kind
from neural_memory_pipelines.stores.postgres.tracing.nodes import DESCRIPTION_KEY, KEY_SEPARATOR

_ONE_LINE = r"regexp_replace({0}, '\s+', ' ', 'g')"
_BEGINNING_CHARS = 60

# A profile is made of the observations of an entity and of the summaries that cite them; see `profile_evidence.py`.
_OF_ENTITY = f"""SELECT a.entity_id AS parent, a.observation_id AS key, {LATEST_FIRST.format("a.occurred_at")},
    false AS is_private FROM {ABOUT} WHERE a.entity_id = ANY(:parents)"""
_SUMMARIES_OF_ENTITY = f"""SELECT a.entity_id AS parent, s.summary_id AS key, {LATEST_FIRST.format("s.occurred_at")},
    {SUMMARY_IS_PRIVATE} AS is_private FROM {CITED} JOIN {ABOUT} ON a.observation_id = n.id
    WHERE s.superseded_at IS NULL AND a.entity_id = ANY(:parents)"""
_NAMED_IN = f"""SELECT n.entity_id AS parent, n.document_id AS key, {LATEST_FIRST.format("d.occurred_at")},
    d.privacy <> 'org' AS is_private FROM document_entities n JOIN knowledge_documents d USING (document_id)
    WHERE n.entity_id = ANY(:parents) AND NOT EXISTS (SELECT FROM memory_observations o
        WHERE o.document_id = n.document_id AND o.superseded_at IS NULL AND NOT {OBSERVATION_IS_PRIVATE})"""

# What a summary cites and what is gone by now still has its number.
_CITES = f"""SELECT s.summary_id AS parent, n.id AS key, n.place AS position,
    coalesce({OBSERVATION_IS_PRIVATE}, false) AS is_private
    FROM {CITED} LEFT JOIN memory_observations o ON o.observation_id = n.id
    LEFT JOIN knowledge_documents d USING (document_id) WHERE s.summary_id = ANY(:parents)"""
_MEMBERS = f"""SELECT m.cluster_id AS parent, m.observation_id AS key, -coalesce(m.similarity_cosine, 0) AS position,
    {OBSERVATION_IS_PRIVATE} AS is_private FROM cluster_members m JOIN memory_observations o USING (observation_id)
    JOIN knowledge_documents d USING (document_id) WHERE m.cluster_id = ANY(:parents)"""

_DOCUMENT_OF_OBSERVATION = """SELECT o.observation_id AS parent, d.document_id AS key, 1 AS position,
    d.privacy <> 'org' AS is_private FROM memory_observations o JOIN knowledge_documents d USING (document_id)
    WHERE o.observation_id = ANY(:parents)"""
_DOCUMENT_OF_CHUNK = """SELECT c.chunk_id AS parent, d.document_id AS key, 1 AS position,
    d.privacy <> 'org' AS is_private FROM knowledge_chunks c JOIN knowledge_documents d USING (document_id)
    WHERE c.chunk_id = ANY(:parents)"""

# An observation is "Title.\n\nWords of the source": a chunk carries it that has the beginning of these words, or of
# all of it, or that begins within it. What was cut anew since is compared with what is live now.
_SAID = r"regexp_replace(o.text, '^[^\n]*\n\n', '')"
_CARRIED_BY = f"""SELECT o.observation_id AS parent, c.chunk_id AS key, c.chunk_index AS position, false AS is_private
    FROM memory_observations o JOIN knowledge_chunks c USING (document_id)
    CROSS JOIN LATERAL (SELECT {_ONE_LINE.format("o.text")} AS whole, {_ONE_LINE.format(_SAID)} AS said,
        {_ONE_LINE.format("c.text")} AS chunk) w
    WHERE o.observation_id = ANY(:parents)
        AND (c.superseded_at IS NULL OR o.superseded_at IS NOT NULL)
        AND (strpos(w.chunk, nullif(left(w.whole, {_BEGINNING_CHARS}), '')) > 0 OR strpos(w.chunk, nullif(left(w.said, {_BEGINNING_CHARS}), '')) > 0
            OR strpos(w.whole, left(w.chunk, {_BEGINNING_CHARS})) > 0)"""

_DESCRIBED_BY = f"""SELECT v.document_id AS parent, {DESCRIPTION_KEY} AS key, {LATEST_FIRST.format("v.as_of")},
    false AS is_private FROM document_versions v WHERE v.document_id = ANY(:parents)"""
# What holds for all threads of a channel, such as its name, is told by events of its own.
_CONTEXT = f"""SELECT d.document_id AS parent, {DESCRIPTION_KEY} AS key, {LATEST_FIRST.format("v.as_of")},
    false AS is_private FROM knowledge_documents d
    JOIN document_parts p ON p.source = d.source AND p.source_id = d.source_id AND p.context_id <> p.source_id
    JOIN document_parts x ON x.source = d.source AND x.source_id = p.context_id AND x.content IS NOT NULL
    JOIN document_versions v ON v.event_key = x.event_key AND v.part_id = x.part_id AND v.document_id <> d.document_id
    WHERE d.document_id = ANY(:parents)"""
_RAW = f"""SELECT {DESCRIPTION_KEY} AS parent, v.raw_pointer AS key, 1 AS position, false AS is_private
    FROM document_versions v WHERE v.document_id = ANY(SELECT split_part(k, {KEY_SEPARATOR}, 1) FROM unnest(
        CAST(:parents AS text[])) AS k) AND {DESCRIPTION_KEY} = ANY(:parents)"""

_EVIDENCE = """SELECT n.relationship_id AS parent, n.{0} AS key, -n.weight AS position, d.privacy <> 'org' AS is_private
    FROM relationship_evidence n JOIN knowledge_documents d USING (document_id)
    WHERE n.relationship_id = ANY(:parents) AND n.{0} IS NOT NULL"""

_STANDS_FOR_CHUNK = """SELECT k.key AS parent, c.chunk_id AS key, (c.superseded_at IS NOT NULL)::int AS position,
    d.privacy <> 'org' AS is_private FROM unnest(CAST(:parents AS text[])) AS k(key)
    JOIN knowledge_chunks c ON c.document_id = split_part(k.key, '#', 1) AND left(c.chunk_hash, 16) = split_part(k.key, '#', 2)
    JOIN knowledge_documents d USING (document_id)"""
_STANDS_FOR_OBSERVATION = f"""SELECT k.key AS parent, o.observation_id AS key, 1 AS position,
    {OBSERVATION_IS_PRIVATE} AS is_private FROM unnest(CAST(:parents AS text[])) AS k(key)
    JOIN memory_observations o ON o.observation_id = split_part(k.key, ':', 1) JOIN knowledge_documents d USING (document_id)"""
_STANDS_FOR_PROFILE = """SELECT k.key AS parent, e.entity_id AS key, 1 AS position, false AS is_private
    FROM unnest(CAST(:parents AS text[])) AS k(key) JOIN entities e ON e.entity_id = split_part(k.key, ':', 1)"""

MADE_FROM: Mapping[Kind, tuple[Edge, ...]] = {
    Kind.PROFILE: (
        Edge("summaries", Kind.SUMMARY, _SUMMARIES_OF_ENTITY),
        Edge("observations", Kind.OBSERVATION, _OF_ENTITY),
        Edge("named in", Kind.DOCUMENT, _NAMED_IN),
    ),
    Kind.SUMMARY: (Edge("cites", Kind.OBSERVATION, _CITES, is_numbered=True),),
    Kind.CLUSTER: (Edge("members", Kind.OBSERVATION, _MEMBERS),),
    Kind.OBSERVATION: (
        Edge("words in", Kind.CHUNK, _CARRIED_BY, is_followed=False),
        Edge("document", Kind.DOCUMENT, _DOCUMENT_OF_OBSERVATION),
    ),
    Kind.CHUNK: (Edge("document", Kind.DOCUMENT, _DOCUMENT_OF_CHUNK),),
    Kind.DOCUMENT: (
        Edge("described by", Kind.DESCRIPTION, _DESCRIBED_BY),
        Edge("context", Kind.DESCRIPTION, _CONTEXT),
    ),
    Kind.DESCRIPTION: (Edge("raw", Kind.RAW, _RAW),),
    Kind.RELATIONSHIP: (
        Edge("words in", Kind.CHUNK, _EVIDENCE.format("chunk_id"), is_followed=False),
        Edge("stated by", Kind.DOCUMENT, _EVIDENCE.format("document_id")),
    ),
    Kind.VECTOR: (
        Edge("stands for", Kind.CHUNK, _STANDS_FOR_CHUNK),
        Edge("stands for", Kind.OBSERVATION, _STANDS_FOR_OBSERVATION),
        Edge("stands for", Kind.PROFILE, _STANDS_FOR_PROFILE),
    ),
}

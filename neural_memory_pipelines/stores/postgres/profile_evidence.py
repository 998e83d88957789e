"""What the profiles of entities are made from: who has evidence, whether it changed, and its vectors.

What is made of it is computed in `domain/profiles/`; rows of profiles are in `profiles.py`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from neural_memory_pipelines.domain.ids import EntityId
from neural_memory_pipelines.domain.versions import EmbeddingVersion
from neural_memory_pipelines.errors import ContractError
from neural_memory_pipelines.stores.postgres.clusters import CONSOLIDATED, ENTITIES_OF_OBSERVATIONS
from neural_memory_pipelines.stores.postgres.engine import Transaction
from neural_memory_pipelines.stores.postgres.streams import over_whole_sets, stream
from neural_memory_pipelines.stores.postgres.text_hash import text_hash

_EMBEDDED = (
    "EXISTS (SELECT FROM embeddings e WHERE e.workspace_id = :workspace AND e.embedding_version = :version "
    "AND e.content_hash = {0}.content_hash) AS is_embedded"
)

# A text counts under the name of its view, so that one that is missing takes nobody's place.
_TEXTS = f"""
SELECT t.*, {_EMBEDDED.format("t")} FROM (
    SELECT o.observation_id, o.occurred_at, v.view, {text_hash("v.body")} AS content_hash
    FROM (SELECT o.* FROM {CONSOLIDATED}) o
    CROSS JOIN LATERAL (VALUES ('body', o.text), ('title', o.title), ('summary', o.summary)) AS v(view, body)
    WHERE v.body IS NOT NULL) t"""

# A summary counts for the entities whose observations it cites, by their share of what it cites: one of the entity's own
# window counts whole, and one of a topic that it had a small part in counts little. What names an entity and cites
# nothing of it says nothing of it.
_SUMMARIES = f"""
SELECT t.*, {_EMBEDDED.format("t")} FROM (
    SELECT s.summary_id, s.occurred_at, {text_hash("s.text")} AS content_hash, c.observation_id,
        jsonb_array_length(s.evidence) AS cited
    FROM memory_summaries s CROSS JOIN LATERAL jsonb_array_elements_text(s.evidence) AS c(observation_id)
    WHERE s.superseded_at IS NULL AND s.privacy = 'org') t"""

_EVIDENCE = f"""about AS MATERIALIZED ({ENTITIES_OF_OBSERVATIONS}),
texts AS MATERIALIZED ({_TEXTS}),
told AS MATERIALIZED (
    SELECT a.entity_id, s.summary_id, s.occurred_at, s.content_hash, s.is_embedded,
        count(DISTINCT a.observation_id) / s.cited::float8 AS share
    FROM ({_SUMMARIES}) s JOIN about a USING (observation_id)
    GROUP BY a.entity_id, s.summary_id, s.occurred_at, s.content_hash, s.is_embedded, s.cited)"""

ENTITY_KINDS = "('person', 'team', 'repository', 'component', 'project')"

# A piece of work is a document with what goes with it: who comments on an issue takes part in it.
WORK = f"""
SELECT DISTINCT d.source || ':' || coalesce(d.parent_source_id, d.source_id) AS work_id, d.document_id,
    d.type AS document_type, r.type AS edge, h.entity_id, h.kind, h.name
FROM relationships r JOIN knowledge_documents d ON d.document_id = r.from_id
JOIN entities e ON e.entity_id = r.to_id JOIN entities h ON h.entity_id = coalesce(e.merged_into, e.entity_id)
WHERE r.until IS NULL AND r.from_kind = 'document' AND d.deleted_at IS NULL AND d.privacy = 'org'
    AND h.kind IN {ENTITY_KINDS}"""
"""The edges from documents that all may read to entities, with the piece of work that each belongs to."""

TIES = f"""
SELECT DISTINCT r.type AS edge, f.entity_id AS from_id, f.kind AS from_kind, f.name AS from_name,
    t.entity_id AS to_id, t.kind AS to_kind, t.name AS to_name
FROM relationships r
JOIN entities ef ON ef.entity_id = r.from_id JOIN entities f ON f.entity_id = coalesce(ef.merged_into, ef.entity_id)
JOIN entities et ON et.entity_id = r.to_id JOIN entities t ON t.entity_id = coalesce(et.merged_into, et.entity_id)
WHERE r.until IS NULL AND f.kind IN {ENTITY_KINDS} AND t.kind IN {ENTITY_KINDS} AND EXISTS (
    SELECT FROM relationship_evidence v JOIN knowledge_documents d USING (document_id)
    WHERE v.relationship_id = r.relationship_id AND v.until IS NULL AND d.deleted_at IS NULL AND d.privacy = 'org')"""
"""The edges between entities that a document states which all may read."""

# Sums of hashes of rows: they change with any row, need no order, and no row has to leave the database.
_PRINT = "sum(hashtextextended(concat_ws(E'\\x1f', {0}), 0))"

_STANDINGS = f"""
WITH {_EVIDENCE},
by_observation AS (
    SELECT observation_id, {_PRINT.format("view, content_hash, extract(epoch FROM occurred_at), is_embedded")} AS print,
        count(*) FILTER (WHERE NOT is_embedded) AS missing
    FROM texts GROUP BY observation_id),
observed AS (
    SELECT a.entity_id, count(*) AS observations, sum(o.print) AS print, sum(o.missing) AS missing
    FROM about a JOIN by_observation o USING (observation_id) GROUP BY a.entity_id),
summed AS (
    SELECT entity_id, count(*) AS summaries, count(*) FILTER (WHERE NOT is_embedded) AS missing,
        {_PRINT.format("summary_id, content_hash, extract(epoch FROM occurred_at), share, is_embedded")} AS print
    FROM told GROUP BY entity_id),
work AS MATERIALIZED ({WORK}),
by_work AS (
    SELECT work_id, {_PRINT.format("document_id, document_type, edge, entity_id, kind, name")} AS print
    FROM work GROUP BY work_id),
worked AS (
    SELECT entity_id, {_PRINT.format("work_id, print")} AS print
    FROM (SELECT DISTINCT entity_id, work_id FROM work) w JOIN by_work USING (work_id) GROUP BY entity_id),
ties AS MATERIALIZED ({TIES}),
tied AS (
    SELECT entity_id, {_PRINT.format("edge, side, other_id, kind, name")} AS print FROM (
        SELECT from_id AS entity_id, edge, 'to' AS side, to_id AS other_id, to_kind AS kind, to_name AS name FROM ties
        UNION ALL SELECT to_id, edge, 'from', from_id, from_kind, from_name FROM ties) t GROUP BY entity_id),
lost AS (
    SELECT c.entity_id FROM profile_centroids c WHERE c.embedding_version = :version AND NOT EXISTS (
        SELECT FROM embeddings e WHERE e.workspace_id = :workspace AND e.embedding_version = :version
        AND e.content_hash = c.content_hash) GROUP BY c.entity_id)
SELECT h.entity_id, h.kind, h.name, o.observations, coalesce(s.summaries, 0) AS summaries,
    (o.missing + coalesce(s.missing, 0))::int8 AS missing,
    concat_ws('/', h.kind, o.print, s.print, w.print, t.print, o.observations, s.summaries) AS prints,
    l.entity_id IS NOT NULL AS is_lost
FROM observed o JOIN entities h USING (entity_id) LEFT JOIN summed s USING (entity_id)
LEFT JOIN worked w USING (entity_id) LEFT JOIN tied t USING (entity_id) LEFT JOIN lost l USING (entity_id)
ORDER BY h.entity_id"""

_VECTORS = f"""
WITH {_EVIDENCE},
there AS (
    SELECT a.entity_id, t.view, t.content_hash, t.occurred_at, 1::float8 AS share
    FROM about a JOIN texts t USING (observation_id)
    WHERE t.is_embedded AND a.entity_id = ANY(CAST(:entities AS text[]))
    UNION ALL SELECT entity_id, 'summary', content_hash, occurred_at, share FROM told
    WHERE is_embedded AND entity_id = ANY(CAST(:entities AS text[]))),
aged AS (
    SELECT entity_id, view, content_hash, share,
        extract(epoch FROM max(occurred_at) OVER (PARTITION BY entity_id, view) - occurred_at)::float8 AS age_seconds
    FROM there)
SELECT a.entity_id, a.view, a.share, a.age_seconds, e.vector FROM aged a
JOIN embeddings e ON e.workspace_id = :workspace AND e.embedding_version = :version AND e.content_hash = a.content_hash"""

_SECONDS_PER_DAY = 86_400


@dataclass(frozen=True, slots=True)
class EvidenceStanding:
    """An entity that has evidence, and how that stands.

    Attributes:
        entity_id, kind, name: which entity.
        observations: that it has to do with and that may be consolidated.
        summaries: that cite one of them.
        missing: texts of these that have no vector at the version yet.
        prints: changes whenever anything does that its profile is made from, vectors that came or went among it.
        is_lost: whether the vector of one of its centroids is not there any more.
    """

    entity_id: EntityId
    kind: str
    name: str
    observations: int
    summaries: int
    missing: int
    prints: str
    is_lost: bool


@dataclass(frozen=True, slots=True)
class EvidenceVectors:
    """Vectors of the texts of entities, of which row i counts for the view `keys[i]` of an entity.

    `vectors` has shape (n, dim), `ages_days` and `shares` (n,): how long before the latest such text of the entity it
    occurred, and how much of it is about the entity, 0..1.
    """

    keys: list[tuple[EntityId, str]]
    vectors: npt.NDArray[np.float32]
    ages_days: npt.NDArray[np.float64]
    shares: npt.NDArray[np.float64]


def evidence_standings(tx: Transaction, version: EmbeddingVersion) -> list[EvidenceStanding]:
    """List the entities that have evidence, by id. No vector is read, and one row for each entity comes back."""
    rows = over_whole_sets(tx, _STANDINGS, {"workspace": tx.workspace_id, "version": version.name})
    return [EvidenceStanding(**row._mapping) for row in rows]


def stream_evidence(
    tx: Transaction, version: EmbeddingVersion, entities: Sequence[EntityId], *, batch: int
) -> Iterator[EvidenceVectors]:
    """Stream the vectors of all evidence of entities in one pass, `batch` at a time, in no promised order."""
    values = {"workspace": tx.workspace_id, "version": version.name, "entities": list(entities)}
    for rows in stream(tx, _VECTORS, values, batch=batch):
        yield _vectors(rows, version)


def _vectors(rows: Sequence[Any], version: EmbeddingVersion) -> EvidenceVectors:
    vectors = np.frombuffer(b"".join(row.vector for row in rows), dtype="<f4")
    if vectors.size != len(rows) * version.dim:
        raise ContractError(
            f"a stored vector of version {version.name} has not the {version.dim} values that it should"
        )
    return EvidenceVectors(
        keys=[(EntityId(row.entity_id), row.view) for row in rows],
        vectors=vectors.reshape(len(rows), version.dim),
        ages_days=np.array([row.age_seconds for row in rows]) / _SECONDS_PER_DAY,
        shares=np.array([row.share for row in rows]),
    )

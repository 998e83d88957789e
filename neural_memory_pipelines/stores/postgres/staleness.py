"""What an index lacks: live texts that have no vector there, and since when the oldest of them waits.

What is missing is written by `steps/index.py`; nothing is written here.
"""

from __future__ import annotations

from neural_memory_pipelines.domain.evaluation import Staleness
from neural_memory_pipelines.domain.versions import EmbeddingVersion, Family
from neural_memory_pipelines.stores.postgres.engine import Transaction
from neural_memory_pipelines.stores.postgres.families import desired_ids
from neural_memory_pipelines.stores.postgres.streams import over_whole_sets
from neural_memory_pipelines.stores.postgres.text_hash import text_hash

# A text of a version that was added later waits since then.
_KNOWN_SINCE = "SELECT min(at) FROM version_transitions WHERE embedding_version = :version"

_STALE = f"""WITH live AS (
    SELECT '{Family.CHUNKS}' AS family, document_id || '#' || left(chunk_hash, 16) AS vector_id,
        chunk_hash AS content_hash, created_at
    FROM knowledge_chunks WHERE superseded_at IS NULL
    UNION ALL SELECT '{Family.OBSERVATIONS}', o.observation_id || ':' || v.view, {text_hash("v.body")}, o.created_at
    FROM memory_observations o
    CROSS JOIN LATERAL (VALUES ('body', o.text), ('title', o.title), ('summary', o.summary)) AS v(view, body)
    WHERE o.superseded_at IS NULL AND o.aged_at IS NULL AND v.body IS NOT NULL
    UNION ALL SELECT '{Family.SUMMARIES}', summary_id, {text_hash("text")}, created_at
    FROM memory_summaries WHERE superseded_at IS NULL AND summary_id = ANY(:summaries)
)
SELECT count(DISTINCT (live.family, live.vector_id)) AS unindexed,
    greatest(min(live.created_at), ({_KNOWN_SINCE})) AS oldest_at
FROM live LEFT JOIN vector_entries l ON l.workspace_id = :workspace AND l.embedding_version = :version
    AND l.family = live.family AND l.vector_id = live.vector_id AND l.content_hash = live.content_hash
WHERE l.vector_id IS NULL"""


def staleness(tx: Transaction, version: EmbeddingVersion) -> Staleness:
    """Count the live texts of a workspace whose vector the index of a version has not confirmed.

    A text whose vector is there and only its metadata changed is none of them.
    """
    # Which summaries may be shown is a rule of its own; there are few of them.
    summaries = sorted(desired_ids(tx, version, Family.SUMMARIES))
    values = {"workspace": tx.workspace_id, "version": version.name, "summaries": summaries}
    row = over_whole_sets(tx, _STALE, values).one()
    return Staleness(row.unindexed, row.oldest_at if row.unindexed else None)

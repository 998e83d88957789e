"""What the ranking of a search wants to know of documents beside their texts, in one query for all candidates.

What it is worth is decided in `domain/ranking.py` and `retrieval/`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text

from neural_memory_pipelines.stores.postgres.engine import Transaction

_SIGNALS = """
SELECT d.document_id, d.occurred_at, d.privacy, d.deleted_at IS NOT NULL AS is_deleted, d.version,
    coalesce((SELECT max(o.importance) FROM memory_observations o WHERE o.document_id = d.document_id
        AND o.superseded_at IS NULL AND (:include_private OR o.privacy = 'org')), 0) AS importance
FROM knowledge_documents d
WHERE d.document_id = ANY(:documents) AND (:include_private OR d.privacy = 'org')"""


@dataclass(frozen=True, slots=True)
class RankingSignals:
    """What is known of a document.

    Attributes:
        occurred_at: when; aware.
        privacy: org, or private.
        is_deleted: whether its source has deleted it.
        version: how often it was changed, from 1.
        importance: of the most important live statement that it makes, 0..1; 0 if it makes none.
    """

    occurred_at: datetime
    privacy: str
    is_deleted: bool
    version: int
    importance: float


def ranking_signals(tx: Transaction, documents: Sequence[str], *, include_private: bool) -> dict[str, RankingSignals]:
    """Read what is known of documents, by id. Unknown ones are missing; unless `include_private`, private ones too."""
    rows = tx.connection.execute(
        text(_SIGNALS), {"documents": list(dict.fromkeys(documents)), "include_private": include_private}
    )
    return {
        row.document_id: RankingSignals(row.occurred_at, row.privacy, row.is_deleted, row.version, row.importance)
        for row in rows
    }


@dataclass(frozen=True, slots=True)
class Involved:
    """An entity that a document has to do with."""

    document_id: str
    entity_id: str
    name: str


def involved_entities(tx: Transaction, documents: Sequence[str], entities: Sequence[str]) -> list[Involved]:
    """List which of some entities each of some documents has to do with, by document and entity."""
    rows = tx.connection.execute(
        text(
            "SELECT DISTINCT m.document_id, m.entity_id, e.name FROM document_entities m JOIN entities e USING (entity_id) "
            "WHERE m.entity_id = ANY(:entities) AND m.document_id = ANY(:documents) ORDER BY 1, 2"
        ),
        {"documents": list(documents), "entities": list(entities)},
    )
    return [Involved(*row) for row in rows]

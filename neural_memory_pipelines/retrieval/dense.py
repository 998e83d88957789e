"""Dense search: the nearest chunks and observations of a question, read back from Postgres.

It reads and never writes.
"""

from __future__ import annotations

from dataclasses import dataclass

from neural_memory_pipelines.domain.ids import WorkspaceId
from neural_memory_pipelines.domain.versions import EmbeddingVersion, Family
from neural_memory_pipelines.models.embedders.protocol import Embedder, InputRole
from neural_memory_pipelines.stores.bundle import Stores
from neural_memory_pipelines.stores.postgres import hydration

# Views of one observation, and vectors of rows that were superseded since, take places: ask for more than is shown.
_OVERFETCH = 4


@dataclass(frozen=True, slots=True)
class Hit:
    """One answer. `score` is the cosine similarity of the question to its nearest vector, -1..1."""

    kind: str
    id: str
    document_id: str
    source: str
    source_id: str
    title: str
    score: float
    text: str
    url: str | None


def search(
    question: str,
    *,
    workspace: WorkspaceId,
    stores: Stores,
    version: EmbeddingVersion,
    embedder: Embedder,
    limit: int = 10,
) -> list[Hit]:
    """Find what answers a question, best first, at most `limit` hits, each row once.

    Args:
        question: in plain words; what the model cannot read of a very long one is left out from the end.
        workspace: whose memory.
        stores: where to look.
        version: the embedding version to search; all hits are of this version.
        embedder: the version's embedder.
        limit: most hits.
    """
    vector = embedder.embed([_readable(question, embedder)], role=InputRole.SEARCH_QUERY)[0]
    found: list[tuple[str, float]] = []
    for family in Family:
        hits = stores.vectors.query(
            version.index_name, version.namespace(workspace, family), vector, top_k=limit * _OVERFETCH
        )
        found.extend((hit.id, hit.score) for hit in hits)
    found.sort(key=lambda item: (-item[1], item[0]))
    with stores.database.transaction(workspace) as tx:
        rows = hydration.rows_of_vectors(tx, [vector_id for vector_id, _ in found])

    answers: dict[str, Hit] = {}
    for vector_id, score in found:
        row = rows.get(vector_id)
        if row is not None and row.id not in answers and len(answers) < limit:
            answers[row.id] = Hit(
                kind=row.kind,
                id=row.id,
                document_id=row.document_id,
                source=row.source,
                source_id=row.source_id,
                title=row.title,
                score=round(score, 4),
                text=row.text,
                url=row.url,
            )
    return list(answers.values())


def _readable(question: str, embedder: Embedder) -> str:
    text = " ".join(question.split())
    while embedder.count_tokens([text])[0] > embedder.max_tokens:
        shorter = text[: len(text) * 3 // 4]
        text = shorter.rpartition(" ")[0] or shorter
    return text

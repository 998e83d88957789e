"""Dense search: the nearest chunks and observations of a question, read back from Postgres.

It reads and never writes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass

import numpy as np
import numpy.typing as npt

from neural_memory_pipelines.domain.documents import Privacy
from neural_memory_pipelines.domain.ids import WorkspaceId
from neural_memory_pipelines.domain.placement import Place
from neural_memory_pipelines.domain.versions import EmbeddingVersion, Family
from neural_memory_pipelines.models.embedders.protocol import Embedder, InputRole
from neural_memory_pipelines.stores.bundle import Stores
from neural_memory_pipelines.stores.postgres import hydration, places
from neural_memory_pipelines.stores.postgres.hydration import HydratedRow
from neural_memory_pipelines.stores.vectors.protocol import MetadataValue, VectorHit, VectorIndex

# Chunks and views of one document, and vectors of rows that changed since, take places: ask for more than is shown,
# and for more again if that was not enough.
_OVERFETCH = 8
_WIDER = 4
_MOST_VECTORS = 10_000
_QUERIES_AT_ONCE = 8
_SEARCHED = (Family.CHUNKS, Family.OBSERVATIONS)


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
    privacy: str


def search(
    question: str,
    *,
    workspace: WorkspaceId,
    stores: Stores,
    version: EmbeddingVersion,
    embedder: Embedder,
    limit: int = 10,
    include_private: bool = False,
) -> list[Hit]:
    """Find what answers a question, best first, at most `limit` hits, each document once by the best that it says.

    Args:
        question: in plain words; what the model cannot read of a very long one is left out from the end.
        workspace: whose memory.
        stores: where to look.
        version: the embedding version to search; all hits are of this version.
        embedder: the version's embedder.
        limit: most hits.
        include_private: also show what only some may read, such as direct messages.
    """
    vector = embedder.embed([_readable(question, embedder)], role=InputRole.SEARCH_QUERY)[0]
    where = {} if include_private else {"privacy": str(Privacy.ORG)}
    with stores.database.transaction(workspace) as tx:
        searched = places.places(tx, version, _SEARCHED)
    top_k = min(limit * _OVERFETCH, _MOST_VECTORS)
    while True:
        by_place = _query_all(stores.vectors, searched, vector, top_k=top_k, where=where)
        found = [hit for hits in by_place for hit in hits]
        is_all = all(len(hits) < top_k for hits in by_place)
        with stores.database.transaction(workspace) as tx:
            rows = hydration.rows_of_vectors(tx, [hit.id for hit in found], include_private=include_private)
        answers = _answers(found, rows)
        if len(answers) >= limit or is_all or top_k == _MOST_VECTORS:
            return answers[:limit]
        top_k = min(top_k * _WIDER, _MOST_VECTORS)


def _query_all(
    vectors: VectorIndex,
    searched: Sequence[Place],
    vector: npt.NDArray[np.float32],
    *,
    top_k: int,
    where: Mapping[str, MetadataValue],
) -> list[list[VectorHit]]:
    """Ask all places at once: a remote index takes its time for each."""

    def query(place: Place) -> list[VectorHit]:
        return vectors.query(place.index, place.namespace, vector, top_k=top_k, where=where)

    if len(searched) <= 1:
        return [query(place) for place in searched]
    with ThreadPoolExecutor(max_workers=min(len(searched), _QUERIES_AT_ONCE), thread_name_prefix="query") as pool:
        return list(pool.map(query, searched))


def _answers(found: Sequence[VectorHit], rows: Mapping[str, HydratedRow]) -> list[Hit]:
    answers: dict[str, Hit] = {}
    for vector in sorted(found, key=lambda hit: (-hit.score, hit.id)):
        row = rows.get(vector.id)
        if row is not None and row.document_id not in answers:
            answers[row.document_id] = Hit(score=round(vector.score, 4), **asdict(row))
    return list(answers.values())


def _readable(question: str, embedder: Embedder) -> str:
    text = " ".join(question.split())
    while embedder.count_tokens([text])[0] > embedder.max_tokens:
        shorter = text[: len(text) * 3 // 4]
        text = shorter.rpartition(" ")[0] or shorter
    return text

"""What is nearest in meaning to something that the memory holds, by the vector that is kept of it.

It reads and never writes, and asks no model.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import product

import numpy as np
import numpy.typing as npt

from neural_memory_pipelines.domain.documents import Privacy
from neural_memory_pipelines.domain.ids import EntityId, WorkspaceId
from neural_memory_pipelines.domain.placement import Place
from neural_memory_pipelines.domain.versions import EmbeddingVersion, Family
from neural_memory_pipelines.errors import NotFoundError, PermanentError
from neural_memory_pipelines.stores.bundle import Stores
from neural_memory_pipelines.stores.postgres import places
from neural_memory_pipelines.stores.postgres.contents import (
    ContentRow,
    chunk_texts,
    content_rows,
    embedded_hashes,
    targets_of_vectors,
)
from neural_memory_pipelines.stores.postgres.engine import Transaction
from neural_memory_pipelines.stores.postgres.profiles import nearest_profiles
from neural_memory_pipelines.stores.postgres.tracing.kinds import Kind, Target
from neural_memory_pipelines.stores.postgres.tracing.names import find_target, without_vectors
from neural_memory_pipelines.stores.postgres.vectors_kept import vectors_of
from neural_memory_pipelines.stores.vectors.protocol import VectorHit

_Vector = npt.NDArray[np.float32]

# Views of one observation, vectors of its own document and of rows that changed since take places.
_OVERFETCH = 8
_WIDER = 4
_MOST_VECTORS = 10_000
_QUERIES_AT_ONCE = 8
# Of a longer document, as many chunks that are spread over it.
_MOST_CHUNKS_ASKED = 32

_FAMILIES: Mapping[Kind, Family] = {
    Kind.DOCUMENT: Family.CHUNKS,
    Kind.CHUNK: Family.CHUNKS,
    Kind.OBSERVATION: Family.OBSERVATIONS,
    Kind.SUMMARY: Family.SUMMARIES,
}


@dataclass(frozen=True, slots=True)
class SimilarItem:
    """Something near.

    Attributes:
        kind, id: what it is.
        document_id, source, source_id, url: its document; a summary or an entity is its own.
        title: its own, or its document's; of an entity, its name.
        text: what says it; of a document, the chunk that is nearest.
        similarity_cosine: -1..1; of observations by the nearest view, of documents by the nearest two chunks.
        is_private: whether only some may read it.
    """

    kind: str
    id: str
    document_id: str
    source: str
    source_id: str
    url: str | None
    title: str
    text: str
    similarity_cosine: float
    is_private: bool


@dataclass(frozen=True, slots=True)
class _Origin:
    """What others are compared with: itself, its document, and the vectors to ask with."""

    target: Target
    document_id: str
    vectors: list[_Vector]


def find_similar(
    name: str,
    *,
    workspace: WorkspaceId,
    stores: Stores,
    version: EmbeddingVersion,
    limit: int = 10,
    include_private: bool = False,
) -> list[SimilarItem]:
    """Find what is nearest to something, of its own kind, best first; itself and its own document are left out.

    Documents are compared by their chunks: the nearest pair counts, as a mean would blur documents of many subjects.

    Args:
        name: an id or what else stands for something, see `find_targets`.
        workspace: whose memory; what other workspaces have is not found.
        stores: where to look.
        version: the embedding version to compare at.
        limit: most answers.
        include_private: also what only some may read.

    Raises:
        NotFoundError: nothing stands under this name, or it has no vector at this version.
        PermanentError: several things do, only some may read it, or it is of a kind that has no vector.
    """
    with stores.database.transaction(workspace) as tx:
        target = without_vectors(tx, find_target(tx, name))
        if target.kind is Kind.PROFILE:
            return _near_entities(tx, version, target, limit=limit)
        origin = _origin(tx, version, target, include_private=include_private)
        searched = places.places(tx, version, [_FAMILIES[target.kind]])
    top_k = min(limit * _OVERFETCH, _MOST_VECTORS)
    while True:
        answers = _ask(stores, searched, origin.vectors, top_k=top_k, include_private=include_private)
        with stores.database.transaction(workspace) as tx:
            found = _items(tx, origin, _best(answers), include_private=include_private)
        is_all = all(len(hits) < top_k for hits in answers)
        if len(found) >= limit or is_all or top_k == _MOST_VECTORS:
            return found[:limit]
        top_k = min(top_k * _WIDER, _MOST_VECTORS)


def _near_entities(tx: Transaction, version: EmbeddingVersion, target: Target, *, limit: int) -> list[SimilarItem]:
    """Profiles are few and made of what all may read: their centroids are compared in Postgres."""
    near = nearest_profiles(tx, version, EntityId(target.key), limit=limit)
    return [
        SimilarItem(
            kind=str(Kind.PROFILE),
            id=item.entity_id,
            document_id="",
            source="memory",
            source_id=item.entity_id,
            url=None,
            title=item.name,
            text=item.kind,
            similarity_cosine=item.similarity_cosine,
            is_private=False,
        )
        for item in near
    ]


def _origin(tx: Transaction, version: EmbeddingVersion, target: Target, *, include_private: bool) -> _Origin:
    if target.kind not in _FAMILIES:
        raise PermanentError(
            f"{target.key} is a {target.kind}, which has no vector: "
            "ask for a document, a chunk, an observation, a summary or an entity"
        )
    row = content_rows(tx, [target]).get(target)
    if row is None:
        raise NotFoundError(f"{target.kind} {target.key} is not there any more")
    if row.is_private and not include_private:
        raise PermanentError(f"only some may read {target.kind} {target.key}: ask for it with --private if you may")
    hashes = list(dict.fromkeys(embedded_hashes(tx, target)))
    step = max(1, -(-len(hashes) // _MOST_CHUNKS_ASKED))
    kept = vectors_of(tx, version, hashes[::step])
    if not kept:
        raise NotFoundError(
            f"{target.kind} {target.key} has no vector at version {version.name}: "
            f"`neural-memory build --workspace {tx.workspace_id}` embeds what is live"
        )
    return _Origin(target, row.document_id, list(kept.values()))


def _ask(
    stores: Stores, searched: Sequence[Place], vectors: Sequence[_Vector], *, top_k: int, include_private: bool
) -> list[list[VectorHit]]:
    """Ask all places for what is near to all vectors, several at once: a remote index takes its time for each."""
    where = {} if include_private else {"privacy": str(Privacy.ORG)}

    def query(question: tuple[Place, _Vector]) -> list[VectorHit]:
        place, vector = question
        return stores.vectors.query(place.index, place.namespace, vector, top_k=top_k, where=where)

    with ThreadPoolExecutor(max_workers=_QUERIES_AT_ONCE, thread_name_prefix="similar") as pool:
        return list(pool.map(query, product(searched, vectors)))


def _best(answers: Iterable[Sequence[VectorHit]]) -> dict[str, float]:
    """Keep the best score of each vector, best first."""
    scores: dict[str, float] = {}
    for hits in answers:
        for hit in hits:
            scores[hit.id] = max(hit.score, scores.get(hit.id, -1.0))
    return dict(sorted(scores.items(), key=lambda item: (-item[1], item[0])))


def _items(
    tx: Transaction, origin: _Origin, scores: Mapping[str, float], *, include_private: bool
) -> list[SimilarItem]:
    """Read back what the nearest vectors stand for: what is live, may be shown, and is not the origin itself."""
    targets = targets_of_vectors(tx, list(scores))
    rows = content_rows(tx, set(targets.values()))
    chosen: dict[str, tuple[ContentRow, float]] = {}
    for vector_id, score in scores.items():
        row = rows.get(targets[vector_id]) if vector_id in targets else None
        if row is None or not _may_be_shown(row, origin, include_private=include_private):
            continue
        whole = row.document_id if origin.target.kind is Kind.DOCUMENT else row.target.key
        chosen.setdefault(whole, (row, score))
    chunks = [row.target.key for row, _ in chosen.values() if row.text is None]
    texts = chunk_texts(tx, chunks, include_private=include_private)
    return [
        SimilarItem(
            kind=str(origin.target.kind),
            id=whole,
            document_id=row.document_id,
            source=row.source,
            source_id=row.source_id,
            url=row.url,
            title=row.title,
            text=texts.get(row.target.key, "") if row.text is None else row.text,
            similarity_cosine=round(score, 4),
            is_private=row.is_private,
        )
        for whole, (row, score) in chosen.items()
    ]


def _may_be_shown(row: ContentRow, origin: _Origin, *, include_private: bool) -> bool:
    is_own = row.target == origin.target or (bool(origin.document_id) and row.document_id == origin.document_id)
    return not (is_own or row.is_superseded or row.is_deleted or (row.is_private and not include_private))

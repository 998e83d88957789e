"""Candidates by meaning: the nearest vectors of a question, merged by the document that they are of.

What else counts for the order is added in `candidates.py`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from neural_memory_pipelines.domain.ids import WorkspaceId
from neural_memory_pipelines.domain.placement import Place
from neural_memory_pipelines.errors import NotFoundError
from neural_memory_pipelines.models.embedders.protocol import Embedder, InputRole
from neural_memory_pipelines.stores.bundle import Stores
from neural_memory_pipelines.stores.postgres.live_vectors import LiveVector, live_vectors
from neural_memory_pipelines.stores.vectors.protocol import MetadataValue, VectorHit, VectorIndex

_QUERIES_AT_ONCE = 8

QueryVector = npt.NDArray[np.float32]
"""Shape (dim,), of length 1."""


@dataclass(frozen=True, slots=True)
class NearRow:
    """The row of a document, or the summary, that is nearest to a question; `cosine` is -1..1."""

    row: LiveVector
    cosine: float


@dataclass(frozen=True, slots=True)
class Nearest:
    """The nearest row of each document, and summaries, by id; `is_all` if the index holds no more."""

    documents: Mapping[str, NearRow]
    summaries: Mapping[str, NearRow]
    is_all: bool


def embed_question(question: str, embedder: Embedder) -> QueryVector:
    """Embed a question; what the model cannot read of a very long one is left out from the end."""
    text = " ".join(question.split())
    while embedder.count_tokens([text])[0] > embedder.max_tokens:
        shorter = text[: len(text) * 3 // 4]
        text = shorter.rpartition(" ")[0] or shorter
    vector: QueryVector = embedder.embed([text], role=InputRole.SEARCH_QUERY)[0]
    return vector


def nearest(
    vector: QueryVector,
    *,
    workspace: WorkspaceId,
    stores: Stores,
    searched: Sequence[Place],
    where: Mapping[str, MetadataValue],
    include_private: bool,
    top_k: int,
) -> Nearest:
    """Find the documents and summaries whose vectors are nearest.

    Args:
        vector: of the question.
        workspace: whose memory.
        stores: where to look.
        searched: the places of all families, of one version.
        where: what the metadata of a vector must have.
        include_private: also what only some may read.
        top_k: most vectors of each place.
    """
    by_place = _query_all(stores.vectors, searched, vector, top_k=top_k, where=where)
    hits = sorted((hit for found in by_place for hit in found), key=lambda hit: (-hit.score, hit.id))
    with stores.database.transaction(workspace) as tx:
        rows = live_vectors(tx, [hit.id for hit in hits], include_private=include_private)
    documents: dict[str, NearRow] = {}
    summaries: dict[str, NearRow] = {}
    for hit in hits:
        row = rows.get(hit.id)
        if row is not None and row.document_id:
            documents.setdefault(row.document_id, NearRow(row, hit.score))
        elif row is not None:
            summaries.setdefault(row.id, NearRow(row, hit.score))
    return Nearest(documents, summaries, all(len(found) < top_k for found in by_place))


def query_place(
    vectors: VectorIndex, place: Place, vector: QueryVector, *, top_k: int, where: Mapping[str, MetadataValue]
) -> list[VectorHit]:
    """Find the nearest vectors in a place; one that was announced, and whose index is not made yet, holds none."""
    try:
        return vectors.query(place.index, place.namespace, vector, top_k=top_k, where=where)
    except NotFoundError:
        return []


def _query_all(
    vectors: VectorIndex,
    searched: Sequence[Place],
    vector: QueryVector,
    *,
    top_k: int,
    where: Mapping[str, MetadataValue],
) -> list[list[VectorHit]]:
    """Ask all places at once: a remote index takes its time for each."""

    def query(place: Place) -> list[VectorHit]:
        return query_place(vectors, place, vector, top_k=top_k, where=where)

    if len(searched) <= 1:
        return [query(place) for place in searched]
    with ThreadPoolExecutor(max_workers=min(len(searched), _QUERIES_AT_ONCE), thread_name_prefix="query") as pool:
        return list(pool.map(query, searched))

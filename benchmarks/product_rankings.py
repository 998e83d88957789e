"""What the product ranks first, by each way of searching, and what its candidates score. Nothing is judged here."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import numpy.typing as npt
from sqlalchemy import text

from neural_memory_pipelines.domain.fusion import Weights
from neural_memory_pipelines.domain.ids import WorkspaceId
from neural_memory_pipelines.domain.versions import EmbeddingVersion, Family
from neural_memory_pipelines.local.session import Session
from neural_memory_pipelines.models.embedders.protocol import Embedder
from neural_memory_pipelines.retrieval.answers import Hit, Mode, SearchRequest
from neural_memory_pipelines.retrieval.candidates import gather, scales_of
from neural_memory_pipelines.retrieval.meaning import embed_question, nearest
from neural_memory_pipelines.retrieval.search import WEIGHTS, search
from neural_memory_pipelines.retrieval.understanding import understand
from neural_memory_pipelines.stores.postgres.admitted import admitted
from neural_memory_pipelines.stores.postgres.engine import Transaction
from neural_memory_pipelines.stores.postgres.lexical import nearest_by_words, words_of
from neural_memory_pipelines.stores.postgres.places import places

TOP = 10
_VECTORS, _DOCUMENTS_BY_WORDS = 150, 50  # as retrieval/search.py
_RRF_K = 60

Values = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Searched:
    """A workspace that is asked, as an ordinary reader of it asks. `now` (aware) is what ages count to."""

    session: Session
    workspace: WorkspaceId
    version: EmbeddingVersion
    embedder: Embedder
    now: datetime

    def hits(
        self, question: str, *, mode: Mode = Mode.HYBRID, limit: int = TOP, weights: Weights = WEIGHTS
    ) -> tuple[Hit, ...]:
        """Search; nothing in a question is read as a filter."""
        return search(
            SearchRequest(question, mode=mode, limit=limit, reads_filters=False),
            workspace=self.workspace,
            stores=self.session.stores,
            version=self.version,
            embedder=self.embedder,
            now=self.now,
            weights=weights,
        ).hits


@dataclass(frozen=True, slots=True)
class Candidates:
    """All candidates of a question, as the product finds them.

    Attributes:
        keys: paths of the documents.
        meaning, words: standardized over the candidates of the question, shape (candidates,).
    """

    keys: tuple[str, ...]
    meaning: Values
    words: Values


def searched(session: Session, workspace: WorkspaceId, *, now: datetime) -> Searched:
    """Prepare to ask a workspace at its active version."""
    version = session.active_version(workspace)
    return Searched(session, workspace, version, session.embedder(version), now)


def path_of(hit: Hit) -> str:
    """Give the path of a document below the folder that it was ingested from."""
    return hit.source_id.partition("/")[2]


def paths_by(mode: Mode, asked: Searched, questions: Sequence[str]) -> list[list[str]]:
    """Rank the documents of each question by one way of searching: ten paths each."""
    return [[path_of(hit) for hit in asked.hits(question, mode=mode)] for question in questions]


def candidates_of(asked: Searched, question: str) -> Candidates:
    """Find candidates by meaning and by words, and score each by both, by the parts that the product's search is of."""
    request = SearchRequest(question, reads_filters=False)
    stores = asked.session.stores
    vector = embed_question(question, asked.embedder)
    with stores.database.transaction(asked.workspace) as tx:
        understood = understand(tx, request, now=asked.now)
        near = nearest(
            vector,
            workspace=asked.workspace,
            stores=stores,
            searched=places(tx, asked.version, [Family.CHUNKS, Family.OBSERVATIONS]),
            where=understood.where,
            include_private=False,
            top_k=_VECTORS,
        ).documents
        words, condition, values = words_of(tx, question), understood.condition, understood.values
        by_words = nearest_by_words(tx, words, condition=condition, values=values, limit=_DOCUMENTS_BY_WORDS)
        allowed = admitted(tx, [*near, *by_words], condition=condition, values=values)
        found = gather(tx, asked.version, allowed, vector=vector, near=near, words=words)
        paths = _paths(tx, allowed)
    scales = scales_of(found)
    return Candidates(
        tuple(paths[candidate.key] for candidate in found),
        np.array([scales.cosines.standardized(candidate.cosine) for candidate in found]),
        np.array([scales.words.standardized(candidate.words) for candidate in found]),
    )


def by_z_scores(found: Candidates, weight: float = 0.5) -> list[str]:
    """Rank by the sum of standardized scores, with a weight for meaning and what it lacks of 1 for words."""
    return _ranked(found, weight * found.meaning + (1 - weight) * found.words)


def by_min_max(found: Candidates) -> list[str]:
    """Rank by the mean of scores that are stretched to 0..1: the best candidate has 1, the worst 0."""
    return _ranked(found, _stretched(found.meaning) + _stretched(found.words))


def by_reciprocal_ranks(found: Candidates) -> list[str]:
    """Rank by the sum of 1 / (60 + place); equal scores share a place."""
    return _ranked(found, 1 / (_RRF_K + _places(found.meaning)) + 1 / (_RRF_K + _places(found.words)))


def _paths(tx: Transaction, documents: Iterable[str]) -> dict[str, str]:
    named = text("SELECT document_id, source_id FROM knowledge_documents WHERE document_id = ANY(:documents)")
    rows = tx.connection.execute(named, {"documents": list(documents)})
    return {row.document_id: row.source_id.partition("/")[2] for row in rows}


def _stretched(values: Values) -> Values:
    span = values.max() - values.min()
    return (values - values.min()) / span if span else np.zeros_like(values)


def _places(values: Values) -> Values:
    ordered = -np.sort(-values)
    places: Values = np.searchsorted(-ordered, -values, side="left").astype(np.float64) + 1
    return places


def _ranked(found: Candidates, scores: Values) -> list[str]:
    return [found.keys[at] for at in np.argsort(-scores, kind="stable")[:TOP]]

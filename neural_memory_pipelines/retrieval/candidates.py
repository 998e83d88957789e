"""What may answer a question: the union of what was found by meaning, by words and by name, each scored by all of it.

How candidates are found is in `meaning.py` and the stores; how scores are added up, in `scoring.py`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from neural_memory_pipelines.domain.fusion import Scale, Weights, scale_of
from neural_memory_pipelines.domain.versions import EmbeddingVersion
from neural_memory_pipelines.retrieval.answers import ScoreTerm, UsedEdge
from neural_memory_pipelines.retrieval.meaning import NearRow, QueryVector
from neural_memory_pipelines.stores.postgres.engine import Transaction
from neural_memory_pipelines.stores.postgres.lexical import Words, summary_scores, word_scores
from neural_memory_pipelines.stores.postgres.live_vectors import LiveVector, first_chunks, nearest_chunks


@dataclass(slots=True)
class Candidate:
    """Something that may be an answer, and what is known of how well it fits.

    Attributes:
        key: the id of the document, or of the summary.
        cosine: of its nearest vector, -1..1; None if it has none at this version.
        nearest: the row of that vector.
        words: its score by words, 0 upwards.
        chunk_id: the chunk whose words fit best; of a document that nothing else speaks for, its first.
        terms: the terms of its score so far.
        edges: those of the graph that count.
    """

    key: str
    cosine: float | None = None
    nearest: LiveVector | None = None
    words: float = 0.0
    chunk_id: str | None = None
    terms: list[ScoreTerm] = field(default_factory=list)
    edges: tuple[UsedEdge, ...] = ()

    @property
    def score(self) -> float:
        """The sum of the points of its terms."""
        return sum(term.points for term in self.terms)

    def add(self, name: str, value: float, weight: float) -> None:
        """Add a term: a value and what it weighs."""
        self.terms.append(ScoreTerm(name, value, weight, value * weight))

    @property
    def shown(self) -> tuple[str, str] | None:
        """The kind and id of the row that speaks for it: the nearest one, or where words count more, their chunk."""
        points = {term.name: term.points for term in self.terms}
        by_words = ("chunk", self.chunk_id) if self.chunk_id else None
        by_meaning = (self.nearest.kind, self.nearest.id) if self.nearest else None
        if by_words and points.get("words", 0.0) > points.get("vector", 0.0):
            return by_words
        return by_meaning or by_words


@dataclass(frozen=True, slots=True)
class Scales:
    """On what scales the candidates of a question are compared."""

    cosines: Scale
    words: Scale


def gather(
    tx: Transaction,
    version: EmbeddingVersion,
    documents: Iterable[str],
    *,
    vector: QueryVector | None,
    near: Mapping[str, NearRow],
    words: Words,
) -> list[Candidate]:
    """Score documents by meaning and by words, whichever way each was found.

    Args:
        tx: of the workspace.
        version: the one that the answer is of.
        documents: ids.
        vector: of the question; None if meaning does not count.
        near: what the index found already.
        words: of the question; empty if words do not count.
    """
    candidates = {key: Candidate(key) for key in documents}
    for key, hit in word_scores(tx, words, list(candidates)).items():
        candidates[key].words, candidates[key].chunk_id = hit.score, hit.chunk_id
    if vector is not None:
        for key in candidates.keys() & near.keys():
            candidates[key].cosine, candidates[key].nearest = near[key].cosine, near[key].row
        unknown = [key for key in candidates if key not in near]
        for key, chunk in nearest_chunks(tx, version, vector, unknown).items():
            candidates[key].cosine, candidates[key].nearest = chunk.score, LiveVector("chunk", chunk.chunk_id, key)
    silent = [key for key, candidate in candidates.items() if not candidate.chunk_id and not candidate.nearest]
    for key, chunk_id in first_chunks(tx, silent).items():
        candidates[key].chunk_id = chunk_id
    return [candidates[key] for key in sorted(candidates)]


def gather_summaries(tx: Transaction, near: Mapping[str, NearRow], *, words: Words) -> list[Candidate]:
    """Score summaries that were found by meaning by their words too."""
    by_words = summary_scores(tx, words, list(near))
    return [Candidate(key, near[key].cosine, near[key].row, words=by_words.get(key, 0.0)) for key in sorted(near)]


def scales_of(candidates: Sequence[Candidate]) -> Scales:
    """Measure on what scales candidates score."""
    return Scales(
        scale_of([candidate.cosine for candidate in candidates]),
        scale_of([candidate.words for candidate in candidates]),
    )


def add_standardized(candidates: Iterable[Candidate], scales: Scales, weights: Weights) -> None:
    """Add the terms of meaning and words, in standard deviations of all candidates."""
    for candidate in candidates:
        candidate.add("vector", scales.cosines.standardized(candidate.cosine), weights.vector)
        candidate.add("words", scales.words.standardized(candidate.words), weights.words)

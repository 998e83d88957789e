"""Search: what answers a question, best first, with the reasons. It reads and never writes.

The parts live beside it: `understanding`, `meaning`, `candidates`, `scoring`, `passages`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime

from neural_memory_pipelines.domain.fusion import Weights
from neural_memory_pipelines.domain.ids import Json, WorkspaceId
from neural_memory_pipelines.domain.placement import Place
from neural_memory_pipelines.domain.versions import EmbeddingVersion, Family
from neural_memory_pipelines.errors import TransientError
from neural_memory_pipelines.models.embedders.protocol import Embedder
from neural_memory_pipelines.models.rerankers.protocol import Reranker
from neural_memory_pipelines.retrieval import scoring
from neural_memory_pipelines.retrieval.answers import Answer, Hit, Mode, ScoreTerm, SearchRequest
from neural_memory_pipelines.retrieval.candidates import (
    Candidate,
    add_standardized,
    gather,
    gather_summaries,
    scales_of,
)
from neural_memory_pipelines.retrieval.graph_bias import Seed, neighbours
from neural_memory_pipelines.retrieval.meaning import Nearest, QueryVector, embed_question, nearest
from neural_memory_pipelines.retrieval.passages import hits_of
from neural_memory_pipelines.retrieval.profile_similarity import NearEntity, near_entities
from neural_memory_pipelines.retrieval.stopwatch import Stopwatch
from neural_memory_pipelines.retrieval.thread_context import replies_in_threads
from neural_memory_pipelines.retrieval.understanding import Understood, understand
from neural_memory_pipelines.stores.bundle import Stores
from neural_memory_pipelines.stores.postgres import places
from neural_memory_pipelines.stores.postgres.admitted import admitted, admitted_if_few
from neural_memory_pipelines.stores.postgres.engine import Transaction
from neural_memory_pipelines.stores.postgres.lexical import Words, nearest_by_words, words_of

WEIGHTS = Weights()

# Of 100 the ranking is the same within chance on three sets, and a search of long pages takes half as long again.
_DOCUMENTS_BY_WORDS = 50
_VECTORS_PER_PLACE = 150
_WIDER = 4
_MOST_VECTORS = 10_000
_NEIGHBOURS = 20
_FEW_DOCUMENTS = 200
_RERANKED = 50
_NO_WORDS = Words({}, (), 1.0, 1.0)
_SEARCHED = (Family.CHUNKS, Family.OBSERVATIONS, Family.SUMMARIES)


@dataclass(frozen=True, slots=True)
class _Scope:
    """What a search works with."""

    request: SearchRequest
    workspace: WorkspaceId
    stores: Stores
    version: EmbeddingVersion
    embedder: Embedder
    weights: Weights
    now: datetime
    clock: Stopwatch = field(default_factory=Stopwatch)

    @property
    def uses_meaning(self) -> bool:
        return self.request.mode is not Mode.LEXICAL

    @property
    def uses_words(self) -> bool:
        return self.request.mode is not Mode.DENSE

    @property
    def is_hybrid(self) -> bool:
        return self.request.mode is Mode.HYBRID


@dataclass(frozen=True, slots=True)
class _Found:
    """What each way of searching found."""

    vector: QueryVector | None
    near: Nearest
    words: Words
    by_words: Sequence[str]
    entities: Sequence[NearEntity]


_NOTHING_NEAR = Nearest({}, {}, is_all=True)


def ranking_of(mode: Mode, *, reranker: Reranker | None, weights: Weights = WEIGHTS) -> dict[str, Json]:
    """Spell what decides the order of answers, for records of evaluations."""
    return {"mode": str(mode), "weights": asdict(weights), "reranker": reranker.model if reranker else None}


def search(
    request: SearchRequest,
    *,
    workspace: WorkspaceId,
    stores: Stores,
    version: EmbeddingVersion,
    embedder: Embedder,
    reranker: Reranker | None = None,
    now: datetime | None = None,
    weights: Weights = WEIGHTS,
) -> Answer:
    """Find what answers a question: each document once, by what of it fits best, and summaries.

    Args:
        request: the question and how to search.
        workspace: whose memory.
        stores: where to look.
        version: the embedding version to search; all that is compared is of this version.
        embedder: the version's embedder; not asked if the question is nothing but identifiers, or words alone count.
        reranker: has the last word on the first fifty, or as many as are asked for, if the request lets it.
        now: aware; what ages are counted to. The present if None.
        weights: of the terms of a score.

    Raises:
        PermanentError: a filter of the question means nothing.
        NotFoundError: nobody answers to the author of a filter.
        TransientError: a store, or the model's service, does not answer.
    """
    scope = _Scope(request, workspace, stores, version, embedder, weights, now or datetime.now(UTC))
    with scope.clock.stage("understand"), stores.database.transaction(workspace) as tx:
        understood = understand(tx, request, now=scope.now)
        searched = places.places(tx, version, _SEARCHED)
        profiles = places.places(tx, version, [Family.PROFILES]) if scope.is_hybrid else []
    by_name = understood.names_things_alone and scope.is_hybrid
    candidates = _by_identifiers(scope, understood) if by_name else _by_all(scope, understood, searched, profiles)
    hits, notes = _shown(scope, understood, candidates, reranker if request.rerank and not by_name else None)
    return Answer(
        hits=tuple(hits[: request.limit]),
        embedding_version=version.name,
        mode="identifiers" if by_name else str(request.mode),
        latency_ms=scope.clock.latency_ms(),
        notes=notes,
    )


def _by_identifiers(scope: _Scope, understood: Understood) -> list[Candidate]:
    """Find what the question names, then what is tied to it, without a model."""
    private, named = scope.request.include_private, [one.document_id for one in understood.identified]
    with scope.clock.stage("names"), scope.stores.database.transaction(scope.workspace) as tx:
        seeds = [Seed("document", one.document_id) for one in understood.identified if not one.is_below]
        around = neighbours(tx, seeds, limit=_NEIGHBOURS, include_private=private)
        allowed = admitted(tx, [*named, *around], condition=understood.condition, values=understood.values)
        candidates = gather(tx, scope.version, allowed, vector=None, near={}, words=words_of(tx, understood.query.text))
        scoring.add_identified(candidates, understood, scope.weights)
        scoring.add_graph(tx, candidates, understood, scope.weights, include_private=private)
        scoring.add_signals(tx, candidates, scope.weights, now=scope.now, include_private=private)
    return candidates


def _by_all(
    scope: _Scope, understood: Understood, searched: Sequence[Place], profiles: Sequence[Place]
) -> list[Candidate]:
    """Find by meaning, by words and by names, and rank by all that is known."""
    few: list[str] | None = None
    if understood.is_narrow:
        with scope.clock.stage("filter"), scope.stores.database.transaction(scope.workspace) as tx:
            few = admitted_if_few(tx, condition=understood.condition, values=understood.values, most=_FEW_DOCUMENTS)
    found = _ask(scope, understood, searched, profiles, few)
    with scope.clock.stage("score"), scope.stores.database.transaction(scope.workspace) as tx:
        documents = few if few is not None else _admitted(tx, scope, understood, found)
        candidates = gather(
            tx, scope.version, documents, vector=found.vector, near=found.near.documents, words=found.words
        )
        summaries = gather_summaries(tx, {} if understood.is_narrow else found.near.summaries, words=found.words)
        if not scope.is_hybrid:
            return _by_one_way(scope, [*candidates, *summaries])
        return _fused(tx, scope, understood, candidates, summaries, found)


def _ask(
    scope: _Scope,
    understood: Understood,
    searched: Sequence[Place],
    profiles: Sequence[Place],
    few: Sequence[str] | None,
) -> _Found:
    """Ask the vector index and Postgres beside each other."""
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="words") as pool:
        words = pool.submit(_find_by_words, scope, understood, few)
        vector, near, entities = _find_by_meaning(scope, understood, searched, profiles, few)
        known, by_words = words.result()
    return _Found(vector, near, known, by_words, entities)


def _find_by_words(scope: _Scope, understood: Understood, few: Sequence[str] | None) -> tuple[Words, Sequence[str]]:
    if not scope.uses_words:
        return _NO_WORDS, ()
    with scope.clock.stage("words"), scope.stores.database.transaction(scope.workspace) as tx:
        words = words_of(tx, understood.query.text)
        if few is not None:
            return words, few
        found = nearest_by_words(
            tx, words, condition=understood.condition, values=understood.values, limit=_DOCUMENTS_BY_WORDS
        )
    return words, found


def _find_by_meaning(
    scope: _Scope,
    understood: Understood,
    searched: Sequence[Place],
    profiles: Sequence[Place],
    few: Sequence[str] | None,
) -> tuple[QueryVector | None, Nearest, Sequence[NearEntity]]:
    if not scope.uses_meaning:
        return None, _NOTHING_NEAR, ()
    with scope.clock.stage("model"):
        vector = embed_question(understood.meaning, scope.embedder)
    private = scope.request.include_private
    with scope.clock.stage("vectors"):
        near = _NOTHING_NEAR if few is not None else _nearest(scope, understood, searched, vector)
        entities = (
            near_entities(scope.stores.vectors, profiles, query_vector=vector, include_private=private)
            if profiles
            else ()
        )
    return vector, near, entities


def _nearest(scope: _Scope, understood: Understood, searched: Sequence[Place], vector: QueryVector) -> Nearest:
    """Ask for the nearest vectors, and for more where filters, or vectors of one document, leave too few."""
    top_k = _VECTORS_PER_PLACE
    while True:
        near = nearest(
            vector,
            workspace=scope.workspace,
            stores=scope.stores,
            searched=searched,
            where=understood.where,
            include_private=scope.request.include_private,
            top_k=top_k,
        )
        if near.is_all or top_k >= _MOST_VECTORS:
            return near
        with scope.stores.database.transaction(scope.workspace) as tx:
            allowed = admitted(tx, list(near.documents), condition=understood.condition, values=understood.values)
        if len(allowed) >= scope.request.limit:
            return near
        top_k = min(top_k * _WIDER, _MOST_VECTORS)


def _admitted(tx: Transaction, scope: _Scope, understood: Understood, found: _Found) -> set[str]:
    """Unite what was found by all ways, and leave out what may not be an answer."""
    united: Iterable[str] = [*found.near.documents, *found.by_words]
    if scope.is_hybrid:
        seeds = [Seed(one.kind, one.entity_id) for one in understood.named]
        private = scope.request.include_private
        named = [one.document_id for one in understood.identified]
        around = neighbours(tx, seeds, limit=_NEIGHBOURS, include_private=private) if seeds else []
        united = [*united, *named, *around]
    return admitted(tx, list(dict.fromkeys(united)), condition=understood.condition, values=understood.values)


def _by_one_way(scope: _Scope, candidates: Sequence[Candidate]) -> list[Candidate]:
    """Score by meaning or by words alone, as they are."""
    ranked: list[Candidate] = []
    for candidate in candidates:
        if scope.uses_meaning and candidate.cosine is not None:
            candidate.add("vector", candidate.cosine, 1.0)
            ranked.append(candidate)
        elif scope.uses_words and candidate.words > 0:
            candidate.add("words", candidate.words, 1.0)
            ranked.append(candidate)
    return ranked


def _fused(
    tx: Transaction,
    scope: _Scope,
    understood: Understood,
    documents: list[Candidate],
    summaries: Sequence[Candidate],
    found: _Found,
) -> list[Candidate]:
    """Add up all terms."""
    weights, private = scope.weights, scope.request.include_private
    scales = scales_of(documents)
    add_standardized([*documents, *summaries], scales, weights)
    by_key = {candidate.key: candidate for candidate in documents}
    replies = replies_in_threads(
        tx, {key: candidate.score for key, candidate in by_key.items()}, include_private=private
    )
    missing = {placed.reply.document_id for placed in replies} - by_key.keys()
    allowed = admitted(tx, list(missing), condition=understood.condition, values=understood.values) if missing else ()
    added = gather(tx, scope.version, allowed, vector=found.vector, near=found.near.documents, words=found.words)
    add_standardized(added, scales, weights)
    by_key |= {candidate.key: candidate for candidate in added}
    documents = [*documents, *added]
    scoring.add_threads(by_key, replies, weights)
    scoring.add_identified(documents, understood, weights)
    scoring.add_graph(tx, documents, understood, weights, include_private=private)
    scoring.add_profiles(tx, documents, found.entities, weights)
    scoring.add_signals(tx, documents, weights, now=scope.now, include_private=private)
    for summary in summaries:
        summary.add("summary", 1.0, weights.summary)
    return [*documents, *summaries]


def _shown(
    scope: _Scope, understood: Understood, candidates: Iterable[Candidate], reranker: Reranker | None
) -> tuple[list[Hit], tuple[str, ...]]:
    """Read what the best candidates say, and let a reranker order them."""
    ordered = sorted(candidates, key=lambda candidate: (-candidate.score, candidate.key))
    with scope.clock.stage("hydrate"):
        hits = hits_of(
            ordered,
            most=max(scope.request.limit, _RERANKED if reranker else 0),
            workspace=scope.workspace,
            stores=scope.stores,
            include_private=scope.request.include_private,
        )
    return _reranked(scope, understood, hits, reranker) if reranker and hits else (hits, ())


def _reranked(
    scope: _Scope, understood: Understood, hits: Sequence[Hit], reranker: Reranker
) -> tuple[list[Hit], tuple[str, ...]]:
    """Order hits by a reranker; as they are if it does not answer, which is said."""
    texts = [f"{hit.title}\n\n{hit.text}" for hit in hits]
    try:
        with scope.clock.stage("rerank"):
            relevances = reranker.rerank(understood.query.text, texts)
    except TransientError as error:
        return list(hits), (f"not reranked: {error}",)
    scored = [
        replace(hit, score=relevance, terms=(*hit.terms, ScoreTerm("rerank", relevance, 1.0, relevance)))
        for hit, relevance in zip(hits, relevances, strict=True)
    ]
    return sorted(scored, key=lambda hit: -hit.score), ()

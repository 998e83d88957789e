"""Says what building a version would take: texts, tokens, dollars, time. Nothing is spent, registered or kept."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from neural_memory_pipelines.domain.ids import WorkspaceId
from neural_memory_pipelines.domain.versions import EmbeddingVersion, Family
from neural_memory_pipelines.models.embedders.protocol import Embedder
from neural_memory_pipelines.steps.embed import embed_texts
from neural_memory_pipelines.steps.pricing import Price
from neural_memory_pipelines.stores.bundle import Stores
from neural_memory_pipelines.stores.postgres import families, vectors_kept

_SAMPLE_TEXTS = 32
_TEXTS_PER_COUNT = 1_024


@dataclass(frozen=True, slots=True)
class Estimate:
    """What building a version of a workspace would take. `tokens` are as the embedder counts them."""

    workspace: str
    version: str
    vectors: int
    texts: int
    texts_embedded_already: int
    tokens: int
    dollars: float
    seconds: float


def estimate_build(
    workspace: WorkspaceId,
    version: EmbeddingVersion,
    *,
    stores: Stores,
    load_embedder: Callable[[], Embedder],
    price: Price,
) -> Estimate:
    """Count what a version lacks, and work out what that takes. Nothing is sent to a service, and nothing is kept.

    Args:
        workspace: whose version.
        version: proposed or not.
        stores: where the texts are.
        load_embedder: loads the version's embedder, to count tokens, and to time a model of this machine.
        price: of the model.
    """
    vectors = texts = already = tokens = 0
    sample: list[str] = []
    counted: set[int] = set()
    with stores.database.transaction(workspace) as tx:
        reusable = vectors_kept.like_versions(tx, version)
        for family in Family:
            counts = families.family_counts(tx, version, family)
            vectors += counts.live_vectors
            already += counts.live_texts
            for window in families.missing_bodies(tx, version, family, like=reusable, batch=_TEXTS_PER_COUNT):
                already -= len(window)
                # A text that two families share is embedded once.
                new = [body for body in window if hash(body) not in counted]
                counted.update(map(hash, new))
                texts += len(new)
                tokens += sum(load_embedder().count_tokens(new))
                sample = sample or new[:: max(1, len(new) // _SAMPLE_TEXTS)][:_SAMPLE_TEXTS]
    return Estimate(
        workspace=workspace,
        version=version.name,
        vectors=vectors,
        texts=texts,
        texts_embedded_already=already,
        tokens=tokens,
        dollars=price.of(tokens),
        seconds=_seconds(texts, sample, load_embedder, price) if texts else 0.0,
    )


def _seconds(texts: int, sample: list[str], load_embedder: Callable[[], Embedder], price: Price) -> float:
    if price.inputs_per_minute:
        return texts / price.inputs_per_minute * 60
    embedder = load_embedder()
    embed_texts(sample[:1], embedder)
    started = time.perf_counter()
    embed_texts(sample, embedder)
    return (time.perf_counter() - started) / len(sample) * texts

"""Vectors of sentences, each embedded once: what summaries are chosen by.

Which sentences are wanted is up to the summarizers.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from neural_memory_pipelines.domain.ids import WorkspaceId, hash_text
from neural_memory_pipelines.domain.versions import EmbeddingVersion
from neural_memory_pipelines.models.embedders.protocol import Embedder, Vectors
from neural_memory_pipelines.steps.embed import embed_texts
from neural_memory_pipelines.stores.bundle import Stores
from neural_memory_pipelines.stores.postgres import families
from neural_memory_pipelines.stores.postgres.vectors_kept import vectors_of

_TEXTS_PER_TRANSACTION = 512


def sentence_vectors(
    workspace: WorkspaceId, version: EmbeddingVersion, *, stores: Stores, load_embedder: Callable[[], Embedder]
) -> Callable[[Sequence[str]], Vectors]:
    """Make a function that gives the vectors of texts, shape (texts, dim): kept ones, and new ones that are then kept.

    A topic that gains a sentence has all its others looked at again: they are not paid for again.
    """

    def vectors(texts: Sequence[str]) -> Vectors:
        hashes = [hash_text(text) for text in texts]
        with stores.database.transaction(workspace) as tx:
            found = vectors_of(tx, version, hashes)
        wanted = dict(zip(hashes, texts, strict=True))
        missing = [key for key in wanted if key not in found]
        for start in range(0, len(missing), _TEXTS_PER_TRANSACTION):
            part = missing[start : start + _TEXTS_PER_TRANSACTION]
            values, _tokens = embed_texts([wanted[key] for key in part], load_embedder())
            with stores.database.transaction(workspace) as tx:
                families.store_vectors(tx, version, hashes=part, vectors=values)
            found |= dict(zip(part, values, strict=True))
        return np.stack([found[key] for key in hashes]) if hashes else np.empty((0, version.dim), np.float32)

    return vectors

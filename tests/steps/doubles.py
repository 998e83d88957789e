"""Stand-ins around real stores and models that watch what a step does, or forbid it."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from neural_memory_pipelines.local.session import Session
from neural_memory_pipelines.models.embedders.protocol import Embedder, InputRole, Vectors
from neural_memory_pipelines.stores.vectors.protocol import VectorIndex, VectorRecord


def session_with(session: Session, **stores: Any) -> Session:
    """Copy a session with some of its stores replaced."""
    copied = copy.copy(session)
    copied.stores = replace(session.stores, **stores)
    return copied


@dataclass
class SpyEmbedder:
    """An embedder that notes the documents it embeds. `max_tokens` may be set below what the inner one reads."""

    inner: Embedder
    max_tokens: int = 0
    embedded: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.model, self.dim = self.inner.model, self.inner.dim
        self.batch_size, self.workers = self.inner.batch_size, self.inner.workers
        self.max_tokens = self.max_tokens or self.inner.max_tokens

    @property
    def billed_tokens(self) -> int:
        return self.inner.billed_tokens

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        return self.inner.count_tokens(texts)

    def embed(self, texts: Sequence[str], *, role: InputRole) -> Vectors:
        assert max(self.count_tokens(texts)) <= self.max_tokens, "a text that the model would cut"
        self.embedded.extend(texts)
        return self.inner.embed(texts, role=role)


class RefusingEmbedder(SpyEmbedder):
    """An embedder that must not be asked for a vector."""

    def embed(self, texts: Sequence[str], *, role: InputRole) -> Vectors:
        raise AssertionError(f"{len(texts)} texts were to be embedded, such as {texts[0][:80]!r}")


class SpyIndex:
    """A vector index that notes what is written to it."""

    def __init__(self, inner: VectorIndex) -> None:
        self.inner = inner
        self.upserted: list[str] = []
        self.deleted: list[str] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)

    def upsert(self, index: str, namespace: str, records: Sequence[VectorRecord]) -> None:
        self.upserted.extend(record.id for record in records)
        self.inner.upsert(index, namespace, records)

    def delete(self, index: str, namespace: str, ids: Sequence[str]) -> None:
        self.deleted.extend(ids)
        self.inner.delete(index, namespace, ids)


class ReadOnly:
    """A store whose named methods must not be called."""

    def __init__(self, inner: Any, *forbidden: str) -> None:
        self._inner, self._forbidden = inner, forbidden

    def __getattr__(self, name: str) -> Any:
        assert name not in self._forbidden, f"{type(self._inner).__name__}.{name} was called"
        return getattr(self._inner, name)

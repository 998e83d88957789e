"""Models that tests migrate to: as good as the hashed one and in another space of vectors, or of no use at all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from neural_memory_pipelines.domain.ids import hash_text
from neural_memory_pipelines.domain.versions import EmbeddingVersion
from neural_memory_pipelines.local.session import Session
from neural_memory_pipelines.models.embedders.hashed import HashedEmbedder
from neural_memory_pipelines.models.embedders.protocol import Embedder, InputRole, Vectors
from neural_memory_pipelines.steps.pricing import Price
from tests.steps.doubles import SpyEmbedder

TURNED = "test/turned"
NOISE = "test/noise"
PRICE = Price(dollars_per_million_tokens=0.5)


class TurnedEmbedder(HashedEmbedder):
    """The hashed embedder with its dimensions turned: every two vectors are as near as before, to no old one."""

    model = TURNED

    def embed(self, texts: Sequence[str], *, role: InputRole) -> Vectors:
        return np.roll(super().embed(texts, role=role), 1, axis=1)


class NoiseEmbedder(HashedEmbedder):
    """The same vector for the same text and role, and it says nothing of the text."""

    model = NOISE

    def embed(self, texts: Sequence[str], *, role: InputRole) -> Vectors:
        seeds = [int(hash_text(f"{role}{text}")[:8], 16) for text in texts]
        noise = np.stack([np.random.default_rng(seed).normal(size=self.dim) for seed in seeds])
        return np.asarray(noise / np.linalg.norm(noise, axis=1, keepdims=True), dtype=np.float32)


class TrialSession(Session):
    """A session that knows these models too. All are watched: `spies` tells what each embedded, by model."""

    spies: dict[str, SpyEmbedder]

    @classmethod
    def beside(cls, session: Session) -> TrialSession:
        """Open one on the stores of another session."""
        trial = cls(session.settings, session.endpoints)
        trial.spies = {each.model: SpyEmbedder(each) for each in (HashedEmbedder(), TurnedEmbedder(), NoiseEmbedder())}
        return trial

    def embedder(self, version: EmbeddingVersion) -> Embedder:
        """The watched embedder, if there is one of this model."""
        return self.spies.get(version.model) or super().embedder(version)

    def price(self, model: str) -> Price:
        """The price of the tests."""
        return PRICE


def turned(version: EmbeddingVersion, *, model: str = TURNED) -> EmbeddingVersion:
    """Make the version that follows a version of the hashed model with one of these."""
    chunking = replace(version.chunking, measured_by=version.tokenizer)
    return EmbeddingVersion(model=model, dim=version.dim, chunking=chunking, topology=version.topology)

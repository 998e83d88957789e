"""Embedding versions: what a vector was made with, and the name that stands for it.

A version never changes. A change of anything in its spec is another version with another name.
"""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum

from neural_memory_pipelines.domain.ids import Json, hash_json


class Family(StrEnum):
    """The kinds of things that are embedded and indexed."""

    CHUNKS = "chunks"
    OBSERVATIONS = "observations"
    SUMMARIES = "summaries"
    PROFILES = "profiles"


class Topology(StrEnum):
    """How the vectors of many workspaces are spread over indexes; see `domain/placement.py`."""

    SHARED = "shared"
    STORE = "store"


@dataclass(frozen=True, slots=True)
class ChunkSpec:
    """How long chunks are, in tokens of the tokenizer of the model `measured_by` (None: of the version's own).

    `max_tokens` is never above what the embedder reads; `overlap_tokens` repeat the end of the chunk before.
    """

    min_tokens: int
    max_tokens: int
    overlap_tokens: int
    measured_by: str | None = None

    def spelled(self) -> dict[str, Json]:
        """Spell the spec as JSON, without what is left to the version."""
        return {name: value for name, value in asdict(self).items() if value is not None}


def chunk_spec(max_tokens: int) -> ChunkSpec:
    """Choose chunk lengths for an embedder that reads `max_tokens`.

    At most 400 tokens, or what the embedder reads; the mean comes out at about 0.6 of that. The least is a bound that
    small sections may fall below, and is far below the most: the wider the range, the more often a boundary falls
    where the text has one, and the fewer chunks an edit changes.
    """
    longest = min(400, max_tokens)
    return ChunkSpec(min_tokens=longest * 3 // 10, max_tokens=longest, overlap_tokens=longest // 10)


@dataclass(frozen=True, slots=True)
class EmbeddingVersion:
    """All that decides a vector and its place: provider/model (with runtime), dimension, compression, chunks, topology.

    `name` is readable, and legal as a Dagster partition key and as a part of a Pinecone namespace.
    """

    model: str
    dim: int
    chunking: ChunkSpec
    compression: str = "float32"
    topology: Topology = Topology.SHARED
    name: str = field(init=False)

    def __post_init__(self) -> None:
        spec: list[Json] = [self.model, self.dim, self.chunking.spelled(), self.compression]
        if self.topology is not Topology.SHARED:
            spec.append(str(self.topology))
        object.__setattr__(self, "name", f"{self.slug}-{self.dim}-{hash_json(spec)[:8]}")

    @property
    def slug(self) -> str:
        """The model in a-z, 0-9 and hyphens."""
        return re.sub(r"[^a-z0-9]+", "-", self.model.lower()).strip("-")

    @property
    def provider(self) -> str:
        """The part of the model id before the slash."""
        return self.model.partition("/")[0]

    @property
    def tokenizer(self) -> str:
        """The model whose tokens chunks are measured in."""
        return self.chunking.measured_by or self.model


def successor(active: EmbeddingVersion, *, model: str, dim: int, topology: Topology | None = None) -> EmbeddingVersion:
    """Make the version that follows a workspace's active one.

    Chunks stay as they are, and go on being measured by the tokenizer that cut them: the old and the new version serve
    the same rows, and no text changes its id because of a model.

    Args:
        active: the version at which the workspace is served.
        model: model id, `provider/name`.
        dim: dimension of the new vectors.
        topology: how the new vectors are spread over indexes; as before if it is None.
    """
    measured_by = None if active.tokenizer == model else active.tokenizer
    return EmbeddingVersion(
        model=model,
        dim=dim,
        chunking=replace(active.chunking, measured_by=measured_by),
        compression=active.compression,
        topology=topology or active.topology,
    )

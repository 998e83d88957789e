"""Embedding versions: what a vector was made with, and the name that stands for it.

A version never changes. A change of anything in its spec is another version with another name.
"""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from enum import StrEnum

from neural_memory_pipelines.domain.ids import WorkspaceId, hash_json, hash_text

_INDEX_NAME_LIMIT = 45


class View(StrEnum):
    """The texts of an observation that get a vector each."""

    BODY = "body"
    TITLE = "title"
    SUMMARY = "summary"


class Family(StrEnum):
    """The kinds of things that are embedded and indexed."""

    CHUNKS = "chunks"
    OBSERVATIONS = "observations"


@dataclass(frozen=True, slots=True)
class ChunkSpec:
    """How long chunks are, in tokens of the version's tokenizer.

    `max_tokens` is never above what the embedder reads; `overlap_tokens` repeat the end of the chunk before.
    """

    min_tokens: int
    max_tokens: int
    overlap_tokens: int


def chunk_spec(max_tokens: int) -> ChunkSpec:
    """Choose chunk lengths for an embedder that reads `max_tokens`: 200-400 tokens, or what it can read."""
    longest = min(400, max_tokens)
    return ChunkSpec(min_tokens=longest // 2, max_tokens=longest, overlap_tokens=longest // 10)


@dataclass(frozen=True, slots=True)
class EmbeddingVersion:
    """All that decides a vector: provider/model (with runtime), dimension, compression and chunking."""

    model: str
    dim: int
    chunking: ChunkSpec
    compression: str = "float32"

    @property
    def provider(self) -> str:
        """The part of the model id before the slash."""
        return self.model.partition("/")[0]

    @property
    def name(self) -> str:
        """Name the version: readable, legal as a Dagster partition key and as a Pinecone namespace part."""
        slug = re.sub(r"[^a-z0-9]+", "-", self.model.lower()).strip("-")
        return f"{slug}-{self.dim}-{hash_json(asdict(self))[:8]}"

    @property
    def index_name(self) -> str:
        """Name the index that holds vectors of this model and dimension: 1-45 of a-z, 0-9 and hyphen."""
        slug = re.sub(r"[^a-z0-9]+", "-", self.model.lower()).strip("-")
        name = f"neural-memory-{slug}-{self.dim}"
        return name if len(name) <= _INDEX_NAME_LIMIT else f"{name[:36].rstrip('-')}-{hash_text(name)[:8]}"

    def namespace(self, workspace_id: WorkspaceId, family: Family) -> str:
        """Name the namespace of one workspace and family at this version."""
        return f"{workspace_id}/{family}/{self.name}"

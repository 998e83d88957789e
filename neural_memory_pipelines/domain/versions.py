"""Embedding versions: what a vector was made with, and the name that stands for it.

A version never changes. A change of anything in its spec is another version with another name.
"""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass, field
from enum import StrEnum

from neural_memory_pipelines.domain.ids import WorkspaceId, hash_json, hash_text

_INDEX_NAME_LIMIT = 45


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
    """Choose chunk lengths for an embedder that reads `max_tokens`.

    At most 400 tokens, or what the embedder reads; the mean comes out at about 0.6 of that. The least is a bound that
    small sections may fall below, and is far below the most: the wider the range, the more often a boundary falls
    where the text has one, and the fewer chunks an edit changes.
    """
    longest = min(400, max_tokens)
    return ChunkSpec(min_tokens=longest * 3 // 10, max_tokens=longest, overlap_tokens=longest // 10)


@dataclass(frozen=True, slots=True)
class EmbeddingVersion:
    """All that decides a vector: provider/model (with runtime), dimension, compression and chunking.

    `name` is readable and legal as a Dagster partition key and as a part of a Pinecone namespace. `index_name` names
    the index that holds vectors of this model and dimension: 1-45 of a-z, 0-9 and hyphen.
    """

    model: str
    dim: int
    chunking: ChunkSpec
    compression: str = "float32"
    name: str = field(init=False)
    index_name: str = field(init=False)

    def __post_init__(self) -> None:
        slug = re.sub(r"[^a-z0-9]+", "-", self.model.lower()).strip("-")
        spec = hash_json([self.model, self.dim, asdict(self.chunking), self.compression])
        index = f"neural-memory-{slug}-{self.dim}"
        if len(index) > _INDEX_NAME_LIMIT:
            index = f"{index[:36].rstrip('-')}-{hash_text(index)[:8]}"
        object.__setattr__(self, "name", f"{slug}-{self.dim}-{spec[:8]}")
        object.__setattr__(self, "index_name", index)

    @property
    def provider(self) -> str:
        """The part of the model id before the slash."""
        return self.model.partition("/")[0]

    def namespace(self, workspace_id: WorkspaceId, family: Family) -> str:
        """Name the namespace of one workspace and family at this version."""
        return f"{workspace_id}/{family}/{self.name}"

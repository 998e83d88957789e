"""What is known of each embedder without loading it. Importing this costs nothing: no SDK, no weights."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class EmbedderSpec:
    """The facts of a model that name an embedding version; see `Embedder` for the meaning of each."""

    model: str
    dim: int
    max_tokens: int


HASHED = EmbedderSpec(model="hash/char-ngram-1536", dim=1536, max_tokens=8192)
MINILM = EmbedderSpec(
    model="local/minilm-l6-v2",
    dim=384,
    max_tokens=254,  # it was trained on 256, of which [CLS] and [SEP] take two
)

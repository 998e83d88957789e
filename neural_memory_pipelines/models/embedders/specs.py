"""What is known of each embedder without loading it. Importing this costs nothing: no SDK, no weights."""

from __future__ import annotations

from dataclasses import dataclass

COHERE_BYTES_PER_TOKEN = 4
_COHERE_RESERVED_TOKENS = 16  # what the service adds to a text: its start and end, and the mark of its role


@dataclass(frozen=True, slots=True)
class EmbedderSpec:
    """The facts of a model that name an embedding version; see `Embedder` for the meaning of each.

    Args:
        model: model id, `provider/name`.
        dims: legal lengths of a vector; the first is the default.
        max_tokens: most tokens of one text, as the embedder counts them.
        dollars_per_million_tokens: list price; 0 for a model on this machine.
    """

    model: str
    dims: tuple[int, ...]
    max_tokens: int
    dollars_per_million_tokens: float = 0.0

    @property
    def dim(self) -> int:
        """The length of a vector where none is asked for."""
        return self.dims[0]

    @property
    def provider(self) -> str:
        """The part of the model id before the slash: hash, local, cohere."""
        return self.model.partition("/")[0]

    @property
    def name(self) -> str:
        """The part of the model id after the slash: what the provider calls it."""
        return self.model.partition("/")[2]


HASHED = EmbedderSpec(model="hash/char-ngram-1536", dims=(1536,), max_tokens=8192)
MINILM = EmbedderSpec(
    model="local/minilm-l6-v2",
    dims=(384,),
    max_tokens=254,  # it was trained on 256, of which [CLS] and [SEP] take two
)


def _cohere(name: str, *, dims: tuple[int, ...], context_tokens: int, dollars: float) -> EmbedderSpec:
    # A text may have one token per byte at worst, and the embedder counts one per four bytes: a text that fits by its
    # count fits whatever it is made of.
    max_tokens = (context_tokens - _COHERE_RESERVED_TOKENS) // COHERE_BYTES_PER_TOKEN
    return EmbedderSpec(f"cohere/{name}", dims, max_tokens, dollars)


# Looked up on 2026-11-22. Dimensions and context ("128k", read as 128,000, and 512): docs.cohere.com/docs/cohere-embed,
# and docs.cohere.com/changelog/embed-v5 for the newest, whose two models share one space of vectors. Dollars:
# cohere.com/pricing; it no longer names a price for v3, whose last list price was 0.10.
_V5_DIMS = (2048, 1536, 1024, 768, 512, 256)
COHERE = (
    _cohere("embed-v5.0-pro", dims=_V5_DIMS, context_tokens=128_000, dollars=0.12),
    _cohere("embed-v5.0-fast", dims=_V5_DIMS, context_tokens=128_000, dollars=0.08),
    _cohere("embed-v4.0", dims=(1536, 1024, 512, 256), context_tokens=128_000, dollars=0.12),
    _cohere("embed-english-v3.0", dims=(1024,), context_tokens=512, dollars=0.10),
    _cohere("embed-english-light-v3.0", dims=(384,), context_tokens=512, dollars=0.10),
    _cohere("embed-multilingual-v3.0", dims=(1024,), context_tokens=512, dollars=0.10),
    _cohere("embed-multilingual-light-v3.0", dims=(384,), context_tokens=512, dollars=0.10),
)

"""Cohere's embedding models: lengths guarded here, calls of the size that the API takes, tokens billed added up.

The connection, its retries and its errors are those of `cohere_client.py`.
"""

from __future__ import annotations

import threading
import unicodedata
from collections.abc import Callable, Iterator, Sequence

import numpy as np
from cohere import EmbedByTypeResponse
from cohere.v2.client import OMIT

from neural_memory_pipelines.errors import ContractError, PermanentError
from neural_memory_pipelines.models.cohere_client import CohereClient
from neural_memory_pipelines.models.embedders.limits import refuse_too_long
from neural_memory_pipelines.models.embedders.protocol import InputRole, Vectors
from neural_memory_pipelines.models.embedders.specs import COHERE_BYTES_PER_TOKEN, EmbedderSpec

# Source: https://docs.cohere.com/reference/embed, read 2026-11-22.
_MOST_TEXTS_PER_CALL = 96
# Of the texts of a call together. Cohere's page names no bound; Oracle's, for the same model on its own servers, does.
_MOST_TOKENS_PER_CALL = 128_000
_BLANK_TEXT = "."  # the API refuses an empty text: all blank ones share the vector of this


class CohereEmbedder:
    """A model of Cohere's, by its API; see docs.cohere.com/docs/cohere-embed.

    No tokenizer of Cohere's comes with the package, and one that is downloaded is not offline. `count_tokens` counts
    four bytes to a token, near the mean of English. `max_tokens` is a quarter of the model's context, so that a text of
    `max_tokens` has no more bytes than the context has tokens. Whatever the tokenizer, a token has at least one byte of
    the text or of its compatibility form (which some tokenizers take, and which may be the longer): no text that passes
    is ever refused or cut by the service.

    Args:
        spec: the model.
        client: the connection.
        dim: length of a vector; the spec's default if None.
        throttle: called before each request with its number of texts; blocks until the rate limit has room.

    Raises:
        PermanentError: the model has no vectors of that length.
    """

    batch_size = _MOST_TEXTS_PER_CALL
    workers = 4

    def __init__(
        self,
        spec: EmbedderSpec,
        client: CohereClient,
        *,
        dim: int | None = None,
        throttle: Callable[[int], None] | None = None,
    ) -> None:
        self.model = spec.model
        self.dim = spec.dim if dim is None else dim
        self.max_tokens = spec.max_tokens
        if self.dim not in spec.dims:
            raise PermanentError(f"{spec.model} has no vectors of {self.dim} dimensions; legal are {spec.dims}")
        self._name = spec.name
        self._asks_for_dim = len(spec.dims) > 1  # a model of one length refuses the very parameter
        self._client = client
        self._throttle = throttle
        self._billed_tokens = 0
        self._billing = threading.Lock()

    @property
    def billed_tokens(self) -> int:
        """Tokens billed through this embedder so far; where an answer does not tell, as `count_tokens` counts them."""
        return self._billed_tokens

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Count one token per four bytes begun, of the text or of its compatibility form, whichever has more."""
        return [-(-_most_bytes(text) // COHERE_BYTES_PER_TOKEN) for text in texts]

    def embed(self, texts: Sequence[str], *, role: InputRole) -> Vectors:
        """Embed texts, in their order; see `Embedder.embed`. Any number of them: calls follow one another.

        Raises:
            TextTooLongError: a text has more than `max_tokens` tokens; nothing was sent.
            ConfigurationError: COHERE_API_KEY is refused, or has no calls left.
            PermanentError: the API refuses the request.
            TransientError: the service did not answer.
            ContractError: the vectors are not those of these texts, or are not finite.
        """
        tokens = self.count_tokens(texts)
        refuse_too_long(tokens, model=self.model, max_tokens=self.max_tokens)
        vectors: Vectors = np.empty((len(texts), self.dim), dtype=np.float32)
        for call in _calls(tokens):
            answer = self._ask([_readable(text) for text in texts[call]], role)
            self._bill(answer, counted_tokens=sum(tokens[call]))
            vectors[call] = self._unit_vectors(answer, expected=call.stop - call.start)
        return vectors

    def _ask(self, texts: list[str], role: InputRole) -> EmbedByTypeResponse:
        throttle = self._throttle
        return self._client.call(
            lambda sdk: sdk.embed(
                model=self._name,
                texts=texts,
                input_type=role.value,
                output_dimension=self.dim if self._asks_for_dim else OMIT,
                embedding_types=["float"],
                truncate="NONE",
            ),
            purpose=f"embed {len(texts)} texts with {self._name}",
            admit=None if throttle is None else lambda: throttle(len(texts)),
        )

    def _bill(self, answer: EmbedByTypeResponse, *, counted_tokens: int) -> None:
        units = answer.meta.billed_units if answer.meta else None
        tokens = units.input_tokens if units else None
        with self._billing:
            self._billed_tokens += counted_tokens if tokens is None else int(tokens)

    def _unit_vectors(self, answer: EmbedByTypeResponse, *, expected: int) -> Vectors:
        """Take the vectors out of an answer, checked, and scale them to length 1: prefixes of longer ones are not."""
        rows = answer.embeddings.float_ if answer.embeddings else None
        try:
            with np.errstate(over="ignore"):  # what is too great becomes infinite, and is refused below
                vectors: Vectors = np.array(rows, dtype=np.float32)
        except (TypeError, ValueError) as error:
            raise ContractError(f"{self.model} returned what is no table of numbers") from error
        if vectors.shape != (expected, self.dim):
            raise ContractError(
                f"{self.model} returned vectors of shape {vectors.shape}; expected {(expected, self.dim)}"
            )
        norms = np.linalg.norm(vectors.astype(np.float64), axis=1, keepdims=True)
        bad = np.flatnonzero(~(np.isfinite(norms) & (norms > 0)))
        if bad.size:
            raise ContractError(f"{self.model} returned {bad.size} of {expected} vectors that are zero or not finite")
        vectors /= norms
        return vectors


def _calls(tokens: Sequence[int]) -> Iterator[slice]:
    """Cut positions into runs that one call takes, by the number of texts and by their tokens together."""
    start, total_tokens = 0, 0
    for index, count in enumerate(tokens):
        if index - start == _MOST_TEXTS_PER_CALL or (index > start and total_tokens + count > _MOST_TOKENS_PER_CALL):
            yield slice(start, index)
            start, total_tokens = index, 0
        total_tokens += count
    if start < len(tokens):
        yield slice(start, len(tokens))


def _most_bytes(text: str) -> int:
    if text.isascii():
        return len(text)
    return max(len(form.encode("utf-8", "replace")) for form in (text, unicodedata.normalize("NFKC", text)))


def _readable(text: str) -> str:
    # A lone surrogate half, which JSON can carry in but UTF-8 cannot carry out, becomes a question mark.
    readable = text if text.isascii() else text.encode("utf-8", "replace").decode()
    return readable if readable.strip() else _BLANK_TEXT

"""Cohere's reranking models: calls of the size that the API takes, answers brought back into the order of the texts.

The connection, its retries and its errors are those of `cohere_client.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from cohere import V2RerankResponse

from neural_memory_pipelines.errors import ContractError
from neural_memory_pipelines.models.cohere_client import CohereClient

# Source: docs.cohere.com/reference/rerank and /docs/reranking-best-practices, read 2026-11-23.
_MOST_TEXTS_PER_CALL = 1_000
_MOST_TOKENS_PER_TEXT = 4_096
# The least that a model reads of a question is 2,048 tokens, and a token may be one character.
_MOST_QUESTION_CHARACTERS = 2_000
_BLANK = "."  # the API refuses an empty text


class CohereReranker:
    """A reranking model of Cohere's, by its API; see docs.cohere.com/docs/rerank.

    It scores each text for itself: texts of several calls can be compared. A question without words is asked as a dot,
    and one of over 2,000 characters by its beginning.

    Args:
        name: the model's name at Cohere.
        client: the connection.
        throttle: called before each request with 1; blocks until the rate limit has room.
    """

    def __init__(self, name: str, client: CohereClient, *, throttle: Callable[[int], None] | None = None) -> None:
        self.model = f"cohere/{name}"
        self._name = name
        self._client = client
        self._throttle = throttle

    def rerank(self, question: str, texts: Sequence[str]) -> list[float]:
        """Score texts by how well they answer a question; see `Reranker.rerank`."""
        query = _readable(question[:_MOST_QUESTION_CHARACTERS])
        relevances: list[float] = []
        for start in range(0, len(texts), _MOST_TEXTS_PER_CALL):
            asked = [_readable(text) for text in texts[start : start + _MOST_TEXTS_PER_CALL]]
            relevances += _in_order(self._ask(query, asked), expected=len(asked))
        return relevances

    def _ask(self, query: str, texts: list[str]) -> V2RerankResponse:
        throttle = self._throttle
        return self._client.call(
            lambda sdk: sdk.rerank(
                model=self._name, query=query, documents=texts, max_tokens_per_doc=_MOST_TOKENS_PER_TEXT
            ),
            purpose=f"rerank {len(texts)} texts with {self._name}",
            admit=None if throttle is None else lambda: throttle(1),
        )


def _in_order(answer: V2RerankResponse, *, expected: int) -> list[float]:
    """Bring relevances, which come best first, back into the order of the texts."""
    # The SDK builds its objects from the answer unchecked: what must be there may not be.
    results = getattr(answer, "results", None) or []
    relevances = {
        item.index: item.relevance_score
        for item in results
        if isinstance(getattr(item, "index", None), int)
        and isinstance(getattr(item, "relevance_score", None), int | float)
        and 0 <= item.relevance_score <= 1
    }
    if len(results) != expected or set(relevances) != set(range(expected)):
        raise ContractError(
            f"Cohere did not give each of {expected} texts one relevance from 0 to 1 ({len(results)} results, "
            f"{len(relevances)} of them usable); check CO_API_URL"
        )
    return [float(relevances[index]) for index in range(expected)]


def _readable(text: str) -> str:
    # A lone surrogate half, which JSON can carry in but UTF-8 cannot carry out, becomes a question mark.
    readable = text if text.isascii() else text.encode("utf-8", "replace").decode()
    return readable if readable.strip() else _BLANK

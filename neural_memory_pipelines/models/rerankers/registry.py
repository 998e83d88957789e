"""From a model id to its reranker. SDKs are imported when a model is first asked for, not before."""

from __future__ import annotations

import threading

from neural_memory_pipelines.errors import ConfigurationError
from neural_memory_pipelines.models.embedders.access import ModelAccess
from neural_memory_pipelines.models.rerankers.protocol import Reranker

__all__ = ["NO_RERANKER", "RERANK_MODELS", "load_reranker"]

NO_RERANKER = "none"

# Source: docs.cohere.com/docs/rerank and /changelog/rerank-v5, read 2026-11-23. The newest first.
RERANK_MODELS = (
    "cohere/rerank-v5.0-pro",
    "cohere/rerank-v5.0-fast",
    "cohere/rerank-v4.0-pro",
    "cohere/rerank-v4.0-fast",
    "cohere/rerank-v3.5",
    "cohere/rerank-english-v3.0",
    "cohere/rerank-multilingual-v3.0",
)

# Somebody waits for the answer to a question, as nobody does for an embedding.
_MOST_SILENCE_SECONDS = 10.0

_loaded: dict[tuple[str, ModelAccess], Reranker] = {}
_loading = threading.Lock()


def load_reranker(model: str | None, *, access: ModelAccess) -> Reranker | None:
    """Make the reranker of a model, once per process and access.

    Args:
        model: `provider/name`; None or "none" for no reranking.
        access: what models of vendors need; its `throttle` is called with 1 for each request.

    Returns:
        The reranker, or None if none is wanted.

    Raises:
        ConfigurationError: no such model, or a key that is missing; names the setting.
    """
    if model is None or model == NO_RERANKER:
        return None
    if model not in RERANK_MODELS:
        known = ", ".join([NO_RERANKER, *RERANK_MODELS])
        raise ConfigurationError(
            f"NEURAL_MEMORY_RERANK_MODEL: there is no model {model!r} for reranking; known are {known}"
        )
    if not access.cohere_api_key:
        raise ConfigurationError(
            f"COHERE_API_KEY is not set, and NEURAL_MEMORY_RERANK_MODEL={model} needs it; "
            f"set it, or set NEURAL_MEMORY_RERANK_MODEL={NO_RERANKER}"
        )
    with _loading:
        if (model, access) not in _loaded:
            _loaded[model, access] = _load(model, access.cohere_api_key, access)
        return _loaded[model, access]


def _load(model: str, api_key: str, access: ModelAccess) -> Reranker:
    from neural_memory_pipelines.models.cohere_client import CohereClient  # noqa: PLC0415  # heavy
    from neural_memory_pipelines.models.rerankers.cohere import CohereReranker  # noqa: PLC0415  # heavy

    client = CohereClient(
        api_key, base_url=access.cohere_base_url, timeout_seconds=_MOST_SILENCE_SECONDS, retries=access.retries
    )
    return CohereReranker(model.partition("/")[2], client, throttle=access.throttle)

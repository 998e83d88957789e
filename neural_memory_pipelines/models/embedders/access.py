"""What remote models need to be reached: keys, addresses, limits. Importing this costs nothing, and opens nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from neural_memory_pipelines.models.retries import DEFAULT_RETRIES, RetryPolicy


@dataclass(frozen=True, slots=True)
class ModelAccess:
    """How the models of vendors are reached. Equal ones share an embedder and its connections.

    Args:
        cohere_api_key: COHERE_API_KEY; never printed.
        cohere_base_url: CO_API_URL, for another address than Cohere's own.
        throttle: called before each request with its number of inputs; blocks until the rate limit has room.
        retries: how often a request that may succeed later is tried.
    """

    cohere_api_key: str | None = field(default=None, repr=False)
    cohere_base_url: str | None = None
    throttle: Callable[[int], None] | None = None
    retries: RetryPolicy = DEFAULT_RETRIES

"""Fixtures around the Cohere server, for any folder: import `cohere_server` and `cohere` into its conftest."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from neural_memory_pipelines.models.embedders.registry import ModelAccess
from neural_memory_pipelines.models.retries import RetryPolicy

from .cohere_server import CohereServer

QUICK_RETRIES = RetryPolicy(attempts=3, first_wait_seconds=0.01, longest_wait_seconds=0.2)


@pytest.fixture(scope="session")
def cohere_server() -> Iterator[CohereServer]:
    """The server of all tests; use `cohere`, which is reset for each."""
    with CohereServer() as server:
        yield server


@pytest.fixture
def cohere(cohere_server: CohereServer) -> Iterator[CohereServer]:
    """The server without requests, faults or bill."""
    cohere_server.reset()
    yield cohere_server
    cohere_server.reset()


@pytest.fixture
def cohere_access(cohere: CohereServer) -> ModelAccess:
    """What `load_embedder` needs to reach the server."""
    return ModelAccess(cohere_api_key=cohere.api_key, cohere_base_url=cohere.url, retries=QUICK_RETRIES)

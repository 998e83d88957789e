"""The embedders, loaded once for all tests of this directory, and the server of the one that is remote."""

from __future__ import annotations

import pytest

from neural_memory_pipelines.models.embedders.protocol import Embedder
from neural_memory_pipelines.models.embedders.registry import ModelAccess, load_embedder
from neural_memory_pipelines.models.embedders.specs import HASHED, MINILM

from .cohere_server import CohereServer


@pytest.fixture(scope="session")
def minilm() -> Embedder:
    return load_embedder(MINILM.model)


@pytest.fixture(scope="session", params=[HASHED.model, MINILM.model, "cohere/embed-v4.0", "cohere/embed-v5.0-fast"])
def embedder(request: pytest.FixtureRequest) -> Embedder:
    if not request.param.startswith("cohere/"):
        return load_embedder(request.param)
    server: CohereServer = request.getfixturevalue("cohere_server")
    return load_embedder(request.param, access=ModelAccess(cohere_api_key=server.api_key, cohere_base_url=server.url))

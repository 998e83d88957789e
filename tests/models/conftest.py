"""Both embedders, loaded once for all tests of this directory."""

from __future__ import annotations

import pytest

from neural_memory_pipelines.models.embedders.protocol import Embedder
from neural_memory_pipelines.models.embedders.registry import load_embedder
from neural_memory_pipelines.models.embedders.specs import HASHED, MINILM


@pytest.fixture(scope="session")
def minilm() -> Embedder:
    return load_embedder(MINILM.model)


@pytest.fixture(scope="session", params=[HASHED.model, MINILM.model])
def embedder(request: pytest.FixtureRequest) -> Embedder:
    return load_embedder(request.param)

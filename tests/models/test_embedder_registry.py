"""The registry: known ids, one load per process, and a cheap import."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from neural_memory_pipelines.errors import ConfigurationError
from neural_memory_pipelines.models.embedders import registry
from neural_memory_pipelines.models.embedders.hashed import HashedEmbedder
from neural_memory_pipelines.models.embedders.protocol import Embedder
from neural_memory_pipelines.models.embedders.registry import EmbedderSpec, ModelAccess, embedder_spec, load_embedder
from neural_memory_pipelines.models.embedders.specs import HASHED
from neural_memory_pipelines.settings import Settings

from .cohere_server import CohereServer


@pytest.mark.parametrize("ask", [load_embedder, embedder_spec])
def test_unknown_model_names_variable_and_choices(ask: Callable[[str], object]) -> None:
    with pytest.raises(ConfigurationError) as raised:
        ask("nowhere/nothing")
    for part in ("NEURAL_MEMORY_EMBEDDING_MODEL", "'nowhere/nothing'", "hash/char-ngram-1536", "local/minilm-l6-v2"):
        assert part in str(raised.value)


def test_default_model_is_known() -> None:
    model = Settings.model_fields["embedding_model"].default
    assert embedder_spec(model) == EmbedderSpec(model="local/minilm-l6-v2", dims=(384,), max_tokens=254)


def _pretend(monkeypatch: pytest.MonkeyPatch, load: Callable[[object], Embedder]) -> None:
    monkeypatch.setitem(registry._LOADERS, "hash", load)
    monkeypatch.setattr(registry, "_loaded", {})


def test_loads_once_for_all_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    loads: list[Embedder] = []

    def load(_: object) -> Embedder:
        loads.append(HashedEmbedder())
        return loads[-1]

    _pretend(monkeypatch, load)
    with ThreadPoolExecutor(8) as pool:
        embedders = list(pool.map(lambda _: load_embedder(HASHED.model), range(64)))
    assert len(loads) == 1
    assert all(embedder is loads[0] for embedder in embedders)


def test_missing_package_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    def load(_: object) -> Embedder:
        raise ModuleNotFoundError("No module named 'openvino'", name="openvino.opset13")

    _pretend(monkeypatch, load)
    with pytest.raises(ConfigurationError, match=r"needs the package openvino: .*\[embedded\]"):
        load_embedder(HASHED.model)


def test_our_own_import_errors_are_not_disguised(monkeypatch: pytest.MonkeyPatch) -> None:
    def load(_: object) -> Embedder:
        raise ModuleNotFoundError("No module named 'nmp_typo'", name="nmp_typo")

    _pretend(monkeypatch, load)
    with pytest.raises(ModuleNotFoundError, match="nmp_typo"):
        load_embedder(HASHED.model)


def test_models_of_this_machine_are_loaded_once_whatever_the_access() -> None:
    access = ModelAccess(cohere_api_key="a-key", throttle=lambda _: None)
    assert load_embedder(HASHED.model, dim=1536, access=access) is load_embedder(HASHED.model)


@pytest.mark.parametrize(
    ("model", "dim", "legal"),
    [
        ("local/minilm-l6-v2", 1536, "384"),
        ("hash/char-ngram-1536", 384, "1536"),
        ("cohere/embed-v4.0", 768, "256, 512, 1024, 1536"),
        ("cohere/embed-english-v3.0", 1536, "1024"),
        ("cohere/embed-v5.0-pro", 0, "256, 512, 768, 1024, 1536, 2048"),
    ],
)
def test_a_dimension_that_the_model_has_not_is_refused(model: str, dim: int, legal: str) -> None:
    with pytest.raises(ConfigurationError, match=rf"{model} gives no vectors of {dim} dimensions; legal are {legal}$"):
        load_embedder(model, dim=dim, access=ModelAccess(cohere_api_key="a-key"))


@pytest.mark.parametrize("key", [None, ""])
def test_a_remote_model_without_a_key_names_the_variable(key: str | None) -> None:
    with pytest.raises(ConfigurationError, match="COHERE_API_KEY is not set"):
        load_embedder("cohere/embed-v4.0", access=ModelAccess(cohere_api_key=key))


def test_remote_embedders_are_shared_by_model_dimension_and_access(cohere: CohereServer) -> None:
    def load(dim: int | None = None, throttle: Callable[[int], None] | None = None) -> Embedder:
        access = ModelAccess(cohere_api_key=cohere.api_key, cohere_base_url=cohere.url, throttle=throttle)
        return load_embedder("cohere/embed-v4.0", dim=dim, access=access)

    assert load() is load(1536)
    assert load() is not load(256)
    assert load() is not load(throttle=lambda _: None)
    assert (load().dim, load(256).dim) == (1536, 256)


def test_access_never_shows_the_key() -> None:
    assert "s3cret" not in repr(ModelAccess(cohere_api_key="s3cret"))


def test_import_and_spec_load_no_sdk() -> None:
    program = """
import sys
from neural_memory_pipelines.models.embedders.registry import embedder_spec
assert embedder_spec("cohere/embed-v4.0").dims == (1536, 1024, 512, 256)
heavy = {"openvino", "tokenizers", "safetensors", "cohere", "httpx"} & set(sys.modules)
assert not heavy, heavy
"""
    root = str(Path(__file__).parents[2])
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=root, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr

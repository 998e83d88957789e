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
from neural_memory_pipelines.models.embedders.registry import EmbedderSpec, embedder_spec, load_embedder
from neural_memory_pipelines.models.embedders.specs import HASHED
from neural_memory_pipelines.settings import Settings


@pytest.mark.parametrize("ask", [load_embedder, embedder_spec])
def test_unknown_model_names_variable_and_choices(ask: Callable[[str], object]) -> None:
    with pytest.raises(ConfigurationError) as raised:
        ask("nowhere/nothing")
    for part in ("NEURAL_MEMORY_EMBEDDING_MODEL", "'nowhere/nothing'", "hash/char-ngram-1536", "local/minilm-l6-v2"):
        assert part in str(raised.value)


def test_default_model_is_known() -> None:
    model = Settings.model_fields["embedding_model"].default
    assert embedder_spec(model) == EmbedderSpec(model="local/minilm-l6-v2", dim=384, max_tokens=254)


def _pretend(monkeypatch: pytest.MonkeyPatch, load: Callable[[], Embedder]) -> None:
    monkeypatch.setattr(registry, "_MODELS", {HASHED.model: (HASHED, load)})
    monkeypatch.setattr(registry, "_loaded", {})


def test_loads_once_for_all_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    loads: list[Embedder] = []

    def load() -> Embedder:
        loads.append(HashedEmbedder())
        return loads[-1]

    _pretend(monkeypatch, load)
    with ThreadPoolExecutor(8) as pool:
        embedders = list(pool.map(lambda _: load_embedder(HASHED.model), range(64)))
    assert len(loads) == 1
    assert all(embedder is loads[0] for embedder in embedders)


def test_missing_package_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    def load() -> Embedder:
        raise ModuleNotFoundError("No module named 'openvino'", name="openvino.opset13")

    _pretend(monkeypatch, load)
    with pytest.raises(ConfigurationError, match=r"needs the package openvino: .*\[embedded\]"):
        load_embedder(HASHED.model)


def test_our_own_import_errors_are_not_disguised(monkeypatch: pytest.MonkeyPatch) -> None:
    def load() -> Embedder:
        raise ModuleNotFoundError("No module named 'nmp_typo'", name="nmp_typo")

    _pretend(monkeypatch, load)
    with pytest.raises(ModuleNotFoundError, match="nmp_typo"):
        load_embedder(HASHED.model)


def test_import_and_spec_load_no_sdk() -> None:
    program = """
import sys
from neural_memory_pipelines.models.embedders.registry import embedder_spec
embedder_spec("local/minilm-l6-v2")
heavy = {"openvino", "tokenizers", "safetensors"} & set(sys.modules)
assert not heavy, heavy
"""
    root = str(Path(__file__).parents[2])
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=root, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr

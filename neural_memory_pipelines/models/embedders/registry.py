"""From a model id to its embedder. SDKs and weights are imported when a model is first asked for, not before."""

from __future__ import annotations

import threading
from collections.abc import Callable

from neural_memory_pipelines.errors import ConfigurationError
from neural_memory_pipelines.models.embedders.protocol import Embedder
from neural_memory_pipelines.models.embedders.specs import HASHED, MINILM, EmbedderSpec

__all__ = ["EmbedderSpec", "embedder_spec", "load_embedder"]

_OPTIONAL_PACKAGES = frozenset({"openvino", "safetensors", "tokenizers"})


def _load_hashed() -> Embedder:
    from neural_memory_pipelines.models.embedders.hashed import HashedEmbedder  # noqa: PLC0415

    return HashedEmbedder()


def _load_minilm() -> Embedder:
    from neural_memory_pipelines.models.embedders.minilm import MiniLmEmbedder  # noqa: PLC0415

    return MiniLmEmbedder()


_MODELS: dict[str, tuple[EmbedderSpec, Callable[[], Embedder]]] = {
    HASHED.model: (HASHED, _load_hashed),
    MINILM.model: (MINILM, _load_minilm),
}
_loaded: dict[str, Embedder] = {}
_loading = threading.Lock()


def embedder_spec(model: str) -> EmbedderSpec:
    """Tell dimension and token limit of a model without loading it.

    Args:
        model: model id, `provider/name`.

    Raises:
        ConfigurationError: no such model; names the known ones.
    """
    return _find(model)[0]


def load_embedder(model: str) -> Embedder:
    """Load a model, once per process: later calls, from any thread, get the same embedder.

    Args:
        model: model id, `provider/name`.

    Raises:
        ConfigurationError: no such model, or a package that it needs is not installed.
        ContractError: the loaded model gives wrong vectors.
    """
    _, load = _find(model)
    with _loading:
        if model not in _loaded:
            _loaded[model] = _load(model, load)
        return _loaded[model]


def _find(model: str) -> tuple[EmbedderSpec, Callable[[], Embedder]]:
    try:
        return _MODELS[model]
    except KeyError:
        known = ", ".join(sorted(_MODELS))
        raise ConfigurationError(
            f"NEURAL_MEMORY_EMBEDDING_MODEL: there is no embedding model {model!r}; known are {known}"
        ) from None


def _load(model: str, load: Callable[[], Embedder]) -> Embedder:
    try:
        return load()
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        if package not in _OPTIONAL_PACKAGES:
            raise
        raise ConfigurationError(
            f"NEURAL_MEMORY_EMBEDDING_MODEL={model} needs the package {package}: "
            "install the extra neural-memory-pipelines[embedded]"
        ) from error

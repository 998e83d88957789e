"""From a model id to its embedder. SDKs and weights are imported when a model is first asked for, not before."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass

from neural_memory_pipelines.errors import ConfigurationError
from neural_memory_pipelines.models.embedders.access import ModelAccess
from neural_memory_pipelines.models.embedders.protocol import Embedder
from neural_memory_pipelines.models.embedders.specs import COHERE, HASHED, MINILM, EmbedderSpec

__all__ = ["EmbedderSpec", "ModelAccess", "embedder_spec", "load_embedder"]

_OPTIONAL_PACKAGES = frozenset({"openvino", "safetensors", "tokenizers"})
_NO_ACCESS = ModelAccess()


@dataclass(frozen=True, slots=True)
class _Asked:
    """What an embedder is loaded for; equal ones share it."""

    spec: EmbedderSpec
    dim: int
    access: ModelAccess


def _load_hashed(_: _Asked) -> Embedder:
    from neural_memory_pipelines.models.embedders.hashed import HashedEmbedder  # noqa: PLC0415  # heavy

    return HashedEmbedder()


def _load_minilm(_: _Asked) -> Embedder:
    from neural_memory_pipelines.models.embedders.minilm import MiniLmEmbedder  # noqa: PLC0415  # heavy

    return MiniLmEmbedder()


def _load_cohere(asked: _Asked) -> Embedder:
    access = asked.access
    if not access.cohere_api_key:
        raise ConfigurationError(f"COHERE_API_KEY is not set, and the embedding model {asked.spec.model} needs it")

    from neural_memory_pipelines.models.cohere_client import open_cohere_client  # noqa: PLC0415  # heavy
    from neural_memory_pipelines.models.embedders.cohere import CohereEmbedder  # noqa: PLC0415  # heavy

    client = open_cohere_client(access.cohere_api_key, base_url=access.cohere_base_url, retries=access.retries)
    return CohereEmbedder(asked.spec, client, dim=asked.dim, throttle=access.throttle)


_SPECS = {spec.model: spec for spec in (HASHED, MINILM, *COHERE)}
_LOADERS: dict[str, Callable[[_Asked], Embedder]] = {
    "hash": _load_hashed,
    "local": _load_minilm,
    "cohere": _load_cohere,
}
_REMOTE_PROVIDERS = frozenset({"cohere"})
_loaded: dict[_Asked, Embedder] = {}
_loading = threading.Lock()


def embedder_spec(model: str) -> EmbedderSpec:
    """Tell dimensions, token limit and price of a model without loading it.

    Args:
        model: model id, `provider/name`.

    Raises:
        ConfigurationError: no such model; names the known ones.
    """
    try:
        return _SPECS[model]
    except KeyError:
        known = ", ".join(sorted(_SPECS))
        raise ConfigurationError(
            f"NEURAL_MEMORY_EMBEDDING_MODEL: there is no embedding model {model!r}; known are {known}"
        ) from None


def load_embedder(model: str, *, dim: int | None = None, access: ModelAccess = _NO_ACCESS) -> Embedder:
    """Load a model, once per process, dimension and access: later calls, from any thread, get the same embedder.

    Args:
        model: model id, `provider/name`.
        dim: length of a vector, one that the model has; None for its default.
        access: what models of vendors need; those on this machine need none.

    Raises:
        ConfigurationError: no such model, no vectors of that length, a key that is missing, or a package that the
            model needs is not installed.
        ContractError: the loaded model gives wrong vectors.
    """
    spec = embedder_spec(model)
    if dim is not None and dim not in spec.dims:
        legal = ", ".join(map(str, sorted(spec.dims)))
        raise ConfigurationError(f"{model} gives no vectors of {dim} dimensions; legal are {legal}")
    asked = _Asked(spec, dim or spec.dim, access if spec.provider in _REMOTE_PROVIDERS else _NO_ACCESS)
    with _loading:
        if asked not in _loaded:
            _loaded[asked] = _load(asked)
        return _loaded[asked]


def _load(asked: _Asked) -> Embedder:
    try:
        return _LOADERS[asked.spec.provider](asked)
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        if package not in _OPTIONAL_PACKAGES:
            raise
        raise ConfigurationError(
            f"NEURAL_MEMORY_EMBEDDING_MODEL={asked.spec.model} needs the package {package}: "
            "install the extra neural-memory-pipelines[embedded]"
        ) from error

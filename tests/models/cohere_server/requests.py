"""What a request to /v2/embed must be, by the vendor's pages; the answers to those that are not. Makes no vectors.

Sources, read 2026-11-22: docs.cohere.com/reference/embed (fields, 96 texts), docs.cohere.com/reference/errors (statuses
and wording), docs.cohere.com/docs/cohere-embed (models). A wrong output_dimension is a 422 with embed-v4.0, any at all
is a 400 with v3: so do public notes on the live API say, and no page of the vendor's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

_V5_DIMS = (256, 512, 768, 1024, 1536, 2048)


@dataclass(frozen=True)
class Model:
    """A model: its vectors are prefixes of those of its greatest dimension; models of one space have the same ones."""

    space: str
    dims: tuple[int, ...]
    default_dim: int
    context_tokens: int


MODELS = {
    "embed-v5.0-pro": Model("v5", _V5_DIMS, 2048, 128_000),
    "embed-v5.0-fast": Model("v5", _V5_DIMS, 2048, 128_000),
    "embed-v4.0": Model("v4", (256, 512, 1024, 1536), 1536, 128_000),
    "embed-english-v3.0": Model("english", (1024,), 1024, 512),
    "embed-english-light-v3.0": Model("english-light", (384,), 384, 512),
    "embed-multilingual-v3.0": Model("multilingual", (1024,), 1024, 512),
    "embed-multilingual-light-v3.0": Model("multilingual-light", (384,), 384, 512),
}
_INPUT_TYPES = {"search_document", "search_query", "classification", "clustering"}
_EMBEDDING_TYPES = {"float", "int8", "uint8", "binary", "ubinary", "base64"}
_CUTS = {"NONE", "START", "END"}
_MOST_TEXTS = 96


class RefusedError(Exception):
    """A request that the API refuses."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


@dataclass(frozen=True)
class EmbedRequest:
    """A request that the API takes, its texts cut if it said so."""

    model: Model
    texts: list[str]
    input_type: str
    dim: int


def check_key(authorization: str | None, api_key: str) -> None:
    """Refuse a request without our key."""
    if not authorization:
        raise RefusedError(401, "no api key supplied")
    if authorization != f"Bearer {api_key}":
        raise RefusedError(401, "invalid api token")


def read_embed_request(body: dict[str, Any]) -> EmbedRequest:
    """Read a body of /v2/embed, or refuse it."""
    name = body.get("model")
    _refuse_if(not name, "a model parameter is required for this endpoint.")
    if name not in MODELS:
        raise RefusedError(
            404, f"model '{name}' not found, make sure the correct model ID was used and that you have access to it."
        )
    model = MODELS[name]
    input_type = body.get("input_type")
    _refuse_if(
        input_type not in _INPUT_TYPES, "invalid request: valid input_type must be provided with the provided model"
    )
    _check_embedding_types(body.get("embedding_types"))
    dim = _dim(model, body)
    texts = _texts(body.get("texts"), model, truncate=body.get("truncate", "END"))
    return EmbedRequest(model, texts, str(input_type), dim)


def count_tokens(text: str) -> int:
    """Count what a text is billed: about a token for four bytes."""
    return -(-len(text.encode()) // 4)


def _refuse_if(is_wrong: bool, message: str) -> None:
    if is_wrong:
        raise RefusedError(400, message)


def _check_embedding_types(types: Any) -> None:
    _refuse_if(not isinstance(types, list) or not types, "embedding_types parameter is required")
    unknown = [kind for kind in types if kind not in _EMBEDDING_TYPES]
    _refuse_if(bool(unknown), f"invalid request: {unknown} are no valid embedding_types")
    if types != ["float"]:
        raise RefusedError(501, "this test server gives floats alone")


def _dim(model: Model, body: dict[str, Any]) -> int:
    if "output_dimension" not in body:
        return model.default_dim
    dim = body["output_dimension"]
    _refuse_if(len(model.dims) == 1, "invalid request: output_dimension is not supported by the provided model")
    if dim not in model.dims:
        legal = " ".join(map(str, model.dims))
        raise RefusedError(422, f"{dim} is not a valid output_dimension value for this model, [{legal}] is supported")
    return int(dim)


def _texts(texts: Any, model: Model, *, truncate: Any) -> list[str]:
    _refuse_if(truncate not in _CUTS, "invalid request: truncate must be one of NONE, START, END")
    is_list = isinstance(texts, list) and all(isinstance(text, str) for text in texts)
    _refuse_if(not is_list or not texts, "invalid request: texts must be a list of at least 1 string")
    _refuse_if(
        len(texts) > _MOST_TEXTS,
        f"invalid request: total number of texts must be at most {_MOST_TEXTS} - received {len(texts)}",
    )
    for index, text in enumerate(texts):
        _refuse_if(
            not text.strip(), f"invalid request: inputs contains an element that is the empty string at index {index}"
        )
    return _fitted(texts, model, truncate)


def _fitted(texts: Sequence[str], model: Model, truncate: str) -> list[str]:
    """Cut or refuse what is too long. Every byte is a token here: the worst that a real tokenizer could do."""
    most = model.context_tokens
    fitted: list[str] = []
    for index, text in enumerate(texts):
        data = text.encode()
        _refuse_if(
            truncate == "NONE" and len(data) > most,
            f"too many tokens: the text at index {index} cannot exceed {most} tokens - received {len(data)}.",
        )
        kept = data[-most:] if truncate == "START" else data[:most]
        fitted.append(kept.decode("utf-8", "ignore"))
    return fitted

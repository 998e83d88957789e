"""What a request to /v2/rerank must be, by the vendor's pages, and the answer: texts ranked by spelling.

Sources, read 2026-11-23: docs.cohere.com/reference/rerank (fields, answer), /docs/reranking-best-practices (10,000
texts), /docs/rerank and /changelog/rerank-v5 (models), /reference/errors (wording). That more than 1,000 texts are
refused is this server's own strictness: the vendor recommends against them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import uuid4

import numpy as np

from . import vectors
from .requests import RefusedError

MODELS = frozenset(
    [
        "rerank-v5.0-pro",
        "rerank-v5.0-fast",
        "rerank-v4.0-pro",
        "rerank-v4.0-fast",
        "rerank-v3.5",
        "rerank-english-v3.0",
        "rerank-multilingual-v3.0",
    ]
)
_FIELDS = frozenset({"model", "query", "documents", "top_n", "max_tokens_per_doc", "relevant_spans", "priority"})
_MOST_TEXTS = 1_000
_TEXTS_PER_SEARCH = 100
_TOKENS_PER_CHUNK = 500
_BYTES_PER_TOKEN = 4
_DIM = 512


def answer_rerank(body: Mapping[str, Any]) -> dict[str, Any]:
    """Check a body of /v2/rerank, and rank its texts, best first."""
    texts = _check(body)
    most_bytes = body.get("max_tokens_per_doc", 4_096) * _BYTES_PER_TOKEN
    read = [text.encode()[:most_bytes].decode("utf-8", "ignore") for text in texts]
    rows = np.array(vectors.embed([body["query"], *read], space="rerank", whole_dim=_DIM, dim=_DIM, role="search"))
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    relevances = np.clip(rows[1:] @ rows[0], 0, 1).round(7).tolist()
    ranked = sorted(range(len(texts)), key=lambda index: (-relevances[index], index))[: body.get("top_n")]
    chunks = sum(-(-len(text.encode()) // (_TOKENS_PER_CHUNK * _BYTES_PER_TOKEN)) for text in read)
    return {
        "id": str(uuid4()),
        "results": [{"index": index, "relevance_score": relevances[index]} for index in ranked],
        "meta": {
            "api_version": {"version": "2"},
            "billed_units": {"search_units": -(-chunks // _TEXTS_PER_SEARCH)},
        },
    }


def _check(body: Mapping[str, Any]) -> list[str]:
    name = body.get("model")
    _refuse_if(not name, "a model parameter is required for this endpoint.")
    if name not in MODELS:
        raise RefusedError(
            404, f"model '{name}' not found, make sure the correct model ID was used and that you have access to it."
        )
    unknown = body.keys() - _FIELDS
    if unknown:
        raise RefusedError(422, f"unknown field: parameter '{min(unknown)}' is not a valid field")
    query = body.get("query")
    _refuse_if(not isinstance(query, str) or not query.strip(), "invalid request: query must not be empty")
    texts = body.get("documents")
    is_list = isinstance(texts, list) and all(isinstance(text, str) for text in texts)
    _refuse_if(not is_list or not texts, "invalid request: list of documents must not be empty")
    assert isinstance(texts, list)  # as was checked
    _refuse_if(
        len(texts) > _MOST_TEXTS,
        f"invalid request: total number of documents must be at most {_MOST_TEXTS} - received {len(texts)}",
    )
    for index, text in enumerate(texts):
        _refuse_if(not text.strip(), f"invalid request: document at index {index} cannot be empty")
    for field in ("top_n", "max_tokens_per_doc"):
        _refuse_if(field in body and body[field] < 1, f"invalid request: {field} must be at least 1")
    return texts


def _refuse_if(is_wrong: bool, message: str) -> None:
    if is_wrong:
        raise RefusedError(400, message)

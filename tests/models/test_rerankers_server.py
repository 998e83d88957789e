"""The rerank half of the Cohere server, tested: by plain HTTP, as the vendor documents it."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from .cohere_server import CohereServer

GOOD: dict[str, Any] = {
    "model": "rerank-v5.0-pro",
    "query": "nightly backup",
    "documents": ["soup on Thursdays", "the nightly backup failed", "backup"],
}


def post(server: CohereServer, **changes: Any) -> httpx.Response:
    headers = {"Authorization": f"Bearer {server.api_key}"}
    body = {name: value for name, value in {**GOOD, **changes}.items() if value is not None}
    return httpx.post(f"{server.url}/v2/rerank", json=body, headers=headers, timeout=10)


def test_texts_come_best_first_with_their_places(cohere: CohereServer) -> None:
    answer = post(cohere).json()
    results = answer["results"]
    assert {item["index"] for item in results} == {0, 1, 2}
    assert results[-1]["index"] == 0
    relevances = [item["relevance_score"] for item in results]
    assert relevances == sorted(relevances, reverse=True)
    assert all(0 <= relevance <= 1 for relevance in relevances)
    assert answer["meta"]["billed_units"] == {"search_units": 1}
    assert cohere.requests == [GOOD]


def test_top_n_shows_the_first(cohere: CohereServer) -> None:
    assert post(cohere, top_n=1).json()["results"] == post(cohere).json()["results"][:1]


def test_a_relevance_does_not_depend_on_the_other_texts(cohere: CohereServer) -> None:
    alone = post(cohere, documents=["backup"]).json()["results"][0]["relevance_score"]
    beside = {item["index"]: item["relevance_score"] for item in post(cohere).json()["results"]}
    assert beside[2] == alone


def test_what_is_longer_than_asked_for_is_not_read(cohere: CohereServer) -> None:
    long = ["soup on Thursdays ", "soup on Thursdays nightly backup"]
    results = post(cohere, documents=long, max_tokens_per_doc=4).json()["results"]
    assert abs(results[0]["relevance_score"] - results[1]["relevance_score"]) < 1e-6


REFUSED: dict[str, tuple[dict[str, Any], int, str]] = {
    "no model": ({"model": None}, 400, "a model parameter is required"),
    "an unknown model": ({"model": "rerank-v9"}, 404, "model 'rerank-v9' not found"),
    "an unknown field": ({"return_documents": True}, 422, "parameter 'return_documents'"),
    "no query": ({"query": " "}, 400, "query must not be empty"),
    "no texts": ({"documents": []}, 400, "documents must not be empty"),
    "objects": ({"documents": [{"text": "a"}]}, 400, "documents must not be empty"),
    "an empty text": ({"documents": ["a", ""]}, 400, "document at index 1 cannot be empty"),
    "too many texts": ({"documents": ["a"] * 1_001}, 400, "at most 1000 - received 1001"),
    "no tokens": ({"max_tokens_per_doc": 0}, 400, "max_tokens_per_doc must be at least 1"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refuses(case: str, cohere: CohereServer) -> None:
    changes, status, message = REFUSED[case]
    answer = post(cohere, **changes)
    assert answer.status_code == status
    assert message in answer.json()["message"]

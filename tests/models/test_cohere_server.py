"""The Cohere server of the tests, tested: by plain HTTP, as the vendor documents it."""

from __future__ import annotations

from typing import Any

import httpx
import numpy as np
import pytest

from .cohere_server import CohereServer, Fault, rate_limited

GOOD: dict[str, Any] = {
    "model": "embed-v4.0",
    "texts": ["one text", "another"],
    "input_type": "search_document",
    "embedding_types": ["float"],
    "output_dimension": 256,
    "truncate": "NONE",
}


def post(server: CohereServer, body: dict[str, Any], *, key: str | None = None, timeout: float = 10) -> httpx.Response:
    headers = {"Authorization": f"Bearer {server.api_key if key is None else key}"} if key != "" else {}
    return httpx.post(f"{server.url}/v2/embed", json=body, headers=headers, timeout=timeout)


def vectors_of(server: CohereServer, *texts: str, **changes: Any) -> np.ndarray:
    answer = post(server, {**GOOD, "texts": list(texts), **changes})
    assert answer.status_code == 200, answer.text
    return np.array(answer.json()["embeddings"]["float"])


def cosine(one: np.ndarray, other: np.ndarray) -> float:
    return float(one @ other / np.linalg.norm(one) / np.linalg.norm(other))


def test_a_good_request_is_answered_and_recorded(cohere: CohereServer) -> None:
    answer = post(cohere, GOOD).json()
    assert np.array(answer["embeddings"]["float"]).shape == (2, 256)
    assert answer["texts"] == GOOD["texts"]
    assert answer["meta"]["billed_units"] == {"input_tokens": 4}
    assert cohere.requests == [GOOD]
    assert cohere.billed_tokens == 4


WITHOUT = object()
REFUSED = {
    "no model": ({"model": WITHOUT}, 400, "a model parameter is required"),
    "unknown model": ({"model": "embed-v9"}, 404, "model 'embed-v9' not found"),
    "no role": ({"input_type": WITHOUT}, 400, "valid input_type must be provided"),
    "unknown role": ({"input_type": "poem"}, 400, "valid input_type must be provided"),
    "no texts": ({"texts": []}, 400, "at least 1"),
    "no list": ({"texts": "text"}, 400, "at least 1"),
    "too many texts": ({"texts": ["a"] * 104}, 400, "total number of texts must be at most 96 - received 104"),
    "an empty text": ({"texts": ["a", " "]}, 400, "the empty string at index 1"),
    "no types": ({"embedding_types": WITHOUT}, 400, "embedding_types parameter is required"),
    "unknown type": ({"embedding_types": ["int4"]}, 400, "no valid embedding_types"),
    "a type it has not": ({"embedding_types": ["int8"]}, 501, "floats alone"),
    "dimension": ({"output_dimension": 768}, 422, "768 is not a valid output_dimension value for this model, [256 512"),
    "dimension of v3": ({"model": "embed-english-v3.0", "output_dimension": 1024}, 400, "output_dimension"),
    "unknown cut": ({"truncate": "MIDDLE"}, 400, "truncate must be one of"),
    "too long": ({"texts": ["x" * 128_001]}, 400, "cannot exceed 128000 tokens - received 128001"),
}


@pytest.mark.parametrize(("changes", "status", "message"), REFUSED.values(), ids=REFUSED.keys())
def test_a_bad_request_is_refused(cohere: CohereServer, changes: dict[str, Any], status: int, message: str) -> None:
    body = {name: value for name, value in {**GOOD, **changes}.items() if value is not WITHOUT}
    answer = post(cohere, body)
    assert answer.status_code == status
    assert message in answer.json()["message"]
    assert cohere.billed_tokens == 0


@pytest.mark.parametrize(("key", "message"), [("", "no api key supplied"), ("wrong", "invalid api token")])
def test_only_the_key_is_let_in(cohere: CohereServer, key: str, message: str) -> None:
    answer = post(cohere, GOOD, key=key)
    assert (answer.status_code, answer.json()["message"]) == (401, message)


def test_a_text_that_is_too_long_is_cut_where_that_is_asked_for(cohere: CohereServer) -> None:
    start, end = "alpha " * 100, "omega " * 100
    v3 = {"model": "embed-english-v3.0", "output_dimension": WITHOUT}

    def embed(text: str, truncate: str) -> np.ndarray:
        body = {key: value for key, value in {**GOOD, **v3, "truncate": truncate}.items() if value is not WITHOUT}
        return np.array(post(cohere, {**body, "texts": [text]}).json()["embeddings"]["float"][0])

    assert np.array_equal(embed(start + end, "END"), embed(start[:512], "NONE"))
    assert np.array_equal(embed(start + end, "START"), embed(end[-512:], "NONE"))


def test_vectors_carry_spelling(cohere: CohereServer) -> None:
    login, alike, unlike = vectors_of(
        cohere,
        "The login page fails when the session expires.",
        "Login fails on the page after the session has expired.",
        "Quarterly revenue grew by twelve percent in Europe.",
    )
    assert cosine(login, alike) > cosine(login, unlike) + 0.2


def test_the_same_text_is_near_itself_in_the_other_role(cohere: CohereServer) -> None:
    document = vectors_of(cohere, "rotate the keys")[0]
    question = vectors_of(cohere, "rotate the keys", input_type="search_query")[0]
    assert 0.9 < cosine(document, question) < 0.9999
    assert np.array_equal(document, vectors_of(cohere, "rotate the keys")[0])


def test_short_vectors_are_prefixes_and_not_of_length_1(cohere: CohereServer) -> None:
    short, long = (vectors_of(cohere, "text", output_dimension=dim)[0] for dim in (256, 1536))
    assert np.array_equal(short, long[:256])
    assert np.linalg.norm(short) < 0.99


def test_models_share_a_space_only_within_a_family(cohere: CohereServer) -> None:
    text = "one namespace per workspace and family"
    v4, pro, fast = (
        vectors_of(cohere, text, model=model, output_dimension=1536)[0]
        for model in ("embed-v4.0", "embed-v5.0-pro", "embed-v5.0-fast")
    )
    assert np.array_equal(pro, fast)
    assert abs(cosine(v4, pro)) < 0.3


def test_faults_come_at_their_calls_and_end_with_the_reset(cohere: CohereServer) -> None:
    cohere.faults.at(rate_limited("3"), 2)
    answers = [post(cohere, GOOD) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 429, 200]
    assert answers[1].headers["retry-after"] == "3"
    cohere.faults.always(Fault(status=500, message="down"))
    assert [post(cohere, GOOD).status_code for _ in range(2)] == [500, 500]
    cohere.reset()
    assert post(cohere, GOOD).status_code == 200
    assert len(cohere.requests) == 1


def test_a_dropped_answer_was_billed(cohere: CohereServer) -> None:
    cohere.faults.at(Fault(drops=True), 1)
    with pytest.raises(httpx.RemoteProtocolError):
        post(cohere, GOOD)
    assert cohere.billed_tokens == 4


def test_silence_lasts_as_long_as_planned(cohere: CohereServer) -> None:
    cohere.faults.at(Fault(waits_seconds=60), 1)
    cohere.faults.at(Fault(waits_seconds=0.1), 2)
    with pytest.raises(httpx.ReadTimeout):
        post(cohere, GOOD, timeout=0.2)
    answer = post(cohere, GOOD)
    assert answer.status_code == 200
    assert answer.elapsed.total_seconds() >= 0.1


def test_a_server_stops(cohere: CohereServer) -> None:
    with CohereServer("another") as server:
        assert post(server, GOOD).status_code == 200
        url = server.url
    with pytest.raises(httpx.ConnectError):
        httpx.get(url)

"""The chat half of the Cohere server, tested: by plain HTTP, as the vendor documents it."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from .cohere_server import ChatAnswer, CohereServer

GOOD: dict[str, Any] = {
    "model": "command-a-03-2025",
    "messages": [{"role": "system", "content": "Be short."}, {"role": "user", "content": "Generate a JSON."}],
    "response_format": {
        "type": "json_object",
        "json_schema": {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]},
    },
    "temperature": 0,
    "seed": 1,
}


def post(server: CohereServer, **changes: Any) -> httpx.Response:
    headers = {"Authorization": f"Bearer {server.api_key}"}
    body = {name: value for name, value in {**GOOD, **changes}.items() if value is not None}
    return httpx.post(f"{server.url}/v2/chat", json=body, headers=headers, timeout=10)


def schema(**features: Any) -> dict[str, Any]:
    return {"type": "json_object", "json_schema": {**GOOD["response_format"]["json_schema"], **features}}


def test_a_good_request_is_answered_billed_and_recorded(cohere: CohereServer) -> None:
    cohere.chats_as(lambda system, user: f'{{"a": "{system} {user}"}}')
    answer = post(cohere).json()
    assert answer["finish_reason"] == "COMPLETE"
    assert answer["message"] == {
        "role": "assistant",
        "content": [{"type": "text", "text": '{"a": "Be short. Generate a JSON."}'}],
    }
    assert sum(answer["usage"]["billed_units"].values()) == cohere.billed_tokens > 0
    assert cohere.requests == [GOOD]


def test_a_reasoning_model_thinks_unless_it_is_told_not_to(cohere: CohereServer) -> None:
    cohere.chats_as(lambda system, user: ChatAnswer("{}"))
    for thinking, kinds in ((None, ["thinking", "text"]), ({"type": "disabled"}, ["text"])):
        answer = post(cohere, model="command-a-plus-05-2026", thinking=thinking).json()
        assert [content["type"] for content in answer["message"]["content"]] == kinds


REFUSED: dict[str, tuple[dict[str, Any], int, str]] = {
    "no model": ({"model": None}, 400, "a model parameter is required"),
    "an old model": ({"model": "command-r"}, 404, "model 'command-r' not found"),
    "an unknown field": ({"documentz": []}, 422, "parameter 'documentz'"),
    "no messages": ({"messages": []}, 400, "messages must not be empty"),
    "an empty turn": ({"messages": [{"role": "user", "content": " "}]}, 400, "message must not be empty in a turn"),
    "a late system turn": ({"messages": GOOD["messages"][::-1]}, 400, "system turn must be the first in the list"),
    "a temperature": ({"temperature": 2}, 400, "temperature must be between 0 and 1 inclusive"),
    "too many tokens": ({"max_tokens": 9_000}, 400, "max tokens must be less than or equal to 8000"),
    "documents with a format": ({"documents": ["text"]}, 400, "response_format is not supported with RAG"),
    "thinking": ({"thinking": {"type": "disabled"}}, 400, "thinking is not supported"),
    "no object": ({"response_format": schema(type="array")}, 400, "schema must be an object"),
    "nothing required": ({"response_format": schema(required=[])}, 400, "at least one required field"),
    "an unknown requirement": ({"response_format": schema(required=["b"])}, 400, "not found in properties"),
    "a length": (
        {"response_format": schema(properties={"a": {"type": "array", "maxItems": 7}})},
        400,
        "['maxItems'] is not supported",
    ),
    "no word of JSON": ({"messages": [{"role": "user", "content": "Go."}]}, 400, "wants a message to ask for JSON"),
    "a stream": ({"stream": True}, 501, "neither streams"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refuses(case: str, cohere: CohereServer) -> None:
    changes, status, message = REFUSED[case]
    answer = post(cohere, **changes)
    assert (answer.status_code, cohere.billed_tokens) == (status, 0)
    assert message in answer.json()["message"]

"""What a request to /v2/chat must be, by the vendor's pages, and the answer's frame. A test's model gives the words.

Sources, read 2026-11-22: docs.cohere.com/reference/chat and its OpenAPI document (fields, ranges, answer),
/reference/errors (wording), /docs/structured-outputs (what a schema may not hold), /docs/models (models and lengths),
/docs/reasoning (thinking). That `thinking` is refused by models that have none is an assumption.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from .requests import RefusedError, count_tokens

ChatModel = Callable[[str, str], "str | ChatAnswer"]
"""A model: from the system message and the last user message to what it answers."""


@dataclass(frozen=True)
class ChatAnswer:
    """An answer that is out of the ordinary: how it ended, and what was thought aloud before."""

    text: str
    finish_reason: str = "COMPLETE"
    thinking: str | None = None


@dataclass(frozen=True)
class _Model:
    context_tokens: int
    most_output_tokens: int
    thinks: bool = False


MODELS = {
    "command-a-plus-05-2026": _Model(128_000, 64_000, thinks=True),
    "command-a-03-2025": _Model(256_000, 8_000),
    "command-r-plus-08-2024": _Model(128_000, 4_000),
    "command-r-08-2024": _Model(128_000, 4_000),
}
_FIELD_NAMES = """stream model messages tools strict_tools documents citation_options response_format safety_mode
    max_tokens stop_sequences temperature seed frequency_penalty presence_penalty k p logprobs tool_choice thinking
    priority"""
_FIELDS = frozenset(_FIELD_NAMES.split())
_RANGES = {"temperature": (0, 1), "seed": (0, 2**64), "k": (0, 500), "p": (0.01, 0.99), "priority": (0, 999)}
_UNSUPPORTED_NAMES = "allOf oneOf not maximum minimum minItems maxItems minLength maxLength"
_UNSUPPORTED = frozenset(_UNSUPPORTED_NAMES.split())


def answer_chat(body: Mapping[str, Any], model: ChatModel) -> dict[str, Any]:
    """Check a body of /v2/chat, and frame what the model says to it."""
    known = _check(body)
    system, user = _messages(body.get("messages"))
    _check_format(body)
    said = model(system, user)
    answer = said if isinstance(said, ChatAnswer) else ChatAnswer(said)
    tokens = {"input_tokens": count_tokens(system + user), "output_tokens": count_tokens(answer.text)}
    if tokens["input_tokens"] > known.context_tokens:
        raise RefusedError(
            400, f"too many tokens: size limit exceeded by {tokens['input_tokens'] - known.context_tokens}"
        )
    content: list[dict[str, Any]] = [{"type": "text", "text": answer.text}]
    thinks = known.thinks and body.get("thinking", {}).get("type", "enabled") == "enabled"
    if answer.thinking is not None or thinks:
        content.insert(0, {"type": "thinking", "thinking": answer.thinking or "Let me read the data."})
    return {
        "id": str(uuid4()),
        "finish_reason": answer.finish_reason,
        "message": {"role": "assistant", "content": content},
        "usage": {"billed_units": tokens, "tokens": {**tokens, "input_tokens": tokens["input_tokens"] + 60}},
    }


def echo(_: str, user: str) -> str:
    """Answer as a model that has nothing to say."""
    return json.dumps({"sentences": [], "asked_characters": len(user)})


def _check(body: Mapping[str, Any]) -> _Model:
    name = body.get("model")
    _refuse_if(not name, "a model parameter is required for this endpoint.")
    if name not in MODELS:
        raise RefusedError(
            404, f"model '{name}' not found, make sure the correct model ID was used and that you have access to it."
        )
    unknown = body.keys() - _FIELDS
    if unknown:
        raise RefusedError(422, f"unknown field: parameter '{min(unknown)}' is not a valid field")
    for field, (least, most) in _RANGES.items():
        value = body.get(field, least)
        _refuse_if(
            not isinstance(value, int | float) or not least <= value <= most,
            f"invalid request: {field} must be between {least} and {most} inclusive.",
        )
    model = MODELS[str(name)]
    _refuse_if("thinking" in body and not model.thinks, "invalid request: thinking is not supported by this model.")
    most = body.get("max_tokens", model.most_output_tokens)
    _refuse_if(
        most > model.most_output_tokens,
        f"too many tokens: max tokens must be less than or equal to {model.most_output_tokens}, the maximum output for "
        f"this model - received {most}.",
    )
    if body.get("stream") or "tools" in body:
        raise RefusedError(501, "this test server neither streams nor knows tools")
    return model


def _check_format(body: Mapping[str, Any]) -> None:
    form = body.get("response_format")
    if form is None:
        return
    _refuse_if("documents" in body, "invalid request: response_format is not supported with RAG.")
    _refuse_if(form.get("type") not in {"text", "json_object"}, "invalid request: unknown response_format type")
    schema = form.get("json_schema")
    if schema is not None:
        _refuse_if(schema.get("type") != "object", "schema must be an object")
        _check_schema(schema)
    text = json.dumps(body.get("messages"))
    # The vendor does not refuse it; its model then writes blanks until it runs out of context.
    _refuse_if(form["type"] == "json_object" and "JSON" not in text, "this test server wants a message to ask for JSON")


def _check_schema(schema: Any) -> None:
    if isinstance(schema, list):
        for part in schema:
            _check_schema(part)
    if not isinstance(schema, dict):
        return
    found = _UNSUPPORTED & schema.keys()
    _refuse_if(bool(found), f"invalid request: schema feature {sorted(found)} is not supported")
    if schema.get("type") == "object":
        required = schema.get("required") or []
        _refuse_if(not required, "every object must have at least one required field")
        missing = [name for name in required if name not in schema.get("properties", {})]
        _refuse_if(bool(missing), f"required field {missing[:1]} not found in properties")
    for part in schema.values():
        _check_schema(part)


def _messages(messages: Any) -> tuple[str, str]:
    _refuse_if(not isinstance(messages, list) or not messages, "invalid request: messages must not be empty")
    for message in messages:
        _refuse_if(message.get("role") not in {"system", "user", "assistant"}, "invalid request: unknown role")
        _refuse_if(not _text(message).strip(), "message must not be empty in a turn")
    _refuse_if(
        any(message["role"] == "system" for message in messages[1:]), "system turn must be the first in the list"
    )
    _refuse_if(messages[-1]["role"] != "user", "invalid request: the last message must be the user's")
    system = _text(messages[0]) if messages[0]["role"] == "system" else ""
    return system, _text(messages[-1])


def _text(message: Mapping[str, Any]) -> str:
    content = message.get("content")
    return content if isinstance(content, str) else "".join(part.get("text", "") for part in content or ())


def _refuse_if(is_wrong: bool, message: str) -> None:
    if is_wrong:
        raise RefusedError(400, message)

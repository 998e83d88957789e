"""The application: reads a request, lets happen what is planned, answers. Starting and stopping is `serving.py`."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from . import vectors
from .chat import ChatModel, answer_chat, echo
from .faults import Fault, Faults
from .requests import EmbedRequest, RefusedError, check_key, count_tokens, read_embed_request
from .rerank import answer_rerank


@dataclass
class State:
    """What the server knows of itself."""

    api_key: str
    faults: Faults = field(default_factory=Faults)
    requests: list[dict[str, Any]] = field(default_factory=list)
    billed_tokens: int = 0
    chat_model: ChatModel = echo


def build_app(state: State) -> Starlette:
    """Make the application over a state that tests look into and change."""

    def embedded(body: dict[str, Any]) -> tuple[dict[str, Any], int]:
        made = _answer(read_embed_request(body))
        return made, made["meta"]["billed_units"]["input_tokens"]

    def chatted(body: dict[str, Any]) -> tuple[dict[str, Any], int]:
        made = answer_chat(body, state.chat_model)
        return made, sum(made["usage"]["billed_units"].values())

    def reranked(body: dict[str, Any]) -> tuple[dict[str, Any], int]:
        return answer_rerank(body), 0  # billed in searches, and not in tokens

    async def embed(request: Request) -> Response:
        return await _respond(state, request, embedded)

    async def chat(request: Request) -> Response:
        return await _respond(state, request, chatted)

    async def rerank(request: Request) -> Response:
        return await _respond(state, request, reranked)

    handlers = {"/v2/embed": embed, "/v2/chat": chat, "/v2/rerank": rerank}
    return Starlette(routes=[Route(path, handler, methods=["POST"]) for path, handler in handlers.items()])


async def _respond(
    state: State, request: Request, make: Callable[[dict[str, Any]], tuple[dict[str, Any], int]]
) -> Response:
    """Let happen what is planned, or answer with what is made of the body, and bill its tokens."""
    fault = state.faults.next() or Fault()
    body = await request.json()
    state.requests.append(body)
    if fault.waits_seconds:
        await _hang_up_or(fault.waits_seconds, request)
    if fault.status:
        return JSONResponse({"message": fault.message}, fault.status, headers=dict(fault.headers))
    try:
        check_key(request.headers.get("authorization"), state.api_key)
        made, tokens = make(body)
    except RefusedError as refused:
        return JSONResponse({"id": str(uuid4()), "message": refused.message}, refused.status)
    state.billed_tokens += tokens
    if fault.spoils is not None:
        spoilt = fault.spoils(made)
        return Response(spoilt) if isinstance(spoilt, bytes) else JSONResponse(spoilt)
    return _cut_short(made) if fault.drops else JSONResponse(made)


def _answer(asked: EmbedRequest) -> dict[str, Any]:
    model = asked.model
    embedded = vectors.embed(
        asked.texts, space=model.space, whole_dim=max(model.dims), dim=asked.dim, role=asked.input_type
    )
    return {
        "id": str(uuid4()),
        "response_type": "embeddings_by_type",
        "texts": asked.texts,
        "embeddings": {"float": embedded},
        "meta": {
            "api_version": {"version": "2"},
            "billed_units": {"input_tokens": sum(map(count_tokens, asked.texts))},
        },
    }


async def _hang_up_or(waits_seconds: float, request: Request) -> None:
    try:
        async with asyncio.timeout(waits_seconds):
            while not await request.is_disconnected():
                await asyncio.sleep(0.01)
    except TimeoutError:
        return  # the caller has more patience than the fault


def _cut_short(answer: dict[str, Any]) -> Response:
    data = json.dumps(answer).encode()

    async def half() -> AsyncIterator[bytes]:
        yield data[: len(data) // 2]
        raise ConnectionAbortedError("as planned")

    headers = {"content-length": str(len(data))}
    return StreamingResponse(half(), media_type="application/json", headers=headers)

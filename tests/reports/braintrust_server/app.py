"""The application: reads a request, lets happen what is planned, answers. Starting and stopping is `serving.py`."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from .faults import Fault, Faults
from .specification import Specification
from .state import ORG_NAME, Account, RefusedError

Handler = Callable[["World", Request, dict[str, Any], Fault], dict[str, Any]]


@dataclass
class World:
    """What the server knows of itself. `requests` are method, path and body, in the order in which they came."""

    url: str
    api_key: str
    specification: Specification | None
    account: Account = field(default_factory=Account)
    faults: Faults = field(default_factory=Faults)
    requests: list[tuple[str, str, Any]] = field(default_factory=list)
    violations: list[str] = field(default_factory=list)


def _login(world: World, request: Request, body: dict[str, Any], fault: Fault) -> dict[str, Any]:
    org = {"id": world.account.org_id, "name": ORG_NAME, "api_url": world.url, "proxy_url": None}
    return {"org_info": [org]}


def _post_project(world: World, request: Request, body: dict[str, Any], fault: Fault) -> dict[str, Any]:
    return world.account.project(body)


def _get_projects(world: World, request: Request, body: dict[str, Any], fault: Fault) -> dict[str, Any]:
    return {"objects": world.account.projects_named(request.query_params.get("project_name"))}


def _post_experiment(world: World, request: Request, body: dict[str, Any], fault: Fault) -> dict[str, Any]:
    return world.account.experiment(body)


def _insert(world: World, request: Request, body: dict[str, Any], fault: Fault) -> dict[str, Any]:
    return world.account.insert(request.path_params["id"], body["events"], forgets=fault.forgets_rows)


def _fetch(world: World, request: Request, body: dict[str, Any], fault: Fault) -> dict[str, Any]:
    return {"events": list(world.account.find(request.path_params["id"]).rows.values())}


def _summarize(world: World, request: Request, body: dict[str, Any], fault: Fault) -> dict[str, Any]:
    return world.account.summary(request.path_params["id"], app_url=world.url)


_ROUTES: tuple[tuple[str, str, str, Handler], ...] = (
    ("POST", "/api/apikey/login", "login", _login),
    ("POST", "/v1/project", "projects", _post_project),
    ("GET", "/v1/project", "list", _get_projects),
    ("POST", "/v1/experiment", "experiments", _post_experiment),
    ("POST", "/v1/experiment/{id}/insert", "insert", _insert),
    ("POST", "/v1/experiment/{id}/fetch", "fetch", _fetch),
    ("GET", "/v1/experiment/{id}/summarize", "summarize", _summarize),
)


def build_app(world: World) -> Starlette:
    """Make the application over a state that tests look into and change."""

    def route(method: str, path: str, operation: str, handler: Handler) -> Route:
        async def respond(request: Request) -> Response:
            return await _respond(world, request, operation, handler)

        return Route(path, respond, methods=[method])

    return Starlette(routes=[route(*each) for each in _ROUTES])


async def _respond(world: World, request: Request, operation: str, handler: Handler) -> Response:
    raw = await request.body()
    body = json.loads(raw) if raw else {}
    path = request.url.path
    world.requests.append((request.method, path, body))
    fault = world.faults.next(path)
    if fault.hangs:
        while not await request.is_disconnected():
            await asyncio.sleep(0.01)
    if fault.drips:
        return StreamingResponse(_drip(), media_type="application/json")
    if fault.status:
        return PlainTextResponse(fault.message, fault.status, headers=dict(fault.headers))
    if fault.body is not None:
        return Response(fault.body, media_type="application/json")
    try:
        answer = _answer(world, request, operation, handler, body=body, fault=fault)
    except RefusedError as refused:
        return PlainTextResponse(refused.message, refused.status)
    return _cut_short(answer) if fault.cut else JSONResponse(answer)


def _answer(
    world: World, request: Request, operation: str, handler: Handler, *, body: dict[str, Any], fault: Fault
) -> dict[str, Any]:
    if request.headers.get("authorization") != f"Bearer {world.api_key}":
        raise RefusedError(401, "Invalid API key")
    if world.specification is None:
        return handler(world, request, body, fault)
    wrong = world.specification.request_faults(operation, body)
    if wrong:
        world.violations += wrong
        raise RefusedError(400, "; ".join(wrong))
    with world.account.lock:
        answer = handler(world, request, body, fault)
    world.violations += world.specification.answer_faults(operation, answer)
    return answer


async def _drip() -> AsyncIterator[bytes]:
    while True:
        yield b" "
        await asyncio.sleep(0.02)


def _cut_short(answer: dict[str, Any]) -> Response:
    data = json.dumps(answer).encode()

    async def half() -> AsyncIterator[bytes]:
        yield data[: len(data) // 2]
        raise ConnectionAbortedError("as planned")

    headers = {"content-length": str(len(data))}
    return StreamingResponse(half(), media_type="application/json", headers=headers)

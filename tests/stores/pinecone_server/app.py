"""HTTP: what befalls every request on its way to a handler and back. No rule of the vendor about vectors is here."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

from . import control_plane
from .create_index_body import CreateIndexBody, create_index_violations
from .exchange import Answer, Call, RecordedRequest
from .faults import Faults, Plan
from .limits import check_body_bytes
from .refusals import RefusalError
from .routes import find_handler
from .specification import Specification
from .state import DEFAULT_NAMESPACE, Project

HOSTS = "/hosts/"

_request_ids = itertools.count(1)


@dataclass(slots=True)
class World:
    """Everything that a reset forgets."""

    project: Project = field(default_factory=Project)
    requests: list[RecordedRequest] = field(default_factory=list)
    violations: list[str] = field(default_factory=list)
    faults: Faults = field(init=False)

    def __post_init__(self) -> None:
        self.faults = Faults(self.project)


@dataclass(frozen=True, slots=True)
class Specifications:
    """The two documents of the vendor."""

    control: Specification
    data: Specification


@dataclass(frozen=True, slots=True)
class _Arrival:
    """A request as it arrived; `index` is None on the control plane, `path` is percent-encoded."""

    request: Request
    index: str | None
    path: str
    raw: bytes
    body: Any

    @property
    def query(self) -> tuple[tuple[str, str], ...]:
        return tuple(self.request.query_params.multi_items())


class PineconeApp:
    """The ASGI application. A request belongs to the world in which it arrived, and sees no later one."""

    def __init__(
        self,
        *,
        url: str,
        api_key: str,
        specifications: Specifications | None,
        close_connection: Callable[[Scope], None],
    ) -> None:
        self.world = World()
        self._url = url
        self._api_key = api_key
        self._specifications = specifications
        self._close_connection = close_connection

    @property
    def validates_schema(self) -> bool:
        """Whether requests are held against the vendor's OpenAPI."""
        return self._specifications is not None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one HTTP request."""
        world = self.world
        arrival = await _arrive(Request(scope, receive))
        record = _record(arrival)
        plan = world.faults.plan(record.path, data_plane=arrival.index is not None)
        world.requests.append(record)
        await asyncio.sleep(plan.delay_seconds)
        response = self._answer(world, arrival, plan)
        if plan.drop:
            self._close_connection(scope)
            while (await receive())["type"] != "http.disconnect":
                pass
            return
        record.status = response.status_code
        response.headers["x-pinecone-request-id"] = str(next(_request_ids))
        await response(scope, receive, send)

    def _answer(self, world: World, arrival: _Arrival, plan: Plan) -> Response:
        try:
            answer = self._handle(world, arrival, plan)
        except RefusalError as refusal:
            body = refusal.body(control_plane=arrival.index is None)
            return JSONResponse(body, refusal.status, refusal.headers())
        if answer.body is None:
            return Response(status_code=answer.status)
        return JSONResponse(answer.body, answer.status, dict(answer.headers))

    def _handle(self, world: World, arrival: _Arrival, plan: Plan) -> Answer:
        if arrival.request.headers.get("api-key") != self._api_key:
            raise RefusalError(401, "Invalid API key.")
        if plan.refusal is not None:
            raise plan.refusal
        check_body_bytes(len(arrival.raw))
        self._validate(world, arrival)
        with world.project.lock:
            if arrival.index is None:
                return _control(world.project, arrival, url=self._url)
            return _data(world.project, arrival, index_name=arrival.index)

    def _validate(self, world: World, arrival: _Arrival) -> None:
        method = arrival.request.method
        if (method, arrival.path, arrival.index) == ("POST", "/indexes", None):
            violations = create_index_violations(arrival.body)
        elif self._specifications is None:
            return
        else:
            document = self._specifications.control if arrival.index is None else self._specifications.data
            headers = {name.lower(): value for name, value in arrival.request.headers.items()}
            violations = document.violations(
                method, arrival.path, headers=headers, query=arrival.query, body=arrival.body
            )
        if violations:
            world.violations.extend(violations)
            raise RefusalError(400, f"Bad request. {'; '.join(violations)}")


def _control(project: Project, arrival: _Arrival, *, url: str) -> Answer:
    method, path = arrival.request.method, arrival.path
    name = unquote(path.removeprefix("/indexes/"))
    match method, path == "/indexes", path.startswith("/indexes/") and "/" not in name:
        case "POST", True, _:
            return control_plane.create_index(project, CreateIndexBody.model_validate(arrival.body), url=url)
        case "GET", True, _:
            return control_plane.list_indexes(project, url=url)
        case "GET", _, True:
            return control_plane.describe_index(project, name, url=url)
        case "DELETE", _, True:
            return control_plane.delete_index(project, name)
    raise RefusalError(501, f"{method} {path} is not built into this test server")


def _data(project: Project, arrival: _Arrival, *, index_name: str) -> Answer:
    handler, parameters = find_handler(arrival.request.method, arrival.path)
    index = control_plane.find_index(project, index_name)
    body = arrival.body if arrival.body is not None else {}
    if not isinstance(body, dict):
        raise RefusalError(400, "The body must be an object")
    return handler(project, Call(index, body, arrival.query, parameters))


async def _arrive(request: Request) -> _Arrival:
    raw = await request.body()
    path = request.scope["raw_path"].decode("ascii")
    index = None
    if path.startswith(HOSTS):
        index, _, rest = path.removeprefix(HOSTS).partition("/")
        path = f"/{rest}"
    return _Arrival(request, index, path, raw, _parsed(raw))


def _parsed(raw: bytes) -> Any:
    """Return the JSON of a body; None without one. What cannot be read is text, which no schema lets pass."""
    if not raw:
        return None
    try:
        return json.loads(raw)
    except ValueError:
        return raw.decode("utf-8", "replace")


def _record(arrival: _Arrival) -> RecordedRequest:
    namespace = None
    if arrival.index is not None:
        named = arrival.body.get("namespace") if isinstance(arrival.body, dict) else None
        in_path = (
            unquote(arrival.path.removeprefix("/namespaces/")) if arrival.path.startswith("/namespaces/") else None
        )
        namespace = in_path or named or dict(arrival.query).get("namespace") or DEFAULT_NAMESPACE
    return RecordedRequest(
        arrival.request.method,
        arrival.path,
        arrival.index,
        namespace,
        len(arrival.raw),
        arrival.body,
        arrival.query,
    )

"""The server in a thread of the tests, on a free port of this machine."""

from __future__ import annotations

import socket
import threading
import time
from pathlib import Path
from typing import Any, Self

import uvicorn

from .app import World, build_app
from .faults import Faults
from .specification import Specification
from .state import Account

_START_SECONDS = 30.0
_API_KEY = "sk-of-no-account-3c1f"


class BraintrustServer:
    """Serves from `with` to its end. `url` is that of the API and of the app, `api_key` the one key that is let in."""

    def __init__(self, specification: Path | None) -> None:
        # The protocol by name, or asyncio leaves Nagle on and every answer waits 40 ms.
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        self._socket.bind(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        self.api_key = _API_KEY
        self._world = World(self.url, _API_KEY, Specification(specification) if specification else None)
        config = uvicorn.Config(build_app(self._world), log_config=None, lifespan="off", timeout_graceful_shutdown=1)
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(
            target=self._server.run, kwargs={"sockets": [self._socket]}, name="braintrust-server", daemon=True
        )

    def __enter__(self) -> Self:
        self._thread.start()
        deadline = time.monotonic() + _START_SECONDS
        while not self._server.started:
            assert self._thread.is_alive() and time.monotonic() < deadline, "the server did not start"  # noqa: PT018
            time.sleep(0.005)
        return self

    def __exit__(self, *_: object) -> None:
        self._server.should_exit = True
        self._thread.join(_START_SECONDS)
        self._socket.close()

    def reset(self) -> None:
        """Forget all that was written, asked and planned."""
        self._world.account = Account()
        self._world.faults.clear()
        self._world.requests.clear()
        self._world.violations.clear()

    @property
    def validates_schema(self) -> bool:
        """Whether bodies are held against the vendor's OpenAPI."""
        return self._world.specification is not None

    @property
    def faults(self) -> Faults:
        """What is to go wrong."""
        return self._world.faults

    @property
    def requests(self) -> list[tuple[str, str, Any]]:
        """Method, path and body of all requests since the last reset."""
        return self._world.requests

    @property
    def violations(self) -> list[str]:
        """What requests and answers got wrong by the vendor's OpenAPI."""
        return self._world.violations

    @property
    def account(self) -> Account:
        """All that was written."""
        return self._world.account

    @property
    def experiments(self) -> dict[str, dict[str, dict[str, Any]]]:
        """The rows by id, by name of the experiment."""
        return {it.told["name"]: it.rows for it in self.account.experiments.values()}

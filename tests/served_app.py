"""A vendor's app in a thread of the tests, on a free port of this machine. What it answers is the app's affair."""

from __future__ import annotations

import socket
import threading
import time
from typing import Any, Self

import uvicorn

_START_SECONDS = 30.0


class ServedApp:
    """Serves an ASGI app from `with` to its end; `url` is there before it is served."""

    def __init__(self, name: str) -> None:
        # The protocol by name, or asyncio leaves Nagle on and every answer waits 40 ms.
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        self._socket.bind(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        self._name = name

    def _serve(self, app: Any) -> None:
        config = uvicorn.Config(app, log_config=None, lifespan="off", timeout_graceful_shutdown=1)
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(
            target=self._server.run, kwargs={"sockets": [self._socket]}, name=self._name, daemon=True
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

"""The server in a thread of the tests, on a free port of this machine."""

from __future__ import annotations

import socket
import threading
import time
from typing import Any, Self

import uvicorn

from .app import State, build_app
from .chat import ChatModel, echo
from .faults import Faults

_START_SECONDS = 30.0


class CohereServer:
    """Serves from `with` to its end. `url` goes to the SDK as base_url, `api_key` as its key."""

    def __init__(self, api_key: str = "test-key-of-no-account") -> None:
        self._state = State(api_key)
        self._socket = socket.socket()
        self._socket.bind(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        config = uvicorn.Config(build_app(self._state), log_config=None, lifespan="off", timeout_graceful_shutdown=1)
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(
            target=self._server.run, kwargs={"sockets": [self._socket]}, name="cohere-server", daemon=True
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

    @property
    def api_key(self) -> str:
        """The one key that is let in."""
        return self._state.api_key

    @property
    def faults(self) -> Faults:
        """What is to go wrong."""
        return self._state.faults

    @property
    def requests(self) -> list[dict[str, Any]]:
        """The bodies of all requests since the last reset, in the order in which they came."""
        return self._state.requests

    @property
    def billed_tokens(self) -> int:
        """Tokens billed since the last reset."""
        return self._state.billed_tokens

    def chats_as(self, model: ChatModel) -> None:
        """Let this model answer chats."""
        self._state.chat_model = model

    def reset(self) -> None:
        """Forget requests, faults, the bill and the model of chats."""
        self._state.chat_model = echo
        self._state.faults.clear()
        self._state.requests.clear()
        self._state.billed_tokens = 0

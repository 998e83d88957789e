"""The server in a thread of the tests, on a free port of this machine."""

from __future__ import annotations

from typing import Any

from tests.served_app import ServedApp

from .app import State, build_app
from .chat import ChatModel, echo
from .faults import Faults


class CohereServer(ServedApp):
    """Serves from `with` to its end. `url` goes to the SDK as base_url, `api_key` as its key."""

    def __init__(self, api_key: str = "test-key-of-no-account") -> None:
        super().__init__("cohere-server")
        self._state = State(api_key)
        self._serve(build_app(self._state))

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

"""The server in a thread of the tests, on a free port of this machine."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.served_app import ServedApp

from .app import World, build_app
from .faults import Faults
from .specification import Specification
from .state import Account

_API_KEY = "sk-of-no-account-3c1f"


class BraintrustServer(ServedApp):
    """Serves from `with` to its end. `url` is that of the API and of the app, `api_key` the one key that is let in."""

    def __init__(self, specification: Path | None) -> None:
        super().__init__("braintrust-server")
        self.api_key = _API_KEY
        self._world = World(self.url, _API_KEY, Specification(specification) if specification else None)
        self._serve(build_app(self._world))

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

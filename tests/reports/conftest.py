"""The Braintrust of these tests, a destination that reports to it, and settings that name it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.cli.conftest import run
from tests.reports.braintrust_server import BraintrustServer
from tests.reports.fixtures import braintrust, braintrust_server, destination

__all__ = ["braintrust", "braintrust_server", "destination", "run"]

Chosen = Callable[..., BraintrustServer]

_VARIABLES = ("BRAINTRUST_API_KEY", "BRAINTRUST_API_URL", "BRAINTRUST_APP_URL", "BRAINTRUST_ORG_NAME")


@pytest.fixture(autouse=True)
def _nobody_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """No account of whoever runs the tests is used."""
    for name in _VARIABLES:
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def braintrust_chosen(braintrust: BraintrustServer, monkeypatch: pytest.MonkeyPatch) -> Chosen:
    """Name the server in the environment, with what else is to be set there."""

    def choose(**variables: str) -> BraintrustServer:
        named = {"BRAINTRUST_API_KEY": braintrust.api_key, "BRAINTRUST_APP_URL": braintrust.url}
        for name, value in (named | variables).items():
            monkeypatch.setenv(name, value)
        return braintrust

    return choose

"""Fixtures around the Braintrust server, for any folder: import them into its conftest."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from neural_memory_pipelines.stores.reports.braintrust import BraintrustAccess, BraintrustReports

from .braintrust_server import BraintrustServer

SPECIFICATION = Path(__file__).parents[3] / "shared" / "specs" / "braintrust" / "spec.yaml"


@pytest.fixture(scope="session")
def braintrust_server() -> Iterator[BraintrustServer]:
    """One server for the session; without the vendor's OpenAPI beside the checkout it checks no schema."""
    with BraintrustServer(SPECIFICATION if SPECIFICATION.is_file() else None) as server:
        yield server


@pytest.fixture
def braintrust(braintrust_server: BraintrustServer) -> Iterator[BraintrustServer]:
    """The server, empty; all that is said in the test must be as the vendor's OpenAPI has it."""
    braintrust_server.reset()
    yield braintrust_server
    violations = list(braintrust_server.violations)
    braintrust_server.reset()
    assert violations == []


@pytest.fixture
def destination(braintrust: BraintrustServer) -> BraintrustReports:
    """A project of that server."""
    return BraintrustReports(access_to(braintrust))


def access_to(server: BraintrustServer, *, api_key: str | None = None) -> BraintrustAccess:
    """An account on the server, reached through its login."""
    return BraintrustAccess(
        api_key=api_key or server.api_key, project="memory", app_url=server.url, org_name="harbor-labs"
    )

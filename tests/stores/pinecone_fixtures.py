"""Fixtures of the Pinecone test server, for `pytest_plugins`. The server itself is a package beside this module.

PYTEST_DONT_REWRITE: it may be imported and named a plugin, in any order.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from .pinecone_server import PineconeServer

SPECIFICATIONS = Path(__file__).parents[3] / "shared" / "specs" / "pinecone"


def fail_on_violations(server: PineconeServer) -> None:
    """Fail the test whose requests violated the vendor's specification without its saying so."""
    violations = [] if server.violations_expected else server.violations
    if violations:
        pytest.fail(f"requests violate the vendor's specification: {'; '.join(violations[:5])}")


@pytest.fixture(scope="session")
def pinecone_server() -> Iterator[PineconeServer]:
    """One server for the session; without the vendor's OpenAPI beside the checkout it enforces limits only."""
    with PineconeServer(SPECIFICATIONS if SPECIFICATIONS.is_dir() else None) as server:
        yield server


@pytest.fixture
def pinecone(pinecone_server: PineconeServer) -> Iterator[PineconeServer]:
    """The server, empty; every request of the test must validate, unless it sets `violations_expected`."""
    pinecone_server.reset()
    yield pinecone_server
    fail_on_violations(pinecone_server)


@pytest.fixture
def pinecone_specification(pinecone_server: PineconeServer) -> None:
    """Skip where the vendor's OpenAPI is not beside the checkout."""
    if not pinecone_server.validates_schema:
        pytest.skip("the vendor's OpenAPI documents are not beside this checkout (shared/specs/pinecone)")

"""Homes for the tests of the embedded stack: each is reset when its module or test is over."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
import redis

from neural_memory_pipelines.local.stack import EmbeddedStack

Connect = Callable[[str], psycopg.Connection[tuple[object, ...]]]


@pytest.fixture(scope="module")
def base() -> Iterator[Path]:
    """A directory that every user can pass through, unlike pytest's own."""
    directory = Path(tempfile.mkdtemp(prefix="neural-memory-test-"))
    directory.chmod(0o755)
    yield directory
    shutil.rmtree(directory)


@pytest.fixture(scope="module")
def stack(base: Path) -> Iterator[EmbeddedStack]:
    """A running stack, shared by a module. A test that stops it starts it again."""
    stack = EmbeddedStack(base / "shared" / ".neural-memory")
    try:
        stack.start()
        yield stack
    finally:
        stack.reset()


@pytest.fixture
def fresh(base: Path, request: pytest.FixtureRequest) -> Iterator[EmbeddedStack]:
    """A stack that was never started, for one test."""
    stack = EmbeddedStack(base / request.node.name.translate(str.maketrans("[]/:", "----")) / ".neural-memory")
    yield stack
    stack.reset()


@pytest.fixture
def connect() -> Iterator[Connect]:
    """Connect to a URL of the endpoints, in autocommit mode."""
    opened: list[psycopg.Connection[tuple[object, ...]]] = []

    def open_connection(url: str) -> psycopg.Connection[tuple[object, ...]]:
        plain = url.replace("+psycopg2", "").replace("+psycopg", "")
        opened.append(psycopg.connect(plain, autocommit=True))
        return opened[-1]

    yield open_connection
    for connection in opened:
        connection.close()


@pytest.fixture
def valkey() -> Callable[[EmbeddedStack], redis.Redis]:
    """Connect to the Valkey of a stack."""
    return lambda stack: redis.Redis.from_url(stack.endpoints().redis_url, decode_responses=True)

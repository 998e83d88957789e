from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

import pytest
import redis

from neural_memory_pipelines.errors import ConfigurationError, TransientError
from neural_memory_pipelines.stores.cache.redis import RedisCache

from .contracts.cache import CacheContract

CALLS: list[Callable[[RedisCache], object]] = [
    lambda cache: cache.set_many({"k": "v"}, ttl_seconds=60),
    lambda cache: cache.get_many(["k"]),
    lambda cache: cache.delete_many(["k"]),
    lambda cache: cache.check(),
]


class TestRedisCache(CacheContract):
    @pytest.fixture
    def cache(self, redis_url: str) -> RedisCache:
        return RedisCache(redis_url)


@pytest.fixture
def refusing_url() -> Iterator[str]:
    # Bound and not listening: the port stays ours and refuses.
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield f"redis://:a-secret@127.0.0.1:{bound.getsockname()[1]}"


@pytest.fixture
def silent_url() -> Iterator[str]:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        yield f"redis://:a-secret@127.0.0.1:{listening.getsockname()[1]}"


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("server", ["refusing_url", "silent_url"])
def test_a_cache_that_is_away_costs_less_than_two_seconds(
    server: str, call: Callable[[RedisCache], object], request: pytest.FixtureRequest
) -> None:
    cache = RedisCache(request.getfixturevalue(server))
    started = time.monotonic()
    with pytest.raises(TransientError, match=r"127\.0\.0\.1") as caught:
        call(cache)
    assert time.monotonic() - started < 2
    assert "a-secret" not in str(caught.value)


def test_every_value_has_its_time_to_live(redis_url: str) -> None:
    keys = [f"test:ttl:{number}" for number in range(700)]
    RedisCache(redis_url).set_many(dict.fromkeys(keys, "1"), ttl_seconds=100)
    with redis.Redis.from_url(redis_url) as client:
        assert all(90 < client.ttl(key) <= 100 for key in keys)


@pytest.mark.parametrize("call", CALLS)
def test_a_wrong_password_is_a_wrong_setting(redis_url: str, call: Callable[[RedisCache], object]) -> None:
    parts = urlsplit(redis_url)
    cache = RedisCache(f"redis://nobody:a-secret@{parts.hostname}:{parts.port}")
    with pytest.raises(ConfigurationError, match="REDIS_URL") as caught:
        call(cache)
    assert "a-secret" not in str(caught.value)


@pytest.mark.parametrize(
    "url", ["http://:a-secret@host", "redis://:a-secret@host:port", "redis://:a-secret@host/zero?socket_timeout=soon"]
)
def test_a_url_that_cannot_be_read_is_a_wrong_setting(url: str) -> None:
    with pytest.raises(ConfigurationError, match="REDIS_URL") as caught:
        RedisCache(url)
    assert "a-secret" not in str(caught.value)
    assert caught.value.__suppress_context__, "the cause may quote the URL"


def test_a_connection_closed_by_the_server_is_made_anew(redis_url: str) -> None:
    cache = RedisCache(redis_url)
    cache.set_many({"test:reconnect": "1"}, ttl_seconds=60)
    with redis.Redis.from_url(redis_url) as client:
        client.execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
    assert cache.get_many(["test:reconnect"]) == {"test:reconnect": "1"}


def test_check_names_server_and_address(redis_url: str) -> None:
    parts = urlsplit(redis_url)
    described = RedisCache(redis_url).check()
    assert described.startswith(("Valkey ", "Redis "))
    assert described.endswith(f" at {parts.hostname}:{parts.port}")
    assert parts.password is None or parts.password not in described

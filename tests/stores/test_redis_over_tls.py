from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import quote, unquote

import pytest

from neural_memory_pipelines.errors import ConfigurationError, NeuralMemoryError, TransientError
from neural_memory_pipelines.settings import load_settings
from neural_memory_pipelines.stores.cache.redis import RedisCache

from .contracts.cache import CacheContract
from .tls_valkey import TlsValkey, running_tls_valkey

CALLS: list[Callable[[RedisCache], object]] = [
    lambda cache: cache.set_many({"k": "v"}, ttl_seconds=60),
    lambda cache: cache.get_many(["k"]),
    lambda cache: cache.delete_many(["k"]),
    lambda cache: cache.check(),
]


@pytest.fixture(scope="module")
def valkey(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TlsValkey]:
    with running_tls_valkey(tmp_path_factory.mktemp("tls")) as server:
        yield server


@pytest.fixture
def url(valkey: TlsValkey, monkeypatch: pytest.MonkeyPatch) -> str:
    """The URL that the variables of Upstash lead to, with port and authority of the test's server."""
    monkeypatch.setenv("UPSTASH_REDIS_REST_URL", "https://localhost")
    monkeypatch.setenv("UPSTASH_REDIS_REST_TOKEN", valkey.token)
    secret = load_settings().effective_redis_url
    assert secret is not None
    host = secret.get_secret_value().removesuffix(":6379")
    return f"{host}:{valkey.port}?ssl_ca_certs={valkey.authority_file}"


class TestRedisCacheOverTls(CacheContract):
    @pytest.fixture
    def cache(self, url: str) -> RedisCache:
        return RedisCache(url)


def test_check_names_server_and_address(url: str, valkey: TlsValkey) -> None:
    described = RedisCache(url).check()
    assert described.startswith("Valkey ")
    assert described.endswith(f" at localhost:{valkey.port}")


def test_threads_share_a_cache(url: str) -> None:
    cache = RedisCache(url)

    def use(number: int) -> dict[str, str]:
        cache.set_many({f"test:tls:{number}": "v" * 50_000}, ttl_seconds=60)
        return cache.get_many([f"test:tls:{number}"])

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(use, range(24))) == [{f"test:tls:{number}": "v" * 50_000} for number in range(24)]


def _url(
    valkey: TlsValkey,
    *,
    scheme: str = "rediss",
    token: str = "",
    host: str = "localhost",
    port: int | None = None,
    query: str = "",
) -> str:
    """Write the URL of the server, with something wrong in it."""
    return f"{scheme}://default:{quote(token or valkey.token, safe='')}@{host}:{port or valkey.port}{query}"


def _refused(url: str, call: Callable[[RedisCache], object], error: type[NeuralMemoryError], said: str) -> None:
    with pytest.raises(error, match=said) as caught:
        call(RedisCache(url))
    token = url.partition("default:")[2].partition("@")[0]
    assert token not in str(caught.value)
    assert unquote(token) not in str(caught.value)


@pytest.mark.parametrize("call", CALLS)
class TestWrongSettings:
    @pytest.fixture
    def query(self, valkey: TlsValkey) -> str:
        return f"?ssl_ca_certs={valkey.authority_file}"

    def test_a_wrong_token(self, valkey: TlsValkey, query: str, call: Callable[[RedisCache], object]) -> None:
        url = _url(valkey, token="a-wrong-token", query=query)
        _refused(url, call, ConfigurationError, "UPSTASH_REDIS_REST_TOKEN")

    def test_an_authority_that_is_not_trusted(self, valkey: TlsValkey, call: Callable[[RedisCache], object]) -> None:
        url = _url(valkey, query=f"?ssl_ca_certs={valkey.other_authority_file}")
        _refused(url, call, ConfigurationError, r"certificate is not trusted \(.*issuer.*ssl_ca_certs")

    def test_without_an_authority_those_of_the_system_decide(
        self, valkey: TlsValkey, call: Callable[[RedisCache], object]
    ) -> None:
        _refused(_url(valkey), call, ConfigurationError, "certificate is not trusted")

    def test_a_certificate_of_another_host(
        self, valkey: TlsValkey, query: str, call: Callable[[RedisCache], object]
    ) -> None:
        url = _url(valkey, host="127.0.0.1", query=query)
        _refused(url, call, ConfigurationError, r"127\.0\.0\.1.*not trusted \(.*mismatch")

    def test_a_file_that_is_not_there(self, valkey: TlsValkey, call: Callable[[RedisCache], object]) -> None:
        url = _url(valkey, query="?ssl_ca_certs=/nowhere/ca.pem")
        _refused(url, call, ConfigurationError, "file named in REDIS_URL")

    def test_plain_to_a_port_of_tls(self, valkey: TlsValkey, call: Callable[[RedisCache], object]) -> None:
        _refused(_url(valkey, scheme="redis"), call, TransientError, "begin with rediss://")


def test_tls_to_a_plain_port(valkey: TlsValkey) -> None:
    url = _url(valkey, port=valkey.plain_port)
    _refused(url, lambda cache: cache.check(), TransientError, "begin with redis://")


def test_nothing_but_a_broken_greeting_hints_at_tls(valkey: TlsValkey) -> None:
    url = _url(valkey, scheme="redis", port=valkey.plain_port, query="/999")  # a database that does not exist
    with pytest.raises(TransientError) as caught:
        RedisCache(url).check()
    assert "rediss" not in str(caught.value)

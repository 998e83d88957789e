"""The cache over Redis, Valkey or Upstash, by the Redis protocol.

Nothing else imports the Redis SDK. What is cached, and under which keys, is decided by the steps.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, cast

import redis
from redis.backoff import NoBackoff
from redis.connection import SSLConnection
from redis.exceptions import (
    AuthenticationError,
    AuthorizationError,
    DataError,
    NoPermissionError,
    RedisError,
)
from redis.maint_notifications import MaintNotificationsConfig
from redis.retry import Retry

from neural_memory_pipelines.errors import ConfigurationError, PermanentError, TransientError

_BATCH_KEYS = 500
_BATCH_CHARS = 1_000_000  # hosted services refuse larger requests
_PROBE_KEY = "neural-memory:check"
_REFUSALS = (AuthenticationError, AuthorizationError, NoPermissionError)
_CERTIFICATE = (
    "check the host in REDIS_URL or UPSTASH_REDIS_REST_URL; the certificate of an authority of your own is named by "
    "?ssl_ca_certs=FILE in REDIS_URL"
)
_SPEAK_TLS = "; if it speaks TLS only, REDIS_URL must begin with rediss://"
_SPEAK_PLAIN = "; if it does not speak TLS, REDIS_URL must begin with redis://"


class RedisCache:
    """A `Cache` on a Redis server. Thread-safe; connects on first use.

    A server that is away must cost little, as every step goes on without it: nothing is tried twice. A connection that
    the server closed while idle is noticed and made anew, which is no second try.

    Args:
        url: redis://[user:password@]host:port[/db], or rediss:// for TLS, which checks certificate and host name.
        timeout_seconds: the longest wait for a connection, and again for an answer.

    Raises:
        ConfigurationError: the URL cannot be read.
    """

    def __init__(self, url: str, *, timeout_seconds: float = 1.5) -> None:
        try:
            self._client = redis.Redis.from_url(
                url,
                decode_responses=True,
                encoding_errors="surrogatepass",  # what was read from a source comes back as it went in
                socket_connect_timeout=timeout_seconds,
                socket_timeout=timeout_seconds,
                retry=Retry(NoBackoff(), 0),
                maint_notifications_config=MaintNotificationsConfig(enabled=False),
            )
        except ValueError:
            # The cause is left out: it may quote the URL, and with it the password.
            raise ConfigurationError(
                "REDIS_URL cannot be read: expected redis://host:port or rediss://user:password@host:port"
            ) from None
        options = self._client.connection_pool.connection_kwargs
        self._address = f"{options.get('host', 'localhost')}:{options.get('port', 6379)}"
        self._is_tls = issubclass(self._client.connection_pool.connection_class, SSLConnection)

    def set_many(self, values: Mapping[str, str], *, ttl_seconds: int) -> None:
        """Write values, about 500 or 1 MB to a round trip.

        Raises:
            TransientError: the cache does not answer; some of the values may have been written.
            PermanentError: `ttl_seconds` is below 1.
        """
        if ttl_seconds < 1:
            raise PermanentError(f"ttl_seconds is {ttl_seconds}, expected at least 1")
        for batch in _batches(values):
            with self._errors("write"), self._client.pipeline(transaction=False) as pipeline:
                for key, value in batch:
                    pipeline.set(key, value, ex=ttl_seconds)
                pipeline.execute()

    def get_many(self, keys: Sequence[str]) -> dict[str, str]:
        """Read values; missing keys are missing from the answer.

        Raises:
            TransientError: the cache does not answer.
        """
        found: dict[str, str] = {}
        for start in range(0, len(keys), _BATCH_KEYS):
            batch = keys[start : start + _BATCH_KEYS]
            with self._errors("read"):
                values = cast("list[str | None]", self._client.mget(batch))
            found.update((key, value) for key, value in zip(batch, values, strict=True) if value is not None)
        return found

    def delete_many(self, keys: Sequence[str]) -> None:
        """Delete keys; unknown ones are no error.

        Raises:
            TransientError: the cache does not answer; some of the keys may be gone.
        """
        for start in range(0, len(keys), _BATCH_KEYS):
            with self._errors("delete"):
                self._client.unlink(*keys[start : start + _BATCH_KEYS])

    def check(self) -> str:
        """Write and read a probe, and ask the server for its name.

        Returns:
            Such as "Valkey 9.1.2 at 127.0.0.1:6379".

        Raises:
            TransientError: the server does not answer.
            ConfigurationError: it refuses us.
        """
        with self._errors("check"), self._client.pipeline(transaction=False) as pipeline:
            pipeline.set(_PROBE_KEY, "1", ex=10)
            pipeline.get(_PROBE_KEY)
            pipeline.info("server")
            _, probe, server = cast("tuple[Any, str | None, dict[str, Any]]", tuple(pipeline.execute()))
        if probe != "1":
            raise TransientError(f"cache at {self._address}: a value just written cannot be read back")
        if "valkey_version" in server:
            return f"Valkey {server['valkey_version']} at {self._address}"
        return f"Redis {server.get('redis_version', '(version unknown)')} at {self._address}"

    @contextmanager
    def _errors(self, action: str) -> Iterator[None]:
        where = f"cache at {self._address}: {action} failed"
        try:
            yield
        except _REFUSALS as error:
            raise ConfigurationError(
                f"{where}, it refuses the credentials ({error}): check REDIS_URL or UPSTASH_REDIS_REST_TOKEN"
            ) from error
        except DataError as error:
            raise PermanentError(f"{where}: {error}") from error
        except RedisError as error:
            raise _refused_on_the_way(error, where) or TransientError(
                # Also out of memory, over a quota, read-only, loading: a step goes on without its cache in all of them.
                f"{where}: {error}{_hint(error, is_tls=self._is_tls)}"
            ) from error


def _refused_on_the_way(error: RedisError, where: str) -> ConfigurationError | None:
    """Tell a setting that keeps TLS from being spoken from a server that is away."""
    cause = error.__context__
    if isinstance(cause, ssl.SSLCertVerificationError):
        return ConfigurationError(f"{where}, its certificate is not trusted ({cause.verify_message}): {_CERTIFICATE}")
    if isinstance(cause, FileNotFoundError | PermissionError):
        return ConfigurationError(f"{where}, a file named in REDIS_URL cannot be read: {error}")
    return None


def _hint(error: RedisError, *, is_tls: bool) -> str:
    """Say what may be wrong with the scheme of the URL: a server that expects the other one hangs up, or is silent."""
    cause = error.__context__
    if is_tls:
        return _SPEAK_PLAIN if isinstance(cause, ssl.SSLError) or "handshake" in str(cause) else ""
    return _SPEAK_TLS if "closed by server" in str(error) or isinstance(cause, ConnectionResetError) else ""


def _batches(values: Mapping[str, str]) -> Iterator[list[tuple[str, str]]]:
    batch: list[tuple[str, str]] = []
    size_chars = 0
    for key, value in values.items():
        if batch and (len(batch) == _BATCH_KEYS or size_chars + len(value) > _BATCH_CHARS):
            yield batch
            batch, size_chars = [], 0
        batch.append((key, value))
        size_chars += len(value)
    if batch:
        yield batch

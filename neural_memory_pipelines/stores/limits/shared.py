"""Rate limits over Redis, kept in this process as well: the first is shared, the second is there when Redis is not.

Nothing else imports the library of limits. Who is limited, and to how much, is decided by the callers.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass

import redis
from limits import RateLimitItemPerSecond
from limits.storage import MemoryStorage, RedisStorage
from limits.strategies import MovingWindowRateLimiter
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.maint_notifications import MaintNotificationsConfig
from redis.retry import Retry

from neural_memory_pipelines.errors import ConfigurationError, PermanentError, TransientError
from neural_memory_pipelines.stores.limits.protocol import Throttle

_REDIS_TIMEOUT_SECONDS = 1.5
_LEAST_SLEEP_SECONDS = 0.002  # the window is open at its end: to sleep to the very moment would be to ask once more

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Limit:
    """At most `amount` units in any `per_seconds`."""

    name: str
    amount: int
    per_seconds: int

    @property
    def item(self) -> RateLimitItemPerSecond:
        return RateLimitItemPerSecond(self.amount, self.per_seconds, namespace="limit")

    def __str__(self) -> str:
        return f"{self.name}, {self.amount} in {self.per_seconds} s"


class _Windows:
    """The moving windows of one storage: exact, in contrast to the counters that the library also has.

    Measured with Valkey on one machine: 0.1 ms to take 1 or 2,000 of 2,000 units, against 0.1 ms for the counters;
    46 KB of memory for such a window when full.
    """

    def __init__(self, storage: RedisStorage | MemoryStorage) -> None:
        self._storage = storage
        self._strategy = MovingWindowRateLimiter(storage)

    def take(self, limit: _Limit, units: int) -> bool:
        """Take units if they are free."""
        return self._strategy.hit(limit.item, limit.name, cost=units)

    def seconds_until_free(self, limit: _Limit, units: int) -> float:
        """Tell a time before which the units cannot be free, in seconds from now; 0 when they may be."""
        most_taken = limit.amount - units
        key = limit.item.key_for(limit.name)
        oldest_at, taken = self._storage.get_moving_window(key, most_taken + 1, limit.per_seconds)
        return max(oldest_at + limit.per_seconds - time.time(), 0.0) if taken > most_taken else 0.0


class SharedLimiter:
    """A `Limiter` on a Redis server. Thread-safe; connects on first use.

    Every unit passes the limit of this process, then the shared one. While Redis is away, the first alone holds: each
    process keeps to the limit, all together may not, and the service that is limited says so itself. That is logged
    once, and Redis is asked again from time to time. Times are those of the machines: clocks that differ by a second
    move the shared window by a second.

    Args:
        redis_url: redis://, rediss:// or unix://, with the query options that redis-py knows.
        prefix: of all keys.
        max_wait_seconds: the longest wait of one call.
        recheck_seconds: how long Redis is left alone after it did not answer.

    Raises:
        ConfigurationError: the URL cannot be read.
    """

    def __init__(
        self,
        redis_url: str,
        *,
        prefix: str = "neural-memory",
        max_wait_seconds: float = 300.0,
        recheck_seconds: float = 15.0,
    ) -> None:
        self._max_wait_seconds = max_wait_seconds
        self._recheck_seconds = recheck_seconds
        self._local = _Windows(MemoryStorage())
        self._shared = _Windows(_open_storage(redis_url, prefix=f"{prefix}:limits"))
        self._taking = threading.Lock()
        self._noting = threading.Lock()
        self._away_until: float | None = None

    def throttle(self, name: str, *, amount: int, per_seconds: int) -> Throttle:
        """Make the throttle of a limit; see `Limiter.throttle`."""
        if not name or amount < 1 or per_seconds < 1:
            raise PermanentError(
                f"limit {name!r} of {amount} in {per_seconds} s: expected a name, and at least 1 of each"
            )
        return _SharedThrottle(self, _Limit(name, amount, per_seconds))

    def spend(self, limit: _Limit, cost: int) -> None:
        """Wait until `cost` units are free, and take them.

        Raises:
            TransientError: they are not free in time.
        """
        deadline = time.monotonic() + self._max_wait_seconds
        for units in _parts(cost, most=limit.amount):
            self._take(self._local, limit, units, deadline=deadline)
            if self._is_redis_worth_asking():
                self._take_shared(limit, units, deadline=deadline)

    def _take_shared(self, limit: _Limit, units: int, *, deadline: float) -> None:
        try:
            self._take(self._shared, limit, units, deadline=deadline)
        except RedisError as error:
            self._note_away(error)
        else:
            self._note_back()

    def _take(self, windows: _Windows, limit: _Limit, units: int, *, deadline: float) -> None:
        while not self._try_take(windows, limit, units):
            wait_seconds = windows.seconds_until_free(limit, units)
            if time.monotonic() + wait_seconds > deadline:
                raise TransientError(
                    f"rate limit {limit}: {units} units are not free within {self._max_wait_seconds:g} s; "
                    "others use it too",
                    retry_after_seconds=wait_seconds,
                )
            time.sleep(wait_seconds + _LEAST_SLEEP_SECONDS)

    def _try_take(self, windows: _Windows, limit: _Limit, units: int) -> bool:
        if windows is self._shared:
            return windows.take(limit, units)
        # The library forgets a lock of its own that others may be waiting for.
        with self._taking:
            return windows.take(limit, units)

    def _is_redis_worth_asking(self) -> bool:
        away_until = self._away_until
        return away_until is None or time.monotonic() >= away_until

    def _note_away(self, error: RedisError) -> None:
        with self._noting:
            was_away, self._away_until = self._away_until is not None, time.monotonic() + self._recheck_seconds
        if not was_away:
            reason = type(error).__name__  # its text may quote the URL
            _log.warning("Redis does not answer (%s): rate limits hold in each process alone until it does", reason)

    def _note_back(self) -> None:
        if self._away_until is None:
            return
        with self._noting:
            was_away, self._away_until = self._away_until is not None, None
        if was_away:
            _log.info("Redis answers again: rate limits are shared")


@dataclass(frozen=True, slots=True)
class _SharedThrottle:
    """A throttle that equals another of the same limiter and limit."""

    limiter: SharedLimiter
    limit: _Limit

    def __call__(self, cost: int) -> None:
        self.limiter.spend(self.limit, cost)


def _parts(cost: int, *, most: int) -> Iterator[int]:
    while cost > 0:
        units = min(cost, most)
        yield units
        cost -= units


def _open_storage(redis_url: str, *, prefix: str) -> RedisStorage:
    try:
        pool = redis.ConnectionPool.from_url(
            redis_url,
            socket_connect_timeout=_REDIS_TIMEOUT_SECONDS,
            socket_timeout=_REDIS_TIMEOUT_SECONDS,
            retry=Retry(NoBackoff(), 0),
            maint_notifications_config=MaintNotificationsConfig(enabled=False),
        )
        pool.connection_class(**pool.connection_kwargs)  # connects to nothing, and refuses options that do not exist
    except (TypeError, ValueError):
        # The cause is left out: it may quote the URL, and with it the password.
        raise ConfigurationError(
            "REDIS_URL cannot be read: expected redis://host:port or rediss://user:password@host:port"
        ) from None
    # With a pool of its own, the storage reads no more than the scheme of its URL.
    return RedisStorage("redis://", connection_pool=pool, key_prefix=prefix)

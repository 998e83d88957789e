"""Rate limits: exact in one process and over two, there without Redis, shared again when it is back."""

from __future__ import annotations

import logging
import select
import socket
import socketserver
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import urlsplit
from uuid import uuid4

import pytest
import redis
import trustme

from neural_memory_pipelines.errors import ConfigurationError, PermanentError, TransientError
from neural_memory_pipelines.stores.limits.protocol import Limiter
from neural_memory_pipelines.stores.limits.shared import SharedLimiter

ROOT = Path(__file__).parents[2]


@pytest.fixture
def name() -> str:
    return f"test:{uuid4().hex}"


def seconds_of(work: Callable[[], object]) -> float:
    started = time.monotonic()
    work()
    return time.monotonic() - started


def spend_each(throttle: Callable[[int], None], costs: list[int]) -> Callable[[], None]:
    def work() -> None:
        for cost in costs:
            throttle(cost)

    return work


class Forwarder:
    """A port that passes on to Redis, by TLS if there is a certificate, and that can be closed and opened again."""

    def __init__(self, redis_url: str, *, tls: ssl.SSLContext | None = None) -> None:
        target = urlsplit(redis_url)

        class Handler(socketserver.BaseRequestHandler):
            open_now: ClassVar[set[socket.socket]] = set()

            def handle(self) -> None:
                near = tls.wrap_socket(self.request, server_side=True) if tls else self.request
                with near, socket.create_connection((target.hostname, target.port)) as far:
                    self.open_now.update((near, far))
                    while _pump(near, far):
                        pass

        self._handler = Handler
        self._server: socketserver.ThreadingTCPServer | None = None
        self._reserved = socket.socket()
        self._reserved.bind(("127.0.0.1", 0))
        self.port = self._reserved.getsockname()[1]
        host = f"127.0.0.1:{self.port}"
        self.url = redis_url.replace(f"{target.hostname}:{target.port}", host)

    def open(self) -> None:
        self._reserved.close()

        class Server(socketserver.ThreadingTCPServer):
            allow_reuse_address = True
            daemon_threads = True

            def handle_error(self, *_: Any) -> None:
                """Connections that end abruptly are what this is for."""

        self._server = Server(("127.0.0.1", self.port), self._handler)
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def close(self) -> None:
        assert self._server is not None
        self._server.shutdown()
        self._server.server_close()
        for connection in list(self._handler.open_now):
            with connection:
                self._handler.open_now.discard(connection)
        self._server = None

    def stop(self) -> None:
        if self._server is not None:
            self.close()
        self._reserved.close()


def _pump(near: Any, far: socket.socket) -> bool:
    ready = [near] if getattr(near, "pending", int)() else select.select([near, far], [], [], 5)[0]
    for source in ready:
        data = source.recv(65536)
        if not data:
            return False
        (far if source is near else near).sendall(data)
    return True


@pytest.fixture
def forwarder(redis_url: str) -> Iterator[Forwarder]:
    forwarder = Forwarder(redis_url)
    yield forwarder
    forwarder.stop()


@pytest.fixture
def limiter(redis_url: str) -> SharedLimiter:
    return SharedLimiter(redis_url)


def test_what_is_free_is_given_at_once(limiter: SharedLimiter, name: str) -> None:
    throttle = limiter.throttle(name, amount=100, per_seconds=60)
    assert seconds_of(spend_each(throttle, [0, 1, 95, 4])) < 1


def test_what_is_not_free_is_waited_for_and_no_longer(limiter: SharedLimiter, name: str) -> None:
    throttle = limiter.throttle(name, amount=10, per_seconds=1)
    throttle(4)
    taken_at = time.monotonic()
    time.sleep(0.6)
    throttle(6)
    throttle(3)
    assert 0.95 <= time.monotonic() - taken_at < 1.5, "the first 4 are free after 1 s, the 6 after 1.6 s"


def test_any_window_counts_not_only_those_of_the_clock(limiter: SharedLimiter, name: str) -> None:
    throttle = limiter.throttle(name, amount=4, per_seconds=1)
    given_at = []
    for _ in range(12):
        throttle(1)
        given_at.append(time.monotonic())
    gaps = [later - earlier for earlier, later in zip(given_at, given_at[4:], strict=False)]
    assert min(gaps) > 0.95


def test_a_cost_above_the_amount_is_spent_in_parts(limiter: SharedLimiter, name: str) -> None:
    throttle = limiter.throttle(name, amount=5, per_seconds=1)
    assert 1.95 <= seconds_of(lambda: throttle(12)) < 3


def test_limits_of_different_names_do_not_meet(limiter: SharedLimiter, name: str) -> None:
    one, other = (limiter.throttle(f"{name}:{end}", amount=5, per_seconds=60) for end in ("one", "other"))
    assert seconds_of(lambda: (one(5), other(5))) < 1


def test_threads_share_a_limit(limiter: SharedLimiter, name: str) -> None:
    throttle = limiter.throttle(name, amount=10, per_seconds=1)
    with ThreadPoolExecutor(8) as pool:
        elapsed = seconds_of(lambda: list(pool.map(throttle, [1] * 25)))
    assert 1.95 <= elapsed < 3


def test_equal_throttles_are_equal(redis_url: str, name: str) -> None:
    limiter: Limiter = SharedLimiter(redis_url)
    throttle = limiter.throttle(name, amount=5, per_seconds=1)
    assert throttle == limiter.throttle(name, amount=5, per_seconds=1)
    assert len({throttle, limiter.throttle(name, amount=5, per_seconds=1)}) == 1
    assert throttle != limiter.throttle(name, amount=6, per_seconds=1)
    assert throttle != SharedLimiter(redis_url).throttle(name, amount=5, per_seconds=1)


def test_a_wait_that_is_too_long_is_refused_without_waiting(redis_url: str, name: str) -> None:
    throttle = SharedLimiter(redis_url, max_wait_seconds=2).throttle(name, amount=10, per_seconds=60)
    throttle(8)
    started = time.monotonic()
    with pytest.raises(TransientError, match=rf"rate limit {name}, 10 in 60 s: 3 units .* within 2 s") as raised:
        throttle(3)
    assert time.monotonic() - started < 1
    assert raised.value.retry_after_seconds == pytest.approx(60, abs=2)
    throttle(2)


@pytest.mark.parametrize(("amount", "per_seconds"), [(0, 60), (-1, 60), (10, 0)])
def test_a_limit_of_nothing_is_refused(limiter: SharedLimiter, name: str, amount: int, per_seconds: int) -> None:
    with pytest.raises(PermanentError, match=f"limit '{name}' of {amount} in {per_seconds} s"):
        limiter.throttle(name, amount=amount, per_seconds=per_seconds)


PROGRAM = """
import sys, time
from neural_memory_pipelines.stores.limits.shared import SharedLimiter
throttle = SharedLimiter(sys.argv[1]).throttle(sys.argv[2], amount=10, per_seconds=1)
print("ready", flush=True)
sys.stdin.readline()
started = time.time()
for cost in (1, 4, 3, 2, 5):
    throttle(cost)
print(started, time.time(), flush=True)
"""


def test_two_processes_keep_one_limit(redis_url: str, name: str) -> None:
    """30 units at 10 a second: the last are free 2 s after the first. Each process alone would need 1 s for its 15."""
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", PROGRAM, redis_url, name],
            cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )
        for _ in range(2)
    ]  # fmt: skip
    with processes[0], processes[1]:
        for process in processes:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
        for process in processes:
            assert process.stdin is not None
            process.stdin.write("go\n")
            process.stdin.flush()
        times = [tuple(map(float, process.communicate(timeout=30)[0].split())) for process in processes]
    assert 1.98 <= max(ended for _, ended in times) - min(started for started, _ in times) < 4


def test_another_process_is_waited_for(redis_url: str, name: str) -> None:
    SharedLimiter(redis_url).throttle(name, amount=5, per_seconds=1)(5)
    elsewhere = SharedLimiter(redis_url).throttle(name, amount=5, per_seconds=1)
    assert 0.8 <= seconds_of(lambda: elsewhere(1)) < 1.5


@pytest.fixture
def away_url() -> Iterator[str]:
    with socket.socket() as bound:  # bound and not listening: the port stays ours and refuses
        bound.bind(("127.0.0.1", 0))
        yield f"redis://:a-secret@127.0.0.1:{bound.getsockname()[1]}"


def test_without_redis_the_process_keeps_the_limit_and_says_so_once(
    away_url: str, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    limiter = SharedLimiter(away_url, recheck_seconds=0.2)
    throttle = limiter.throttle(name, amount=10, per_seconds=1)
    with caplog.at_level(logging.INFO), ThreadPoolExecutor(4) as pool:
        elapsed = seconds_of(lambda: list(pool.map(throttle, [1] * 25)))
    assert 1.95 <= elapsed < 3
    (record,) = caplog.records
    assert record.levelno == logging.WARNING
    assert "rate limits hold in each process alone" in record.getMessage()
    assert "a-secret" not in caplog.text


def test_a_wrong_password_does_not_stop_the_work(redis_url: str, name: str, caplog: pytest.LogCaptureFixture) -> None:
    parts = urlsplit(redis_url)
    limiter = SharedLimiter(f"redis://nobody:a-secret@{parts.hostname}:{parts.port}")
    limiter.throttle(name, amount=10, per_seconds=1)(10)
    assert "AuthenticationError" in caplog.text
    assert "a-secret" not in caplog.text


def test_a_silent_redis_costs_less_than_two_seconds_and_that_once(name: str) -> None:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        limiter = SharedLimiter(f"redis://127.0.0.1:{listening.getsockname()[1]}")
        throttle = limiter.throttle(name, amount=1000, per_seconds=60)
        assert seconds_of(lambda: throttle(1)) < 2
        assert seconds_of(spend_each(throttle, [1] * 50)) < 0.5


def test_redis_that_goes_and_comes_back(
    forwarder: Forwarder, redis_url: str, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    limiter = SharedLimiter(forwarder.url, recheck_seconds=0.1)
    elsewhere = SharedLimiter(redis_url, max_wait_seconds=0).throttle(name, amount=10, per_seconds=60)
    throttle = limiter.throttle(name, amount=10, per_seconds=60)
    with caplog.at_level(logging.INFO):
        forwarder.open()
        throttle(2)
        forwarder.close()
        throttle(2)  # kept in this process alone
        forwarder.open()
        time.sleep(0.15)
        throttle(2)
    warned, recovered = caplog.records
    assert (warned.levelno, recovered.levelno) == (logging.WARNING, logging.INFO)
    assert "answers again" in recovered.getMessage()
    elsewhere(6)  # 2 + 2 are taken there
    with pytest.raises(TransientError):
        elsewhere(1)


def test_what_was_taken_before_redis_went_away_still_counts(forwarder: Forwarder, name: str) -> None:
    throttle = SharedLimiter(forwarder.url, max_wait_seconds=0).throttle(name, amount=10, per_seconds=60)
    forwarder.open()
    throttle(8)
    forwarder.close()
    throttle(2)
    with pytest.raises(TransientError):
        throttle(1)


def test_tls_and_options_in_the_url(
    redis_url: str, tmp_path: Path, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    forwarder = Forwarder(redis_url, tls=context)
    forwarder.open()
    url = forwarder.url.replace("redis://", "rediss://") + f"?ssl_ca_certs={tmp_path / 'ca.pem'}&socket_timeout=5"
    SharedLimiter(url).throttle(name, amount=5, per_seconds=60)(3)
    elsewhere = SharedLimiter(redis_url, max_wait_seconds=0).throttle(name, amount=5, per_seconds=60)
    with pytest.raises(TransientError):
        elsewhere(3)
    assert not caplog.records
    SharedLimiter(forwarder.url.replace("redis://", "rediss://")).throttle(name, amount=5, per_seconds=60)(3)
    assert "Redis does not answer" in caplog.text, "a certificate of an unknown authority is not believed"
    forwarder.stop()


@pytest.mark.parametrize(
    "url",
    [
        "http://:a-secret@host",
        "redis://:a-secret@host:port",
        "rediss://:a-secret@host?socket_timeout=soon",
        "rediss://:a-secret@host?no_such_option=1",
    ],
)
def test_a_url_that_cannot_be_read_is_a_wrong_setting(url: str) -> None:
    with pytest.raises(ConfigurationError, match="REDIS_URL") as raised:
        SharedLimiter(url)
    assert "a-secret" not in str(raised.value)
    assert raised.value.__suppress_context__, "the cause may quote the URL"


def test_keys_have_the_prefix_and_end(redis_url: str, name: str) -> None:
    prefix = f"test-{uuid4().hex}"
    SharedLimiter(redis_url, prefix=prefix).throttle(name, amount=5, per_seconds=60)(3)
    with redis.Redis.from_url(redis_url, decode_responses=True) as client:
        (key,) = client.scan_iter(f"{prefix}*")
        assert name in key
        assert 50 < client.ttl(key) <= 60

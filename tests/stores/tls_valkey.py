"""A Valkey that is reached over TLS only, as Upstash has it: a proxy that speaks TLS stands before the server.

The server of the wheel is built without TLS, hence the proxy. What is cached there is the tests' affair.
"""

from __future__ import annotations

import asyncio
import ssl
import time
from asyncio import StreamReader, StreamWriter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import Thread

import redis
import trustme

from neural_memory_pipelines.local.binaries import valkey_server
from neural_memory_pipelines.local.ports import LOOPBACK, pick_free_port

from .supervised import supervised

_TOKEN = "a/secret+token==%40"
_READY_SECONDS = 20


@dataclass(frozen=True, slots=True)
class TlsValkey:
    """A server that runs: its ports, and what a client needs."""

    port: int
    plain_port: int
    authority_file: Path
    other_authority_file: Path
    token: str = field(default=_TOKEN, repr=False)


@contextmanager
def running_tls_valkey(directory: Path) -> Iterator[TlsValkey]:
    """Run server and proxy until the end of the block, their files below `directory`."""
    authority, other = trustme.CA(), trustme.CA()
    authority_file, other_file = directory / "authority.pem", directory / "other.pem"
    authority.cert_pem.write_to_path(str(authority_file))
    other.cert_pem.write_to_path(str(other_file))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("localhost").configure_cert(context)
    with _running_valkey(directory) as plain_port, _running_proxy(context, plain_port) as port:
        yield TlsValkey(port, plain_port, authority_file, other_file)


@contextmanager
def _running_valkey(directory: Path) -> Iterator[int]:
    port = pick_free_port()
    configuration = directory / "valkey.conf"
    configuration.write_text(f'bind {LOOPBACK}\nport {port}\nrequirepass "{_TOKEN}"\nsave ""\n')
    with supervised([str(valkey_server()), str(configuration)], directory, log=directory / "log") as program:
        deadline = time.monotonic() + _READY_SECONDS
        with redis.Redis(host=LOOPBACK, port=port, password=_TOKEN) as client:
            while True:
                assert program.poll() is None, (directory / "log").read_text()
                try:
                    client.ping()
                    break
                except redis.ConnectionError:
                    assert time.monotonic() < deadline, "Valkey does not answer"
        yield port


@contextmanager
def _running_proxy(context: ssl.SSLContext, target_port: int) -> Iterator[int]:
    async def serve(reader: StreamReader, writer: StreamWriter) -> None:
        target_reader, target_writer = await asyncio.open_connection(LOOPBACK, target_port)
        await asyncio.gather(_copy(reader, target_writer), _copy(target_reader, writer))

    loop = asyncio.new_event_loop()
    server = loop.run_until_complete(asyncio.start_server(serve, LOOPBACK, 0, ssl=context))
    thread = Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        asyncio.run_coroutine_threadsafe(_finish(server), loop).result(timeout=20)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(timeout=20)
        loop.close()


async def _copy(reader: StreamReader, writer: StreamWriter) -> None:
    with suppress(ConnectionError, ssl.SSLError):  # a client may go as it likes
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
    writer.close()


async def _finish(server: asyncio.Server) -> None:
    server.close()
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)

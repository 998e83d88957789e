"""The server in a thread, and what a test holds of it. How requests are answered is in `app`."""

from __future__ import annotations

import asyncio
import socket
import threading
from pathlib import Path
from typing import Any, cast

import uvicorn
from starlette.types import Scope
from uvicorn.protocols.http.h11_impl import H11Protocol

from .app import PineconeApp, Specifications, World
from .exchange import RecordedRequest
from .faults import Faults
from .specification import Specification
from .state import Project, Records

API_KEY = "test-key"
CONTROL_SPECIFICATION = "db_control_2026-04.oas.yaml"
DATA_SPECIFICATION = "db_data_2026-04.oas.yaml"

_STOP_SECONDS = 10.0


class PineconeServer:
    """A Pinecone project on 127.0.0.1, started at once; use it as a context manager.

    Args:
        specification_directory: where the vendor's OpenAPI documents are; None checks limits but no schema.
    """

    def __init__(self, specification_directory: Path | None = None) -> None:
        self.api_key = API_KEY
        self.violations_expected = False
        self._connections: dict[tuple[str, int], asyncio.Transport] = {}
        # The protocol by name, or asyncio leaves Nagle on and every answer waits 40 ms.
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        self._socket.bind(("127.0.0.1", 0))
        self._socket.listen()  # clients that come before the thread is up wait in its queue
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        self._app = PineconeApp(
            url=self.url,
            api_key=API_KEY,
            specifications=_load(specification_directory),
            close_connection=self._close_connection,
        )
        config = uvicorn.Config(
            self._app,
            loop="asyncio",
            http=_tracking_protocol(self._connections),
            lifespan="off",
            log_config=None,
            access_log=False,
            timeout_graceful_shutdown=1,
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(
            target=self._server.run, kwargs={"sockets": [self._socket]}, name="pinecone-server", daemon=True
        )
        self._thread.start()

    def __enter__(self) -> PineconeServer:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Stop the thread and close the port."""
        self._server.should_exit = True
        self._thread.join(_STOP_SECONDS)
        self._socket.close()
        if self._thread.is_alive():
            raise RuntimeError(f"the Pinecone test server did not stop within {_STOP_SECONDS:g} seconds")

    def reset(self) -> None:
        """Forget all indexes, requests, faults and settings; requests under way answer to nobody."""
        self.violations_expected = False
        self._app.world = World()

    def catch_up(self) -> None:
        """Let reads see every write so far."""
        self.project.catch_up()

    def map_bucket(self, bucket: str, directory: Path) -> None:
        """Let `s3://bucket/...` of a bulk import name files below a local directory."""
        self.project.buckets[bucket] = directory

    @property
    def validates_schema(self) -> bool:
        """Whether requests are held against the vendor's OpenAPI."""
        return self._app.validates_schema

    @property
    def faults(self) -> Faults:
        """What goes wrong from here on."""
        return self._app.world.faults

    @property
    def requests(self) -> list[RecordedRequest]:
        """The requests since the last reset, in the order of their arrival."""
        return self._app.world.requests

    @property
    def violations(self) -> list[str]:
        """What requests got wrong by the specification."""
        return self._app.world.violations

    @property
    def project(self) -> Project:
        """The state with its settings: `describes_until_ready`, `describes_until_imported`, `sends_lsn`."""
        return self._app.world.project

    @property
    def indexes(self) -> dict[str, dict[str, Records]]:
        """All that was written, seen by reads or not: records by id, by namespace, by index. A copy."""
        with self.project.lock:
            return {
                name: {namespace: dict(records) for namespace, records in index.written().items()}
                for name, index in self.project.indexes.items()
            }

    def _close_connection(self, scope: Scope) -> None:
        self._connections[tuple(scope["client"])].abort()


def _load(directory: Path | None) -> Specifications | None:
    if directory is None:
        return None
    return Specifications(
        Specification(directory / CONTROL_SPECIFICATION), Specification(directory / DATA_SPECIFICATION)
    )


def _tracking_protocol(connections: dict[tuple[str, int], asyncio.Transport]) -> type[asyncio.Protocol]:
    """Return uvicorn's protocol, which also notes its transports: ASGI knows no way to cut a connection."""

    class TrackingProtocol(H11Protocol):
        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as uvicorn has it
            connections[_peer(transport)] = transport
            super().connection_made(transport)

        def connection_lost(self, exc: Exception | None) -> None:
            connections.pop(_peer(self.transport), None)
            super().connection_lost(exc)

    return TrackingProtocol


def _peer(transport: Any) -> tuple[str, int]:
    return cast("tuple[str, int]", tuple(transport.get_extra_info("peername")[:2]))

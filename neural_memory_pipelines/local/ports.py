"""Free TCP ports of the loopback address. Nothing here starts or knows a server."""

from __future__ import annotations

import secrets
import socket

from neural_memory_pipelines.errors import ConfigurationError

LOOPBACK = "127.0.0.1"

# Below the ranges from which Linux and macOS take the ports of outgoing connections, so that a port
# is still ours after a stop and a start.
_FIRST_PORT = 15000
_PORT_COUNT = 15000


def is_free(port: int) -> bool:
    """Ask whether a server could listen on a port now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


def pick_free_port() -> int:
    """Find a port on which nobody listens. Another process may still take it before its use.

    Raises:
        ConfigurationError: every one of many tries was taken.
    """
    for _ in range(200):
        port = _FIRST_PORT + secrets.randbelow(_PORT_COUNT)
        if is_free(port):
            return port
    raise ConfigurationError(f"no free TCP port on {LOOPBACK}: is listening on the loopback address forbidden here?")


def check_port(port: int | None, variable: str) -> None:
    """Refuse a number that cannot be a port.

    Raises:
        ConfigurationError: it is not in 1..65535; names the variable.
    """
    if port is not None and not 1 <= port <= 65535:
        raise ConfigurationError(f"{variable}={port}: expected a port number in 1..65535")

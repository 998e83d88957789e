"""The embedded Valkey server: its configuration file, its command line, its answer.

Starting and stopping is `daemon.py`'s part.
"""

from __future__ import annotations

import os
import signal
from dataclasses import replace
from pathlib import Path

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from neural_memory_pipelines.errors import ConfigurationError
from neural_memory_pipelines.local import processes
from neural_memory_pipelines.local.binaries import valkey_server
from neural_memory_pipelines.local.daemon import Daemon
from neural_memory_pipelines.local.home import Home
from neural_memory_pipelines.local.ports import LOOPBACK
from neural_memory_pipelines.local.processes import Account
from neural_memory_pipelines.local.state import StateFile, private_file

# In a file and not in arguments, which every user of the machine can read. The title of the process is left alone,
# because we know our server by its command line.
_CONFIGURATION = """\
bind {host}
port {port}
requirepass {password}
dir .
pidfile valkey.pid
daemonize no
set-proc-title no
appendonly yes
appendfsync everysec
save ""
maxmemory 256mb
maxmemory-policy volatile-lru
"""


class ValkeyServer(Daemon):
    """Valkey with an append-only file."""

    name = "valkey"
    port_variable = "NEURAL_MEMORY_VALKEY_PORT"
    stop_signals = ((signal.SIGTERM, 20.0), (signal.SIGKILL, 5.0))
    abandon_signals = ((signal.SIGKILL, 5.0),)

    def __init__(self, home: Home, memory: StateFile) -> None:
        super().__init__(home, memory)
        self._directory = home.path / "valkey"
        self._configuration = self._directory / "valkey.conf"

    @property
    def pid_file(self) -> Path:
        """See `Daemon`."""
        return self._directory / "valkey.pid"

    @property
    def port(self) -> int | None:
        """See `Daemon`."""
        state = self.memory.read()
        return state.valkey_port if state is not None else None

    def remember_port(self, port: int) -> None:
        """See `Daemon`."""
        self.memory.save(replace(self.memory.require(), valkey_port=port))

    def recognize(self, argv: list[str]) -> bool:
        """See `Daemon`."""
        return len(argv) > 1 and Path(argv[0]).name == "valkey-server" and argv[1] == str(self._configuration)

    def prepare(self) -> tuple[list[str], Path, Account | None]:
        """See `Daemon`."""
        state = self.memory.require()
        self._directory.mkdir(mode=0o700, exist_ok=True)
        text = _CONFIGURATION.format(host=LOOPBACK, port=state.valkey_port, password=state.valkey_password)
        with private_file(self._configuration) as descriptor:
            os.write(descriptor, text.encode())
        # A pid file of a killed server would name our process only by chance, but then it would deceive us.
        self.pid_file.unlink(missing_ok=True)
        return [str(valkey_server()), str(self._configuration)], self._directory, None

    def ask_version(self, pid: int) -> str | None:
        """See `Daemon`."""
        state = self.memory.require()
        client = redis.Redis(
            host=LOOPBACK,
            port=state.valkey_port,
            password=state.valkey_password,
            socket_timeout=3,
            retry=Retry(NoBackoff(), 0),
        )
        try:
            answer = client.info("server")
        except redis.AuthenticationError:
            raise ConfigurationError(
                f"valkey of {self.home.path} refuses the password in {self.home.state_file}: restore the file "
                "that belongs to it, or run `neural-memory reset` to start anew"
            ) from None
        except redis.RedisError:
            return None
        finally:
            client.close()
        named = processes.read_pid(self.pid_file) == pid == answer["process_id"]
        return str(answer["valkey_version"]) if named else None

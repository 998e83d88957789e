"""The life of one server of a home: is it running, start it, stop it, does it answer as ours.

What differs between the servers is left to their own modules.
"""

from __future__ import annotations

import signal
import time
from abc import ABC, abstractmethod
from pathlib import Path
from typing import ClassVar

import psutil

from neural_memory_pipelines.errors import ConfigurationError, TransientError
from neural_memory_pipelines.local import processes
from neural_memory_pipelines.local.home import Home
from neural_memory_pipelines.local.ports import LOOPBACK, is_free, pick_free_port
from neural_memory_pipelines.local.processes import Account
from neural_memory_pipelines.local.services import ServiceStatus
from neural_memory_pipelines.local.state import StateFile

_LAUNCH_ATTEMPTS = 10
_ANSWER_TIMEOUT_SECONDS = 120.0  # a recovery after a crash replays the log first

# The port was taken after we looked; or what a killed server left is there for another second.
_PASSING_FAILURES = ("Address already in use", "already exists", "is still in use")

_Signals = tuple[tuple[signal.Signals, float], ...]


class Daemon(ABC):
    """A background server of a home. Start and stop are called with the home's lock held."""

    name: ClassVar[str]
    port_variable: ClassVar[str]
    stop_signals: ClassVar[_Signals]
    abandon_signals: ClassVar[_Signals]

    def __init__(self, home: Home, memory: StateFile) -> None:
        self.home = home
        self.memory = memory
        self.log: Path = home.logs / f"{self.name}.log"

    @abstractmethod
    def recognize(self, argv: list[str]) -> bool:
        """Tell whether a command line is that of this server of this home."""

    @property
    @abstractmethod
    def pid_file(self) -> Path:
        """The file into which the server writes its process id."""

    @property
    @abstractmethod
    def port(self) -> int | None:
        """The remembered port; None if nothing was ever started."""

    @abstractmethod
    def remember_port(self, port: int) -> None:
        """Record the port to use from now on."""

    @abstractmethod
    def prepare(self) -> tuple[list[str], Path, Account | None]:
        """Make ready whatever the server needs on disk; nothing of it is running.

        Returns:
            The command line, the working directory, and the user to run as.
        """

    @abstractmethod
    def ask_version(self, pid: int) -> str | None:
        """Ask the server on the remembered port for its version; None unless it answers, and as process `pid`.

        Raises:
            ConfigurationError: it refuses our password.
        """

    def find(self) -> psutil.Process | None:
        """Find the running server, also when its pid file is lost."""
        named = processes.find_by_pid_file(self.pid_file, self.recognize)
        return named or next(iter(processes.find_all(self.recognize)), None)

    def start(self, configured_port: int | None) -> None:
        """Start the server if it does not run, and wait until it answers.

        Args:
            configured_port: the only port that will do; None for the remembered or any free one.

        Raises:
            ConfigurationError: the configured port is taken, or the server runs on another one.
            TransientError: the server does not come up.
        """
        running = processes.find_by_pid_file(self.pid_file, self.recognize)
        if running is None:
            # One that no pid file names serves a directory which was deleted under it.
            self.stop()
            self._launch(configured_port)
            return
        if configured_port not in (None, self.port):
            raise ConfigurationError(
                f"{self.port_variable}={configured_port}, but {self.name} of {self.home.path} runs on port "
                f"{self.port}: run `neural-memory down` first, or unset the variable"
            )
        if not self._comes_up(running):
            raise self._failure(f"process {running.pid} runs but does not answer", offset_bytes=0)

    def stop(self) -> bool:
        """Stop every process of this server, its data written; tells whether there was one."""
        return self._end(self.stop_signals)

    def abandon(self) -> None:
        """End every process of this server at once: its data is about to be removed."""
        self._end(self.abandon_signals)

    def status(self) -> ServiceStatus:
        """Describe the server as it is now. A refused password counts as not running."""
        process, version = self.find(), None
        if process is not None and self.port is not None:
            try:
                version = self.ask_version(process.pid)
            except ConfigurationError:
                version = None
        return ServiceStatus(
            name=self.name,
            running=version is not None,
            pid=process.pid if process is not None else None,
            address=f"{LOOPBACK}:{self.port}" if self.port is not None else None,
            version=version,
        )

    def _launch(self, configured_port: int | None) -> None:
        processes.rotate_log(self.log)
        offset_bytes = 0
        for _ in range(_LAUNCH_ATTEMPTS):
            self.remember_port(self._choose_port(configured_port))
            offset_bytes = self.log.stat().st_size if self.log.exists() else 0
            argv, directory, account = self.prepare()
            process = processes.launch(argv, directory, log=self.log, account=account)
            if self._comes_up(process):
                return
            if processes.is_alive(process):
                break
            reason = processes.read_tail(self.log, offset_bytes=offset_bytes)
            if not any(passing in reason for passing in _PASSING_FAILURES):
                break
            time.sleep(0.5)
        raise self._failure("it does not come up", offset_bytes=offset_bytes)

    def _end(self, signals: _Signals) -> bool:
        found = processes.find_all(self.recognize)
        for process in found:
            processes.stop(process, signals)
        return bool(found)

    def _choose_port(self, configured_port: int | None) -> int:
        wanted = configured_port or self.port
        if wanted is not None and is_free(wanted):
            return wanted
        if configured_port is not None:
            raise ConfigurationError(
                f"{self.port_variable}={configured_port}: another program listens on this port: "
                "stop it, choose another port, or unset the variable to have a free one chosen"
            )
        return pick_free_port()

    def _comes_up(self, process: psutil.Process) -> bool:
        deadline = time.monotonic() + _ANSWER_TIMEOUT_SECONDS
        while time.monotonic() < deadline and processes.is_alive(process):
            if self.ask_version(process.pid) is not None:
                return True
            time.sleep(0.02)
        return False

    def _failure(self, what: str, *, offset_bytes: int) -> TransientError:
        tail = processes.read_tail(self.log, offset_bytes=offset_bytes)
        return TransientError(
            f"{self.name} of {self.home.path}: {what} on {LOOPBACK}:{self.port}. "
            f"The log is {self.log}; it ends with:\n{tail}"
        )

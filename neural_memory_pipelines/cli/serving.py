"""Starts Dagster's webserver and daemon on the stores, and waits until the UI answers.

Which stores it runs on is decided in `opening.py`.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

from neural_memory_pipelines.cli.opening import Ready, dagster_environment, project_root
from neural_memory_pipelines.cli.up_place import MARK
from neural_memory_pipelines.errors import ConfigurationError, TransientError
from neural_memory_pipelines.local.processes import read_tail, rotate_log

_DEFAULT_PORT = 3000
_READY_SECONDS = 180.0

# The UI is on this machine: no proxy stands between.
_opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class Dagster:
    """Webserver, daemon and code server, in the background."""

    def __init__(self, ready: Ready, home: Path) -> None:
        """Start them.

        Args:
            ready: the stores they work on.
            home: the home of the `up` that they belong to; its log goes there.

        Raises:
            ConfigurationError: the configured port is taken.
        """
        port = _choose_port(ready.settings.ui_port)
        self.url = f"http://127.0.0.1:{port}"
        self.log = home / "logs" / "dagster.log"
        self.log.parent.mkdir(parents=True, exist_ok=True)
        rotate_log(self.log)
        self._log_offset_bytes = self.log.stat().st_size if self.log.exists() else 0
        command = [sys.executable, "-m", "dagster", "dev", "-w", str(project_root() / "workspace.yaml")]
        with self.log.open("ab") as stream:
            self._process = subprocess.Popen(
                [*command, "-h", "127.0.0.1", "-p", str(port)],
                env={**os.environ, **dagster_environment(ready), MARK: str(home)},
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def await_answer(self) -> None:
        """Wait until the UI answers.

        Raises:
            TransientError: it does not in time; the message holds the end of the log.
        """
        deadline = time.monotonic() + _READY_SECONDS
        while time.monotonic() < deadline:
            self._require_running()
            try:
                with _opener.open(f"{self.url}/server_info", timeout=2):
                    return
            except (urllib.error.URLError, OSError):
                time.sleep(0.3)
        raise self._failure(f"the Dagster UI did not answer at {self.url} within {_READY_SECONDS:.0f} s")

    def watch(self) -> None:
        """Wait for as long as it runs.

        Raises:
            TransientError: it ended by itself.
        """
        while True:
            self._require_running()
            time.sleep(0.5)

    def _require_running(self) -> None:
        code = self._process.poll()
        if code is not None:
            raise self._failure(f"Dagster ended by itself, with exit code {code}")

    def _failure(self, what: str) -> TransientError:
        tail = read_tail(self.log, offset_bytes=self._log_offset_bytes)
        return TransientError(f"{what}. The log is {self.log}; it ends with:\n{tail}")


def _choose_port(configured: int | None) -> int:
    if configured is not None:
        if not _is_free(configured):
            raise ConfigurationError(
                f"NEURAL_MEMORY_UI_PORT: port {configured} is taken by another program: choose another, or unset it"
            )
        return configured
    if _is_free(_DEFAULT_PORT):
        return _DEFAULT_PORT
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True

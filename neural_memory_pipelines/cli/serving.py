"""`neural-memory up`: the Dagster UI and daemon on the stores, until Ctrl-C, leaving nothing behind."""

from __future__ import annotations

import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil
from filelock import FileLock, Timeout

from neural_memory_pipelines.cli.opening import Ready, dagster_environment, project_root
from neural_memory_pipelines.errors import ConfigurationError, PermanentError, TransientError
from neural_memory_pipelines.settings import Settings

_MARK = "NEURAL_MEMORY_UP"
_DEFAULT_PORT = 3000
_READY_SECONDS = 180.0
_GRACE_SECONDS = 20.0


@dataclass(frozen=True, slots=True)
class UpRecord:
    """A running `up`, as it is written down for other commands. `mark` is in the environment of all it started."""

    pid: int
    url: str
    mark: str


def running_up(settings: Settings) -> UpRecord | None:
    """Find the `up` that runs on this home, if there is one."""
    lock = FileLock(_lock_path(settings))
    if not _lock_path(settings).parent.exists():
        return None
    try:
        with lock.acquire(timeout=0):
            return None
    except Timeout:
        return _read_record(settings)


def stop_up(settings: Settings) -> bool:
    """Ask a running `up` to end, and wait for it.

    Returns:
        Whether one ran.
    """
    record = running_up(settings)
    if record is None:
        _end_marked(settings)
        return False
    os.kill(record.pid, signal.SIGINT)
    deadline = time.monotonic() + 2 * _GRACE_SECONDS
    while running_up(settings) is not None:
        if time.monotonic() > deadline:
            raise TransientError(f"`neural-memory up` (process {record.pid}) does not end: look at what it is doing")
        time.sleep(0.2)
    return True


@contextmanager
def only_up(settings: Settings) -> Iterator[None]:
    """Hold the place of the one `up` of a home, and clear away what an earlier one left when it crashed.

    Raises:
        PermanentError: one is running.
    """
    settings.home.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(_lock_path(settings)).acquire(timeout=0):
            _end_marked(settings)
            yield
    except Timeout:
        record = _read_record(settings)
        where = f" at {record.url} (process {record.pid})" if record else ""
        raise PermanentError(f"`neural-memory up` is already running{where}") from None


def serve(ready: Ready) -> UpRecord:
    """Start webserver, daemon and code server in the background, and wait until the UI answers.

    Raises:
        ConfigurationError: the configured port is taken.
        TransientError: the UI does not answer in time; names the log.
    """
    settings = ready.settings
    port = _choose_port(settings.ui_port)
    record = UpRecord(pid=os.getpid(), url=f"http://127.0.0.1:{port}", mark=secrets.token_hex(8))
    _record_path(settings).write_text(json.dumps(asdict(record)), encoding="utf-8")
    log = settings.home.resolve() / "logs" / "dagster.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "dagster", "dev", "-w", str(project_root() / "workspace.yaml")]
    with log.open("ab") as stream:
        process = subprocess.Popen(
            [*command, "-h", "127.0.0.1", "-p", str(port)],
            env={**os.environ, **dagster_environment(ready), _MARK: record.mark},
            stdout=stream,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    _await_answer(record.url, process, log)
    return record


def end(settings: Settings) -> None:
    """Stop all that `serve` started."""
    _end_marked(settings)


def still_serving(record: UpRecord) -> bool:
    """Tell whether any process of this `up` is left."""
    return bool(_marked(record.mark))


def _choose_port(configured: int | None) -> int:
    if configured is not None:
        if not _is_free(configured):
            raise ConfigurationError(f"NEURAL_MEMORY_UI_PORT: port {configured} is taken by another program")
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


def _await_answer(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + _READY_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise TransientError(f"Dagster ended with exit code {process.returncode}: see {log}")
        try:
            with urllib.request.urlopen(f"{url}/server_info", timeout=2):  # noqa: S310 - our own http address
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.3)
    raise TransientError(f"the Dagster UI did not answer at {url} within {_READY_SECONDS:.0f} s: see {log}")


def _end_marked(settings: Settings) -> None:
    record = _read_record(settings)
    if record is None:
        return
    # SIGINT lets Dagster end its runs and children in order; what is left after the grace period is killed.
    for send in (psutil.Process.terminate, psutil.Process.kill):
        left = _marked(record.mark)
        for process in left:
            try:
                process.send_signal(signal.SIGINT) if send is psutil.Process.terminate else send(process)
            except psutil.NoSuchProcess:
                continue
        psutil.wait_procs(left, timeout=_GRACE_SECONDS)
    _record_path(settings).unlink(missing_ok=True)


def _marked(mark: str) -> list[psutil.Process]:
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get(_MARK) == mark and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
    return found


def _read_record(settings: Settings) -> UpRecord | None:
    try:
        return UpRecord(**json.loads(_record_path(settings).read_text(encoding="utf-8")))
    except (FileNotFoundError, ValueError, TypeError):
        return None


def _record_path(settings: Settings) -> Path:
    return settings.home.resolve() / "up.json"


def _lock_path(settings: Settings) -> Path:
    return settings.home.resolve() / "up.lock"

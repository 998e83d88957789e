"""Background processes: launch, find, stop. They outlive the command that launched them.

Nothing here knows which server it handles. A process is only ever signalled after its command line was recognized.
"""

from __future__ import annotations

import os
import pwd
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from neural_memory_pipelines.errors import ConfigurationError, TransientError

_LOG_LIMIT_BYTES = 10 * 1024 * 1024
_TAIL_LINES = 15

# Kept until this process ends, so that a dead child is reaped by `is_alive` and not left as a zombie.
_launched_here: dict[int, subprocess.Popen[bytes]] = {}


@dataclass(frozen=True, slots=True)
class Account:
    """An operating-system user to run a server as."""

    uid: int
    gid: int


def server_account() -> Account | None:
    """Name the user for servers that refuse root: `nobody` when we are root, else None for ourselves.

    Raises:
        ConfigurationError: we are root and there is no such user.
    """
    if os.geteuid() != 0:
        return None
    try:
        entry = pwd.getpwnam("nobody")
    except KeyError:
        raise ConfigurationError(
            "PostgreSQL refuses to run as root, and there is no user `nobody` to run it as: "
            "run as an ordinary user, add that user, or set DATABASE_URL to a server of your own"
        ) from None
    return Account(entry.pw_uid, entry.pw_gid)


def spawn_options(account: Account | None) -> dict[str, Any]:
    """Build the options that every program of the stack is started with.

    The environment is almost empty: a bad LANG or a PGPORT of the caller must not reach the servers.
    """
    names = ("PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")
    environment = {name: os.environ[name] for name in names if name in os.environ}
    options: dict[str, Any] = {"env": environment | {"LC_ALL": "C"}, "stdin": subprocess.DEVNULL}
    if account is not None:
        options |= {"user": account.uid, "group": account.gid, "extra_groups": []}
    return options


def launch(argv: Sequence[str], directory: Path, *, log: Path, account: Account | None) -> psutil.Process:
    """Start a program in a session of its own, its output appended to `log`."""
    with log.open("ab") as output:
        child = subprocess.Popen(
            argv,
            cwd=directory,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            **spawn_options(account),
        )
    _launched_here[child.pid] = child
    return psutil.Process(child.pid)


def is_alive(process: psutil.Process) -> bool:
    """Ask whether this very process still runs. A zombie does not, nor does another one with its number."""
    child = _launched_here.get(process.pid)
    if child is not None and child.poll() is not None:
        del _launched_here[process.pid]
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def find_command_line(pid: int) -> list[str]:
    """Read the command line of a process; empty if it is gone, a zombie, or hidden from us."""
    try:
        return _command_line(psutil.Process(pid))
    except psutil.NoSuchProcess:
        return []


def find_all(recognize: Callable[[list[str]], bool]) -> list[psutil.Process]:
    """Find the live processes with a command line of ours, without those that they forked."""
    found = [process for process in psutil.process_iter() if recognize(_command_line(process))]
    pids = {process.pid for process in found}
    return [process for process in found if _parent_pid(process) not in pids]


def find_by_pid_file(pid_file: Path, recognize: Callable[[list[str]], bool]) -> psutil.Process | None:
    """Find the process that a pid file names (on its first line), if that process is alive and ours."""
    pid = read_pid(pid_file)
    if pid is None:
        return None
    try:
        process = psutil.Process(pid)
    except psutil.NoSuchProcess:
        return None
    return process if recognize(_command_line(process)) else None


def read_pid(pid_file: Path) -> int | None:
    """Read the first line of a pid file; None if there is none to read."""
    try:
        return int(pid_file.read_text().split("\n", 1)[0])
    except (FileNotFoundError, ValueError):
        return None


def stop(process: psutil.Process, signals: Sequence[tuple[signal.Signals, float]]) -> None:
    """Send signals, each followed by a wait in seconds, until the process is gone.

    Raises:
        TransientError: it outlived them all.
        ConfigurationError: it belongs to a user whom we may not signal.
    """
    for number, patience_seconds in signals:
        try:
            process.send_signal(number)
        except psutil.NoSuchProcess:
            return
        except psutil.AccessDenied as error:
            raise ConfigurationError(f"process {process.pid} belongs to another user: stop it as that user") from error
        if _wait_until_gone(process, patience_seconds):
            return
    raise TransientError(f"process {process.pid} does not stop: look at it, end it with `kill`, then try again")


def read_tail(log: Path, *, offset_bytes: int = 0) -> str:
    """Read the last lines of a log, from an offset on."""
    try:
        with log.open("rb") as stream:
            stream.seek(max(offset_bytes, log.stat().st_size - 64 * 1024))
            lines = stream.read().decode(errors="replace").splitlines()
    except FileNotFoundError:
        return ""
    return "\n".join(lines[-_TAIL_LINES:])


def rotate_log(log: Path) -> None:
    """Set a log aside that has grown large; one older one is kept. No process may be writing to it."""
    if log.exists() and log.stat().st_size > _LOG_LIMIT_BYTES:
        log.replace(log.with_suffix(".old.log"))


def _wait_until_gone(process: psutil.Process, patience_seconds: float) -> bool:
    deadline = time.monotonic() + patience_seconds
    while is_alive(process):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def _parent_pid(process: psutil.Process) -> int | None:
    try:
        return process.ppid()
    except psutil.Error:
        return None


def _command_line(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline() if is_alive(process) else []
    except psutil.Error:
        return []

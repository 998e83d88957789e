"""The directory of the PostgreSQL cluster: where it lies, how it is made, what a killed server leaves in it.

Nothing here launches or connects to a server.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

import psutil

from neural_memory_pipelines.errors import ConfigurationError, TransientError
from neural_memory_pipelines.local import processes
from neural_memory_pipelines.local.home import Home
from neural_memory_pipelines.local.processes import Account, spawn_options
from neural_memory_pipelines.local.state import private_file

OWNER_ROLE = "neural_memory_owner"
INSIDE_DIRECTORY = "postgres"

_INITDB_TIMEOUT_SECONDS = 180.0
_INITDB_OPTIONS = (
    "--encoding=UTF8",
    "--no-locale",
    "--locale-provider=builtin",
    "--builtin-locale=C.UTF-8",
    "--auth=scram-sha-256",
    f"--username={OWNER_ROLE}",
)


class Cluster:
    """One cluster directory: `data` for the server, and beside it copies of programs, if any."""

    def __init__(self, directory: Path, name: str) -> None:
        self.directory = directory
        self.data = directory / "data"
        self.name = name
        self._unfinished = directory / "data.new"

    def make_directory(self) -> None:
        """Make the directory around the data, which the server's user must be able to pass through."""
        for directory in (self.directory.parent, self.directory):
            if not directory.exists():
                directory.mkdir(parents=True)
                directory.chmod(0o711)  # whatever the umask is

    def initialize(self, programs: Path, account: Account | None, *, password: str, log: Path) -> None:
        """Create the cluster if it is missing; one that was cut short is made anew.

        Raises:
            ConfigurationError: initdb fails, which it says in the log.
        """
        password_file = self.directory / "initdb.password"
        if not self.data.exists():
            self._remove_unfinished()
            self._unfinished.mkdir(mode=0o700)
            with private_file(password_file) as descriptor:
                if account is not None:
                    os.chown(self._unfinished, account.uid, account.gid)
                    os.fchown(descriptor, account.uid, account.gid)
                os.write(descriptor, password.encode())
            self._run_initdb(programs, account, password_file=password_file, log=log)
            self._unfinished.rename(self.data)
        password_file.unlink(missing_ok=True)

    def clear_remains(self) -> None:
        """Clear away what a killed server leaves; none is running, and the home's lock is held.

        Raises:
            TransientError: the pid file names a PostgreSQL server that is not recognized as this one.
        """
        self._end_orphans()
        pid_file = self.data / "postmaster.pid"
        pid = processes.read_pid(pid_file)
        if pid is None or not psutil.pid_exists(pid):
            return
        # The number now belongs to a zombie or to a stranger. PostgreSQL looks at the number alone and would refuse
        # to start for as long as that process lives.
        if _serves_a_lost_directory(pid):
            raise TransientError(
                f"{pid_file} names process {pid}, a PostgreSQL server started for another path (was the home moved "
                f"while it ran?): stop it with `kill -INT {pid}`, then try again"
            )
        pid_file.unlink()

    def _run_initdb(self, programs: Path, account: Account | None, *, password_file: Path, log: Path) -> None:
        argv = [str(programs / "initdb"), "-D", str(self._unfinished), f"--pwfile={password_file}", *_INITDB_OPTIONS]
        with log.open("ab") as output:
            done = subprocess.run(
                argv,
                cwd=self._unfinished,
                stdout=output,
                stderr=subprocess.STDOUT,
                check=False,
                timeout=_INITDB_TIMEOUT_SECONDS,
                **spawn_options(account),
            )
        if done.returncode != 0:
            raise ConfigurationError(
                f"initdb cannot create a cluster in {self.directory}. "
                f"The log is {log}; it ends with:\n{processes.read_tail(log)}"
            )

    def _remove_unfinished(self) -> None:
        # An initdb whose parent was killed goes on writing.
        for process in processes.find_all(lambda argv: str(self._unfinished) in argv):
            processes.stop(process, ((signal.SIGKILL, 10.0),))
        for _ in range(20):
            try:
                if self._unfinished.exists():
                    shutil.rmtree(self._unfinished)
            except OSError:
                time.sleep(0.1)
            else:
                return
        raise TransientError(f"{self._unfinished} cannot be removed: something still writes there; try again")

    def _end_orphans(self) -> None:
        # Backends of a killed postmaster notice its death only when they next wait; until then they hold the data.
        title = f"postgres: {self.name}: "
        for process in processes.find_all(lambda argv: " ".join(argv).startswith(title)):
            processes.stop(process, ((signal.SIGQUIT, 5.0), (signal.SIGKILL, 5.0)))


def choose_directory(home: Home, account: Account | None) -> Path:
    """Choose where a new cluster goes.

    In the home, where the user looks for it and a mounted volume keeps it. Only where the server's user cannot pass
    (root's own directory is closed to `nobody`) it goes to a fixed place outside. Opening up the directories above
    would expose files that are not ours; a temporary directory is emptied when the machine starts.
    """
    if account is None or _can_enter(home.path, account):
        return home.path / INSIDE_DIRECTORY
    return outside_directory(home)


def outside_directory(home: Home) -> Path:
    """Name the place outside for this home's cluster: the same in every command, another one for another home."""
    return Path("/var/lib/neural-memory-pipelines") / home.token


def _can_enter(directory: Path, account: Account) -> bool:
    # Asked of the system itself, which knows of access lists and mount options.
    argv = ["/bin/sh", "-c", 'cd "$1"', "sh", str(directory)]
    done = subprocess.run(argv, cwd="/", capture_output=True, check=False, **spawn_options(account))
    return done.returncode == 0


def _serves_a_lost_directory(pid: int) -> bool:
    # A PostgreSQL server whose own directory does not know it (any more) may be writing to ours, under an old name.
    argv = processes.find_command_line(pid)
    if not argv or Path(argv[0]).name != "postgres" or "-D" not in argv[:-1]:
        return False
    return processes.read_pid(Path(argv[argv.index("-D") + 1]) / "postmaster.pid") != pid

"""The home directory of the embedded stores: its files, its owner, its lock, its removal.

Nothing here knows a server. A marker file says that a directory is ours, so that no reset removes a stranger's files.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from filelock import BaseFileLock, FileLock, Timeout

from neural_memory_pipelines.errors import ConfigurationError, TransientError

_LOCK_TIMEOUT_SECONDS = 180.0
_LOCK_ATTEMPTS = 5
_MARKER_TEXT = "Home of the embedded stores of neural-memory. `neural-memory reset` removes this whole directory.\n"


class Home:
    """A home directory. Its identity is its absolute path, links resolved."""

    def __init__(self, path: Path) -> None:
        self.path = path.expanduser().resolve()
        self.state_file = self.path / "state.json"
        self.objects = self.path / "objects"
        self.logs = self.path / "logs"
        self._marker = self.path / "neural-memory-home"
        self._lock_file = self.path / "lock"

    @property
    def token(self) -> str:
        """A short name of the path, the same in every command, for what must live outside or be found by name."""
        return hashlib.sha256(os.fsencode(self.path)).hexdigest()[:16]

    @property
    def is_claimed(self) -> bool:
        """Whether the directory exists and carries our marker."""
        return self._marker.is_file()

    def require_same_user(self) -> None:
        """Refuse a home that another user made: its passwords and its processes are out of our reach.

        Raises:
            ConfigurationError: the home belongs to another user.
        """
        try:
            owner = self._marker.stat().st_uid
        except (FileNotFoundError, NotADirectoryError):
            return
        except PermissionError as error:
            raise ConfigurationError(
                f"NEURAL_MEMORY_HOME {self.path} is closed to this user: run the command as the user who made it, or "
                "set NEURAL_MEMORY_HOME to another directory"
            ) from error
        if owner != os.geteuid():
            raise ConfigurationError(
                f"NEURAL_MEMORY_HOME {self.path} was made by the user with id {owner}, this command runs as "
                f"{os.geteuid()}: run it as that user, or set NEURAL_MEMORY_HOME to another directory"
            )

    @contextlib.contextmanager
    def claimed(self) -> Iterator[None]:
        """Hold the lock of this home, made ready for use if it is new.

        Raises:
            ConfigurationError: the directory cannot be made, was not made by this package, or is another user's.
            TransientError: another command keeps the lock.
        """
        with self.locked():
            self._marker.write_text(_MARKER_TEXT)
            for directory in (self.objects, self.logs):
                directory.mkdir(mode=0o700, exist_ok=True)
            yield

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the lock of this home as it is. The directory is made if it is missing, as the lock lies in it.

        Raises:
            ConfigurationError: as for `claimed`.
            TransientError: another command keeps the lock.
        """
        self.require_same_user()
        self.refuse_strangers()
        lock = self._acquire()
        try:
            self.refuse_strangers()
            yield
        finally:
            lock.release()

    def refuse_strangers(self) -> None:
        """Refuse a directory that holds files and carries no marker.

        Raises:
            ConfigurationError: the directory was not made by this package.
        """
        try:
            is_strange = any(entry != self._lock_file for entry in self.path.iterdir())
        except FileNotFoundError:
            return
        except NotADirectoryError:
            is_strange = True
        if is_strange and not self.is_claimed:
            raise ConfigurationError(
                f"NEURAL_MEMORY_HOME {self.path} was not made by neural-memory (it has no file {self._marker.name}), "
                "so nothing was changed there: set it to a new or an empty directory"
            )

    def remove(self) -> None:
        """Remove the directory and all that it holds. The caller holds the lock.

        Raises:
            ConfigurationError: the directory was not made by this package.
        """
        self.refuse_strangers()
        # The marker goes last but for the lock: a reset killed on its way can be run again.
        for entry in list(self.path.iterdir()):
            if entry not in (self._marker, self._lock_file):
                _remove_entry(entry)
        self._marker.unlink(missing_ok=True)
        self._lock_file.unlink()
        # From here on a waiting command may hold a lock file of its own and begin the home anew, which then stays.
        try:
            self.path.rmdir()
        except OSError as error:
            if error.errno != errno.ENOTEMPTY:
                raise

    def _acquire(self) -> BaseFileLock:
        for _ in range(_LOCK_ATTEMPTS):
            try:
                self._make_directory()
                return FileLock(self._lock_file, timeout=_LOCK_TIMEOUT_SECONDS, mode=0o600).acquire().lock
            except FileNotFoundError:
                continue  # removed by another command between the two
            except Timeout as error:
                raise TransientError(
                    f"another neural-memory command has been busy with {self.path} for {_LOCK_TIMEOUT_SECONDS:.0f} s: "
                    "wait for it to end, then try again"
                ) from error
            except OSError as error:
                raise ConfigurationError(f"NEURAL_MEMORY_HOME {self.path} cannot be made or locked: {error}") from error
        raise TransientError(
            f"{self.path} is being removed again and again: let the other commands end, then try again"
        )

    def _make_directory(self) -> None:
        if self.path.is_dir():
            return
        self.path.parent.mkdir(parents=True, exist_ok=True)
        # As root the database server runs as `nobody`, who must be able to pass through; what is private lies deeper.
        mode = 0o711 if os.geteuid() == 0 else 0o700
        self.path.mkdir(mode=mode, exist_ok=True)
        self.path.chmod(mode)


def _remove_entry(entry: Path) -> None:
    if entry.is_dir() and not entry.is_symlink():
        shutil.rmtree(entry)
    else:
        entry.unlink()

"""Objects as files below one directory, for one machine.

Which keys exist and what they mean is decided by the steps; other stores have modules of their own.
"""

from __future__ import annotations

import errno
import fcntl
import itertools
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

from neural_memory_pipelines.errors import ConfigurationError, NotFoundError, PermanentError, TransientError
from neural_memory_pipelines.stores.objects.keys import check_key, check_prefix
from neural_memory_pipelines.stores.objects.protocol import ObjectInfo

_STAGING = ".staging"
_REFUSED = {errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.EEXIST}


class DirectoryObjectStore:
    """An `ObjectStore` in a directory. Safe for any number of threads and processes of one machine.

    An object is written to a file beside its place and then renamed: it is there whole or not at all, and a killed
    process (SIGKILL) loses nothing that it had written. Files are not synced one by one: after a **power loss** the
    last objects may be missing or empty. What a killed writer leaves, files named `.staging-...`, is never listed.

    A directory cannot hold an object `a` beside `a/b`: the second of the two is refused. Directories stay when their
    last object is deleted, so that people can go on dropping files into them. Symbolic links are not listed.

    Args:
        root: the directory; created with the first object.
    """

    def __init__(self, root: Path) -> None:
        self._root = root.absolute()
        self._staging = self._root / _STAGING

    def put_many(self, objects: Mapping[str, bytes]) -> None:
        """Write objects, each atomically; an existing one is replaced. They survive a kill of this process.

        Raises:
            PermanentError: a key is not legal (nothing is written), or one key is another's directory.
            TransientError: the disk is full or fails; some of the objects may have been written.
            ConfigurationError: the directory cannot be written.
        """
        for key in objects:
            _check_key(key)
        if not objects:
            return
        writer = os.urandom(8).hex()
        with self._lock_file("write objects") as lock:
            for number, (key, data) in enumerate(objects.items()):
                with self._errors(f"write object {key!r}"):
                    self._put(key, data, staged_name=f"{_STAGING}-{writer}-{number}", lock=lock)

    def get(self, key: str) -> bytes:
        """Read one object.

        Raises:
            NotFoundError: there is none under this key.
            PermanentError: the key is not legal.
        """
        _check_key(key)
        with self._errors(f"read object {key!r}"):
            try:
                return Path(f"{self._root}/{key}").read_bytes()
            except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
                raise NotFoundError(f"no object {key!r} in {self._root}") from None

    def get_many(self, keys: Sequence[str]) -> dict[str, bytes]:
        """Read objects. Missing ones are missing from the answer.

        Raises:
            PermanentError: a key is not legal.
        """
        found = {}
        for key in keys:
            try:
                found[key] = self.get(key)
            except NotFoundError:
                continue
        return found

    def delete(self, key: str, *, if_etag: str | None = None) -> bool:
        """Delete one object; with `if_etag`, only while its content is that one. Deleting nothing is no error.

        Returns:
            Whether the object is gone now.

        Raises:
            PermanentError: the key is not legal.
        """
        _check_key(key)
        path = Path(f"{self._root}/{key}")
        # The lock keeps writers out between the look and the deletion.
        with self._lock_file(f"delete object {key!r}") as lock, _held(lock, fcntl.LOCK_EX):
            try:
                if path.is_dir():
                    return True
                if if_etag is not None and _etag(path.lstat()) != if_etag:
                    return False
                path.unlink()
            except (FileNotFoundError, NotADirectoryError):
                return True
        return True

    def list(self, prefix: str, *, limit: int | None = None) -> Iterator[ObjectInfo]:
        """List the objects whose key starts with `prefix`, in key order; the prefix may end within a name.

        One directory at a time is read. An object that is written or deleted meanwhile may be missing.

        Raises:
            PermanentError: no legal key can start with the prefix.
        """
        check_prefix(prefix)
        folder, slash, name_start = prefix.rpartition("/")
        return itertools.islice(self._walk(folder + slash, name_start), limit)

    def check(self) -> str:
        """Write, read and delete a probe.

        Returns:
            Such as "directory /data/objects".

        Raises:
            TransientError: the disk is full or fails.
            ConfigurationError: the directory cannot be written.
        """
        with self._lock_file("write a probe"):
            probe = Path(f"{self._staging}/{os.urandom(8).hex()}-probe")
            _write(str(probe), b"probe")
            read = probe.read_bytes()
            probe.unlink()
        if read != b"probe":
            raise TransientError(f"directory {self._root}: a file just written reads differently")
        return f"directory {self._root}"

    def _put(self, key: str, data: bytes, *, staged_name: str, lock: int) -> None:
        path = f"{self._root}/{key}"
        # In the directory of the object: one directory for all unfinished files takes three times the processor time.
        folder = path.rpartition("/")[0]
        staged = f"{folder}/{staged_name}"
        try:
            try:
                _write(staged, data)
            except FileNotFoundError:
                Path(folder).mkdir(parents=True, exist_ok=True)
                _write(staged, data)
            with _held(lock, fcntl.LOCK_SH):
                os.replace(staged, path)  # noqa: PTH105
        except (IsADirectoryError, NotADirectoryError, FileExistsError) as error:
            raise PermanentError(
                f"cannot write object {key!r} in {self._root}: a directory cannot hold an object beside others whose "
                "keys continue it after a slash (a and a/b); choose another key"
            ) from error
        finally:
            _remove_if_left(staged)

    def _walk(self, folder: str, name_start: str) -> Iterator[ObjectInfo]:
        pending = [self._entries(folder, name_start)]
        while pending:
            key, entry = next(pending[-1], ("", None))
            if entry is None:
                pending.pop()
            elif key.endswith("/"):
                pending.append(self._entries(key, ""))
            else:
                with self._errors(f"list object {key!r}"):
                    try:
                        stat = entry.stat(follow_symlinks=False)
                    except FileNotFoundError:
                        continue  # deleted since its directory was read
                modified_at = datetime.fromtimestamp(stat.st_mtime, tz=UTC)
                yield ObjectInfo(key=key, size_bytes=stat.st_size, etag=_etag(stat), modified_at=modified_at)

    def _entries(self, folder: str, name_start: str) -> Iterator[tuple[str, os.DirEntry[str]]]:
        entries = {}
        with self._errors(f"list objects {folder!r}"):
            try:
                with os.scandir(f"{self._root}/{folder}") as found:
                    for entry in found:
                        if not entry.name.startswith(name_start) or entry.name.startswith(_STAGING):
                            continue
                        # In key order a directory stands where its name with the slash does: a-b, a/b, a0.
                        if entry.is_dir(follow_symlinks=False):
                            entries[f"{folder}{entry.name}/"] = entry
                        elif entry.is_file(follow_symlinks=False):
                            entries[f"{folder}{entry.name}"] = entry
            except (FileNotFoundError, NotADirectoryError):
                pass  # no such directory is no such objects
        yield from sorted(entries.items())

    @contextmanager
    def _lock_file(self, action: str) -> Iterator[int]:
        with self._errors(action):
            self._staging.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(self._staging / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
            try:
                yield descriptor
            finally:
                os.close(descriptor)

    @contextmanager
    def _errors(self, action: str) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            message = f"cannot {action} in {self._root}: {error.strerror}"
            if error.errno in _REFUSED:
                raise ConfigurationError(f"{message}; check NEURAL_MEMORY_HOME and its permissions") from error
            if error.errno == errno.ENAMETOOLONG:
                raise PermanentError(message) from error
            raise TransientError(message) from error


def _check_key(key: str) -> None:
    check_key(key)
    if key.startswith(_STAGING) or f"/{_STAGING}" in key:
        raise PermanentError(f"object key {key!r}: names that begin with {_STAGING} are those of unfinished objects")


def _write(path: str, data: bytes) -> None:
    with open(path, "xb") as file:  # noqa: PTH123
        file.write(data)
        file.flush()
        # The file system's own clock may stand still for milliseconds, and inode numbers are used again.
        written_ns = time.time_ns()
        os.utime(file.fileno(), ns=(written_ns, written_ns))


def _remove_if_left(staged: str) -> None:
    with suppress(FileNotFoundError, NotADirectoryError):
        os.unlink(staged)  # noqa: PTH108


@contextmanager
def _held(lock: int, kind: int) -> Iterator[None]:
    fcntl.flock(lock, kind)
    try:
        yield
    finally:
        fcntl.flock(lock, fcntl.LOCK_UN)


def _etag(stat: os.stat_result) -> str:
    """Tell apart any two contents that stood under one key.

    A writer has another inode than the object that it replaces, which is still there, even within one tick of a coarse
    clock; the time set by `_write` tells it from those before, whose inode may have been given out again.
    """
    return f"{stat.st_mtime_ns:x}-{stat.st_ino:x}-{stat.st_size:x}"

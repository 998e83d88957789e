"""The files of a Slack export, in a zip or in a folder, read one by one and with distrust.

Nothing is unpacked onto the disk, and no file outside the export is read. What the files mean is read in
`slack_export.py`.
"""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from neural_memory_pipelines.errors import InvalidEventError, NotFoundError, PermanentError
from neural_memory_pipelines.steps.event_files import Fault
from neural_memory_pipelines.steps.lines import read_json

FILE_LIMIT_BYTES = 64 * 1024 * 1024
"""A file of more is refused: it would be held in memory whole. A day of a channel has a few hundred kilobytes."""

LISTS = ("channels.json", "groups.json", "dms.json", "mpims.json")
USER_LISTS = ("users.json", "org_users.json")

_DEPTH_LIMIT = 3
_UNPACKED_LIMIT_BYTES = 1024**3
# JSON shrinks to a tenth or a twentieth; what shrinks to a five-hundredth was made to do harm.
_UNPACKED_LIMIT_RATIO = 200
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_BROKEN = (OSError, EOFError, zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError)

ReadBytes = Callable[[], bytes]


@dataclass(frozen=True, slots=True)
class ExportFiles:
    """The files of an export, by their paths below its root ("general/2026-01-31.json").

    `refused` are those that are not looked into, and why.
    """

    place: str
    readers: Mapping[str, ReadBytes]
    refused: Sequence[Fault]

    def read_array(self, name: str) -> list[Any]:
        """Read a file that must hold a JSON array.

        Raises:
            InvalidEventError: it is broken, too large, or something else; the message does not name it.
        """
        try:
            data = self.readers[name]()
        except _BROKEN as error:
            raise InvalidEventError(f"cannot be read: {error}") from error
        if len(data) > FILE_LIMIT_BYTES:
            raise InvalidEventError(f"larger than {FILE_LIMIT_BYTES} bytes")
        value = read_json(data.removeprefix(_BYTE_ORDER_MARK))
        if not isinstance(value, list):
            raise InvalidEventError("expected a JSON array")
        return value


@contextmanager
def open_export(path: Path) -> Iterator[ExportFiles]:
    """Open an export, a zip as Slack makes it or the folder that was unpacked from one.

    Raises:
        NotFoundError: there is no such file or folder.
        PermanentError: it is neither, holds no list of channels, or is a zip made to fill disks.
    """
    if not path.exists():
        raise NotFoundError(f"{path}: no such file or folder")
    if path.is_dir():
        try:
            readers, refused = _folder_files(path)
        except OSError as error:
            raise PermanentError(f"{path}: cannot be listed: {error}") from error
        yield _below_root(path, readers, refused)
        return
    try:
        archive = zipfile.ZipFile(path)
    except _BROKEN as error:
        raise PermanentError(f"{path}: neither a folder nor a zip that can be read: {error}") from error
    with archive:
        _require_sane_size(path, archive)
        yield _below_root(path, *_zip_files(path, archive))


def _folder_files(folder: Path) -> tuple[dict[str, ReadBytes], list[Fault]]:
    readers: dict[str, ReadBytes] = {}
    refused: list[Fault] = []
    root = folder.resolve()
    for file in _walk(folder, _DEPTH_LIMIT):
        if file.resolve().is_relative_to(root):
            readers[file.relative_to(folder).as_posix()] = _file_reader(file)
        else:
            refused.append(Fault(str(file), "leads out of the folder"))
    return readers, refused


def _walk(folder: Path, depth: int) -> Iterator[Path]:
    for entry in sorted(folder.iterdir()):
        if entry.is_file():
            yield entry
        elif entry.is_dir() and not entry.is_symlink() and depth > 1:
            yield from _walk(entry, depth - 1)


def _file_reader(file: Path) -> ReadBytes:
    def read() -> bytes:
        with file.open("rb") as stream:
            return stream.read(FILE_LIMIT_BYTES + 1)

    return read


def _zip_files(path: Path, archive: zipfile.ZipFile) -> tuple[dict[str, ReadBytes], list[Fault]]:
    readers: dict[str, ReadBytes] = {}
    refused: list[Fault] = []
    for info in sorted(archive.infolist(), key=lambda info: info.filename):
        name = PurePosixPath(info.filename)
        if info.is_dir():
            continue
        if name.is_absolute() or ".." in name.parts or "\\" in info.filename:
            refused.append(Fault(f"{path}: {info.filename}", "leads out of the archive"))
        elif len(name.parts) <= _DEPTH_LIMIT:
            readers[name.as_posix()] = _member_reader(archive, info)
    return readers, refused


def _member_reader(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> ReadBytes:
    def read() -> bytes:
        with archive.open(info) as stream:
            return stream.read(FILE_LIMIT_BYTES + 1)

    return read


def _require_sane_size(path: Path, archive: zipfile.ZipFile) -> None:
    # Members may share their packed bytes, so a small archive can declare any size; it cannot give more than that.
    unpacked_bytes = sum(info.file_size for info in archive.infolist())
    if unpacked_bytes > max(_UNPACKED_LIMIT_BYTES, _UNPACKED_LIMIT_RATIO * path.stat().st_size):
        raise PermanentError(f"{path}: would unpack to {unpacked_bytes} bytes: this is no export of Slack")


def _below_root(path: Path, readers: Mapping[str, ReadBytes], refused: Sequence[Fault]) -> ExportFiles:
    """Find the folder that holds the lists, which is not at the top if somebody packed the export again."""
    roots = {str(PurePosixPath(name).parent) for name in readers if PurePosixPath(name).name in LISTS}
    if not roots:
        raise PermanentError(f"{path}: holds none of {', '.join(LISTS)}: this is no export of Slack")
    root = min(roots, key=lambda root: (len(PurePosixPath(root).parts), root))
    prefix = "" if root == "." else f"{root}/"
    below = {name.removeprefix(prefix): read for name, read in readers.items() if name.startswith(prefix)}
    return ExportFiles(f"{path}/{prefix}" if path.is_dir() else f"{path}: {prefix}", below, refused)

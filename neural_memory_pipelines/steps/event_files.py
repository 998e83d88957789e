"""Takes files and objects of events apart into single events, each with its place.

JSON lines are read line by line and never held whole. What an event means is not asked here.
"""

from __future__ import annotations

import gzip
import io
import json
import stat
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, cast

from neural_memory_pipelines.errors import InvalidEventError, NotFoundError, PermanentError
from neural_memory_pipelines.steps.lines import read_json

BROKEN_GZIP = (EOFError, zlib.error, gzip.BadGzipFile)
"""What reading data raises that only begins like gzip."""

_GZIP_MARK = b"\x1f\x8b"
_UTF8_MARK = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class EventText:
    """One event as a line of JSON, without the line end. `place` is `name:line`, or `name: item n` in an array."""

    place: str
    json: bytes


@dataclass(frozen=True, slots=True)
class Fault:
    """A part of a file that holds no event."""

    place: str
    reason: str


def read_event_file(path: Path) -> Iterator[EventText | Fault]:
    """Read a file of events: JSON lines, one JSON object, or an array of them; gzipped or not; also a pipe.

    Raises:
        NotFoundError: there is no such file.
        PermanentError: it is a folder, or cannot be opened.
    """
    try:
        with open_file(path) as stream:
            yield from read_events(str(path), stream)
    except BROKEN_GZIP as error:
        yield Fault(str(path), f"broken gzip data: {error}")


def read_events(name: str, stream: IO[bytes]) -> Iterator[EventText | Fault]:
    """Take a stream apart, unpacked as it is: JSON lines, one JSON object, or an array of them.

    JSON lines are told by their first line, a JSON value that is followed by others. Lines count from 1 as an editor
    counts them, blank ones too; items of an array count from 1.
    """
    number, first = _first_line(stream)
    if not first:
        return
    if _is_object(first):
        yield from _lines(name, number, first, stream)
        return
    # The blank lines that were skipped are put back, so that a fault is told by the line that an editor shows.
    yield from _whole(name, b"\n" * (number - 1) + first + stream.read(), first_line=number)


@contextmanager
def open_file(path: Path) -> Iterator[IO[bytes]]:
    """Open a file or pipe, gzipped or not.

    Raises:
        NotFoundError: there is no such file.
        PermanentError: it is a folder, or cannot be opened.
    """
    try:
        if stat.S_ISDIR(path.stat().st_mode):
            raise PermanentError(f"{path}: this is a folder: name the files in it, or use `ingest docs` for documents")
        stream = path.open("rb")
    except FileNotFoundError:
        raise NotFoundError(f"{path}: no such file") from None
    except OSError as error:
        raise PermanentError(f"{path}: cannot be opened: {error.strerror}") from error
    with stream:
        yield unpacked(stream)


def unpacked(stream: io.BufferedReader[Any]) -> IO[bytes]:
    """Read a stream through gzip if it begins like it. What is broken shows while reading: see BROKEN_GZIP."""
    if stream.peek(2)[:2] == _GZIP_MARK:
        return cast("IO[bytes]", gzip.GzipFile(fileobj=stream))
    return stream


def _first_line(stream: IO[bytes]) -> tuple[int, bytes]:
    """Read up to the first line that is not blank; an empty one if there is none."""
    line, number = b"", 0
    while not line.strip():
        line, number = stream.readline(), number + 1
        if not line:
            break
        line = line.removeprefix(_UTF8_MARK) if number == 1 else line
    return number, line


def _is_object(line: bytes) -> bool:
    """Tell whether a line looks like an object by itself."""
    text = line.strip()
    return text.startswith(b"{") and text.endswith(b"}")


def _lines(name: str, number: int, first: bytes, rest: IO[bytes]) -> Iterator[EventText]:
    line = first
    while line:
        if line.strip():
            yield EventText(f"{name}:{number}", line.removesuffix(b"\n"))
        line, number = rest.readline(), number + 1


def _whole(name: str, data: bytes, *, first_line: int) -> Iterator[EventText | Fault]:
    try:
        value = read_json(data)
    except InvalidEventError as error:
        if _has_broken_lines(data):
            stream = io.BytesIO(data)
            yield from _lines(name, 1, stream.readline(), stream)
        else:
            yield Fault(name, str(error))
        return
    if not isinstance(value, list):
        yield EventText(f"{name}:{first_line}", _spell(value))
        return
    for number, item in enumerate(value, start=1):
        yield EventText(f"{name}: item {number}", _spell(item))


def _has_broken_lines(data: bytes) -> bool:
    """Tell JSON lines, of which some are broken, from one array or object that is broken."""
    first, _, rest = data.strip().partition(b"\n")
    if not first.startswith((b"[", b"{")):
        return True
    if first.startswith(b"{") and any(map(_is_object, rest.split(b"\n"))):
        return True
    try:
        read_json(first)
    except InvalidEventError:
        return False
    return bool(rest)


def _spell(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")

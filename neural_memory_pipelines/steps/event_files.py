"""Takes files of events apart into single events, each with its place in the file.

JSON lines are read line by line and never held whole. What an event means is not asked here.
"""

from __future__ import annotations

import gzip
import io
import json
import re
import stat
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, cast

from neural_memory_pipelines.errors import InvalidEventError, NotFoundError, PermanentError

_GZIP_MARK = b"\x1f\x8b"
_UTF8_MARK = b"\xef\xbb\xbf"
_LOOKS_LIKE_OBJECT = re.compile(rb"^[ \t]*\{.*\}[ \t\r]*$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class EventText:
    """One event of a file as JSON. `place` is `file:line`, or `file: item n` in an array."""

    place: str
    json: bytes


@dataclass(frozen=True, slots=True)
class Fault:
    """A part of a file that holds no event."""

    place: str
    reason: str


def read_event_file(path: Path) -> Iterator[EventText | Fault]:
    """Read a file of events: JSON lines, one JSON object, or an array of them; gzipped or not; also a pipe.

    Lines count from 1 as an editor counts them, blank ones too; items of an array count from 1.

    Raises:
        NotFoundError: there is no such file.
        PermanentError: it is a folder, or cannot be opened.
    """
    try:
        with _opened(path) as stream:
            yield from _take_apart(str(path), stream)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        yield Fault(str(path), f"broken gzip data: {error}")


def parse_json(text: bytes) -> Any:
    """Parse one JSON value.

    Raises:
        InvalidEventError: it is none; says why, and where in the text if that has more than one line.
    """
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        line = f"line {error.lineno}, " if b"\n" in text else ""
        raise InvalidEventError(f"not JSON: {error.msg} ({line}column {error.colno})") from None
    except UnicodeDecodeError as error:
        raise InvalidEventError(f"not UTF-8: byte {error.start + 1} is {error.object[error.start]:#04x}") from None
    except RecursionError:
        raise InvalidEventError("not readable: nested too deeply") from None


@contextmanager
def _opened(path: Path) -> Iterator[IO[bytes]]:
    try:
        if stat.S_ISDIR(path.stat().st_mode):
            raise PermanentError(f"{path}: this is a folder: name the files in it, or use `ingest docs` for documents")
        stream = path.open("rb")
    except FileNotFoundError:
        raise NotFoundError(f"{path}: no such file") from None
    except OSError as error:
        raise PermanentError(f"{path}: cannot be opened: {error.strerror}") from error
    with stream:
        if stream.peek(2)[:2] == _GZIP_MARK:
            with gzip.GzipFile(fileobj=stream) as unpacked:
                yield cast("IO[bytes]", unpacked)
        else:
            yield stream


def _take_apart(name: str, stream: IO[bytes]) -> Iterator[EventText | Fault]:
    first, number = b"", 0
    while not first.strip():
        first, number = stream.readline(), number + 1
        if not first:
            return
        first = first.removeprefix(_UTF8_MARK) if number == 1 else first
    if _is_json_line(first):
        yield from _lines(name, first, number, stream)
        return
    # The blank lines that were skipped are put back, so that a fault is told by the line that an editor shows.
    yield from _whole(name, b"\n" * (number - 1) + first + stream.read(), first_line=number)


def _is_json_line(line: bytes) -> bool:
    if line.lstrip().startswith(b"["):
        return False
    if _LOOKS_LIKE_OBJECT.match(line):
        return True
    try:
        json.loads(line)
    except (ValueError, RecursionError):
        return False
    return True


def _lines(name: str, first: bytes, number: int, rest: IO[bytes]) -> Iterator[EventText]:
    line = first
    while line:
        if line.strip():
            yield EventText(f"{name}:{number}", line.strip())
        line, number = rest.readline(), number + 1


def _whole(name: str, data: bytes, *, first_line: int) -> Iterator[EventText | Fault]:
    try:
        value = parse_json(data)
    except InvalidEventError as error:
        # Not an array and not one object. If any line is an event by itself, the others are faulty lines.
        if not data.lstrip().startswith(b"[") and _LOOKS_LIKE_OBJECT.search(data):
            stream = io.BytesIO(data)
            yield from _lines(name, stream.readline(), 1, stream)
        else:
            yield Fault(name, str(error))
        return
    if not isinstance(value, list):
        yield EventText(f"{name}:{first_line}", data.strip())
        return
    for number, item in enumerate(value, start=1):
        yield EventText(f"{name}: item {number}", _spell(item))


def _spell(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")

"""Reads the lines that producers send, JSON and envelopes, as forgivingly as can be done without guessing.

Where lines come from, and where they go, is decided by the other steps.
"""

from __future__ import annotations

import json
from typing import Any

from neural_memory_pipelines.domain.documents import storable
from neural_memory_pipelines.domain.events import SourceEvent
from neural_memory_pipelines.errors import InvalidEventError
from neural_memory_pipelines.sources.envelope import decode_envelope


def read_json(data: bytes) -> Any:
    """Read any JSON value; a half of a surrogate pair, which no database stores, becomes U+FFFD.

    Raises:
        InvalidEventError: it is not JSON, or nested too deep; says why, and where in the text if it has several lines.
    """
    try:
        return json.loads(_mended(data) or data)
    except json.JSONDecodeError as error:
        line = f"line {error.lineno}, " if b"\n" in data else ""
        raise InvalidEventError(f"not JSON: {error.msg} ({line}column {error.colno})") from None
    except UnicodeDecodeError as error:
        raise InvalidEventError(_no_utf8(error)) from None
    except ValueError as error:  # a number with too many digits
        raise InvalidEventError(f"not JSON: {error}") from None
    except RecursionError:
        raise InvalidEventError("not readable: nested too deeply") from None


def read_envelope(line: bytes) -> SourceEvent:
    """Read one envelope, with U+FFFD for halves of surrogate pairs.

    Raises:
        InvalidEventError: it is not UTF-8 or JSON, or a field is missing or wrong; names the field.
    """
    try:
        return decode_envelope(line)
    except InvalidEventError:
        mended = _mended(line)
        if mended is not None:
            return decode_envelope(mended)
        try:
            line.decode()
        except UnicodeDecodeError as error:
            raise InvalidEventError(_no_utf8(error)) from None
        raise


def _no_utf8(error: UnicodeDecodeError) -> str:
    return f"not UTF-8: byte {error.start + 1} is {error.object[error.start]:#04x}"


def _mended(data: bytes) -> bytes | None:
    """Spell JSON anew if it holds halves of surrogate pairs, as escapes or as bytes; None if there are none."""
    if b"\\ud" not in data.lower() and b"\xed" not in data:
        return None
    try:
        spelled = json.dumps(json.loads(data.decode("utf-8", "surrogatepass")), ensure_ascii=False)
    except (ValueError, RecursionError):
        return None
    mended = storable(spelled)
    return None if mended == spelled else mended.encode()

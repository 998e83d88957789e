"""What counts as the text of a document, wherever its bytes come from, and what is refused.

Knows bytes and names only: no file system and no git.
"""

from __future__ import annotations

TEXT_LIMIT_BYTES = 10 * 1024 * 1024

_UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")


def name_fault(path: str) -> str | None:
    """Say why a file cannot be a document by its name alone; None if it can.

    Args:
        path: relative, with slashes; bytes that are not UTF-8 are surrogate escapes.
    """
    if {"", ".", ".."} & set(path.split("/")):
        return "the name leads out of the folder"
    try:
        path.encode()
    except UnicodeEncodeError:
        return "the name of the file is not UTF-8: rename it"
    return None


def text_fault(data: bytes, *, size_bytes: int) -> str | None:
    """Say why a file cannot be read as text; None if it can.

    Args:
        data: its first bytes, up to at least the limit.
        size_bytes: how many it has.
    """
    if size_bytes > TEXT_LIMIT_BYTES:
        return f"{size_bytes:,} bytes are more than {TEXT_LIMIT_BYTES:,}"
    if data.startswith(_UTF16_MARKS):
        return "this is UTF-16: save it as UTF-8"
    return "binary: expected text in UTF-8" if b"\0" in data else None


def decode_text(data: bytes) -> str:
    """Read bytes as UTF-8, with or without a mark in front; what is none becomes U+FFFD."""
    return data.decode("utf-8-sig", errors="replace")

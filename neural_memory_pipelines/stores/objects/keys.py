"""Which keys an object may have, the same for every store.

Where a store puts an object is its own affair.
"""

from __future__ import annotations

import re

from neural_memory_pipelines.errors import PermanentError

KEY_LIMIT_BYTES = 1024
PART_LIMIT_BYTES = 255

_ILLEGAL = re.compile(r"[\x00-\x1f\x7f-\x9f\\\ud800-\udfff]")


def check_key(key: str) -> None:
    """Check a key: parts of printable characters, separated by single slashes.

    Raises:
        PermanentError: the key is absolute, too long, or has a part or a character that is not legal.
    """
    if not key or _ILLEGAL.search(key):
        raise PermanentError(f"object key {key!r}: empty, or holds a control character, backslash or half a surrogate")
    if len(key.encode()) > KEY_LIMIT_BYTES:
        raise PermanentError(f"object key {key[:80]!r}...: more than {KEY_LIMIT_BYTES} bytes")
    for part in key.split("/"):
        if part in {"", ".", ".."}:
            raise PermanentError(f"object key {key!r}: has an empty, '.' or '..' part, or starts or ends with a slash")
        if len(part.encode()) > PART_LIMIT_BYTES:
            raise PermanentError(f"object key {key!r}: part {part[:40]!r}... has more than {PART_LIMIT_BYTES} bytes")


def check_prefix(prefix: str) -> None:
    """Check a prefix: empty, or the beginning of a legal key. It may end within a part or at a slash.

    Raises:
        PermanentError: no legal key can start with it.
    """
    folder, slash, part_start = prefix.rpartition("/")
    if slash:
        check_key(folder)
    if _ILLEGAL.search(part_start):
        raise PermanentError(f"object prefix {prefix!r}: holds a character that no key can have")

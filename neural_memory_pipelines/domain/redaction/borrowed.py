"""Borrowed patterns: the regular expressions of the detect-secrets library, loaded when a text first needs one.

Its plugins import an HTTP client for checks that are never made here; loading them late keeps the domain light.
"""

from __future__ import annotations

import importlib
import re
from dataclasses import dataclass
from functools import cache
from typing import Any


@dataclass(frozen=True, slots=True)
class Borrowed:
    """The patterns of a detector: `detect_secrets.plugins.<module>.<detector>.denylist`."""

    module: str
    detector: str


def borrowed_pattern(source: Borrowed) -> str:
    """Give the patterns of a detector as one alternation, with the flags of each."""
    patterns: list[re.Pattern[str]] = list(_detector(source).denylist)
    return "|".join(f"(?{_inline_flags(pattern)}:{pattern.pattern})" for pattern in patterns)


def is_formal_jwt(token: str) -> bool:
    """Say whether a token, or its header alone, decodes as a JSON Web Token does."""
    try:
        return bool(_detector(Borrowed("jwt", "JwtTokenDetector")).is_formally_valid(token))
    except RecursionError:  # nested a thousand deep, which no header is
        return False


@cache
def _detector(source: Borrowed) -> Any:
    module = importlib.import_module(f"detect_secrets.plugins.{source.module}")
    return getattr(module, source.detector)


def _inline_flags(pattern: re.Pattern[str]) -> str:
    known = {re.IGNORECASE: "i", re.VERBOSE: "x", re.DOTALL: "s", re.MULTILINE: "m"}
    return "".join(letter for flag, letter in known.items() if pattern.flags & flag)

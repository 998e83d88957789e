"""Randomness: whether a value looks like a generated secret, or like a word, a name, an expression or an example.

Where such values stand is up to the rules that ask.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from itertools import pairwise

_RANDOM_CHARS = 16
_PASSWORD_CHARS = 8
_LONGEST_PASSWORD_CHARS = 64
_RANDOM_BITS = 3.0
_HEX_BITS = 2.5
_PASSWORD_BITS = 2.5
_LEAST_TURNS = 0.25
_LEAST_LETTERS = 3
_LEAST_DISTINCT = 8
_SEQUENCE_SHARE = 0.5

_EXAMPLE = re.compile(
    r"x{5}|\*{3}|\.{3}|0{6}|your|example|change_?me|placeholder|dummy|redacted|sample|passw|foobar|s3cr3t|secret"
    r"|insert|replace|lorem|[<>{}]|\$\(",
    re.IGNORECASE,
)
_NO_SECRET = re.compile(
    r"://|^(?:arn:|projects/|urn:|data:|file:|env[.:])|/[^/]*\.[a-z]{2,5}\Z"
    r"|^(?:\.{0,2}|~)/[a-z_.-]{2,64}(?:[/.]|\Z)"  # a path
    r"|^[$@][A-Za-z_]+\Z|^%\w+%\Z"  # a variable
)
# Words, names and expressions: letters with separators, a short number at the end of each part.
_WORDS = re.compile(r"(?:[A-Za-z]+\d{0,4}|\d{1,4}|)(?:(?:[-._:/@]|%20)+(?:[A-Za-z]+\d{0,4}|\d{1,4}|))*")
_HEX = re.compile(r"[0-9a-f]{32,}|[0-9A-F]{32,}")
_CLASSES = str.maketrans(
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", "a" * 26 + "A" * 26 + "0" * 10
)
_TURN = re.compile(r"(?<=a)[^a]|(?<=0)[^0]|(?<=A)[^Aa]|(?<=[^aA0])[aA0]")


def is_example(body: str) -> bool:
    """Say whether the body of a token is filled in for show: few different characters, a sequence, or such a word."""
    if names_an_example(body) or len(set(body)) < min(_LEAST_DISTINCT, len(body) // 2):
        return True
    steps = sum(ord(after) - ord(before) == 1 for before, after in pairwise(body))
    return steps >= _SEQUENCE_SHARE * len(body)


def names_an_example(value: str) -> bool:
    """Say whether a word or a mark in a value shows that a real one belongs there: "your", "xxxx", "${...}"."""
    return bool(_EXAMPLE.search(value))


def looks_random(value: str) -> bool:
    """Say whether a value looks generated: 16 characters or more, letters among them, of mixed classes throughout.

    At least every fourth character begins a run of another class (lower case, upper case, digits, others); the upper
    case letter of a capitalized word begins none. Shannon's entropy is at least 3 bits a character. Of 32 hexadecimal
    digits or more, 2.5 bits are enough.
    """
    least_bits = _HEX_BITS if _HEX.fullmatch(value) else _RANDOM_BITS
    return len(value) >= _RANDOM_CHARS and _mixed(value) and _entropy_bits(value) >= least_bits


def looks_password(value: str) -> bool:
    """Say whether a value that is said to be a password is one: random, or 8 to 64 characters of three classes."""
    if looks_random(value):
        return True
    if not _PASSWORD_CHARS <= len(value) <= _LONGEST_PASSWORD_CHARS or _is_plain(value):
        return False
    classes = len(set(re.sub(r"[^aA0]", "_", value.translate(_CLASSES))))
    return classes >= 3 and _entropy_bits(value) >= _PASSWORD_BITS


def _mixed(value: str) -> bool:
    turns = len(_TURN.findall(value.translate(_CLASSES)))
    if turns < _LEAST_TURNS * len(value) and not _HEX.fullmatch(value):
        return False
    return sum(map(str.isalpha, value)) >= _LEAST_LETTERS and not _is_plain(value)


def _is_plain(value: str) -> bool:
    return names_an_example(value) or bool(_WORDS.fullmatch(value) or _NO_SECRET.search(value)) or is_example(value)


def _entropy_bits(value: str) -> float:
    """Give Shannon's entropy in bits a character."""
    counts = Counter(value).values()
    return math.log2(len(value)) - math.fsum(count * math.log2(count) for count in counts) / len(value)

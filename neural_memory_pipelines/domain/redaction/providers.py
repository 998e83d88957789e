"""Provider tokens: secrets that say by their prefix or shape who gave them out.

The shapes are in `provider_rules.py`; secrets that are known only by the name beside them, in `assignments.py`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache, lru_cache
from string import ascii_letters, digits

from neural_memory_pipelines.domain.redaction.borrowed import Borrowed, borrowed_pattern, is_formal_jwt
from neural_memory_pipelines.domain.redaction.provider_rules import RULES, ProviderRule
from neural_memory_pipelines.domain.redaction.randomness import is_example
from neural_memory_pipelines.domain.redaction.spans import Span

_JWT = "jwt"
PROVIDER_KINDS = frozenset({*(rule.kind for rule in RULES), _JWT})

# A token begins where no word goes on; escapes such as a spelled-out \n or %3D end in letters and are no words.
_START = r"(?:(?<![A-Za-z0-9])|(?<=\\[nrt])|(?<=%[0-9A-Fa-f]{2}))"
# Tokens have a run of 16 such characters, and prose has few: about 1,000 in a megabyte. Anchors are looked for near
# runs alone. Runs are found in a byte for each character, all of a token's the same, where the search is quickest.
_RUN_CHARS = 16
_RUN = b"a" * _RUN_CHARS
_IN_RUN = bytes(97 if chr(code) in f"{ascii_letters}{digits}_-" else 32 for code in range(256))
_REACH_BACK_CHARS = 24
_ANCHORS = re.compile(_START + "(?:" + "|".join(anchor for rule in RULES for anchor in rule.anchors) + ")")
_LITERALS = tuple((literal, rule) for rule in RULES for literal in rule.literals)
# A part of a token cannot begin another one, so that the run of characters is passed once.
_JWT_SHAPE = re.compile(
    r"(eyJ(?:(?<![A-Za-z0-9_-]eyJ)|(?<=\\[nrt]eyJ)|(?<=%[0-9A-Fa-f]{2}eyJ))"
    r"[A-Za-z0-9_-]{8,4000}\.[A-Za-z0-9_-]{2,16000}(?:\.[A-Za-z0-9_-]{1,16000}){0,3})"
)
_BODY = re.compile(r"(?:[A-Za-z0-9]{2,12}[_.:-]){0,3}(.*)", re.DOTALL)
_LEAST_DISTINCT = 6


def find_provider_tokens(text: str) -> Iterator[Span]:
    """Find the tokens of known providers and JSON Web Tokens."""
    yield from _anchored_tokens(text)
    for literal, rule in _LITERALS:
        if literal in text:
            for found in _compiled(rule).finditer(text):
                yield from _judged(found, rule)
    if "eyJ" in text:
        yield from _web_tokens(text)


def _anchored_tokens(text: str) -> Iterator[Span]:
    covered = 0
    for anchor in _anchors(text):
        if anchor.start() < covered:
            continue
        for rule in _rules_of(anchor.group()):
            found = _compiled(rule).match(text, anchor.start())
            if found:
                covered = found.end()
                yield from _judged(found, rule)


def _anchors(text: str) -> Iterator[re.Match[str]]:
    """Find the beginnings of what may be tokens, in order."""
    position = 0
    for run_start, run_end in _runs(text):
        start = max(position, run_start - _REACH_BACK_CHARS)
        for anchor in _ANCHORS.finditer(text, start, run_end + 1):
            position = anchor.end()
            yield anchor
        position = max(position, run_start)


def _runs(text: str) -> Iterator[tuple[int, int]]:
    shape = text.encode("latin-1", "replace").translate(_IN_RUN)
    end = 0
    while (start := shape.find(_RUN, end)) >= 0:
        end = shape.find(b" ", start + _RUN_CHARS)
        end = len(shape) if end < 0 else end
        if text[start:end].strip("-_"):  # lines drawn with hyphens are long runs too
            yield start, end


@lru_cache(maxsize=1024)
def _rules_of(anchor: str) -> tuple[ProviderRule, ...]:
    return tuple(rule for rule in RULES if any(re.fullmatch(shape, anchor) for shape in rule.anchors))


def _judged(found: re.Match[str], rule: ProviderRule) -> Iterator[Span]:
    whole = found.group()
    if len(set(whole)) >= _LEAST_DISTINCT and (rule.examples or not _is_filled_in(whole)):
        yield Span(found.start(), found.end(), rule.kind)


def _web_tokens(text: str) -> Iterator[Span]:
    for found in _JWT_SHAPE.finditer(text):
        head, payload, *rest = found[1].split(".")
        # The payload of an encrypted token, which has five parts, is not readable; a cut one does not decode.
        if (payload.startswith("eyJ") or len(rest) == 3) and is_formal_jwt(head):
            yield Span(found.start(1), found.end(1), _JWT)


def _is_filled_in(token: str) -> bool:
    """Say whether what follows the prefix is an example, such as "ghp_xxxxxxxx" or "sk-your-key-here"."""
    body = _BODY.fullmatch(token)
    return body is None or is_example(body[1] or token)


@cache
def _compiled(rule: ProviderRule) -> re.Pattern[str]:
    shape = borrowed_pattern(rule.shape) if isinstance(rule.shape, Borrowed) else rule.shape
    return re.compile(f"{_START}(?:{shape}){rule.tail}")

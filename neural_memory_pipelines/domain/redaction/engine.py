"""The engine: a policy's rules run over a text until nothing is left to find, so that a second run changes nothing.

The rules themselves live in the modules beside this one; payloads, where the key decides the rules, in `payloads.py`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from neural_memory_pipelines.domain.redaction.assignments import ASSIGNED_KINDS, find_assigned_secrets
from neural_memory_pipelines.domain.redaction.emails import EMAIL, find_emails
from neural_memory_pipelines.domain.redaction.numbers import NUMBER_KINDS, find_numbers
from neural_memory_pipelines.domain.redaction.private_keys import PRIVATE_KEY, find_private_keys
from neural_memory_pipelines.domain.redaction.providers import PROVIDER_KINDS, find_provider_tokens
from neural_memory_pipelines.domain.redaction.spans import Finder, Span, chosen_spans

# A run can free what stood glued to a finding; chains of this length do not occur unless they are made on purpose.
_MAX_RUNS = 16
_SHORTEST_CHARS = 6
_PLACEHOLDER = re.compile(r"\[redacted:([a-z0-9-]{1,40})\]")

TOKEN_FINDERS: tuple[Finder, ...] = (
    find_private_keys,
    find_provider_tokens,
    find_assigned_secrets,
)
ADDRESS_FINDERS: tuple[Finder, ...] = (*TOKEN_FINDERS, find_emails)
ALL_FINDERS: tuple[Finder, ...] = (*ADDRESS_FINDERS, find_numbers)


class RedactionPolicy(StrEnum):
    """What a workspace wants redacted: nothing, secrets, or secrets and personal data."""

    OFF = "off"
    TOKENS = "tokens"
    ALL = "all"


@dataclass(frozen=True, slots=True)
class Redacted:
    """A text after redaction.

    `counts` tells how many places of each kind this call redacted; `count_placeholders` counts those of earlier calls
    too.
    """

    text: str
    counts: Mapping[str, int]


_FINDERS: Mapping[RedactionPolicy, tuple[Finder, ...]] = {
    RedactionPolicy.OFF: (),
    RedactionPolicy.TOKENS: TOKEN_FINDERS,
    RedactionPolicy.ALL: ALL_FINDERS,
}


def redact(text: str, policy: RedactionPolicy) -> Redacted:
    """Put a placeholder `[redacted:<kind>]` for all that the policy names.

    Returns:
        The text, and the number of places by kind. Redacting the result again changes nothing.
    """
    return redact_with(text, _FINDERS[policy])


def redact_with(text: str, finders: Sequence[Finder]) -> Redacted:
    """Redact what these finders find; see `redact`."""
    counts: Counter[str] = Counter()
    if len(text) < _SHORTEST_CHARS or not finders:
        return Redacted(text, counts)
    for _ in range(_MAX_RUNS):
        spans = chosen_spans(text, finders)
        if not spans:
            break
        counts.update(span.kind for span in spans)
        text = _replaced(text, spans)
    return Redacted(text, counts)


def count_placeholders(text: str) -> dict[str, int]:
    """Count the placeholders of a redacted text by kind. What a person wrote between such brackets does not count."""
    if "[redacted:" not in text:
        return {}
    known = redaction_kinds()
    return dict(Counter(kind for kind in _PLACEHOLDER.findall(text) if kind in known))


def redaction_kinds() -> frozenset[str]:
    """List all kinds that a placeholder can name."""
    return frozenset({PRIVATE_KEY, EMAIL, *PROVIDER_KINDS, *ASSIGNED_KINDS, *NUMBER_KINDS})


def _replaced(text: str, spans: Sequence[Span]) -> str:
    parts: list[str] = []
    position = 0
    for span in spans:
        parts += (text[position : span.start], f"[redacted:{span.kind}]")
        position = span.end
    return "".join((*parts, text[position:]))

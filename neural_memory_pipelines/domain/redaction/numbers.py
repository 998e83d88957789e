"""Numbers that mean a person or an account: the rules for them, run only over the places that could hold one.

The rules live in `phones.py`, `bank_numbers.py` and `national_ids.py`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from neural_memory_pipelines.domain.redaction.bank_numbers import CARD, IBAN, find_cards, find_ibans
from neural_memory_pipelines.domain.redaction.national_ids import NATIONAL_ID, find_national_ids
from neural_memory_pipelines.domain.redaction.phones import PHONE, find_phones
from neural_memory_pipelines.domain.redaction.spans import Span, merged_spans

NumberFinder = Callable[[str, int, int], Iterator[Span]]
"""Finds what is of its kinds in `text[start:end]`, which cuts no number."""

NUMBER_KINDS = frozenset({CARD, IBAN, NATIONAL_ID, PHONE})

_FINDERS: tuple[NumberFinder, ...] = (
    find_ibans,
    find_cards,
    find_national_ids,
    find_phones,
)
_AROUND_CHARS = 64
# Six digits, each at most six characters of the kinds that stand inside numbers after the last: every number sought has
# them, few lines of prose do.
_DIGITS = re.compile(r"[0-9](?:[A-Z ./()+\u00a0\u2010-\u2013-]{0,6}[0-9]){5}")


def find_numbers(text: str) -> list[Span]:
    """Find phone numbers, payment cards, bank accounts and national ids."""
    places = list(_places_with_digits(text))
    chosen: list[Span] = []
    for find in _FINDERS:
        # What a rule with a check digit has claimed is not a phone number as well.
        chosen = merged_spans(chosen, [span for start, end in places for span in find(text, start, end)])
    return chosen


def _places_with_digits(text: str) -> Iterator[tuple[int, int]]:
    """Bound the places to look at: digits close together, with what stands around them on their line.

    No number is cut: where digits go on, so does the place.
    """
    start = end = -1
    for hit in _DIGITS.finditer(text):
        reach = max(0, hit.start() - _AROUND_CHARS)
        line_start = text.rfind("\n", reach, hit.start()) + 1
        if end < max(reach, line_start):
            if end >= 0:
                yield start, end
            start = max(reach, line_start)
        line_end = text.find("\n", hit.end(), hit.end() + _AROUND_CHARS)
        end = line_end if line_end >= 0 else min(len(text), hit.end() + _AROUND_CHARS)
    if end >= 0:
        yield start, end

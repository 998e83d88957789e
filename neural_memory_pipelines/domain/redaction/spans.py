"""Spans: the places that the rules find in a text, and the choice between those that overlap.

What is looked for is up to the rules; what becomes of the places is up to the engine.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable
from typing import NamedTuple


class Span(NamedTuple):
    """A place to be redacted: `text[start:end]` is of that kind."""

    start: int
    end: int
    kind: str


Finder = Callable[[str], Iterable[Span]]
"""Finds all places of its kinds in a text. Its time must grow with the length of the text, and no faster."""


def chosen_spans(text: str, finders: Iterable[Finder]) -> list[Span]:
    """Collect what the finders find, in order of place. Where two overlap, the earlier finder's stays."""
    chosen: list[Span] = []
    for find in finders:
        chosen = merged_spans(chosen, list(find(text)))
    return chosen


def merged_spans(chosen: list[Span], found: list[Span]) -> list[Span]:
    """Add the spans that overlap none of the chosen, nor one another; of two that begin together the longer stays.

    Args:
        chosen: in order of place, none overlapping another.
        found: in any order.

    Returns:
        All of the first and what fits of the second, in order of place.
    """
    if not found:
        return chosen
    starts = [span.start for span in chosen]
    kept: list[Span] = []
    for span in sorted(found, key=lambda each: (each.start, -each.end)):
        place = bisect_right(starts, span.start)
        free_before = place == 0 or chosen[place - 1].end <= span.start
        free_after = place == len(chosen) or span.end <= chosen[place].start
        if free_before and free_after and (not kept or kept[-1].end <= span.start):
            kept.append(span)
    return sorted(chosen + kept)

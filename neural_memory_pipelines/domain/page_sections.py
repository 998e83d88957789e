"""Pages that a team writes down: which of their sections state a decision, an outcome or a cause, and how they begin.

Works on markdown alone; what becomes of a section is up to the sources.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from neural_memory_pipelines.domain.blocks import Kind, iterate_blocks
from neural_memory_pipelines.domain.statements import unpaired_bold_removed
from neural_memory_pipelines.domain.text import Section, first_paragraph, sections

KIND_OF_HEADING = {
    "decision": "decision",
    "decisions": "decision",
    "decision outcome": "decision",
    "decisions made": "decision",
    "outcome": "outcome",
    "outcomes": "outcome",
    "resolution": "outcome",
    "root cause": "root-cause",
    "root causes": "root-cause",
}
"""The headings below which a statement stands that is worth remembering by itself, and what its tag is."""

_SUMMARY_HEADINGS = frozenset({"tl;dr", "tldr", "summary", "in short"})
_SUMMARY_MARK = re.compile(
    r"[\W_]{0,8}(?:tl;?dr|summary|in short)[*_]{0,3}[ \t]?[:.\u2013\u2014-][*_]{0,3}\s*", re.IGNORECASE
)
_NUMBERING = re.compile(r"(?:\d+(?:\.\d+)*[.):]?|[ivx]+[.)])\s+")
_EMPHASIS = re.compile(r"[*_`\\]+")
_SCANNED_BLOCKS = 40
"""A page sums itself up at its beginning, or not at all."""


@dataclass(frozen=True, slots=True)
class Told:
    """What a page states by itself.

    Attributes:
        kind: a value of the table of headings.
        heading: the words above it, as written.
        text: what stands below the heading.
        start, end: bounds of the section in the page, heading included; 0 and 0 for what is no section.
    """

    kind: str
    heading: str
    text: str
    start: int = 0
    end: int = 0


def told_sections(found: Iterable[Section], *, kinds: Mapping[str, str] = KIND_OF_HEADING) -> Iterator[Told]:
    """Choose the sections whose heading says that they hold a decision, an outcome or a cause, in order.

    Those with the same heading and text are told once; those without text are not.

    Args:
        found: the sections of a page.
        kinds: the headings that count, bare (see `bare_heading`), and what each of them makes of its section.
    """
    seen: set[tuple[str, str]] = set()
    for section in found:
        heading = section.heading.strip().rstrip(":").rstrip()
        kind = kinds.get(bare_heading(heading))
        if kind and section.text and (heading, section.text) not in seen:
            seen.add((heading, section.text))
            yield Told(kind, heading, section.text, section.start, section.end)


def opening(markdown: str) -> str:
    """Find how a page begins: its TL;DR, else what stands above its first heading, else its first section with text.

    Returns:
        Markdown without the words TL;DR; "" for a page that says nothing.
    """
    found = sections(markdown)
    summed_up = next((section for section in found if bare_heading(section.heading) in _SUMMARY_HEADINGS), None)
    if summed_up and first_paragraph(summed_up.text):
        return summed_up.text
    marked = _marked_summary(markdown)
    if marked:
        return marked
    return next((section.text for section in found if first_paragraph(section.text)), "")


def without_emphasis(heading: str) -> str:
    """Drop the marks of bold, italic and code type."""
    return _EMPHASIS.sub("", heading)


def bare_heading(heading: str) -> str:
    """Reduce a heading to its words: no numbering, no emphasis, no colon, lower case."""
    plain = without_emphasis(heading).strip().lower()
    return " ".join(_NUMBERING.sub("", plain, count=1).rstrip(" :.").split())


def _marked_summary(markdown: str) -> str:
    """Find the paragraph that begins with TL;DR, and what it says."""
    for number, block in enumerate(iterate_blocks(markdown)):
        if number >= _SCANNED_BLOCKS:
            break
        raw = markdown[block.start : block.content_end]
        mark = _SUMMARY_MARK.match(raw) if block.kind in {Kind.PARAGRAPH, Kind.ITEM} else None
        said = raw[mark.end() :].strip() if mark else ""
        if said:
            return unpaired_bold_removed(said)
    return ""

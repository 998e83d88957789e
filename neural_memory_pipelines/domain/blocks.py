"""Where the blocks of a markdown text lie: headings, paragraphs, list items, fences, tables, quotes.

What becomes of the blocks (chunks, sections, observations) is decided elsewhere.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from enum import IntEnum
from functools import lru_cache
from typing import NamedTuple


class Kind(IntEnum):
    """What a block is. Tables and block quotes are paragraphs: runs of lines."""

    PARAGRAPH = 0
    HEADING = 1
    ITEM = 2
    FENCE = 3
    COMMENT = 4
    RULE = 5
    FRONT_MATTER = 6


class Block(NamedTuple):
    """One block: `text[start:end]`, of which `text[content_end:end]` are the blank lines after it.

    `level` is 1..6 for headings and 0 otherwise. `loose` says that a blank line (or nothing) stands before it.
    """

    start: int
    content_end: int
    end: int
    kind: Kind
    level: int
    loose: bool


# Possessive quantifiers stand on single characters alone: on groups, the `re` of Python 3.11.2 matches wrongly.
_EOL = r"(?:\n|\Z)"
_ITEM = r"[ \t]*+(?:[-*+]|\d{1,9}[.)])(?=[ \t])"
_FENCE = r"[ \t]*+(?:`{3,}+(?=[^`\n]*+(?:\n|\Z))|~{3,}+)"
_UNDERLINE = rf"[ ]{{0,3}}(?:=++|-++)[^\S\n]*+{_EOL}"
_INTERRUPT = (
    rf"[^\S\n]*+{_EOL}|[ ]{{0,3}}\#{{1,6}}(?:\s|\Z)|[ ]{{0,3}}<!--"
    rf"|{_FENCE}|{_ITEM}|{_UNDERLINE}|[ ]{{0,3}}[*_]{{3,}}[^\S\n]*+{_EOL}"
)
# A repeated group keeps some hundred bytes of each turn until it ends. Longer runs of lines are several paragraphs.
_MORE_LINES = rf"(?:(?!{_INTERRUPT})[^\n]++\n?+){{0,20000}}"

_BLOCK = re.compile(
    rf"""
      (?P<heading>[ ]{{0,3}}(?P<marks>\#{{1,6}})(?:[ \t\r][^\n]*+)?{_EOL})
    | (?P<fence>[ \t]*+(?P<ticks>`{{3,}}+(?=[^`\n]*+{_EOL})|~{{3,}}+)[^\n]*+{_EOL}
        (?:(?![ \t]*+(?P=ticks)[`~]*+[^\S\n]*+{_EOL})[^\n]*+\n)* [^\n]*+{_EOL})
    | (?P<comment>[ ]{{0,3}}<!--(?s:.*?)(?:-->[^\n]*+{_EOL}|\Z))
    | (?P<rule>[ ]{{0,3}}(?:-[ \t]*+-[ \t]*+-[- \t]*+|\*[ \t]*+\*[ \t]*+\*[* \t]*+|_[ \t]*+_[ \t]*+_[_ \t]*+)\r?{_EOL})
    | (?P<item>{_ITEM}[^\n]*+\n?+{_MORE_LINES})
    | (?P<paragraph>[^\n]++\n?+{_MORE_LINES}(?P<underline>{_UNDERLINE})?)
    """,
    re.VERBOSE,
)
_WHITE_SPACE = re.compile(r"\s*+")
# Its first line that is no comment must look like `key: value`: a rule at the top of a text opens nothing.
_FRONT_MATTER = re.compile(
    r"\A\ufeff?---[^\S\n]*+\n(?P<inner>(?=(?:\#[^\n]*+\n)*(?:---|[^\s:#-][^\n:]*+:))"
    r"(?:(?!---[^\S\n]*+(?:\n|\Z))[^\n]*+\n)*)---[^\S\n]*+(?:\n|\Z)"
)
_MARKED_HEADING = re.compile(r"\s*+#{1,6}(?:\s+(?:#+|(\S.*?)(?:\s+#+)?))?\s*\Z", re.DOTALL)
_KIND_OF_GROUP = {
    "heading": Kind.HEADING,
    "fence": Kind.FENCE,
    "comment": Kind.COMMENT,
    "rule": Kind.RULE,
    "item": Kind.ITEM,
    "paragraph": Kind.PARAGRAPH,
}
# A longer run of lines above an underline is prose above a rule, whatever the letter of the specification.
_UNDERLINED_LIMIT_CHARS = 300
_REMEMBERED_LIMIT_CHARS = 64 * 1024


def scan_blocks(text: str) -> Sequence[Block]:
    """Find the blocks of a text, in order; their spans are consecutive and cover the text from its first block on.

    Blank lines before the first block belong to no block. A text of blank lines has no blocks.
    """
    return _remembered_blocks(text) if len(text) <= _REMEMBERED_LIMIT_CHARS else tuple(iterate_blocks(text))


# A document is scanned when it is read, for its sections, and soon again when it is cut into chunks.
@lru_cache(maxsize=128)
def _remembered_blocks(text: str) -> Sequence[Block]:
    return tuple(iterate_blocks(text))


def iterate_blocks(text: str) -> Iterator[Block]:
    """Find the blocks of a text one by one, for a reader that may not want all; see `scan_blocks`."""
    front = _FRONT_MATTER.match(text)
    start, loose = front.end() if front else 0, True
    start = _end_of_blank_lines(text, start)
    if front:
        yield Block(0, front.end(), start, Kind.FRONT_MATTER, 0, True)
    match_block = _BLOCK.match
    while found := match_block(text, start):
        content_end = found.end()
        end = _end_of_blank_lines(text, content_end)
        kind, level = _KIND_OF_GROUP[found.lastgroup or "paragraph"], 0
        if kind is Kind.HEADING:
            level = len(found["marks"])
        elif kind is Kind.PARAGRAPH and -1 < found.start("underline") <= start + _UNDERLINED_LIMIT_CHARS:
            kind, level = Kind.HEADING, 1 if "=" in found["underline"] else 2
        yield Block(start, content_end, end, kind, level, loose)
        loose = end > content_end
        start = end


def split_front_matter(text: str) -> tuple[str | None, str]:
    """Part a text into its front matter (without the lines of dashes; None if it has none) and the rest."""
    front = _FRONT_MATTER.match(text)
    return (front["inner"], text[front.end() :]) if front else (None, text.removeprefix("\ufeff"))


def heading_text(block_text: str) -> str:
    """Read the words of a heading block, without marks and underline, in one line."""
    marked = _MARKED_HEADING.match(block_text)
    if marked:
        return " ".join((marked[1] or "").split())
    lines = block_text.strip().split("\n")
    return " ".join(" ".join(lines[:-1] if len(lines) > 1 else lines).split())


def _end_of_blank_lines(text: str, start: int) -> int:
    white = _WHITE_SPACE.match(text, start)
    assert white is not None, "there may be no white space"
    end = white.end()
    if end == start or end == len(text):
        return end
    # The white space after the last line end belongs to the next block.
    return max(text.rfind("\n", start, end) + 1, start)

"""Shaping text for titles, summaries and observations: cut, first paragraph, sections.

Knows markdown only through the block scanner; knows no source.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from neural_memory_pipelines.domain.blocks import Block, Kind, heading_text, iterate_blocks, scan_blocks

ELLIPSIS = "…"

_PASSAGE_END = re.compile(r"[.!?…][\"')\]*_`]*(?=\s)|[\u3002\uff01\uff1f]|\n")
_WORD_GAP = re.compile(r"\s+")
_LINE_MARK = re.compile(r"^[ \t]*>[> \t]*|^[ \t]*(?:[-*+]|\d{1,9}[.)])[ \t]+(?:\[[ xX]\][ \t]+)?", re.MULTILINE)
_PICTURE_LINE = re.compile(r"(?:\[?!\[[^\]]*\]\([^)]*\)(?:\]\([^)]*\))?\s*)+\Z")
_HTML_TAG_ONLY = re.compile(r"(?:<[^<>]*>\s*)+\Z")


@dataclass(frozen=True, slots=True)
class Section:
    """A heading and all below it, down to the next heading of the same or a higher level.

    `level` is 1..6; 0 for the text above the first heading, whose `heading` is "" and `path` is empty. `path` ends
    with the heading itself (headings without words are left out of it). `text` is what follows the heading line,
    stripped. `start` and `end` bound the whole section in the text, heading line included.
    """

    level: int
    heading: str
    path: tuple[str, ...]
    text: str
    start: int
    end: int


def clip(text: str, limit_chars: int) -> str:
    """Put a text on one line of at most `limit_chars` characters, cut between words with an ellipsis."""
    line = " ".join(text.split())
    if len(line) <= limit_chars:
        return line
    room = max(limit_chars - len(ELLIPSIS), 0)
    cut = line[:room]
    if not line[room].isspace():
        head, space, _ = cut.rpartition(" ")
        # A last word that takes up more than half of the room is cut inside: better than an almost empty title.
        cut = head if space and len(head) * 2 >= room else cut
    return (cut.rstrip(" ,;:-") + ELLIPSIS)[:limit_chars]


def clip_passage(text: str, limit_chars: int) -> str:
    """Cut a text of several lines to at most `limit_chars` characters, at the end of a sentence or line if it can."""
    whole = text.strip()
    if len(whole) <= limit_chars:
        return whole
    # One character more, so that a sentence that ends exactly at the limit is seen to end.
    ends = [found.end() for found in _PASSAGE_END.finditer(whole, 0, limit_chars + 1) if found.end() <= limit_chars]
    if ends and ends[-1] * 2 >= limit_chars:
        return whole[: ends[-1]].rstrip()
    gaps = [found.start() for found in _WORD_GAP.finditer(whole, 0, limit_chars)]
    cut = gaps[-1] if gaps and gaps[-1] * 2 >= limit_chars else limit_chars - len(ELLIPSIS)
    return (whole[:cut].rstrip() + ELLIPSIS)[:limit_chars]


def with_heading(title: str, markdown: str) -> tuple[str, int]:
    """Put a title above a text that does not begin with a heading of the first level.

    Returns:
        The text, and by how many characters what was there moved.
    """
    first = next(iterate_blocks(markdown), None)
    if not title or (first is not None and first.kind is Kind.HEADING and first.level == 1):
        return markdown, 0
    heading = f"# {title}\n\n"
    return heading + markdown, len(heading)


def first_paragraph(markdown: str) -> str:
    """Find the first paragraph or list item that says something, on one line and without list or quote marks.

    Headings, fences, comments, rules, tables and lines of pictures or bare HTML tags are passed over.

    Returns:
        The paragraph, or "" where there is none.
    """
    for block in iterate_blocks(markdown):
        if block.kind not in {Kind.PARAGRAPH, Kind.ITEM}:
            continue
        raw = markdown[block.start : block.content_end].strip()
        if raw.startswith("|") or _PICTURE_LINE.match(raw) or _HTML_TAG_ONLY.match(raw):
            continue
        line = " ".join(_LINE_MARK.sub("", raw).split())
        if line:
            return line
    return ""


def sections(markdown: str) -> list[Section]:
    """Divide a text into its sections, in order of their headings. Headings in fences and comments do not count.

    A section holds its subsections, so the spans of nested sections overlap.
    """
    headings = [block for block in scan_blocks(markdown) if block.kind is Kind.HEADING]
    ends = _section_ends(headings, len(markdown))
    found: list[Section] = []
    preamble_end = headings[0].start if headings else len(markdown)
    preamble = markdown[:preamble_end].strip()
    if preamble:
        found.append(Section(0, "", (), preamble, 0, preamble_end))
    above: list[tuple[int, str]] = []
    for block, end in zip(headings, ends, strict=True):
        name = heading_text(markdown[block.start : block.content_end])
        while above and above[-1][0] >= block.level:
            above.pop()
        above.append((block.level, name))
        path = tuple(heading for _, heading in above if heading)
        body = markdown[block.content_end : end].strip()
        found.append(Section(block.level, name, path, body, block.start, end))
    return found


def _section_ends(headings: list[Block], size: int) -> list[int]:
    """Give the end of each heading's section: the next heading of the same or a higher level, else the text's end."""
    ends = [size] * len(headings)
    open_headings: list[int] = []
    for index, block in enumerate(headings):
        while open_headings and headings[open_headings[-1]].level >= block.level:
            ends[open_headings.pop()] = block.start
        open_headings.append(index)
    return ends

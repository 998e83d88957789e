"""Prose: what is left of a markdown text when everything that a reader does not read as words is blanked.

Blanks keep every character's place, so that spans found in prose are spans of the text. What the words say is up to
those who ask; no reference and no keyword is known here.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from neural_memory_pipelines.domain.blocks import Block, Kind, scan_blocks

BLANK = "\x00"
"""Stands for each character that is no prose: neither a space nor part of a word, and in no text that is stored."""

_REMEMBERED_LIMIT_CHARS = 64 * 1024
_CODE_INDENT = 4
_TAB_WIDTH = 4
_NOT_NEWLINE = re.compile(r"[^\n]+")
_INDENT = re.compile(r"[ \t]*")
_ITEM_MARK = re.compile(r"[ \t]*(?:[-*+]|\d{1,9}[.)])[ \t]")
_QUOTED_LINE = re.compile(r"^[ \t]*(?:(?:[-*+]|\d{1,9}[.)])[ \t]+){0,8}>", re.MULTILINE)
_ADDRESS = r"[^()\s]{0,2000}"
_INLINE_HINT = re.compile(r"[`<]|!\[")
# A token is a place where something that is no prose may begin, or an escape, which hides such a place.
_TOKEN = re.compile(
    r"\\[\\`!<]"
    r"|(?P<ticks>`+)"
    r"|(?P<comment><!--)"
    r"|<(?P<tag>code|kbd|pre|samp|tt)(?:\s[^<>]*)?>"
    r"|(?P<picture><img\s[^<>]*>)"
    rf"|!\[[^\[\]\n]{{0,1000}}(?P<destination>\]\({_ADDRESS}(?:\({_ADDRESS}\){_ADDRESS})?(?:[ \t][^()\n]{{0,300}})?\))",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Prose:
    """The prose of a text, twice.

    Attributes:
        text: as long as the original: code, fences, HTML comments, front matter and addresses of pictures are blanks.
        own: the same without quoted lines (`>`): what the author says, and not what somebody else said before.
    """

    text: str
    own: str


def read_prose(markdown: str) -> Prose:
    """Blank what is no prose, in time that grows with the length of the text alone."""
    return _remembered(markdown) if len(markdown) <= _REMEMBERED_LIMIT_CHARS else _read(markdown)


# A text is asked for its references, its mentions and its relations, one after the other.
@lru_cache(maxsize=64)
def _remembered(markdown: str) -> Prose:
    return _read(markdown)


def _read(markdown: str) -> Prose:
    text = _blanked(markdown, _hidden_spans(markdown))
    return Prose(text, _blanked(text, _quoted_spans(markdown, text)) if ">" in text else text)


def _blanked(text: str, spans: Iterator[tuple[int, int]]) -> str:
    kept: list[str] = []
    position = 0
    for start, end in spans:
        kept += text[position:start], _NOT_NEWLINE.sub(lambda found: BLANK * len(found[0]), text[start:end])
        position = end
    return "".join([*kept, text[position:]]) if kept else text


def _hidden_spans(markdown: str) -> Iterator[tuple[int, int]]:
    """Find what is no prose, in order, without overlaps."""
    lists: list[int] = []
    for block in scan_blocks(markdown):
        if block.kind in {Kind.FENCE, Kind.FRONT_MATTER}:
            yield block.start, block.content_end
            continue
        # Most blocks are plain paragraphs outside of any list, where nothing is to be found out.
        is_plain = block.kind is Kind.PARAGRAPH and not lists and markdown[block.start] not in " \t"
        start = block.start if is_plain else _end_of_indented_code(markdown, block, lists)
        if start > block.start:
            yield block.start, start
        if block.kind is Kind.COMMENT and markdown.find("-->", start, block.content_end) < 0:
            yield start, block.content_end
        else:
            yield from _hidden_within(markdown, start, block.content_end)


def _end_of_indented_code(markdown: str, block: Block, lists: list[int]) -> int:
    """Find where the indented code at the start of a block ends: the block's start, if there is none.

    `lists` holds the columns at which the content of the open list items begins, and is brought up to date. Text that
    is indented less than four columns deeper than the item that it belongs to is the item's, and no code.
    """
    indent = _width(markdown, block.start)
    while lists and indent < lists[-1]:
        lists.pop()
    limit = (lists[-1] if lists else 0) + _CODE_INDENT
    # An item without a blank line before it may go on with the paragraph above, where nothing is code.
    if indent >= limit and (block.kind is Kind.PARAGRAPH or (block.kind is Kind.ITEM and block.loose)):
        return _end_of_deep_lines(markdown, block, limit)
    mark = _ITEM_MARK.match(markdown, block.start) if block.kind is Kind.ITEM else None
    if mark:
        lists.append(indent + len(mark[0].lstrip()))
    return block.start


def _end_of_deep_lines(markdown: str, block: Block, limit: int) -> int:
    position = block.start
    while position < block.content_end and _width(markdown, position) >= limit:
        newline = markdown.find("\n", position, block.content_end)
        position = block.content_end if newline < 0 else newline + 1
    return position


def _width(markdown: str, start: int) -> int:
    found = _INDENT.match(markdown, start)
    assert found is not None, "an indent may be empty"
    return len(found[0].expandtabs(_TAB_WIDTH))


def _hidden_within(markdown: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Find code, comments and addresses of pictures within the lines of a block."""
    if not _INLINE_HINT.search(markdown, start, end):
        return
    ends = _Ends(markdown, start, end)
    position = start
    while found := _TOKEN.search(markdown, position, end):
        position = found.end()
        hidden: tuple[int, int] | None = None
        if found["ticks"]:
            hidden = ends.of_code(found.start(), found.end())
        elif found["comment"]:
            hidden = ends.of_markup(found.start(), "-->")
        elif found["tag"]:
            hidden = ends.of_markup(found.start(), f"</{found['tag'].lower()}>")
        elif found["picture"] or found["destination"]:
            hidden = found.span("picture" if found["picture"] else "destination")
        if hidden:
            yield hidden
            position = hidden[1]


class _Ends:
    """Finds where code and markup end within a block. What was not found once is not looked for again."""

    __slots__ = ("_end", "_lower", "_markdown", "_missing", "_runs", "_start")

    def __init__(self, markdown: str, start: int, end: int) -> None:
        self._markdown, self._start, self._end = markdown, start, end
        self._lower: str | None = None
        self._missing: set[str] = set()
        self._runs: dict[int, list[int]] | None = None

    def of_code(self, start: int, end: int) -> tuple[int, int] | None:
        """Code ends at the next run of as many backticks as it began with; without one, they are just backticks."""
        if self._runs is None:
            self._runs = {}
            for run in re.finditer("`+", self._markdown[self._start : self._end]):
                self._runs.setdefault(len(run[0]), []).append(self._start + run.start())
        runs = self._runs.get(end - start, [])
        at = bisect_left(runs, end)
        return (start, runs[at] + end - start) if at < len(runs) else None

    def of_markup(self, start: int, mark: str) -> tuple[int, int] | None:
        """Markup ends behind the next `mark`; without one, it hides nothing."""
        if self._lower is None:
            self._lower = _ascii_lower(self._markdown[self._start : self._end])
        at = -1 if mark in self._missing else self._lower.find(mark, start - self._start)
        if at >= 0:
            return start, self._start + at + len(mark)
        self._missing.add(mark)
        return None


_ASCII_LOWER = {upper: upper + 32 for upper in range(ord("A"), ord("Z") + 1)}


def _ascii_lower(text: str) -> str:
    # `str.lower` may change the length of a text, and with it every place behind.
    return text.translate(_ASCII_LOWER)


def _quoted_spans(markdown: str, text: str) -> Iterator[tuple[int, int]]:
    """Find the quoted lines. Lines that follow without a blank line or a mark of their own belong to the quote."""
    for block in scan_blocks(markdown):
        if block.kind in {Kind.PARAGRAPH, Kind.ITEM}:
            found = _QUOTED_LINE.search(text, block.start, block.content_end)
            if found:
                yield found.start(), block.content_end

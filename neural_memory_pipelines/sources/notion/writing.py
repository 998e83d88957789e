"""Writing markdown line by line into containers (lists, quotes), and remembering where mentions come to stand.

Knows nothing of Notion's blocks; which of them becomes what is decided in `rendering.py`.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from dataclasses import dataclass, field
from itertools import takewhile

from neural_memory_pipelines.sources.notion.rich_text import Inline, Mark

_LINE_START = re.compile(
    r"#{1,6}(?=\s|\Z)|>|\||\[(?=[^\n]*\]:)|[-+*](?=\s|\Z)|[-=]+\s*\Z|:?-+:?\s*\||(?P<number>[0-9]{1,9})(?=[.)](?:\s|\Z))"
)
"""What makes another block of a line of text: a heading, a quote, a table, the definition of a link, a list item, a
rule, an underline."""
_CLOSING_MARKS = re.compile(r"(?:^|(?<=\s))#+\Z")


@dataclass(slots=True)
class MarkdownWriter:
    """A markdown text in the making.

    A container is named by the prefix that its lines begin with. `marks` are those of the whole text.
    """

    marks: list[Mark] = field(default_factory=list)
    _parts: list[str] = field(default_factory=list)
    _length: int = 0
    _last_prefix: str = ""

    @property
    def text(self) -> str:
        """All that was written."""
        return "".join(self._parts)

    def start_block(self, container: str, *, is_tight: bool = False) -> None:
        """Begin a block in a container: on a new line, and below a blank one unless it is tight."""
        if not self._parts:
            return
        self._put("\n")
        if not is_tight:
            # A blank line inside a quote bears its mark, one between two quotes does not.
            self._put(f"{_shared(self._last_prefix, container).rstrip()}\n")

    def write_text(self, inline: Inline, *, first: str, rest: str) -> None:
        """Write lines of prose. What would make another block of a line is escaped; blank edges of lines go.

        Args:
            inline: the lines.
            first: the prefix of the first line, with the marker of a list item.
            rest: the prefix of the other lines.
        """
        marks = sorted(inline.marks, key=_start)
        start = 0
        for number, line in enumerate(inline.text.split("\n")):
            prefix = rest if number else first
            words = line.strip()
            self._put("\n" if number else "")
            self._put(prefix if words else prefix.rstrip())
            escape_at = _escape_position(words)
            words_start = start + len(line) - len(line.lstrip())
            within = marks[
                bisect_left(marks, words_start, key=_start) : bisect_left(marks, start + len(line), key=_start)
            ]
            self._place(within, words_start, words_start + len(words), escape_at)
            self._put(words if escape_at is None else f"{words[:escape_at]}\\{words[escape_at:]}")
            start += len(line) + 1
        self._last_prefix = rest

    def write_heading(self, inline: Inline, *, level: int, container: str) -> None:
        """Write a heading, on one line."""
        text = inline.text.replace("\n", " ")
        trail = _CLOSING_MARKS.search(text)
        self._put(f"{container}{'#' * level} ")
        self._place(list(inline.marks), 0, len(text), None)
        self._put(f"{text[: trail.start()]}\\{trail[0]}" if trail else text)
        self._last_prefix = container

    def write_lines(self, lines: list[str], *, container: str) -> None:
        """Write lines as they are, such as those of a code block."""
        self._put("\n".join(f"{container}{line}" if line else container.rstrip() for line in lines))
        self._last_prefix = container

    def write_table(self, rows: list[list[Inline]], *, container: str) -> None:
        """Write a table: its first row is the header."""
        self._put_row(rows[0], container)
        self._put(f"\n{container}|{' --- |' * len(rows[0])}")
        for row in rows[1:]:
            self._put("\n")
            self._put_row(row, container)
        self._last_prefix = container

    def _put_row(self, cells: list[Inline], container: str) -> None:
        self._put(f"{container}|")
        for cell in cells:
            self._put(" ")
            self._place(list(cell.marks), 0, len(cell.text), None)
            self._put(f"{cell.text} |")

    def _place(self, marks: list[Mark], start: int, end: int, escape_at: int | None) -> None:
        """Move the marks of `start`..`end` to where that text is about to be written."""
        for mark in marks:
            if start <= mark.start < end:
                ends = [self._moved(at - start, escape_at) for at in (mark.start, min(mark.end, end))]
                self.marks.append(Mark(ends[0], ends[1], mark.page_id, mark.user))

    def _moved(self, offset: int, escape_at: int | None) -> int:
        return self._length + offset + (escape_at is not None and offset > escape_at)

    def _put(self, text: str) -> None:
        self._parts.append(text)
        self._length += len(text)


def _start(mark: Mark) -> int:
    return mark.start


def _shared(one: str, other: str) -> str:
    return "".join(left for left, _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))


def _escape_position(line: str) -> int | None:
    found = _LINE_START.match(line)
    return (found.end("number") if found["number"] else 0) if found else None

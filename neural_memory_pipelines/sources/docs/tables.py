"""Reads the tables of a markdown text: their headers, and rows of cells with the places of their words.

What a table says is decided by the modules that ask for it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from neural_memory_pipelines.domain.blocks import Block, Kind, scan_blocks
from neural_memory_pipelines.domain.prose import read_prose

ROWS_LIMIT = 1_000

# A row of dashes, of two columns at least, below the header. Possessive, so that no run of spaces is tried twice.
_DASHES = r"[ \t]*+:?-++:?[ \t]*+"
_DELIMITER = re.compile(rf"^(?=[^\n|]*+\|)[ \t]*+\|?{_DASHES}(?:\|{_DASHES})*\|?[ \t]*+\r?$", re.MULTILINE)
# An escaped bar is one, even in code.
_BAR = re.compile(r"(?<!\\)\|")


@dataclass(frozen=True, slots=True)
class Row:
    """A row; `start` and `end` bound its line, without outer white space, in characters of the text."""

    cells: tuple[str, ...]
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Table:
    """A table: the cells of its header, which are stripped as all cells are, and the rows below."""

    header: tuple[str, ...]
    rows: tuple[Row, ...]
    start: int


def find_tables(markdown: str) -> Iterator[Table]:
    """Find the tables that the author shows as such: none in code, in comments and in quotes.

    Source: https://github.github.com/gfm/#tables-extension-
    """
    if "|" not in markdown:
        return
    own = ""
    for block in scan_blocks(markdown):
        dashes = _DELIMITER.search(markdown, block.start, block.content_end) if block.kind is Kind.PARAGRAPH else None
        if dashes is None:
            continue
        own = own or read_prose(markdown).own
        table = _table(markdown, own, block, dashes)
        if table is not None:
            yield table


def _table(markdown: str, own: str, block: Block, dashes: re.Match[str]) -> Table | None:
    """Read the table around a row of dashes; None if no header of as many columns stands above."""
    header = _row(markdown, markdown.rfind("\n", block.start, max(dashes.start() - 1, block.start)) + 1 or block.start)
    is_shown = "|" in own[header.start : header.end]
    if dashes.start() == block.start or not is_shown or len(header.cells) != len(_cells(dashes[0])):
        return None
    rows: list[Row] = []
    position = dashes.end() + 1
    while position < block.content_end and len(rows) < ROWS_LIMIT:
        row = _row(markdown, position)
        if "|" in own[row.start : row.end]:
            rows.append(row)
        position = markdown.find("\n", position, block.content_end) + 1 or block.content_end
    return Table(header.cells, tuple(rows), header.start)


def _row(markdown: str, start: int) -> Row:
    newline = markdown.find("\n", start)
    line = markdown[start : newline if newline >= 0 else len(markdown)]
    start += len(line) - len(line.lstrip())
    return Row(_cells(line), start, start + len(line.strip()))


def _cells(line: str) -> tuple[str, ...]:
    cells = [cell.strip().replace("\\|", "|") for cell in _BAR.split(line.strip())]
    # The bars at both ends may be left out.
    first = 1 if not cells[0] else 0
    last = len(cells) - 1 if len(cells) > 1 and not cells[-1] else len(cells)
    return tuple(cells[first:last])

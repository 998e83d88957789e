"""Cutting markdown blocks into pieces that are small enough to build chunks from, by content alone.

A piece never depends on what lies outside its block; which pieces form a chunk is decided in `boundaries`.
"""

from __future__ import annotations

import re
from typing import TypeAlias

from neural_memory_pipelines.domain.blocks import Kind, scan_blocks

BLANK_LIMIT_CHARS = 64
"""Blank lines after a block that are longer than this are a piece of their own."""

_COLON_ENDS = (":\n", ":\r\n")
# Pieces within a block are not cut finer than this share of the limit: each costs a count.
_FINEST_SHARE = 16


# How good a place the start of a piece is to begin a chunk. Plain numbers: there are a hundred thousand to a batch.
RANK_CHARACTER = 0
RANK_WORD = 1
RANK_CLAUSE = 2
RANK_SENTENCE = 3
RANK_LINE = 4
RANK_NESTED = 5
RANK_TIGHT = 6
RANK_LOOSE = 7
RANK_HEADING = 8
"""Rank of an H6; an H1 has five more."""

LEVEL_NONE = 0
LEVEL_BLANK = -1

Piece: TypeAlias = tuple[int, int, int, bool]
"""Start (a piece ends where the next one begins); rank; level of the heading, LEVEL_NONE or LEVEL_BLANK; and whether
its lines mean more than its sentences (code, tables)."""

_LINE_ENDS = (RANK_LINE, re.compile(r"\n+"))
_SENTENCE_ENDS = (RANK_SENTENCE, re.compile(r"[.!?\u2026][\"')\]*_`]*\s+|[\u3002\uff01\uff1f]+\s*"))
_CLAUSE_ENDS = (RANK_CLAUSE, re.compile(r"[,;:|>)}\]\u3001\uff0c\uff1b\uff1a]+\s*"))
_WORD_ENDS = (RANK_WORD, re.compile(r"\s+"))

_Ends = tuple[tuple[int, "re.Pattern[str]"], ...]
# Prose may be wrapped at any width, so its sentences come before its lines.
_PROSE: _Ends = (_SENTENCE_ENDS, _LINE_ENDS, _CLAUSE_ENDS, _WORD_ENDS)
_LINES: _Ends = (_LINE_ENDS, _SENTENCE_ENDS, _CLAUSE_ENDS, _WORD_ENDS)


def cut_pieces(text: str, *, limit_chars: int) -> list[Piece]:
    """Cut a text into pieces of at most about `limit_chars` characters.

    Pieces are whole blocks where these are small enough; larger ones are cut at the ends of lines, sentences,
    clauses or words, and inside a word where there is no other way.

    Returns:
        Pieces in order; the first begins at 0. No pieces for a blank text.
    """
    pieces: list[Piece] = []
    append, first_by_lines = pieces.append, Kind.FENCE
    after_colon = False
    for start, content_end, end, kind, level, loose in scan_blocks(text):
        if level:
            append((start, RANK_HEADING + 6 - level, level, False))
        elif after_colon or text[start] in " \t":
            append((start, RANK_NESTED, LEVEL_NONE, kind >= first_by_lines))
        else:
            rank = RANK_LOOSE if loose and kind != Kind.ITEM else RANK_TIGHT
            append((start, rank, LEVEL_NONE, kind >= first_by_lines or text[start] == "|"))
        after_colon = text.endswith(_COLON_ENDS, start, content_end)
        if end - start > limit_chars or end - content_end > BLANK_LIMIT_CHARS:
            blank_start = content_end if end - content_end > BLANK_LIMIT_CHARS else end
            pieces += cut_piece(text, pieces[-1], end=blank_start, limit_chars=limit_chars)
            pieces += [(at, RANK_CHARACTER, LEVEL_BLANK, True) for at in range(blank_start, end, limit_chars)]
    if pieces:
        pieces[0] = (0, *pieces[0][1:])
    return pieces


def cut_piece(text: str, piece: Piece, *, end: int, limit_chars: int) -> list[Piece]:
    """Cut one piece, which ends at `end`, further. The result holds the parts after the first, which keeps its place.

    Raises nothing: a text without any gap is cut every `limit_chars` characters.
    """
    start, _, _, lines_first = piece
    cuts: list[tuple[int, int]] = []
    _cut(text, (start, end), _LINES if lines_first else _PROSE, limit_chars=limit_chars, into=cuts)
    return [(at, rank, LEVEL_NONE, lines_first) for at, rank in cuts]


def _cut(text: str, span: tuple[int, int], ends: _Ends, *, limit_chars: int, into: list[tuple[int, int]]) -> None:
    """Append where to cut a span, and the rank of each cut: at the first kind of ends that makes parts small enough."""
    start, stop = span
    if stop - start <= limit_chars:
        return
    if not ends:
        into += [(at, RANK_CHARACTER) for at in range(start + limit_chars, stop, limit_chars)]
        return
    (rank, pattern), finer = ends[0], ends[1:]
    least_chars = max(limit_chars // _FINEST_SHARE, 1)
    for found in pattern.finditer(text, start, stop):
        cut = found.end()
        if cut - start < least_chars or cut == stop:
            continue
        if cut - start > limit_chars:
            _cut(text, (start, cut), finer, limit_chars=limit_chars, into=into)
        into.append((cut, rank))
        start = cut
    _cut(text, (start, stop), finer, limit_chars=limit_chars, into=into)

"""The outline of a document: its pieces with their token counts, headings and paths, as candidates for chunks.

Decides which pieces belong together (headings with what follows them), not where chunks begin.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple
from zlib import crc32

from neural_memory_pipelines.domain.blocks import heading_text
from neural_memory_pipelines.domain.boundaries import Candidates
from neural_memory_pipelines.domain.pieces import Piece, cut_piece, cut_pieces
from neural_memory_pipelines.domain.versions import ChunkSpec

LABEL_SEPARATOR = " > "

_LABEL_LIMIT_TOKENS = 40
_LABEL_SHARE = 4
_HEADING_NAME_LIMIT_CHARS = 200
_GLUE_SHARE = 4
# A guess that saves counting twice: prose has about 4.5, prose full of links about 3.
_CHARS_PER_TOKEN = 3
_MOST_CHARS_PER_TOKEN = 20
_UNCOUNTED = -1
_RANK_SHIFT_BITS = 32

CountTokens = Callable[[Sequence[str]], list[int]]


class Heading(NamedTuple):
    """One step of a path. `tokens` is at least what its name costs in a label."""

    level: int
    name: str
    tokens: int


class Path(NamedTuple):
    """The headings above a place in a document, outermost first, and where the text under the last one begins."""

    headings: tuple[Heading, ...]
    content_start: int


@dataclass(frozen=True, slots=True)
class Outline:
    """A document as its chunks see it. `starts` ends with the length of the text; `paths` has one per candidate."""

    text: str
    starts: list[int]
    paths: list[Path]
    candidates: Candidates

    def label(self, first: int, stop: int, *, limit_tokens: int) -> str:
        """Spell the headings that hold all candidates from `first` up to `stop`.

        A label that is too long loses its outermost headings.
        """
        path = self.paths[first]
        shared = path.headings
        for index in range(first + 1, stop):
            other = self.paths[index]
            if other is not path:
                path = other
                shared = _common(shared, other.headings)
        return _spell(shared, limit_tokens)


@dataclass(frozen=True, slots=True)
class _Counted:
    """A text with its pieces, the words of each piece and their tokens."""

    text: str
    pieces: list[Piece]
    words: list[str]
    counts: list[int]


def label_budget_tokens(spec: ChunkSpec) -> int:
    """Say how many tokens of a chunk its label may take."""
    return min(_LABEL_LIMIT_TOKENS, spec.max_tokens // _LABEL_SHARE)


def read_outlines(texts: Sequence[str], spec: ChunkSpec, count_tokens: CountTokens) -> list[Outline]:
    """Cut texts into pieces of at most about half a chunk, count them all in one call, and outline each text.

    Text with more tokens than its length suggests (Chinese, tables, bare keys) is cut and counted once more.
    """
    limit_tokens = max(spec.max_tokens // 2, 1)
    limit_chars = limit_tokens * _CHARS_PER_TOKEN
    read = [_uncounted(text, cut_pieces(text, limit_chars=limit_chars)) for text in texts]
    pending = list(range(len(read)))
    while _count(read, count_tokens):
        pending = [index for index in pending if max(read[index].counts, default=0) > limit_tokens]
        for index in pending:
            read[index] = _recut(read[index], limit_tokens=limit_tokens)
    return [_outline(own, spec) for own in read]


def _uncounted(text: str, pieces: list[Piece]) -> _Counted:
    starts = [piece[0] for piece in pieces]
    words = [text[start:end] for start, end in pairwise([*starts, len(text)])]
    return _Counted(text, pieces, words, [_UNCOUNTED] * len(pieces))


def _count(read: list[_Counted], count_tokens: CountTokens) -> bool:
    """Count the pieces of all texts that are not counted yet, in one call; tell whether there were any."""
    waiting = [own for own in read if _UNCOUNTED in own.counts]
    words = [piece for own in waiting for piece, count in zip(own.words, own.counts, strict=True) if count < 0]
    if not words:
        return False
    # However few tokens a model makes of a run of blanks or of a key of a thousand letters, a chunk has an end.
    fresh = (
        max(count, len(piece) // _MOST_CHARS_PER_TOKEN) for piece, count in zip(words, count_tokens(words), strict=True)
    )
    for own in waiting:
        own.counts[:] = [next(fresh) if count < 0 else count for count in own.counts]
    return True


def _recut(own: _Counted, *, limit_tokens: int) -> _Counted:
    """Cut the pieces with too many tokens further; what cannot be cut is left to the last check of its chunk."""
    result = _Counted(own.text, [], [], [])
    for piece, words, tokens in zip(own.pieces, own.words, own.counts, strict=True):
        parts = [piece]
        if tokens > limit_tokens:
            limit_chars = max(len(words) * limit_tokens // (tokens + 1), 1)
            parts += cut_piece(own.text, piece, end=piece[0] + len(words), limit_chars=limit_chars)
        if len(parts) == 1:
            result.words.append(words)
            result.counts.append(tokens)
        else:
            starts = [part[0] for part in parts]
            result.words.extend(own.text[at:end] for at, end in pairwise([*starts, piece[0] + len(words)]))
            result.counts.extend([_UNCOUNTED] * len(parts))
        result.pieces.extend(parts)
    return result


def _outline(own: _Counted, spec: ChunkSpec) -> Outline:
    """Give each candidate its place, priority and path."""
    label_limit_tokens = label_budget_tokens(spec)
    firsts = _candidate_starts(own, glue_limit_tokens=spec.max_tokens // _GLUE_SHARE)
    starts: list[int] = []
    paths: list[Path] = []
    numbers = Candidates([], [], [], [])
    path, label_tokens, total = Path((), 0), 0, 0
    for first, stop in pairwise([*firsts, len(own.pieces)]):
        starts.append(own.pieces[first][0])
        numbers.positions.append(total)
        priority, overlap_tokens = 0, spec.overlap_tokens
        for index in range(first, stop):
            start, rank, level, _ = own.pieces[index]
            words, tokens = own.words[index], own.counts[index]
            priority = max(priority, rank << _RANK_SHIFT_BITS | crc32(words.encode("utf-8", "surrogatepass")))
            total += tokens
            if level > 0:
                path = _below(path, Heading(level, _name(words), tokens), content_start=start + len(words))
                label_tokens = min(sum(heading.tokens + 1 for heading in path.headings), label_limit_tokens)
                overlap_tokens = 0
        paths.append(path)
        numbers.priorities.append(priority)
        numbers.label_tokens.append(label_tokens)
        numbers.overlap_tokens.append(overlap_tokens)
    numbers.positions.append(total)
    return Outline(own.text, [*starts, len(own.text)], paths, numbers)


def _candidate_starts(own: _Counted, *, glue_limit_tokens: int) -> list[int]:
    """List the pieces that may begin a chunk: all but those that a heading, or blank lines, wait for."""
    firsts: list[int] = []
    append = firsts.append
    waiting_tokens = glue_limit_tokens + 1
    for index, ((_, _, level, _), tokens) in enumerate(zip(own.pieces, own.counts, strict=True)):
        if waiting_tokens > glue_limit_tokens:
            append(index)
            waiting_tokens = 0
        waiting_tokens = waiting_tokens + tokens if level else glue_limit_tokens + 1
    return firsts


def _below(path: Path, heading: Heading, *, content_start: int) -> Path:
    above = path.headings
    while above and above[-1].level >= heading.level:
        above = above[:-1]
    return Path((*above, heading) if heading.name else above, content_start)


def _name(heading_block: str) -> str:
    return heading_text(heading_block)[:_HEADING_NAME_LIMIT_CHARS].rstrip()


def _common(one: tuple[Heading, ...], other: tuple[Heading, ...]) -> tuple[Heading, ...]:
    for index, (mine, theirs) in enumerate(zip(one, other, strict=False)):
        if mine is not theirs:
            return one[:index]
    return one[: len(other)]


def _spell(headings: tuple[Heading, ...], limit_tokens: int) -> str:
    while len(headings) > 1 and sum(heading.tokens + 1 for heading in headings) > limit_tokens:
        headings = headings[1:]
    label = LABEL_SEPARATOR.join(heading.name for heading in headings)
    if headings and headings[-1].tokens > limit_tokens:
        return label[: max(len(label) * limit_tokens // headings[-1].tokens, 1)].rstrip()
    return label

"""Chunks: the spans of a document that are embedded and found, cut where its content says so.

How blocks and pieces are read is in `blocks` and `pieces`, where boundaries fall in `boundaries`. No tokenizer lives
here: the caller brings the one of its embedding version.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple, Protocol

from neural_memory_pipelines.domain.boundaries import Budget, choose_boundaries
from neural_memory_pipelines.domain.ids import ContentHash, hash_text
from neural_memory_pipelines.domain.outlines import Outline, label_budget_tokens, read_outlines
from neural_memory_pipelines.domain.pieces import LEVEL_NONE, RANK_TIGHT, Piece, cut_piece
from neural_memory_pipelines.domain.versions import ChunkSpec
from neural_memory_pipelines.errors import ConfigurationError

_LEAST_MAX_TOKENS = 8
# Characters of text read before a boundary for each token of overlap: no tokenizer packs more into one on average.
_OVERLAP_READ_CHARS_PER_TOKEN = 6
_INDENT_LIMIT_CHARS = 16

_OVERLAP_UNIT_END = re.compile(r"[.!?\u2026][\"')\]*_`]*\s+|[\u3002\uff01\uff1f]+\s*|\n+")
_STARTS_A_LINE_OF_ITS_OWN = frozenset("-*+|>")


class TokenCounter(Protocol):
    """Counts tokens as the embedding model will, without the special tokens that it adds."""

    def __call__(self, texts: Sequence[str]) -> list[int]:
        """Count the tokens of each text."""
        ...


@dataclass(frozen=True, slots=True)
class ChunkDraft:
    """One chunk of a document.

    `text` is what is stored: the overlap with the chunk before and the span itself, without outer blank lines.
    `section_label` is the path of headings that hold all of the span ("Guide > Install"), "" where there is none.
    `start_char` and `end_char` bound the span in the document, without the overlap: the spans of a document follow
    each other and rebuild it. `token_count` and `chunk_hash` are those of `embedding_text`.
    """

    index: int
    text: str
    section_label: str
    start_char: int
    end_char: int
    token_count: int
    chunk_hash: ContentHash


class _Span(NamedTuple):
    """A chunk in the making. `text_start` lies before `start` by the overlap."""

    document: int
    start: int
    end: int
    text_start: int
    label: str
    overlap_allowed_tokens: int
    overlap_from: int


def embedding_text(section_label: str, text: str) -> str:
    """Spell what is embedded and hashed for a chunk: the label, a blank line and the text."""
    return f"{section_label}\n\n{text}" if section_label else text


def chunk_text(text: str, spec: ChunkSpec, count_tokens: TokenCounter) -> tuple[ChunkDraft, ...]:
    """Cut one document into chunks. See `chunk_documents`."""
    return chunk_documents([text], spec, count_tokens)[0]


def chunk_documents(texts: Sequence[str], spec: ChunkSpec, count_tokens: TokenCounter) -> list[tuple[ChunkDraft, ...]]:
    """Cut documents into chunks, each a function of its own text alone.

    Boundaries are chosen by content, so that an edit changes the chunks around it and no others. Chunks begin at
    headings where they can and never end with one. The tokenizer is called once for all pieces of all documents,
    once for the overlaps and once for the finished texts; again only for what was too large.

    Returns:
        The chunks of each text, in order; none for a blank text. No `token_count` is above `spec.max_tokens`.

    Raises:
        ConfigurationError: the sizes of the spec contradict each other, or a single character has more tokens than
            a chunk may have.
    """
    _require_sound(spec)
    outlines = read_outlines(texts, spec, count_tokens)
    spans = [span for index, outline in enumerate(outlines) for span in _spans(index, outline, spec)]
    spans = _with_overlaps(texts, spans, count_tokens)
    drafts: list[list[ChunkDraft]] = [[] for _ in texts]
    for span, stored, embedded, tokens in _fitted(texts, spans, spec.max_tokens, count_tokens):
        chunks = drafts[span.document]
        chunks.append(ChunkDraft(len(chunks), stored, span.label, span.start, span.end, tokens, hash_text(embedded)))
    return [tuple(chunks) for chunks in drafts]


def _require_sound(spec: ChunkSpec) -> None:
    if not (0 < spec.min_tokens <= spec.max_tokens and spec.max_tokens >= _LEAST_MAX_TOKENS):
        raise ConfigurationError(
            f"{spec}: expected 0 < min_tokens <= max_tokens and max_tokens of at least {_LEAST_MAX_TOKENS}"
        )
    if not 0 <= spec.overlap_tokens <= spec.max_tokens // 2:
        raise ConfigurationError(f"{spec}: expected overlap_tokens from 0 to half of max_tokens")


def _budget(spec: ChunkSpec) -> Budget:
    room_tokens = spec.max_tokens - spec.overlap_tokens - label_budget_tokens(spec)
    least_tokens = min(spec.min_tokens, room_tokens * 55 // 100)
    return Budget(spec.min_tokens, spec.max_tokens, (least_tokens, (least_tokens + room_tokens) // 2))


def _spans(document: int, outline: Outline, spec: ChunkSpec) -> list[_Span]:
    """Lay the chunks of one document, without their overlaps. Spans of blanks join the one before, or else the next."""
    budget = _budget(spec)
    chosen = choose_boundaries(outline.candidates, budget)
    starts, positions = outline.starts, outline.candidates.positions
    label_limit = label_budget_tokens(spec)
    spans: list[_Span] = []
    done = 0
    for first, stop in pairwise(chosen):
        start, end = done, starts[stop]
        if outline.text[start:end].isspace():
            if spans:
                spans[-1] = spans[-1]._replace(end=end)
                done = end
            continue
        done = end
        overlap_from = max(outline.paths[first].content_start, spans[-1].start) if spans else start
        free = spec.max_tokens - outline.candidates.label_tokens[first] - (positions[stop] - positions[first])
        allowed = min(outline.candidates.overlap_tokens[first], free) if overlap_from < start else 0
        label = outline.label(first, stop, limit_tokens=label_limit)
        spans.append(_Span(document, start, end, start, label, allowed, overlap_from))
    return spans


def _with_overlaps(texts: Sequence[str], spans: list[_Span], count_tokens: TokenCounter) -> list[_Span]:
    """Move the text of each span that continues a section back by whole sentences or lines, as far as allowed."""
    windows = [
        (index, _overlap_starts(texts[span.document], span))
        for index, span in enumerate(spans)
        if span.overlap_allowed_tokens > 0
    ]
    units: list[str] = []
    for index, starts in windows:
        text = texts[spans[index].document]
        units += [text[at:until] for at, until in pairwise([*starts, spans[index].start])]
    counts = count_tokens(units) if units else []
    done, result = 0, list(spans)
    for index, starts in windows:
        span = spans[index]
        own = counts[done : done + len(starts)]
        done += len(starts)
        at = _overlap_start(texts[span.document], starts, own, limit_tokens=span.overlap_allowed_tokens)
        if at is not None:
            result[index] = span._replace(text_start=at)
    return result


def _overlap_starts(text: str, span: _Span) -> list[int]:
    """List where sentences and lines begin in the text just before a span."""
    nearest = span.start - span.overlap_allowed_tokens * _OVERLAP_READ_CHARS_PER_TOKEN
    low = max(span.overlap_from, nearest)
    ends = [found.end() for found in _OVERLAP_UNIT_END.finditer(text, low, span.start) if found.end() < span.start]
    return [low, *ends] if low == span.overlap_from else ends


def _overlap_start(text: str, starts: list[int], counts: list[int], *, limit_tokens: int) -> int | None:
    """Choose the farthest start whose text fits: of a sentence or block if there is one, else of a line."""
    tokens, line_start, sentence_start = 0, None, None
    for at, count in zip(reversed(starts), reversed(counts), strict=True):
        tokens += count
        if tokens > limit_tokens:
            break
        line_start = at
        if text[at - 1 : at] != "\n" or text[at - 2 : at] == "\n\n" or text[at] in _STARTS_A_LINE_OF_ITS_OWN:
            sentence_start = at
    return line_start if sentence_start is None else sentence_start


def _fitted(
    texts: Sequence[str], spans: list[_Span], max_tokens: int, count_tokens: TokenCounter
) -> list[tuple[_Span, str, str, int]]:
    """Spell and count the chunks; those that are too large after all lose their overlap, then are cut further.

    Pieces are counted one by one, and a tokenizer may count a little more for the whole than for its parts.
    """
    stored = [_strip_blank_lines(texts[span.document][span.text_start : span.end]) for span in spans]
    embedded = [embedding_text(span.label, text) for span, text in zip(spans, stored, strict=True)]
    counts = count_tokens(embedded) if embedded else []
    fitted = list(zip(spans, stored, embedded, counts, strict=True))
    if max(counts, default=0) <= max_tokens:
        return fitted
    result: list[tuple[_Span, str, str, int]] = []
    for entry in fitted:
        span, _, _, tokens = entry
        if tokens <= max_tokens:
            result.append(entry)
        else:
            result += _fitted(texts, _smaller(texts[span.document], span), max_tokens, count_tokens)
    return result


def _smaller(text: str, span: _Span) -> list[_Span]:
    """Make a span smaller by the mildest means left: drop the overlap, halve the text, drop the label."""
    if span.text_start < span.start:
        return [span._replace(text_start=span.start)]
    own = text[span.start : span.end]
    start, end = span.end - len(own.lstrip()), span.start + len(own.rstrip())
    if span.label and len(span.label) >= end - start:
        return [span._replace(label="")]
    if end - start == 1:
        raise ConfigurationError(
            f"the character {text[start]!r} alone has more tokens than a chunk may have: raise max_tokens"
        )
    whole: Piece = (start, RANK_TIGHT, LEVEL_NONE, False)
    cuts = cut_piece(text, whole, end=end, limit_chars=(end - start + 1) // 2)
    middle = start + (end - start) // 2
    at = min((cut for cut, *_ in cuts), key=lambda cut: abs(cut - middle))
    return [span._replace(end=at, text_start=span.start), span._replace(start=at, text_start=at)]


def _strip_blank_lines(text: str) -> str:
    """Drop blank lines around a text, and the white space at its end; the first line keeps a sane indent."""
    stripped = text.lstrip()
    line_start = text.rfind("\n", 0, len(text) - len(stripped)) + 1
    if len(text) - len(stripped) - line_start > _INDENT_LIMIT_CHARS:
        return stripped.rstrip()
    return text[line_start:].rstrip()

"""Statements: what a text says in so many words: decisions and outcomes by their marks, its own summary, how it ends.

Works on markdown alone. Which texts are read, and what becomes of a statement, is up to the sources.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from neural_memory_pipelines.domain.blocks import Block, Kind, scan_blocks
from neural_memory_pipelines.domain.text import first_paragraph, sections

STATEMENTS_LIMIT = 50
"""How many marked statements of one text are read: nobody decides more in one go."""

MARK_WORDS = ("decision", "resolution", "outcome")
"""The words by which a text marks what is settled. Each is the kind of its statements."""

_PROSE_KINDS = frozenset({Kind.PARAGRAPH, Kind.ITEM, Kind.HEADING})
_SUMMARY_HEADING = re.compile(r"\W*(?:summary|changelog|tl;?dr)\b", re.IGNORECASE)
_WORDS = "|".join(MARK_WORDS)
_BOLD = r"[*_]{0,2}"
_MARKED_LINE = re.compile(
    rf"^[ \t]*(?:[-*+][ \t]+)?{_BOLD}(?P<word>{_WORDS}){_BOLD}[ \t]*:[ \t]*{_BOLD}(?P<rest>[^\n]*)"
    rf"|^[ \t]*(?:\*\*|__)(?P<alone>{_WORDS})(?:\*\*|__)[ \t]*$",
    re.IGNORECASE | re.MULTILINE,
)
_MARKED_HEADING = re.compile(rf"{_BOLD}(?P<word>{_WORDS}){_BOLD}(?:[ \t]*:{_BOLD}[ \t]*(?P<rest>.*))?$", re.IGNORECASE)
_SENTENCE_ENDS = (".", "!", "?", "…", ":")


@dataclass(frozen=True, slots=True)
class Statement:
    """What a text marks as settled: `kind` is "decision", "resolution" or "outcome", `text` is what it says."""

    kind: str
    text: str


def marked_statements(markdown: str) -> tuple[Statement, ...]:
    """Find what a text marks as a decision, resolution or outcome, by a line that begins with the word or a heading.

    Code, quotes and HTML comments state nothing.

    Returns:
        Each statement once, those below headings first; at most `STATEMENTS_LIMIT`.
    """
    found = dict.fromkeys(_marked(without_html_comments(markdown)))
    return tuple(islice(found, STATEMENTS_LIMIT))


def lead(markdown: str) -> str:
    """Find where a text sums itself up: its Summary or Changelog section, else its first paragraph."""
    for section in sections(markdown):
        if _SUMMARY_HEADING.match(section.heading) and first_paragraph(section.text):
            return section.text
    return first_paragraph(markdown)


def closing_paragraph(markdown: str) -> str:
    """Give the paragraph that a text ends with, on one line.

    Returns:
        The paragraph, or "" if the text ends with something else or is a single block.
    """
    blocks = [block for block in scan_blocks(markdown) if block.kind not in {Kind.COMMENT, Kind.RULE}]
    if len(blocks) < 2 or blocks[-1].kind is not Kind.PARAGRAPH:
        return ""
    return first_paragraph(markdown[blocks[-1].start : blocks[-1].content_end])


def without_html_comments(markdown: str) -> str:
    """Drop what a reader never sees: the hints that templates leave behind."""
    kept: list[str] = []
    position = 0
    while (start := markdown.find("<!--", position)) >= 0 and (end := markdown.find("-->", start + 4)) >= 0:
        kept.append(markdown[position:start])
        position = end + 3
    return "".join([*kept, markdown[position:]])


def prose_blocks(markdown: str) -> list[str]:
    """List the paragraphs, list items and headings of a text, as written."""
    blocks = scan_blocks(markdown)
    return [markdown[block.start : block.content_end].strip() for block in blocks if block.kind in _PROSE_KINDS]


def as_sentence(title: str) -> str:
    """End a title with a full stop, if it has no end."""
    return title if title.endswith(_SENTENCE_ENDS) else f"{title}."


def unpaired_bold_removed(said: str) -> str:
    """Mend what was said after a mark such as "**Decision: this**", which took one end of the bold type with it."""
    return said.replace("**", "", 1) if said.count("**") % 2 else said


def _marked(body: str) -> Iterator[Statement]:
    for section in sections(body):
        found = _MARKED_HEADING.match(section.heading)
        said = f"{found['rest'] or ''}\n\n{section.text}".strip() if found else ""
        if found and said:
            yield Statement(found["word"].lower(), said)
    blocks = scan_blocks(body)
    for at, block in enumerate(blocks):
        if block.kind in {Kind.PARAGRAPH, Kind.ITEM}:
            yield from _marked_lines(body, blocks, at)


def _marked_lines(body: str, blocks: Sequence[Block], at: int) -> Iterator[Statement]:
    """Divide a paragraph at the lines that begin with a mark; what precedes the first mark is dropped."""
    raw = body[blocks[at].start : blocks[at].content_end]
    marks = list(_MARKED_LINE.finditer(raw))
    for number, found in enumerate(marks, start=1):
        last = number == len(marks)
        said = f"{found['rest'] or ''}{raw[found.end() : len(raw) if last else marks[number].start()]}".strip()
        if last and (not said or said.endswith(":")):
            said = f"{said}\n\n{_continuation(body, blocks, at + 1, started=bool(said))}".strip()
        if said:
            yield Statement((found["word"] or found["alone"]).lower(), unpaired_bold_removed(said))


def _continuation(body: str, blocks: Sequence[Block], start: int, *, started: bool) -> str:
    """Take what a mark with nothing after it speaks of: the list below it, or (if nothing was said) a paragraph."""
    end = start
    while end < len(blocks) and _continues(body, blocks[end], Kind.ITEM):
        end += 1
    if end == start < len(blocks) and not started and _continues(body, blocks[start], Kind.PARAGRAPH):
        end += 1
    return body[blocks[start].start : blocks[end - 1].content_end] if end > start else ""


def _continues(body: str, block: Block, kind: Kind) -> bool:
    return block.kind is kind and not _MARKED_LINE.match(body, block.start)

"""Rich text as markdown within a line: decoration, links, mentions, and the escapes that plain text needs.

Lines, lists and other blocks are set in `writing.py` and `rendering.py`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import NamedTuple
from urllib.parse import quote

from neural_memory_pipelines.sources.notion.payloads import Annotations, RichText, User

_ADDRESS = r"https?://[^\s<>\[\]\\`]+"
_SPECIAL = re.compile(
    rf"{_ADDRESS}|\\(?=[!-/:-@\[-`{{-~\n])|~~|[*_`]|<(?=[A-Za-z/!?])|&(?=#?[A-Za-z0-9]{{1,32}};)"
    # A bracket alone is a bracket; with these behind it, it ends the words of a link.
    r"|\](?=[(\[])"
)
_LABEL_BRACKETS = re.compile(r"(?P<pair>\[[^\[\]\n]*\](?![\[(]))|[\[\]]")
_BACKTICKS = re.compile(r"`+")
_BLANK_LINES = re.compile(r"\n{3,}")
_OPENERS = (("strikethrough", "~~"), ("bold", "**"), ("italic", "*"))
_PLAIN = Annotations()
_SAFE_IN_ADDRESS = "!#$%&'*+,/:;=?@[]~"


@dataclass(frozen=True, slots=True)
class Mark:
    """A mention in a text: of a page (or database), by id, or of a user."""

    start: int
    end: int
    page_id: str | None = None
    user: User | None = None


@dataclass(frozen=True, slots=True)
class Inline:
    """Markdown of one or more lines, with the mentions in it."""

    text: str = ""
    marks: tuple[Mark, ...] = ()


class _Piece(NamedTuple):
    """Text that is set in one way: `styles` is None for white space, which takes what both neighbours share."""

    text: str
    styles: frozenset[str] | None
    page_id: str | None = None
    user: User | None = None


def plain_text(items: Iterable[RichText]) -> str:
    """Join the words of a text, without decoration."""
    return "".join(item.words for item in items)


def page_url(page_id: str) -> str:
    """Spell the address of a page or database."""
    return f"https://www.notion.so/{page_id.replace('-', '')}"


def inline_markdown(items: Sequence[RichText], *, in_table: bool = False) -> Inline:
    """Write a text as markdown; in a table, bars are escaped and lines joined."""
    out: list[str] = []
    marks: list[Mark] = []
    length = 0
    for text, piece in _decorated(list(_pieces(items, in_table=in_table))):
        if piece is not None and (piece.page_id or piece.user):
            marks.append(Mark(length, length + len(text), piece.page_id, piece.user))
        out.append(text)
        length += len(text)
    return Inline("".join(out), tuple(marks))


def code_span(text: str) -> str:
    """Set a text as code within a line, whatever backticks it holds."""
    longest = max((len(run[0]) for run in _BACKTICKS.finditer(text)), default=0)
    ticks = "`" * (longest + 1)
    padding = " " if text.startswith("`") or text.endswith("`") else ""
    return f"{ticks}{padding}{text}{padding}{ticks}"


def escape(text: str) -> str:
    """Escape what markdown would take for its own; addresses and underscores within words are left alone."""
    return _SPECIAL.sub(_escaped, text)


def markdown_link(label: str, address: str) -> str:
    """Write a link. An address that is no web address is not one that anyone could follow: the label is left."""
    if address.startswith("/"):
        address = f"https://www.notion.so{address}"
    if not address.startswith(("https://", "http://", "mailto:")):
        return escape(label)
    target = quote(address, safe=_SAFE_IN_ADDRESS)
    bare = label.strip()
    if bare == address and bare == target and "](" not in bare:
        return bare
    words = " ".join(label.split())
    return f"[{escape_label(words) or target}]({target})"


def escape_label(text: str) -> str:
    """Escape the words of a link, in which a bracket must have its pair."""
    special = _SPECIAL.sub(lambda found: _escaped(found, in_label=True), text)
    return _LABEL_BRACKETS.sub(lambda found: found["pair"] or f"\\{found[0]}", special)


def _escaped(found: re.Match[str], *, in_label: bool = False) -> str:
    special, text = found[0], found.string
    if special.startswith("http") or (in_label and special == "]"):
        return special
    if special == "~~":
        return "\\~\\~"
    before = text[found.start() - 1] if found.start() else " "
    after = text[found.end()] if found.end() < len(text) else " "
    within_word = special == "_" and before.isalnum() and after.isalnum()
    alone = special in "*_" and before.isspace() and after.isspace()
    return special if within_word or alone else f"\\{special}"


def _pieces(items: Sequence[RichText], *, in_table: bool) -> Iterator[_Piece]:
    """Part a text where its setting changes and at the ends of lines; pieces of the same setting are joined first."""
    for (setting, address, is_text), group in groupby(items, key=_setting):
        together = list(group)
        styles = frozenset(name for name, _ in _OPENERS if getattr(setting, name))
        if not is_text:
            for item in together:
                yield from _special_piece(item, styles, in_table=in_table)
            continue
        words = _BLANK_LINES.sub("\n\n", "".join(item.words for item in together))
        if setting == _PLAIN and not address and not in_table:
            yield _Piece(escape(words), styles)
            continue
        for number, line in enumerate(words.split("\n")):
            if number:
                yield _Piece(" " if in_table else "\n", None if in_table else frozenset())
            before, core, after = _edges(line)
            yield _Piece(before, None)
            yield _Piece(_cell(_set_text(core, setting, address), in_table=in_table), styles)
            yield _Piece(after, None)


def _setting(item: RichText) -> tuple[Annotations, str | None, bool]:
    return (item.annotations, item.address, item.mention is None and item.equation is None)


def _edges(line: str) -> tuple[str, str, str]:
    core = line.strip()
    if not core:
        return line, "", ""
    start = len(line) - len(line.lstrip())
    return line[:start], core, line[start + len(core) :]


def _set_text(core: str, annotations: Annotations, address: str | None) -> str:
    if not core:
        return ""
    if annotations.code:
        return code_span(core)
    return markdown_link(core, address) if address else escape(core)


def _special_piece(item: RichText, styles: frozenset[str], *, in_table: bool) -> Iterator[_Piece]:
    words = " ".join(item.words.split())
    if item.equation is not None:
        text = f"${words}$" if words else ""
    elif item.mention and item.mention.page_id:
        page_id = item.mention.page_id
        link = f"[{escape_label(words) or 'Untitled'}]({page_url(page_id)})"
        yield _Piece(_cell(link, in_table=in_table), styles, page_id=page_id)
        return
    elif item.mention and item.mention.user:
        name = words if words.startswith("@") else f"@{words or item.mention.user.name or 'someone'}"
        yield _Piece(_cell(escape(name), in_table=in_table), styles, user=item.mention.user)
        return
    else:
        text = markdown_link(words or item.address, item.address) if item.address else escape(words)
    yield _Piece(_cell(text, in_table=in_table), styles)


def _cell(text: str, *, in_table: bool) -> str:
    return text.replace("|", "\\|") if in_table else text


def _decorated(pieces: list[_Piece]) -> Iterator[tuple[str, _Piece | None]]:
    """Put the markers of decoration where settings change, never beside white space within them."""
    pieces = [piece for piece in pieces if piece.text]
    following = _styles_of_next(pieces)
    open_styles: list[str] = []
    for index, piece in enumerate(pieces):
        wanted = piece.styles if piece.styles is not None else frozenset(open_styles) & following[index]
        if closing := _close(open_styles, wanted):
            yield closing, None
        opened = [(name, mark) for name, mark in _OPENERS if name in wanted and name not in open_styles]
        if opened:
            yield "".join(mark for _, mark in opened), None
            open_styles.extend(name for name, _ in opened)
        yield piece.text, piece
    if closing := _close(open_styles, frozenset()):
        yield closing, None


def _styles_of_next(pieces: list[_Piece]) -> list[frozenset[str]]:
    """Tell for each piece how the next one that is no white space is set."""
    styles: list[frozenset[str]] = [frozenset()] * len(pieces)
    coming: frozenset[str] = frozenset()
    for index in range(len(pieces) - 1, -1, -1):
        styles[index] = coming
        coming = coming if (own := pieces[index].styles) is None else own
    return styles


def _close(open_styles: list[str], wanted: frozenset[str]) -> str:
    """Close the decorations that end, and those that were opened within them."""
    kept = next((at for at, name in enumerate(open_styles) if name not in wanted), len(open_styles))
    marks = dict(_OPENERS)
    closing = "".join(marks[name] for name in reversed(open_styles[kept:]))
    del open_styles[kept:]
    return closing

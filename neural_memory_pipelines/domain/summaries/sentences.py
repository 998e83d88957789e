"""Divides the text of an observation into sentences, as a reader would see them: no markup, no code blocks, no tables.

A sentence is whole or it is not there. Which ones are worth telling is decided elsewhere.
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Iterator

from neural_memory_pipelines.domain.blocks import Kind, scan_blocks
from neural_memory_pipelines.domain.prose import BLANK, read_prose
from neural_memory_pipelines.domain.statements import MARK_WORDS, without_html_comments

_UNSEEN = frozenset({"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp"})
_KEPT_UNSEEN = frozenset("\n\t\u200c\u200d")
_WRAPPED_CHARS = 60  # a line at least this long may go on in the next one
_LINE_MARK = re.compile(r"^[ \t]*>[> \t]*|^[ \t]*(?:[-*+•]|\d{1,9}[.)])[ \t]+(?:\[[ xX]\][ \t]+)?")
_TABLE_LINE = re.compile(r"\s*\|")
_STATEMENT = re.compile(rf"[*_]{{0,2}}(?:{'|'.join(MARK_WORDS)})[*_]{{0,2}}[ \t]*:", re.IGNORECASE)
_BREAK = re.compile(r"(?: {2,}|\\|<br\s*/?>|:)$", re.IGNORECASE)

# Where a full stop ends nothing: code, addresses, what stands in a link.
_PROTECTED = re.compile(
    r"(`+)(?!`).+?(?<!`)\1(?!`)|\b(?:https?|ftp)://[^\s<>)\]]*[^\s<>)\].,;:!?'\"]|(?<=\])\([^()\s]*\)|<[^<>\s][^<>]*>"
)
_OPENING, _CLOSING = r"[\"'(\[*_\u00ab\u201c\u2018]*", r"[\"')\]*_\u00bb\u201d\u2019]*"
_END = re.compile(rf"(?P<mark>[.!?…]+){_CLOSING}(?P<gap>\s+){_OPENING}(?P<next>[^\W_]|[#@$€£¥])|[\u3002\uff01\uff1f]+")
_LAST_WORD = re.compile(r"[^\s(\[\"']+$")
_ABBREVIATIONS = "e.g i.e cf vs mr mrs ms dr prof st al approx resp incl ca viz u.s u.k inc ltd"
_COUNTED = "no nr vol pp p sec art ch fig eq ver jan feb mar apr jun jul aug sep sept oct nov dec"
_OPENS_NOTHING = frozenset(_ABBREVIATIONS.split())
_BEFORE_NUMBERS = frozenset(_COUNTED.split())

_IMAGE = re.compile(r"!\[[^\[\]]*\](?:\([^()\s]*(?:\s[^()]*)?\)|\[[^\[\]]*\])")
_LINK = re.compile(r"\[([^\[\]]+)\](?:\([^()\s]*(?:\s[^()]*)?\)|\[[^\[\]]*\])")
_NOTE_MARK = re.compile(r"\s?\[\^?\d{1,3}(?:,\s*\d{1,3})*\]")
_AUTOLINK = re.compile(r"<((?:https?|mailto):[^<>\s]+)>")
_TAG = re.compile(r"</?[A-Za-z][^<>]*>")
_CODE = re.compile(r"(`+)(?!`)\s?(.+?)\s?(?<!`)\1(?!`)")
_STRONG = re.compile(r"(\*\*|__|~~)(?=\S)(.+?)(?<=\S)\1")
_EMPHASIS = re.compile(r"(?<![\w*_])([*_])(?=\S)([^*_]+?)(?<=\S)\1(?![\w*_])")
_ESCAPE = re.compile(r"\\([\\`*_{}\[\]()#+.!<>~|-])")
_STRAY_MARKS = re.compile(r"^(?:\*\*|__)\s*|\s*(?:\*\*|__)$|(?<=\S)\*\*(?=\s|$)")


def split_sentences(markdown: str) -> list[str]:
    """List the sentences of paragraphs and list items, in order, without markup.

    Headings, fences, tables and comments hold no sentences. A list item or a line without a final full stop is a
    sentence; a full stop in an abbreviation, a version or an address ends none.
    """
    text = without_html_comments(markdown)
    prose = read_prose(text).text
    found: list[str] = []
    for block in scan_blocks(text):
        shown = prose[block.start : block.content_end]
        if block.kind not in {Kind.PARAGRAPH, Kind.ITEM} or not shown.replace(BLANK, "").strip(" \t\n-*+>.`"):
            continue
        for passage in _passages(text[block.start : block.content_end]):
            found += filter(None, map(plain, _cut(passage)))
    return found


def plain(markdown: str) -> str:
    """Take the markup out of a sentence, and put it on one line. References such as [1] go: a summary has its own."""
    text = _IMAGE.sub("", visible(markdown))
    text = _LINK.sub(r"\1", text)
    text = _AUTOLINK.sub(r"\1", text)
    text = _TAG.sub("", _NOTE_MARK.sub("", text))
    text = _CODE.sub(r"\2", text)
    for marks in (_STRONG, _EMPHASIS):
        text = marks.sub(r"\2", text)
    text = _STRAY_MARKS.sub("", _ESCAPE.sub(r"\1", text))
    return " ".join(visible(html.unescape(text)).split())


def visible(text: str) -> str:
    """Take out what no reader sees and a language model may read: controls, formats, private and unknown characters.

    Ends of lines stay, and so do the joiners that some scripts are written with.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(
        character for character in text if character in _KEPT_UNSEEN or unicodedata.category(character) not in _UNSEEN
    )


def _passages(block: str) -> Iterator[str]:
    """Join the lines of a block that belong together: wrapped prose does, lines of a chat or of statements do not."""
    lines: list[str] = []
    last = ""
    for raw in block.split("\n"):
        line = _LINE_MARK.sub("", raw)
        if _TABLE_LINE.match(line):
            line = ""
        if lines and _starts_anew(last, line):
            yield " ".join(lines)
            lines = []
        if line.strip():
            lines.append(_BREAK.sub(lambda found: ":" if found[0] == ":" else "", line).strip())
        last = line
    if lines:
        yield " ".join(lines)


def _starts_anew(last: str, line: str) -> bool:
    if not line.strip() or _STATEMENT.match(line.strip()) or _BREAK.search(last):
        return True
    first = line.lstrip(" \t*_`\"'(")[:1]
    return len(last) < _WRAPPED_CHARS and not first.islower() and not last.rstrip().endswith((",", ";", "-"))


def _cut(passage: str) -> Iterator[str]:
    # Upper-case letters in the place of what is protected: a sentence may begin with code or an address.
    shown = _PROTECTED.sub(lambda found: "X" * len(found[0]), passage)
    start = position = 0
    while found := _END.search(shown, position):
        position = found.end("gap") if found["gap"] else found.end()
        if _ends(shown, start, found):
            yield passage[start:position].strip()
            start = position
    yield passage[start:].strip()


def _ends(shown: str, start: int, found: re.Match[str]) -> bool:
    if not found["gap"]:
        return True  # a full stop of Chinese or Japanese
    follower = found["next"]
    if follower.islower():
        return False
    said = shown[start : found.start()].strip()
    if found["mark"] != ".":
        return bool(said)
    last = _LAST_WORD.search(said)
    word = last[0] if last else ""
    if not word or said.isdigit() or word.lower() in _OPENS_NOTHING:
        return False
    if word.lower() in _BEFORE_NUMBERS and follower.isdigit():
        return False
    return not (len(word) == 1 and word.isupper() and word != "I")  # "Donald E. Knuth"

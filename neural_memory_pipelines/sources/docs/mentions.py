"""Where a file's text names something: other documents, by link, address or number, and people.

Finding only; what becomes a link of the document is decided in `links.py`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache

from neural_memory_pipelines.domain.graph import EdgeType
from neural_memory_pipelines.domain.prose import BLANK
from neural_memory_pipelines.domain.references import find_references
from neural_memory_pipelines.sources.docs.names import Place
from neural_memory_pipelines.sources.docs.sites import TEMPLATED

_LINK = re.compile(
    rf"(?<![!\\])\[(?P<text>[^\[\]]{{0,300}})\]\([ \t]*<?(?P<target>{TEMPLATED}|[^()\s<>]{{1,1000}}"
    r"(?:\([^()\s<>]{0,200}\)[^()\s<>]{0,200})?)>?(?:[ \t]+[\"'][^\n]{0,300}?[\"'])?[ \t]*\)"
)
_DEFINITION = re.compile(
    rf"^ {{0,3}}\[(?!\^)(?P<text>[^\[\]\n]{{1,300}})\]:[ \t]*<?(?P<target>{TEMPLATED}|[^\s<>]{{1,1000}})",
    re.MULTILINE,
)
_FURTHER_NUMBER = re.compile(r"(?:,|[ ,]+(?:and|or|&)|/|[ ]*&)\s{0,2}(?P<number>\d{1,6})(?![\w]|\.\d|-\d)")
_FURTHER_LIMIT = 20
_DIGITS = re.compile(r"\d+")
# More than what may stand between a word and its number: a plural, a line's end with an indent, a mark.
_NUMBER_GAP_CHARS = 24
_LOGIN = re.compile(r"(?<![\w@/.+`\\-])@(?P<login>[a-z0-9](?:-?[a-z0-9]){0,38})(?![\w@/(\[:-]|\.\w)", re.IGNORECASE)
# Words by which chats call everyone.
_NO_LOGINS = frozenset({"all", "channel", "everyone", "here"})
_RELATION = re.compile(
    r"(?:^[ \t>*_+-]*(?:status[*_]*[ \t]*:[ \t*_]*)?"
    r"|\bthis[ \t\n]+[\w-]{1,20}[ \t\n]+(?:is|was|has[ \t\n]+been)[ \t\n]+(?:now[ \t\n]+)?"
    r"|^[ \t>*_+-]*status[*_]*[ \t]*:[^\n]{0,60}?[,;(\u2013\u2014-][ \t]*)"
    r"(?P<words>(?:superseded|replaced|obsoleted)[ \t]+by|supersedes|replaces|obsoletes)\b[ \t:*_]*",
    re.IGNORECASE | re.MULTILINE,
)
# Most texts have none of these: looking for a part of them first is several times quicker than for a whole pattern.
_RELATION_HINTS = ("supersede", "replace", "obsolete")
_REACH_CHARS = 120
_PASSIVE = " by"


@dataclass(frozen=True, slots=True)
class Mention:
    """A place that names a document: `text[start:end]`."""

    handle: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Relation:
    """A place that says how the document stands to another: `text[start:end]`; `reverse` if the other is the origin."""

    type: EdgeType
    handle: str
    start: int
    end: int
    reverse: bool


def find_mentions(text: str, place: Place, *, prose: str) -> list[Mention]:
    """Find all places of a markdown text that name documents, in order and without overlaps.

    Where two readings of one place overlap, a link counts more than a number, and that more than any other reference.

    Args:
        text: the markdown text.
        place: where it is.
        prose: the prose of the text (`read_prose`), which is as long.

    Source: a bare `#12` in a file of a repository names nothing, says https://docs.github.com/en/get-started/
    writing-on-github/working-with-advanced-formatting/autolinked-references-and-urls.
    """
    links = list(_links(prose, place))
    numbers = _without_overlaps(_numbers(prose, place), links)
    kept = _merged(links, numbers)
    others = (Mention(found.handle, found.start, found.end) for found in find_references(text))
    return _merged(kept, _without_overlaps(others, kept))


def find_relations(prose: str, mentions: list[Mention]) -> Iterator[Relation]:
    """Find the lines that say what supersedes what: "Status: Superseded by RFC 5", "This page replaces ...".

    Args:
        prose: the prose of a text.
        mentions: what `find_mentions` found in it.
    """
    folded = prose.casefold()
    if not any(hint in folded for hint in _RELATION_HINTS):
        return
    position = 0
    for found in _RELATION.finditer(prose):
        reverse = found["words"].lower().endswith(_PASSIVE)
        end_of_line = prose.find("\n", found.end())
        limit = min(found.end() + _REACH_CHARS, len(prose) if end_of_line < 0 else end_of_line)
        while position < len(mentions) and mentions[position].start < found.end():
            position += 1
        for mention in mentions[position:]:
            if mention.start > limit or re.search(r"[.;]\s", prose[found.end() : mention.start]):
                break
            yield Relation(EdgeType.SUPERSEDES, mention.handle, found.start("words"), mention.end, reverse)


def find_logins(prose: str) -> Iterator[tuple[str, int, int]]:
    """Find `@login` in prose: the login, and the span with the at sign."""
    for found in _LOGIN.finditer(prose) if "@" in prose else ():
        if found["login"].lower() not in _NO_LOGINS:
            yield found["login"], found.start(), found.end()


def _links(prose: str, place: Place) -> Iterator[Mention]:
    found = [
        *(_LINK.finditer(prose) if "](" in prose else ()),
        *(_DEFINITION.finditer(prose) if "]:" in prose else ()),
    ]
    for match in sorted(found, key=re.Match.start):
        handle = place.linked(match["target"]) if BLANK not in match["target"] else None
        if handle is not None:
            yield Mention(handle, match.start(), match.end())


def _numbers(prose: str, place: Place) -> Iterator[Mention]:
    words = place.series_words()
    if not _has_numbered(prose, words):
        return
    for found in _number_pattern(words).finditer(prose):
        handle = place.numbered(found["word"], int(found["number"]))
        if handle is None:
            continue
        yield Mention(handle, found.start(), found.end())
        position = found.end()
        for _ in range(_FURTHER_LIMIT if found["plural"] else 0):
            further = _FURTHER_NUMBER.match(prose, position)
            handle = place.numbered(found["word"], int(further["number"])) if further else None
            if further is None or handle is None:
                break
            yield Mention(handle, further.start("number"), further.end())
            position = further.end()


def _has_numbered(prose: str, words: tuple[str, ...]) -> bool:
    """Tell whether one of the words may stand before a number: numbers are few, and quicker found than words."""
    names = tuple(word.casefold() for word in words)
    reach_chars = max(map(len, words)) + _NUMBER_GAP_CHARS
    for found in _DIGITS.finditer(prose):
        before = prose[max(found.start() - reach_chars, 0) : found.start()].removesuffix("#").rstrip()
        before = before.rstrip("_-").casefold()
        if before.endswith(names) or before.removesuffix("s").endswith(names):
            return True
    return False


@lru_cache(maxsize=64)
def _number_pattern(words: tuple[str, ...]) -> re.Pattern[str]:
    spelled = "|".join(map(re.escape, words))
    return re.compile(
        rf"(?<![\w/.@-])(?P<word>{spelled})(?P<plural>s)?(?:[\s_-]|[^\S\n]?\n[^\S\n]{{0,16}})\#?(?P<number>\d{{1,6}})(?![^\W_]|\.\d)",
        re.IGNORECASE,
    )


def _merged(left: Iterable[Mention], right: Iterable[Mention]) -> list[Mention]:
    return sorted((*left, *right), key=lambda mention: (mention.start, mention.end))


def _without_overlaps(found: Iterable[Mention], kept: list[Mention]) -> list[Mention]:
    """Leave out what overlaps a mention that is kept. Both are in order."""
    chosen: list[Mention] = []
    position = 0
    for mention in found:
        while position < len(kept) and kept[position].end <= mention.start:
            position += 1
        if position == len(kept) or kept[position].start >= mention.end:
            chosen.append(mention)
    return chosen

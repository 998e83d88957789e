"""Reading a query: the filters, phrases and identifiers that people write among its words.

It looks nothing up: whether a name or an identifier means anything here is up to the stores.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime

from neural_memory_pipelines.domain.documents import storable
from neural_memory_pipelines.domain.identifiers import Identifier, find_identifiers
from neural_memory_pipelines.domain.query_filters import KEYS, Filters, read_filters
from neural_memory_pipelines.domain.summaries.words import STOP_WORDS
from neural_memory_pipelines.errors import PermanentError

__all__ = ["Filters", "Identifier", "ParsedQuery", "parse_query", "read_filters"]

_MOST_IDENTIFIERS = 50
_MOST_PHRASES = 10  # each is a condition of its own: Postgres plans 300 of them for eight seconds
_QUOTES = str.maketrans(dict.fromkeys("\u201c\u201d\u201e\u201f\u00ab\u00bb", '"'))
_PIECE = re.compile(
    rf"(?P<sign>-?)(?P<key>{'|'.join(KEYS)}):(?:\"(?P<quoted>[^\"]*)\"|(?P<plain>[^\s\"]*))"
    r"|\"(?P<phrase>[^\"]*)\"|(?P<word>[^\s\"]+)|\"",
    re.IGNORECASE,
)
_LISTED = frozenset({"source", "type", "author"})
_AFTER_VALUE = ".,;!?)"
_WORD = re.compile(r"\w+")
_ASKING = """
    about change changed comment commit did discussion doc document file find github gives give happen happened issue
    know linear look me merge mr notion open page path pr pull read release repo repository request review s say see
    show slack state status summary tell thread ticket url
"""
_SAYS_NOTHING = STOP_WORDS.union(_ASKING.split())


@dataclass(frozen=True, slots=True)
class ParsedQuery:
    """A query, taken apart.

    Attributes:
        text: all words without filters and quotation marks, with single spaces: for full text and for names. Phrases
            and identifiers are still among them.
        words: the same without identifiers and lone marks: what is left to be understood.
        phrases: what stood in quotation marks: these very words, side by side; the first 10, others are just words.
        identifiers: in order, each once, at most 50.
        filters: see `Filters`.
    """

    text: str
    words: str
    phrases: tuple[str, ...] = ()
    identifiers: tuple[Identifier, ...] = ()
    filters: Filters = field(default_factory=Filters)

    @property
    def is_only_identifiers(self) -> bool:
        """Whether nothing but identifiers was asked for: the rest is words such as "what is" or "show me".

        An identifier that names no document may have been a word after all ("top-10"): ask `text` then.
        """
        return bool(self.identifiers) and not self.phrases and says_nothing(self.words)


def parse_query(query: str, *, sources: Collection[str], now: datetime, reads_filters: bool = True) -> ParsedQuery:
    """Take a query apart, in time that grows with its length alone.

    Filters are written as on GitHub: `source:github type:issue author:@sanne author:"Sanne de Vries" after:2026-06-01
    before:7d`. Several values, in a list with commas or one by one, mean any of them. A key that is not known is words.

    Args:
        query: any text.
        sources: the names of the sources there are.
        now: aware; what relative times are counted from.
        reads_filters: whether "type: bug" is a filter and quotation marks make a phrase. In titles and questions that
            nobody wrote as queries, both are just words.

    Raises:
        PermanentError: the value of a filter means nothing; the message says what is allowed.
    """
    pieces: list[str] = []
    phrases: list[str] = []
    given: list[tuple[str, str]] = []
    for piece in _PIECE.finditer(storable(query).translate(_QUOTES)):
        if piece["key"] and reads_filters:
            given += _values(piece)
        elif piece["phrase"] is not None:
            phrases.append(" ".join(piece["phrase"].split()))
            pieces.append(phrases[-1])
        elif piece[0] != '"':
            pieces += piece[0].replace('"', " ").split()
    words = " ".join(filter(None, pieces)).split()
    rest, identifiers = _without_identifiers(words)
    return ParsedQuery(
        text=" ".join(words),
        words=" ".join(rest),
        phrases=tuple(dict.fromkeys(filter(None, phrases)))[:_MOST_PHRASES] if reads_filters else (),
        identifiers=identifiers,
        filters=read_filters(given, sources=sources, now=now),
    )


def says_nothing(text: str) -> bool:
    """Tell whether a text has no word that says what it is about."""
    return all(len(word) == 1 or word in _SAYS_NOTHING for word in _WORD.findall(text.lower()))


def _values(piece: re.Match[str]) -> list[tuple[str, str]]:
    key = piece["key"].lower()
    if piece["sign"]:
        raise PermanentError(f'-{key}: leaving out is no filter; to search for the words, quote them: "-{key}:"')
    if piece["quoted"] is not None:
        return [(key, piece["quoted"])]
    value = piece["plain"].rstrip(_AFTER_VALUE)
    values = [one for one in value.split(",") if one] if key in _LISTED else [value]
    return [(key, one) for one in values or [""]]


def _without_identifiers(words: list[str]) -> tuple[list[str], tuple[Identifier, ...]]:
    rest: list[str] = []
    identifiers: dict[Identifier, None] = {}
    for word in words:
        position = 0
        for start, end, identifier in find_identifiers(word) if len(identifiers) < _MOST_IDENTIFIERS else ():
            identifiers[identifier] = None
            rest.append(word[position:start])
            position = end
        rest.append(word[position:])
    return [word for word in rest if _WORD.search(word)], tuple(identifiers)[:_MOST_IDENTIFIERS]

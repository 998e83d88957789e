"""The facts in a text that can be looked up word for word: days, figures with their units, names and identifiers.

Whether one text holds those of another is asked here; what follows from the answer is decided in `grounding.py`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC
from typing import NamedTuple

from neural_memory_pipelines.domain.summaries.evidence import MONTHS, Evidence
from neural_memory_pipelines.domain.summaries.words import STOP_WORDS, stem

_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_MONTH_NUMBERS = {name[:length].lower(): at for at, name in enumerate(MONTHS, 1) for length in (3, len(name))}
_MONTH = "|".join(f"{name}|{name[:3]}" for name in MONTHS) + "|Sept"
_DAY = r"(?P<day>\d{1,2})(?:st|nd|rd|th)?"
_DATES = (
    re.compile(r"\b(?P<year>\d{4})-(?P<number>\d{2})-(?P<day>\d{2})(?![\d])"),
    re.compile(rf"\b{_DAY}\s+(?:of\s+)?(?P<month>{_MONTH})\b\.?(?:,?\s+(?P<year>\d{{4}})\b)?", re.IGNORECASE),
    re.compile(rf"\b(?P<month>{_MONTH})\b\.?\s+{_DAY}\b(?:,?\s+(?P<year>\d{{4}})\b)?", re.IGNORECASE),
    re.compile(rf"\b(?P<month>{_MONTH})\b\.?\s+(?P<year>\d{{4}})\b", re.IGNORECASE),
    re.compile(rf"\b(?P<month>{'|'.join(name for name in MONTHS if name != 'May')})\b"),
)
_TOKEN = re.compile(r"[#@$€£¥]?\w+(?:[-./:@#+'\u2019]\w+|[.,]\d+)*%?")
_IDENTIFIER = re.compile(r"\d|[_/#@.:]|[a-z][A-Z]|\A[A-Z]{2,}\Z")
_JOINT = re.compile(r"[/#@_-]")
_THOUSANDS = re.compile(r",(?=\d{3}(?!\d))")
_SEPARATOR = re.compile(r"[^\w]+")
_OPENER_WORDS = """team teams engineer engineers developer developers work issue issues problem problems change changes
    discussion overall following initially finally later eventually currently recently additionally previously
    subsequently despite due according several various no not never none without people someone everyone nobody"""
_NUMBER = re.compile(r"[#$€£¥]?\d+(?:[.,:]\d+)*%?")
_COUNTS = "two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen"
_NUMBER_WORDS = {word: str(at) for at, word in enumerate(_COUNTS.split(), start=2)} | {
    "eighteen": "18",
    "nineteen": "19",
    "twenty": "20",
    "thirty": "30",
    "forty": "40",
    "fifty": "50",
    "sixty": "60",
    "ninety": "90",
    "hundred": "100",
    "thousand": "1000",
    "twice": "2",
}
_UNIT_WORDS = "millisecond second minute hour day week month year kilobyte megabyte gigabyte terabyte byte percent"
_CURRENCIES = "euro dollar pound yen"
_UNITS = {word: word for word in f"{_UNIT_WORDS} {_CURRENCIES}".split()} | {
    "ms": "millisecond",
    "s": "second",
    "sec": "second",
    "min": "minute",
    "h": "hour",
    "hr": "hour",
    "kb": "kilobyte",
    "mb": "megabyte",
    "gb": "gigabyte",
    "tb": "terabyte",
    "eur": "euro",
    "usd": "dollar",
}
_SIGNS = {"€": "euro", "$": "dollar", "£": "pound", "¥": "yen", "%": "percent"}
_GLUED_UNIT = re.compile(
    r"(?<=\d)-?(?=(?:ms|s|sec|min|h|hr|[kmgt]b|day|hour|minute|second|week|month|year)s?\b)", re.IGNORECASE
)
_VERSION_MARK = re.compile(r"\bv(?=\d)", re.IGNORECASE)
_OPENS_SENTENCE = re.compile(r"(?:\A|[.!?:;\n])[\s\"'(\[*_]*\Z")
_OPENERS = frozenset(map(stem, _OPENER_WORDS.split()))


class Day(NamedTuple):
    """A day, a day of any year (year 0), or a month (day 0)."""

    year: int
    month: int
    day: int

    def is_told_by(self, told: Iterable[Day]) -> bool:
        """Tell whether one of these days says as much or more."""
        return any(
            self.month == other.month and self.year in {0, other.year or self.year} and self.day in {0, other.day}
            for other in told
        )


@dataclass(frozen=True, slots=True)
class Facts:
    """What a text says that can be looked up. All in lower case.

    Attributes:
        days: the days that it names.
        figures: its numbers, spelled without separators of thousands; common numerals are numbers too.
        measures: its numbers with their units.
        names: its capitalized words and identifiers, each as written.
        words: every word and part of a word.
        stems: stems of all its words.
    """

    days: frozenset[Day]
    figures: frozenset[str]
    measures: frozenset[tuple[str, str]]
    names: frozenset[str]
    words: frozenset[str]
    stems: frozenset[str]


def read_facts(text: str) -> Facts:
    """Read the facts of a text."""
    days, rest = _read_days(text)
    rest = _GLUED_UNIT.sub(" ", _VERSION_MARK.sub("", rest.replace("\u2019", "'")))
    tokens = _TOKEN.findall(rest)
    words = {part for token in tokens for part in _parts(token)}
    return Facts(
        days=frozenset(days),
        figures=frozenset(figure for token in tokens for figure in _figures(token)),
        measures=frozenset(_measures(tokens)),
        names=frozenset(_names(rest)),
        words=frozenset(words),
        stems=frozenset(map(stem, words)),
    )


def evidence_text(item: Evidence, told: str) -> str:
    """Spell all that an observation says: what is told of its text, and what is known of it beside."""
    at = item.occurred_at.astimezone(UTC)
    day = f"{at.day} {MONTHS[at.month - 1]} {at.year}"
    known = (day, _WEEKDAYS[at.weekday()], item.source, item.type, item.author or "", *item.tags)
    return "\n".join([told, ", ".join(known)])


def missing_facts(said: Facts, told: Facts) -> Iterator[str]:
    """Name the facts of one text that another does not hold."""
    yield from (str(tuple(day)) for day in sorted(said.days) if not day.is_told_by(told.days))
    yield from sorted(said.figures - told.figures)
    yield from (" ".join(measure) for measure in sorted(said.measures - told.measures))
    yield from sorted(name for name in said.names if not _is_named(name, told))


def _is_named(name: str, told: Facts) -> bool:
    if name in told.words:
        return True
    if any(map(str.isdigit, name)):
        return any(word.endswith(name) and _SEPARATOR.match(word[-len(name) - 1]) for word in told.words)
    return all(stem(part) in told.stems for part in _SEPARATOR.split(name) if part)


def _read_days(text: str) -> tuple[set[Day], str]:
    days: set[Day] = set()

    def note(found: re.Match[str]) -> str:
        parts = found.groupdict()
        month = int(parts["number"]) if parts.get("number") else _MONTH_NUMBERS[parts["month"][:3].lower()]
        days.add(Day(int(parts.get("year") or 0), month, int(parts.get("day") or 0)))
        return " "

    for pattern in _DATES:
        text = pattern.sub(note, text)
    return days, text


def _parts(token: str) -> set[str]:
    lower = token.lower().strip("'").removesuffix("'s")
    return {lower, *filter(None, _SEPARATOR.split(lower))}


def _figures(token: str) -> Iterator[str]:
    for part in (token, *_JOINT.split(token)):
        figure = _figure(part)
        if figure:
            yield figure


def _figure(token: str) -> str | None:
    if _NUMBER.fullmatch(token):
        return _THOUSANDS.sub("", token.strip("#$€£¥%"))
    return _NUMBER_WORDS.get(token.lower())


def _measures(tokens: list[str]) -> Iterator[tuple[str, str]]:
    for at, token in enumerate(tokens):
        number = _figure(token)
        if number is None:
            continue
        yield from ((number, _SIGNS[sign]) for sign in (token[0], token[-1]) if sign in _SIGNS)
        follower = tokens[at + 1].lower() if at + 1 < len(tokens) else ""
        unit = _UNITS.get(follower) or _UNITS.get(follower.removesuffix("s"))
        if unit:
            yield number, unit


def _names(text: str) -> Iterator[str]:
    """Find identifiers and capitalized words; a word that begins a sentence is one unless it is a common one."""
    for found in _TOKEN.finditer(text):
        token = found[0].strip("'").removesuffix("'s")
        lower = token.lower()
        if _figure(token) or (lower in STOP_WORDS and token != token.upper()):
            continue
        if _IDENTIFIER.search(token):
            yield lower
        elif token[:1].isupper() and len(token) > 1:
            opens = _OPENS_SENTENCE.search(text, max(found.start() - 8, 0), found.start()) is not None
            if not (opens and (stem(lower) in _OPENERS or lower in STOP_WORDS)):
                yield lower

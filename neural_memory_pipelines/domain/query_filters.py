"""What narrows a search: sources, types, authors and a span of time, checked, however they were given.

How they are written in a query is in `queries.py`; who an author is, and what SQL becomes of it, is up to the stores.
"""

from __future__ import annotations

import calendar
import re
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from neural_memory_pipelines.domain.accounts import hash_email
from neural_memory_pipelines.domain.documents import storable
from neural_memory_pipelines.errors import PermanentError

KEYS = ("source", "type", "author", "after", "before")
"""The filters there are."""

_TIMES = ("after", "before")
_SHOWN_CHARS = 40
_DATE = re.compile(r"(?P<year>[0-9]{4})(?:-(?P<month>[0-9]{2})(?:-(?P<day>[0-9]{2}))?)?")
_AGO = re.compile(r"(?P<count>[0-9]{1,6})(?P<unit>[dwmy])", re.IGNORECASE)
_DAYS_BACK: Mapping[str, int] = {"today": 0, "yesterday": 1}
_DAYS: Mapping[str, int] = {"d": 1, "w": 7}
_MONTHS: Mapping[str, int] = {"m": 1, "y": 12}
_TYPE = re.compile(r"[a-z][a-z0-9_]{0,39}")
_SHORT_TYPES: Mapping[str, str] = {"pr": "pull_request"}
_EXAMPLES: Mapping[str, str] = {
    "source": "source:github",
    "type": "type:issue",
    "author": 'author:@login or author:"First Last"',
    "after": "after:2026-06-11",
    "before": "before:7d",
}


@dataclass(frozen=True, slots=True)
class Filters:
    """What a document must be to be found; nothing set lets all through.

    Attributes:
        sources, types: any of them, as documents have them ("github", "pull_request").
        authors: any of them, as people write them: a name, "@login", or "email:<hash>" for an address.
        after_at: the first moment that counts; None for no bound.
        before_at: the first moment that counts no more; None for no bound.

    Raises:
        PermanentError: the two moments leave no time between them.
    """

    sources: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    authors: tuple[str, ...] = ()
    after_at: datetime | None = None
    before_at: datetime | None = None

    def __post_init__(self) -> None:
        if self.after_at and self.before_at and self.after_at >= self.before_at:
            raise PermanentError(
                f"after:{self.after_at:%Y-%m-%d} and before:{self.before_at:%Y-%m-%d} leave no day between them:"
                " `after` counts its day, `before` does not"
            )

    def __bool__(self) -> bool:
        return bool(self.sources or self.types or self.authors or self.after_at or self.before_at)

    def merged_with(self, other: Filters) -> Filters:
        """Join two sets of filters as if both had been written in one query: values add up, times narrow.

        Raises:
            PermanentError: their times leave nothing.
        """
        return Filters(
            sources=_unique(*self.sources, *other.sources),
            types=_unique(*self.types, *other.types),
            authors=_unique(*self.authors, *other.authors),
            after_at=max(filter(None, (self.after_at, other.after_at)), default=None),
            before_at=min(filter(None, (self.before_at, other.before_at)), default=None),
        )


def read_filters(given: Iterable[tuple[str, str]], *, sources: Collection[str], now: datetime) -> Filters:
    """Check filters and make them one.

    Args:
        given: pairs of one of `KEYS`, in any case, and a value. `after` counts from the first moment of its day, month
            or year (UTC) on, `before` up to that moment: "after 2026-06, before 2026-07" is June. A time ago ("7d",
            "2w", "3m", "1y") is the day that long before today. Of several times the narrowest holds.
        sources: the names of the sources there are.
        now: aware.

    Raises:
        PermanentError: a key or a value means nothing; the message says what is allowed.
    """
    names: defaultdict[str, list[str]] = defaultdict(list)
    moments: defaultdict[str, list[datetime]] = defaultdict(list)
    for key, value in given:
        known, spelled = _checked(key, value)
        if known in _TIMES:
            moments[known].append(_moment(known, spelled, now))
        else:
            names[known].append(_source(spelled, sources) if known == "source" else _NAMES[known](spelled))
    return Filters(
        sources=_unique(*names["source"]),
        types=_unique(*names["type"]),
        authors=_unique(*names["author"]),
        after_at=max(moments["after"], default=None),
        before_at=min(moments["before"], default=None),
    )


def read_date(value: str, *, now: datetime) -> datetime | None:
    """Read the first moment (UTC) of a day, month or year, or of a day some time before `now`; None if it is none."""
    spelled = value.lower()
    today_at = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    try:
        if spelled in _DAYS_BACK:
            return today_at - timedelta(days=_DAYS_BACK[spelled])
        if ago := _AGO.fullmatch(spelled):
            return _before(today_at, int(ago["count"]), ago["unit"])
        if date := _DATE.fullmatch(spelled):
            return datetime(int(date["year"]), int(date["month"] or 1), int(date["day"] or 1), tzinfo=UTC)
    except (ValueError, OverflowError):
        # No such day, or one before the first year.
        return None
    return None


def _before(day_at: datetime, count: int, unit: str) -> datetime:
    if unit in _DAYS:
        return day_at - timedelta(days=count * _DAYS[unit])
    months = day_at.year * 12 + day_at.month - 1 - count * _MONTHS[unit]
    year, month = months // 12, months % 12 + 1
    # A month before 31 May is 30 April.
    last_day = calendar.monthrange(year, month)[1] if year > 0 else 1
    return day_at.replace(year=year, month=month, day=min(day_at.day, last_day))


def _checked(key: str, value: str) -> tuple[str, str]:
    known, spelled = key.lower(), " ".join(storable(value).split())
    if known not in KEYS:
        raise PermanentError(f"there is no filter {key[:_SHOWN_CHARS]!r}: use one of {', '.join(KEYS)}")
    if not spelled:
        raise PermanentError(
            f"{known}: without a value: write it right behind the colon, such as {_EXAMPLES[known]};"
            f' to search for the word itself, quote it: "{known}:"'
        )
    return known, spelled


def _source(value: str, sources: Collection[str]) -> str:
    if value.lower() not in sources:
        raise PermanentError(f"source:{value[:_SHOWN_CHARS]} is no source: use one of {', '.join(sorted(sources))}")
    return value.lower()


def _type(value: str) -> str:
    spelled = value.lower().replace("-", "_").replace(" ", "_")
    if not _TYPE.fullmatch(spelled):
        raise PermanentError(
            f"type:{value[:_SHOWN_CHARS]} is no type of documents: use one word, such as issue, pull_request, page"
        )
    return _SHORT_TYPES.get(spelled, spelled)


def _author(value: str) -> str:
    # Addresses are known by their hashes, and nothing that is shown or logged should hold one.
    address = hash_email(value) if "@" in value[1:] else None
    if value == "@":
        raise PermanentError("author:@ names nobody: write a login behind it")
    return f"email:{address}" if address else value


def _moment(key: str, value: str, now: datetime) -> datetime:
    at = read_date(value, now=now)
    if at is None:
        raise PermanentError(
            f"{key}:{value[:_SHOWN_CHARS]} is no date: use a day (2026-06-11), a month (2026-06), a year (2026),"
            " today, yesterday, or a time ago in days, weeks, months or years (7d, 2w, 3m, 1y)"
        )
    return at


_NAMES: Mapping[str, Callable[[str], str]] = {"type": _type, "author": _author}


def _unique(*values: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(values))

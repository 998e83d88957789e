"""A page's properties: its title, what goes into metadata, and what links it to people, pages and addresses.

Which links they become is decided in `links.py`. Values that move by themselves (the last edit) are no metadata.
Source: https://developers.notion.com/reference/page-property-values
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Annotated, Any

from pydantic import AfterValidator, ConfigDict, TypeAdapter

from neural_memory_pipelines.domain.ids import Json
from neural_memory_pipelines.domain.text import clip_passage
from neural_memory_pipelines.errors import InvalidEventError
from neural_memory_pipelines.sources.models import Model, Text
from neural_memory_pipelines.sources.notion.payloads import Reference, RichText, User
from neural_memory_pipelines.sources.notion.rich_text import plain_text
from neural_memory_pipelines.sources.reading import Spot, read_object, read_value

PROPERTIES_LIMIT = 100
VALUES_LIMIT = 100
TEXT_LIMIT_CHARS = 2_000

_INTEGER_LIMIT = 2**63
_ADDRESS_NAME = "email"
_MOVING = frozenset({"last_edited_time", "last_edited_by"})


class _Named(Model):
    name: Text | None = None


class _Date(Model):
    start: Text | None = None
    end: Text | None = None


class _UniqueId(Model):
    prefix: Text | None = None
    number: int | None = None


def _storable_number(value: float) -> float:
    if not math.isfinite(value) if isinstance(value, float) else abs(value) >= _INTEGER_LIMIT:
        raise ValueError("a finite number of at most 64 bits")
    return value


_STRICT = ConfigDict(strict=True)
_RICH_TEXT: TypeAdapter[list[RichText]] = TypeAdapter(list[RichText])
_NAMED: TypeAdapter[_Named | None] = TypeAdapter(_Named | None)
_ALL_NAMED: TypeAdapter[list[_Named]] = TypeAdapter(list[_Named])
_DATE: TypeAdapter[_Date | None] = TypeAdapter(_Date | None)
_UNIQUE_ID: TypeAdapter[_UniqueId | None] = TypeAdapter(_UniqueId | None)
_WORDS: TypeAdapter[str | None] = TypeAdapter(Text | None, config=_STRICT)
_FLAG: TypeAdapter[bool | None] = TypeAdapter(bool | None, config=_STRICT)
_NUMBER: TypeAdapter[int | float | None] = TypeAdapter(
    Annotated[int, AfterValidator(_storable_number)] | Annotated[float, AfterValidator(_storable_number)] | None,
    config=_STRICT,
)
_USER: TypeAdapter[User | None] = TypeAdapter(User | None)
_USERS: TypeAdapter[list[User]] = TypeAdapter(list[User])
_REFERENCES: TypeAdapter[list[Reference]] = TypeAdapter(list[Reference])


@dataclass(slots=True)
class Properties:
    """A page's properties, read.

    Attributes:
        title: the title's pieces.
        values: by name, what goes into metadata.
        labels: the words of select, multi-select and status properties.
        status: of these, the status.
        people: by name, the users and groups of people properties.
        relations: by name, the ids of the pages that relations lead to.
        texts: by name, texts and addresses in which other documents may be named.
        users: all users that properties name.
    """

    title: list[RichText] = field(default_factory=list)
    values: dict[str, Json] = field(default_factory=dict)
    labels: list[str] = field(default_factory=list)
    status: str | None = None
    people: dict[str, list[User]] = field(default_factory=dict)
    relations: dict[str, list[str]] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict)
    users: list[User] = field(default_factory=list)


def read_properties(properties: Mapping[str, Any], spot: Spot) -> Properties:
    """Read a page's properties, at most `PROPERTIES_LIMIT`; those of unknown types are left out.

    Raises:
        InvalidEventError: a property is not what its type says; the message gives its path.
    """
    page = Properties()
    for name, value in islice(properties.items(), PROPERTIES_LIMIT):
        place = spot.at(name)
        told = read_object(value, place)
        kind = told.get("type")
        if not isinstance(kind, str):
            raise InvalidEventError(f"{place.at('type')}: expected the type of a property")
        _read_property(page, name, kind, told.get(kind), place.at(kind))
    return page


def _read_property(page: Properties, name: str, kind: str, value: object, spot: Spot) -> None:
    if kind == "title":
        page.title = read_value(_RICH_TEXT, value, spot)
        return
    # What stands under the key `email` comes as it was written, and an address must go no further.
    if kind in _MOVING or _ADDRESS_NAME in {kind, name.strip().lower()}:
        return
    read = _READERS.get(kind)
    shown = read(value, spot) if read else None
    if shown not in (None, "", []):
        page.values[name] = shown
    _note_links(page, name, kind, value, spot)
    _note_words(page, name, kind, shown)


def _note_links(page: Properties, name: str, kind: str, value: object, spot: Spot) -> None:
    if kind == "people":
        page.people[name] = read_value(_USERS, value, spot)[:VALUES_LIMIT]
        page.users.extend(page.people[name])
    elif kind == "relation":
        page.relations[name] = [related.id for related in read_value(_REFERENCES, value, spot)[:VALUES_LIMIT]]
    elif kind == "created_by" and (user := read_value(_USER, value, spot)):
        page.users.append(user)


def _note_words(page: Properties, name: str, kind: str, shown: Json) -> None:
    if kind in {"select", "status"} and isinstance(shown, str):
        page.labels.append(shown)
        is_status = kind == "status" or name.strip().lower() == "status"
        page.status = page.status or (shown if is_status else None)
    elif kind == "multi_select" and isinstance(shown, list):
        page.labels.extend(label for label in shown if isinstance(label, str))
    elif kind in {"url", "rich_text"} and isinstance(shown, str):
        page.texts[name] = shown


def _text(value: object, spot: Spot) -> Json:
    items = read_value(_RICH_TEXT, value, spot)
    return clip_passage(plain_text(items), TEXT_LIMIT_CHARS)


def _words(value: object, spot: Spot) -> Json:
    words = read_value(_WORDS, value, spot)
    return None if words is None else clip_passage(words, TEXT_LIMIT_CHARS)


def _name(value: object, spot: Spot) -> Json:
    named = read_value(_NAMED, value, spot)
    return named.name if named else None


def _names(value: object, spot: Spot) -> Json:
    return [named.name for named in read_value(_ALL_NAMED, value, spot)[:VALUES_LIMIT] if named.name]


def _date(value: object, spot: Spot) -> Json:
    date = read_value(_DATE, value, spot)
    return "/".join(end for end in (date.start, date.end) if end) if date else None


def _unique_id(value: object, spot: Spot) -> Json:
    unique = read_value(_UNIQUE_ID, value, spot)
    if unique is None or unique.number is None or abs(unique.number) >= _INTEGER_LIMIT:
        return None
    return f"{unique.prefix}-{unique.number}" if unique.prefix else unique.number


def _flag(value: object, spot: Spot) -> Json:
    return read_value(_FLAG, value, spot)


def _number(value: object, spot: Spot) -> Json:
    return read_value(_NUMBER, value, spot)


def _user(value: object, spot: Spot) -> Json:
    user = read_value(_USER, value, spot)
    return (user.name or user.id) if user else None


def _users(value: object, spot: Spot) -> Json:
    return [user.name or user.id for user in read_value(_USERS, value, spot)[:VALUES_LIMIT]]


def _related(value: object, spot: Spot) -> Json:
    return [related.id for related in read_value(_REFERENCES, value, spot)[:VALUES_LIMIT]]


def _verification(value: object, spot: Spot) -> Json:
    return None if value is None else _words(read_object(value, spot).get("state"), spot.at("state"))


def _formula(value: object, spot: Spot) -> Json:
    return None if value is None else _typed(read_object(value, spot), _RESULTS, spot)


def _rollup(value: object, spot: Spot) -> Json:
    """Read what a rollup comes to; one that gathers values holds properties, but never another rollup."""
    if value is None:
        return None
    told = read_object(value, spot)
    gathered = told.get("array")
    if told.get("type") != "array" or not isinstance(gathered, list):
        return _typed(told, _RESULTS, spot)
    place = spot.at("array")
    items = ((read_object(item, place.at(at)), place.at(at)) for at, item in enumerate(gathered[:VALUES_LIMIT]))
    shown = [_typed(item, _SIMPLE, at) for item, at in items]
    return [value for value in shown if value not in (None, "", [])]


def _typed(told: Mapping[str, Any], readers: Mapping[str, _Reader], spot: Spot) -> Json:
    kind = told.get("type")
    read = readers.get(kind) if isinstance(kind, str) else None
    return read(told.get(str(kind)), spot.at(str(kind))) if read else None


_Reader = Callable[[object, Spot], Json]
_RESULTS: dict[str, _Reader] = {"string": _words, "number": _number, "boolean": _flag, "date": _date}
_SIMPLE: dict[str, _Reader] = {
    "title": _text,
    "rich_text": _text,
    "select": _name,
    "status": _name,
    "multi_select": _names,
    "files": _names,
    "date": _date,
    "people": _users,
    "created_by": _user,
    "relation": _related,
    "url": _words,
    "phone_number": _words,
    "created_time": _words,
    "number": _number,
    "checkbox": _flag,
    "unique_id": _unique_id,
    "place": _name,
    "verification": _verification,
    "formula": _formula,
}
_READERS: dict[str, _Reader] = {**_SIMPLE, "rollup": _rollup}
"""How each type of property is shown. Those without words (buttons) and those that move by themselves are not here."""

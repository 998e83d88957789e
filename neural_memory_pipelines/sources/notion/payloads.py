"""The objects of Notion's API and webhooks, as typed models of what the memory wants of them.

Blocks, which nest without end, are read in `tree.py`.
Source: https://developers.notion.com/reference (API versions 2022-06-28 to 2026-03-11).
"""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import AfterValidator, Field, PlainValidator

from neural_memory_pipelines.domain.documents import storable
from neural_memory_pipelines.sources.models import Model, OptionalTime, Text, Time

_UUID = re.compile(r"([0-9a-f]{8})-?([0-9a-f]{4})-?([0-9a-f]{4})-?([0-9a-f]{4})-?([0-9a-f]{12})", re.IGNORECASE)


def uuid_of(value: object) -> str:
    """Spell an id in lower case with dashes: Notion writes it in both ways.

    Raises:
        ValueError: it is no UUID.
    """
    found = _UUID.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        raise ValueError("a UUID")
    return "-".join(found.groups()).lower()


def _optional_uuid(value: object) -> str | None:
    return None if value is None else uuid_of(value)


def _with_storable_keys(value: dict[str, Any]) -> dict[str, Any]:
    return {storable(key): below for key, below in value.items()}


Uuid = Annotated[str, PlainValidator(uuid_of)]
OptionalUuid = Annotated[str | None, PlainValidator(_optional_uuid)]


class Person(Model):
    """What a user object says of a human; the address only to integrations that may see it."""

    email: str | None = None
    email_verified: bool | None = None


class User(Model):
    """A user, a bot or (in people properties) a group. Often nothing but the id is told."""

    object: str | None = None
    id: Uuid
    name: Text | None = None
    type: str | None = None
    person: Person | None = None

    @property
    def is_bot(self) -> bool:
        """Tell integrations and agents from people; one of whom only the id is told counts as a person."""
        return self.type in {"bot", "agent"}


class Reference(Model):
    """An object that is named by its id alone."""

    id: Uuid


class Link(Model):
    """Where a piece of text leads."""

    url: str


class TextContent(Model):
    """The text of a piece, without its decoration."""

    content: Text = ""
    link: Link | None = None


class Mention(Model):
    """What a piece names with an @."""

    type: str | None = None
    user: User | None = None
    page: Reference | None = None
    database: Reference | None = None
    data_source: Reference | None = None

    @property
    def page_id(self) -> str | None:
        """The page, database or data source that is named."""
        named = self.page or self.database or self.data_source
        return named.id if named else None


class Equation(Model):
    """A formula in TeX."""

    expression: Text = ""


class Annotations(Model):
    """How a piece is set; underline and colour have no markdown."""

    bold: bool = False
    italic: bool = False
    strikethrough: bool = False
    code: bool = False


class RichText(Model):
    """A piece of text that is set in one way."""

    type: str = "text"
    plain_text: Text | None = None
    href: str | None = None
    annotations: Annotations = Annotations()
    text: TextContent | None = None
    mention: Mention | None = None
    equation: Equation | None = None

    @property
    def words(self) -> str:
        """The text as a reader sees it."""
        if self.plain_text is not None:
            return self.plain_text
        if self.equation is not None:
            return self.equation.expression
        return self.text.content if self.text else ""

    @property
    def address(self) -> str | None:
        """Where it leads."""
        link = self.text.link if self.text else None
        return self.href or (link.url if link else None)


class Parent(Model):
    """Where an object hangs. The id that counts is the one that `type` names."""

    type: str | None = None
    page_id: OptionalUuid = None
    database_id: OptionalUuid = None
    data_source_id: OptionalUuid = None
    block_id: OptionalUuid = None

    @property
    def page(self) -> str | None:
        """The page directly above, if it is a page."""
        return self.page_id if self.type in {"page_id", None} else None


class Dated(Model):
    """What a deletion needs of an object: its id, and its time where it is told."""

    id: Uuid
    last_edited_time: OptionalTime = None


class _Entry(Model):
    """What pages, databases and data sources have in common."""

    id: Uuid
    created_time: OptionalTime = None
    last_edited_time: Time
    created_by: User | None = None
    last_edited_by: User | None = None
    parent: Parent | None = None
    archived: bool | None = None
    is_archived: bool | None = None
    in_trash: bool | None = None
    url: Text | None = None
    public_url: Text | None = None

    @property
    def is_gone(self) -> bool:
        """Whether it lies in the trash or in the archive."""
        return bool(self.archived or self.is_archived or self.in_trash)


class Page(_Entry):
    """A page. Its properties are read one by one in `properties.py`."""

    properties: Annotated[dict[str, Any], AfterValidator(_with_storable_keys)]


class NamedReference(Model):
    """An object that is named by id and words."""

    id: Uuid
    name: Text | None = None


class Collection(_Entry):
    """A database, or a data source of one: a title, a description, and a schema where it is told."""

    title: list[RichText] = Field(default_factory=list)
    description: list[RichText] = Field(default_factory=list)
    properties: Annotated[dict[str, Any], AfterValidator(_with_storable_keys)] | None = None
    data_sources: list[NamedReference] | None = None


class DisplayName(Model):
    """The name that a comment bears."""

    type: str | None = None
    resolved_name: Text | None = None


class Comment(Model):
    """A comment on a page, or on a block of one."""

    id: Uuid
    parent: Parent
    discussion_id: OptionalUuid = None
    created_time: OptionalTime = None
    last_edited_time: Time
    created_by: User | None = None
    rich_text: list[RichText]
    display_name: DisplayName | None = None


class CommentData(Model):
    """What a comment's webhook says of its place."""

    page_id: OptionalUuid = None


class Entity(Model):
    """What a webhook is about."""

    id: Uuid
    type: str | None = None


class Webhook(Model):
    """A webhook as Notion sends it: which object changed and when, without what it says now.

    Source: https://developers.notion.com/reference/webhooks-events-delivery
    """

    entity: Entity
    timestamp: Time
    type: str
    data: CommentData | None = None

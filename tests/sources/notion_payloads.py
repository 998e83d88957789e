"""Notion payloads in small, for tests: each builder gives what the API would, with what the test says changed."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from neural_memory_pipelines.domain.documents import Changes, Skip, SourceDraft
from neural_memory_pipelines.domain.events import SourceEvent
from neural_memory_pipelines.domain.ids import WorkspaceId
from neural_memory_pipelines.sources.notion import parse

Payload = dict[str, Any]

PAGE_ID = "11111111-2222-4333-8444-555555555555"
OTHER_ID = "22222222-2222-4333-8444-555555555555"
PARENT_ID = "33333333-2222-4333-8444-555555555555"
DATABASE_ID = "44444444-2222-4333-8444-555555555555"
DATA_SOURCE_ID = "55555555-2222-4333-8444-555555555555"
COMMENT_ID = "66666666-2222-4333-8444-555555555555"
ADA_ID = "aaaaaaaa-2222-4333-8444-555555555555"
BOB_ID = "bbbbbbbb-2222-4333-8444-555555555555"
BOT_ID = "cccccccc-2222-4333-8444-555555555555"

CREATED = "2026-03-01T08:00:00.000Z"
EDITED = "2026-03-02T09:30:00.000Z"
EDITED_AT = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
OCCURRED_AT = datetime(2026, 3, 2, 9, 31, tzinfo=UTC)
PLAIN = {"bold": False, "italic": False, "strikethrough": False, "underline": False, "code": False, "color": "default"}


def text(content: str, *, link: str | None = None, **annotations: bool) -> Payload:
    """A piece of text."""
    return {
        "type": "text",
        "text": {"content": content, "link": {"url": link} if link else None},
        "annotations": {**PLAIN, **annotations},
        "plain_text": content,
        "href": link,
    }


def mention(words: str, **named: Any) -> Payload:
    """A piece that names something: `mention("@Ada", user=ada())`."""
    ((kind, value),) = named.items()
    return {
        "type": "mention",
        "mention": {"type": kind, kind: value},
        "annotations": PLAIN,
        "plain_text": words,
        "href": None,
    }


def equation(expression: str) -> Payload:
    """A piece in TeX."""
    held = {"expression": expression}
    return {"type": "equation", "equation": held, "annotations": PLAIN, "plain_text": expression, "href": None}


def rich(*pieces: str | Payload) -> list[Payload]:
    """Rich text, of words and pieces."""
    return [text(piece) if isinstance(piece, str) else piece for piece in pieces]


def block(kind: str, *pieces: str | Payload, children: list[Payload] | None = None, **content: Any) -> Payload:
    """A block of some type with its text, further content and children."""
    held = {"rich_text": rich(*pieces), "color": "default"} if pieces else {}
    built: Payload = {"object": "block", "type": kind, kind: {**held, **content}, "has_children": bool(children)}
    return built if children is None else {**built, "children": children}


def identified(built: Payload, block_id: str, *, parent: str | None = None) -> Payload:
    """A block with an id, and flat below another one."""
    above = {"type": "block_id", "block_id": parent} if parent else {"type": "page_id", "page_id": PAGE_ID}
    return {**built, "id": block_id, "parent": above}


def paragraph(*pieces: str | Payload, **content: Any) -> Payload:
    """A paragraph."""
    return block("paragraph", *pieces, **content)


def ada(**changed: Any) -> Payload:
    """A person whose address is told."""
    person = {"email": "Ada@Shop.example"}
    return {"object": "user", "id": ADA_ID, "name": "Ada Lovelace", "type": "person", "person": person, **changed}


def bot() -> Payload:
    """An integration."""
    return {"object": "user", "id": BOT_ID, "name": "Importer", "type": "bot", "bot": {"workspace_name": "shop"}}


def titled(*pieces: str | Payload) -> Payload:
    """A title property."""
    return {"id": "title", "type": "title", "title": rich(*pieces)}


def prop(kind: str, value: Any) -> Payload:
    """A property of some type."""
    return {"id": "x", "type": kind, kind: value}


def page(**changed: Any) -> Payload:
    """A page object; `properties` are added to its title."""
    properties = {"Name": titled("A plan"), **changed.pop("properties", {})}
    return {
        "object": "page",
        "id": PAGE_ID,
        "created_time": CREATED,
        "last_edited_time": EDITED,
        "created_by": {"object": "user", "id": ADA_ID},
        "last_edited_by": {"object": "user", "id": BOB_ID},
        "parent": {"type": "workspace", "workspace": True},
        "archived": False,
        "in_trash": False,
        "properties": properties,
        "url": f"https://app.notion.com/p/A-plan-{PAGE_ID.replace('-', '')}",
        "public_url": None,
        **changed,
    }


def collection(kind: str, **changed: Any) -> Payload:
    """A database or data source object."""
    return {
        "object": kind,
        "id": DATABASE_ID,
        "title": rich("Tasks"),
        "description": [],
        "parent": {"type": "page_id", "page_id": PARENT_ID},
        "in_trash": False,
        "created_time": CREATED,
        "last_edited_time": EDITED,
        "url": f"https://app.notion.com/p/{DATABASE_ID.replace('-', '')}",
        "public_url": None,
        **changed,
    }


def comment(*pieces: str | Payload, **changed: Any) -> Payload:
    """A comment object on the page."""
    return {
        "object": "comment",
        "id": COMMENT_ID,
        "parent": {"type": "page_id", "page_id": PAGE_ID},
        "discussion_id": OTHER_ID,
        "created_time": CREATED,
        "last_edited_time": EDITED,
        "created_by": {"object": "user", "id": ADA_ID},
        "rich_text": rich(*pieces),
        "display_name": {"type": "user", "resolved_name": "Ada Lovelace"},
        **changed,
    }


def webhook(kind: str, *, entity: str = PAGE_ID, **changed: Any) -> Payload:
    """A webhook as Notion sends it, without content."""
    return {
        "id": "77777777-2222-4333-8444-555555555555",
        "timestamp": "2026-03-02T09:30:40.123Z",
        "workspace_id": OTHER_ID,
        "type": kind,
        "authors": [{"id": ADA_ID, "type": "person"}],
        "attempt_number": 1,
        "entity": {"id": entity, "type": kind.partition(".")[0]},
        "data": {"parent": {"id": PARENT_ID, "type": "page"}},
        **changed,
    }


def event(action: str, payload: Payload, *, occurred_at: datetime = OCCURRED_AT) -> SourceEvent:
    """An event."""
    return SourceEvent(WorkspaceId("w"), "o", "notion", action, occurred_at, "key", payload)


def outcome(payload: Payload, action: str = "page.content_updated") -> Changes | Skip:
    """What becomes of a payload."""
    return parse(event(action, payload))


def changes(payload: Payload, action: str = "page.content_updated") -> Changes:
    """What a payload changes."""
    result = outcome(payload, action)
    assert isinstance(result, Changes), result
    return result


def skipped(payload: Payload, action: str = "page.content_updated") -> Skip:
    """Why a payload yields nothing."""
    result = outcome(payload, action)
    assert isinstance(result, Skip), result
    return result


def draft(*blocks: Payload, **changed: Any) -> SourceDraft:
    """The draft of a page with these blocks."""
    (only,) = changes({"page": page(**changed), "blocks": list(blocks)}).drafts
    return only


def markdown(*blocks: Payload) -> str:
    """The text of a page with these blocks, without its title."""
    body = draft(*blocks).body
    assert body.startswith("# A plan"), body
    return body.removeprefix("# A plan").removeprefix("\n\n")

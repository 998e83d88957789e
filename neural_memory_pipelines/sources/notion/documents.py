"""Drafts of documents: a page, a database or data source, a comment.

What is worth remembering of their text is decided in `observations.py`, what links them in `links.py`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from neural_memory_pipelines.domain.accounts import Account
from neural_memory_pipelines.domain.documents import SUMMARY_LIMIT_CHARS, SourceDraft
from neural_memory_pipelines.domain.handles import url_handle
from neural_memory_pipelines.domain.ids import Json
from neural_memory_pipelines.domain.text import clip, first_paragraph
from neural_memory_pipelines.sources.notion.accounts import author_of, display_author, gather_accounts
from neural_memory_pipelines.sources.notion.links import SOURCE, Told, page_handle, read_links
from neural_memory_pipelines.sources.notion.observations import Page as ObservedPage
from neural_memory_pipelines.sources.notion.observations import observe_comment, observe_page
from neural_memory_pipelines.sources.notion.payloads import Collection, Comment, Page, Parent, RichText, User
from neural_memory_pipelines.sources.notion.properties import Properties
from neural_memory_pipelines.sources.notion.rendering import Rendered, render_page
from neural_memory_pipelines.sources.notion.rich_text import Mark, plain_text
from neural_memory_pipelines.sources.notion.schema import collection_text, comment_text
from neural_memory_pipelines.sources.notion.tree import Tree

TITLE_LIMIT_CHARS = 300
UNTITLED = "Untitled"

_JUST_BEFORE = timedelta(minutes=1)
_TICK = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class PageReading:
    """A page as it came.

    `tree` is None if its blocks did not come with it; `users` are further users that the payload describes.
    """

    page: Page
    properties: Properties
    tree: Tree | None
    users: tuple[User, ...] = ()
    comments: int = 0


def page_draft(reading: PageReading, *, as_of: datetime | None = None) -> SourceDraft | None:
    """Describe a page; None if it has neither a title nor text.

    Args:
        reading: the page.
        as_of: if later than the page's last edit: when it was seen to be there, after it had been in the trash.
    """
    page = reading.page
    rendered = render_page(reading.properties.title, reading.tree or Tree())
    title = _line(reading.properties.title)
    if not rendered.text.strip():
        return None
    accounts = gather_accounts(_users(reading, rendered.marks))
    author = author_of(page.created_by, accounts)
    content = rendered.text[rendered.content_start :].strip("\n")
    observed = ObservedPage(
        source_id=page.id,
        title=title or UNTITLED,
        content=content,
        occurred_at=page.last_edited_time,
        labels=tuple(reading.properties.labels),
        participants=sum(not account.is_bot for account in accounts.values()),
        comments=reading.comments,
    )
    return SourceDraft(
        source=SOURCE,
        source_id=page.id,
        type="page",
        title=observed.title,
        body=rendered.text,
        occurred_at=page.last_edited_time,
        as_of=_as_of(reading, as_of),
        summary=clip(first_paragraph(content), SUMMARY_LIMIT_CHARS) or None,
        state=reading.properties.status,
        url=page.url,
        author=author,
        accounts=_others(accounts.values(), author),
        parent=page.parent.page if page.parent else None,
        handles=_handles(page.id, page.public_url),
        links=read_links(Told(page.id, rendered.text, rendered.marks, page.parent, reading.properties), accounts),
        metadata=_page_metadata(reading, rendered),
        observations=() if author and author.is_bot else observe_page(observed),
    )


def collection_draft(collection: Collection, *, kind: str, as_of: datetime | None = None) -> SourceDraft | None:
    """Describe a database or a data source by its title, description and schema; None if it has no title.

    Args:
        collection: the database or data source.
        kind: "database" or "data_source".
        as_of: see `page_draft`.
    """
    title = _line(collection.title)
    if not title:
        return None
    users = [user for user in (collection.created_by, collection.last_edited_by) if user]
    accounts = gather_accounts(users)
    author = author_of(collection.created_by, accounts)
    body, marks = collection_text(collection)
    told = Told(collection.id, body, marks, collection.parent)
    return SourceDraft(
        source=SOURCE,
        source_id=collection.id,
        type=kind,
        title=title,
        body=body,
        occurred_at=collection.last_edited_time,
        as_of=max(collection.last_edited_time, as_of or collection.last_edited_time),
        summary=clip(plain_text(collection.description), SUMMARY_LIMIT_CHARS) or None,
        url=collection.url,
        author=author,
        accounts=_others(accounts.values(), author),
        parent=collection.parent.page if collection.parent else None,
        handles=_handles(collection.id, collection.public_url),
        links=read_links(told, accounts),
        metadata=_parent_metadata(collection.parent),
    )


def comment_draft(comment: Comment, *, page_id: str) -> SourceDraft | None:
    """Describe a comment on a page or one of its blocks; None if it has no text."""
    inline = comment_text(comment.rich_text)
    if not inline.text.strip():
        return None
    source_id = comment_source_id(page_id, comment.id)
    author = display_author(comment.created_by, comment.display_name)
    accounts = gather_accounts(mark.user for mark in inline.marks if mark.user)
    text = first_paragraph(inline.text) or plain_text(comment.rich_text)
    return SourceDraft(
        source=SOURCE,
        source_id=source_id,
        type="comment",
        title=clip(f"Comment: {text}", TITLE_LIMIT_CHARS),
        body=inline.text,
        occurred_at=comment.last_edited_time,
        as_of=comment.last_edited_time,
        author=author,
        accounts=_others(accounts.values(), author),
        parent=page_id,
        links=read_links(Told(source_id, inline.text, inline.marks), accounts),
        metadata={"parent": page_id, "discussion": comment.discussion_id},
        observations=observe_comment(
            inline.text, source_id=source_id, page_id=page_id, occurred_at=comment.last_edited_time
        ),
    )


def comment_source_id(page_id: str, comment_id: str) -> str:
    """Name a comment: PAGE/comment/ID."""
    return f"{page_id}/comment/{comment_id}"


def _as_of(reading: PageReading, seen_at: datetime | None) -> datetime:
    if reading.tree is None:
        return _without_content(reading.page)
    return max(reading.page.last_edited_time, seen_at or reading.page.last_edited_time)


def _without_content(page: Page) -> datetime:
    """Date a page that came without its blocks: before its creation, so that one with blocks is never overwritten.

    Among each other such descriptions keep their order: Notion tells edits to the minute, and a microsecond stands for
    a minute here.
    """
    created = page.created_time or page.last_edited_time
    age_minutes = max(0, int((page.last_edited_time - created).total_seconds() // 60))
    try:
        return created - _JUST_BEFORE + min(age_minutes * _TICK, _JUST_BEFORE - _TICK)
    except OverflowError:
        return created


def _users(reading: PageReading, marks: Iterable[Mark]) -> list[User]:
    page = reading.page
    found = [page.created_by, page.last_edited_by, *reading.properties.users, *(mark.user for mark in marks)]
    return [*(user for user in found if user), *reading.users]


def _others(accounts: Iterable[Account], author: Account | None) -> tuple[Account, ...]:
    return tuple(account for account in accounts if author is None or account.provider_id != author.provider_id)


def _handles(page_id: str, public_url: str | None) -> tuple[str, ...]:
    handle = url_handle(public_url) if public_url else None
    return (handle,) if handle and handle != page_handle(page_id) else ()


def _line(title: Sequence[RichText]) -> str:
    return clip(plain_text(title), TITLE_LIMIT_CHARS)


def _page_metadata(reading: PageReading, rendered: Rendered) -> dict[str, Json]:
    metadata: dict[str, Json] = {
        "properties": reading.properties.values,
        "unsupported_blocks": dict(rendered.unsupported),
        "blocks_without_their_children": rendered.cut_blocks,
        "blocks": "" if reading.tree else "not received",
        **_parent_metadata(reading.page.parent),
    }
    return {key: value for key, value in metadata.items() if value}


def _parent_metadata(parent: Parent | None) -> dict[str, Json]:
    if parent is None:
        return {}
    told = {"parent_page": parent.page, "database": parent.database_id, "data_source": parent.data_source_id}
    return {key: value for key, value in told.items() if value}

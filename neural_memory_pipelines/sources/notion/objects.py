"""What each object of Notion's API makes: documents, deletions, accounts, or a reason why it makes nothing.

Where the objects stand in an event is told in `__init__.py`; how documents look is decided in `documents.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic import TypeAdapter

from neural_memory_pipelines.domain.documents import Changes, Deletion, Skip, SourceDraft
from neural_memory_pipelines.domain.events import SkipReason
from neural_memory_pipelines.sources.notion.accounts import gather_accounts, is_group
from neural_memory_pipelines.sources.notion.documents import (
    PageReading,
    collection_draft,
    comment_draft,
    comment_source_id,
    page_draft,
)
from neural_memory_pipelines.sources.notion.links import SOURCE
from neural_memory_pipelines.sources.notion.locating import COMMENT, DOCUMENT_KINDS, PAGE, comment_page
from neural_memory_pipelines.sources.notion.payloads import Collection, Comment, Dated, Page, User
from neural_memory_pipelines.sources.notion.properties import read_properties
from neural_memory_pipelines.sources.notion.tree import read_tree
from neural_memory_pipelines.sources.reading import (
    PAYLOAD,
    Spot,
    read_array,
    read_model,
    read_object,
    read_value,
)

COLLECTIONS = frozenset({"database", "data_source"})

_USERS: TypeAdapter[list[User]] = TypeAdapter(list[User])
_PAGES_AS_BLOCKS = frozenset({"child_page", "child_database"})
_ONLY_ID = frozenset({"object", "id", "request_id"})


@dataclass(frozen=True, slots=True)
class Occasion:
    """On which occasion an object was sent.

    Attributes:
        verb: what happened to it: "created", "deleted", ..., "observed".
        occurred_at: when.
        payload: all that came with it: blocks, comments, users.
        page_id: the page that a comment is on, where the payload tells it beside the comment.
    """

    verb: str
    occurred_at: datetime
    payload: Mapping[str, Any]
    page_id: str | None = None


def object_outcome(kind: str, value: object, spot: Spot, occasion: Occasion) -> Changes | Skip:
    """Tell what one object makes.

    Raises:
        InvalidEventError: a field is missing or wrong; the message gives its path.
    """
    told = read_object(value, spot)
    if kind in DOCUMENT_KINDS and told.keys() <= _ONLY_ID and occasion.verb != "deleted":
        return Skip(SkipReason.UNSUPPORTED_EVENT, f"no content: only the id of a {kind}")
    if kind in DOCUMENT_KINDS - {COMMENT} and occasion.verb == "deleted":
        gone = read_model(Dated, told, spot)
        return _deleted(gone.id, occasion, gone.last_edited_time, reason=f"{kind}.deleted")
    if kind in COLLECTIONS:
        return _collection_outcome(kind, told, spot, occasion)
    outcome = _OUTCOMES.get(kind)
    return outcome(told, spot, occasion) if outcome else Skip(SkipReason.UNSUPPORTED_EVENT, f"object {kind[:60]!r}")


def _page_outcome(told: Mapping[str, Any], spot: Spot, occasion: Occasion) -> Changes | Skip:
    page = read_model(Page, told, spot)
    if page.is_gone:
        return _deleted(page.id, occasion, page.last_edited_time, reason="in the trash")
    payload = occasion.payload
    blocks, blocks_spot = payload.get("blocks"), PAYLOAD.at("blocks")
    if blocks is None:
        blocks, blocks_spot = told.get("children"), spot.at("children")
    comments = tuple(_comments(payload.get("comments"), page.id))
    reading = PageReading(
        page=page,
        properties=read_properties(page.properties, spot.at("properties")),
        tree=None if blocks is None else read_tree(blocks, blocks_spot),
        users=tuple(_users(payload)),
        comments=len(comments),
    )
    draft = page_draft(reading, as_of=occasion.occurred_at if occasion.verb == "undeleted" else None)
    if draft is None:
        gone = Deletion(SOURCE, page.id, page.last_edited_time, "emptied")
        return Skip(SkipReason.EMPTY, f"{page.id} has no text", gone=(gone,) if reading.tree else ())
    return Changes(drafts=(draft, *comments))


def _comments(value: object, page_id: str) -> Iterator[SourceDraft]:
    """Draft the comments that came with a page, but not those of bots and those without text."""
    if value is None:
        return
    spot = PAYLOAD.at("comments")
    if isinstance(value, Mapping):
        value, spot = value.get("results"), spot.at("results")
    for at, item in enumerate(read_array(value, spot)):
        draft = comment_draft(read_model(Comment, item, spot.at(at)), page_id=page_id)
        if draft and not (draft.author and draft.author.is_bot):
            yield draft


def _users(payload: Mapping[str, Any]) -> Iterator[User]:
    """Read the users that came beside an object, and the authors that a webhook names."""
    for key in ("users", "authors"):
        value, spot = payload.get(key), PAYLOAD.at(key)
        if isinstance(value, Mapping):
            value, spot = value.get("results"), spot.at("results")
        if value is not None:
            yield from read_value(_USERS, value, spot)


def _collection_outcome(kind: str, told: Mapping[str, Any], spot: Spot, occasion: Occasion) -> Changes | Skip:
    collection = read_model(Collection, told, spot)
    if collection.is_gone:
        return _deleted(collection.id, occasion, collection.last_edited_time, reason="in the trash")
    seen_at = occasion.occurred_at if occasion.verb == "undeleted" else None
    draft = collection_draft(collection, kind=kind, as_of=seen_at)
    if draft is None:
        gone = Deletion(SOURCE, collection.id, collection.last_edited_time, "emptied")
        return Skip(SkipReason.EMPTY, f"{collection.id} has no title", gone=(gone,))
    return Changes(drafts=(draft,))


def _comment_outcome(told: Mapping[str, Any], spot: Spot, occasion: Occasion) -> Changes | Skip:
    if occasion.verb == "deleted":
        gone = read_model(Dated, told, spot)
        page_id = occasion.page_id or comment_page(told, spot)
        return (
            _deleted(comment_source_id(page_id, gone.id), occasion, gone.last_edited_time, reason="comment.deleted")
            if page_id
            else _unplaced(gone.id)
        )
    comment = read_model(Comment, told, spot)
    page_id = comment.parent.page or occasion.page_id
    if page_id is None:
        return _unplaced(comment.id)
    draft = comment_draft(comment, page_id=page_id)
    source_id = comment_source_id(page_id, comment.id)
    if draft is None:
        gone_comment = Deletion(SOURCE, source_id, comment.last_edited_time, "emptied")
        return Skip(SkipReason.EMPTY, f"{source_id} has no text", gone=(gone_comment,))
    if draft.author and draft.author.is_bot:
        return Skip(SkipReason.BOT_AUTHOR, draft.author.name or draft.author.provider_id)
    return Changes(drafts=(draft,))


def _block_outcome(told: Mapping[str, Any], spot: Spot, occasion: Occasion) -> Changes | Skip:
    """Tell what a lone block makes: it is no document, but one that stands for a page tells when that is trashed."""
    is_page = any(told.get("type") == kind for kind in _PAGES_AS_BLOCKS)
    if is_page and (told.get("in_trash") is True or told.get("archived") is True):
        gone = read_model(Dated, told, spot)
        return _deleted(gone.id, occasion, gone.last_edited_time, reason="in the trash")
    return Skip(SkipReason.UNSUPPORTED_EVENT, "a block without its page")


def _user_outcome(told: Mapping[str, Any], spot: Spot, _occasion: Occasion) -> Changes | Skip:
    user = read_model(User, told, spot)
    if is_group(user) or user.type is None:
        return Skip(SkipReason.UNSUPPORTED_EVENT, "no content: only the id of a user")
    return Changes(accounts=tuple(gather_accounts([user]).values()))


def _list_outcome(told: Mapping[str, Any], spot: Spot, occasion: Occasion) -> Changes | Skip:
    """Join what the objects of a list make. What came beside the list belongs to none of them."""
    place = spot.at("results")
    alone = Occasion("observed", occasion.occurred_at, {}, occasion.page_id)
    outcomes: list[Changes | Skip] = []
    for at, item in enumerate(read_array(told.get("results"), place)):
        kind = read_object(item, place.at(at)).get("object")
        # A list in a list is nothing that the API gives, and would let the payload decide how deep we go.
        if isinstance(kind, str) and kind != "list":
            outcomes.append(object_outcome(kind, item, place.at(at), alone))
        else:
            outcomes.append(Skip(SkipReason.UNSUPPORTED_EVENT, "neither a page nor another object"))
    return _joined(outcomes)


def _joined(outcomes: Sequence[Changes | Skip]) -> Changes | Skip:
    changes = [outcome for outcome in outcomes if isinstance(outcome, Changes)]
    skips = [outcome for outcome in outcomes if isinstance(outcome, Skip)]
    gone = tuple(deletion for skip in skips for deletion in skip.gone)
    if not changes:
        reason = skips[0].reason if skips else SkipReason.EMPTY
        detail = skips[0].detail if skips else "a list of nothing"
        return Skip(reason, detail, gone=gone)
    return Changes(
        drafts=tuple(draft for change in changes for draft in change.drafts),
        deletions=(*(deletion for change in changes for deletion in change.deletions), *gone),
        accounts=tuple(account for change in changes for account in change.accounts),
    )


def _deleted(source_id: str, occasion: Occasion, edited_at: datetime | None, *, reason: str) -> Changes:
    as_of = max(occasion.occurred_at, edited_at or occasion.occurred_at)
    return Changes(deletions=(Deletion(SOURCE, source_id, as_of, reason),))


def _unplaced(comment_id: str) -> Skip:
    return Skip(SkipReason.UNSUPPORTED_EVENT, f"comment {comment_id} on a block whose page is not told")


_OUTCOMES: Mapping[str, Callable[[Mapping[str, Any], Spot, Occasion], Changes | Skip]] = {
    PAGE: _page_outcome,
    COMMENT: _comment_outcome,
    "block": _block_outcome,
    "user": _user_outcome,
    "list": _list_outcome,
}

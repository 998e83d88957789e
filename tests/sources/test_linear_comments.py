"""Linear's comments as documents: what they stand on, what they quote, who wrote them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from linear_payloads import (
    APP,
    APP_USER,
    BEN,
    COMMENT_ID,
    ISSUE_ID,
    LATER,
    LATER_AT,
    UPDATED_AT,
    Payload,
    a_comment,
    draft_of,
    event,
    webhook,
)

from neural_memory_pipelines.domain.accounts import Account, hash_email
from neural_memory_pipelines.domain.documents import Deletion, Skip
from neural_memory_pipelines.domain.events import SkipReason
from neural_memory_pipelines.sources.linear import parse


def test_a_comment_is_called_by_its_issue_and_goes_with_it() -> None:
    address = f"{APP}/issue/SHOP-5/carts-vanish-at-midnight#comment-5d6e7f80"
    draft = draft_of("Comment", a_comment(), url=address)
    assert draft.source_id == f"SHOP-5/comment/{COMMENT_ID}"
    assert (draft.type, draft.parent, draft.body) == ("comment", "SHOP-5", "Seen it too.")
    assert draft.title == "Comment on SHOP-5: Carts vanish at midnight"
    assert draft.url == address
    assert draft.handles == (f"linear:comment/{COMMENT_ID}", "linear:shop-5#comment-5d6e7f80")
    assert draft.author is not None
    assert draft.author.provider_id == f"linear:{BEN['id']}"


def test_the_issue_of_a_comment_is_known_from_its_address_too() -> None:
    old = a_comment(issue={"id": ISSUE_ID, "title": "Carts vanish"})
    address = f"{APP}/issue/SHOP-5/carts#comment-5d6e7f80"
    assert draft_of("Comment", old, url=address).parent == "SHOP-5"
    assert draft_of("Comment", a_comment(issue=None), url=address).source_id == f"SHOP-5/comment/{COMMENT_ID}"


def test_a_comment_on_an_issue_known_by_its_uuid_alone_is_part_of_it() -> None:
    draft = draft_of("Comment", a_comment(issue=None))
    assert (draft.source_id, draft.parent) == (f"issue/{ISSUE_ID}/comment/{COMMENT_ID}", None)
    (link,) = draft.links
    assert link.target is not None
    assert (link.target.handle, link.field) == (f"linear:issue/{ISSUE_ID}", "issueId")


_ELSEWHERE: Payload = {"issue": None, "issueId": None}


@pytest.mark.parametrize(
    ("place", "source_id", "parent", "title"),
    [
        ({"projectId": "p1"}, "project/p1/comment", "project/p1", "Comment on a project"),
        (
            {"projectUpdateId": "u1", "projectUpdate": {"id": "u1", "body": "", "project": {"id": "p1", "name": "P"}}},
            "project-update/u1/comment",
            "project-update/u1",
            "Comment on an update on P",
        ),
        ({"projectUpdateId": "u1"}, "project-update/u1/comment", "project-update/u1", "Comment on a project update"),
        ({"documentContent": {"project": {"id": "p1", "name": "P"}}}, "project/p1/comment", "project/p1", None),
        ({"documentContent": {"document": {"id": "d1"}}}, "document/d1/comment", None, "Comment on a document"),
        ({"documentContentId": "c1"}, "document-content/c1/comment", None, "Comment on a document"),
        ({"initiativeId": "i1"}, "initiative/i1/comment", None, "Comment on an initiative"),
        ({"initiativeUpdateId": "i2"}, "initiative-update/i2/comment", None, "Comment on an initiative update"),
        ({}, "comment", None, "Comment on something unnamed"),
    ],
)
def test_comments_stand_on_other_things_too(place: Payload, source_id: str, parent: str | None, title: str) -> None:
    draft = draft_of("Comment", a_comment(**(_ELSEWHERE | place)), url=None)
    assert draft.source_id == f"{source_id}/{COMMENT_ID}"
    assert draft.parent == parent
    assert title is None or draft.title == title


def test_a_comment_beside_a_text_quotes_it() -> None:
    draft = draft_of("Comment", a_comment("Drop SHOP-8.", quotedText="We keep\nSHOP-7."))
    assert draft.body == "> We keep\n> SHOP-7.\n\nDrop SHOP-8."
    assert [link.target.handle for link in draft.links if link.target] == ["linear:shop-8"]


def test_a_comment_is_as_old_as_its_words() -> None:
    assert draft_of("Comment", a_comment()).occurred_at == datetime(2026, 3, 1, 9, tzinfo=UTC)
    edited = draft_of("Comment", a_comment(editedAt=LATER, updatedAt=LATER))
    assert (edited.occurred_at, edited.as_of) == (LATER_AT, LATER_AT)


def test_a_comment_that_was_emptied_is_gone() -> None:
    outcome = parse(event("Comment.update", webhook("Comment", a_comment(" \n"))))
    gone = Deletion("linear", f"SHOP-5/comment/{COMMENT_ID}", UPDATED_AT, "emptied")
    assert outcome == Skip(SkipReason.EMPTY, detail=gone.source_id, gone=(gone,))


@pytest.mark.parametrize(
    "author",
    [
        {"user": None, "userId": None, "botActor": {"id": "b1", "type": "github", "name": "GitHub"}},
        {"user": None, "userId": None, "botActor": "GitHub"},
        {"user": APP_USER},
        {"user": BEN | {"app": True}},
    ],
)
def test_a_bots_comment_is_no_document(author: Payload) -> None:
    outcome = parse(event("Comment.create", webhook("Comment", a_comment(**author))))
    assert isinstance(outcome, Skip)
    assert outcome.reason is SkipReason.BOT_AUTHOR


def test_somebody_who_comments_from_another_system_is_a_person() -> None:
    external = {"id": "e1", "name": "Eve", "email": "eve@partner.example"}
    draft = draft_of("Comment", a_comment(user=None, userId=None, externalUser=external, botActor="GitHub"))
    assert draft.author == Account("linear:e1", "Eve", email_hash=hash_email("eve@partner.example"))

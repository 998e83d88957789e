"""Notion events: which documents they describe, which are gone, and which order holds."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from notion_payloads import (
    ADA_ID,
    BOB_ID,
    BOT_ID,
    COMMENT_ID,
    DATA_SOURCE_ID,
    DATABASE_ID,
    EDITED_AT,
    OCCURRED_AT,
    OTHER_ID,
    PAGE_ID,
    PARENT_ID,
    Payload,
    ada,
    block,
    bot,
    changes,
    collection,
    comment,
    draft,
    event,
    mention,
    outcome,
    page,
    paragraph,
    prop,
    rich,
    skipped,
    titled,
    webhook,
)

from neural_memory_pipelines.domain.accounts import Account, hash_email
from neural_memory_pipelines.domain.documents import Deletion
from neural_memory_pipelines.domain.events import SkipReason
from neural_memory_pipelines.errors import InvalidEventError
from neural_memory_pipelines.sources.notion import envelope_fields, parse, subject
from neural_memory_pipelines.sources.registry import source_named, wrap_payload

COMMENT_SOURCE_ID = f"{PAGE_ID}/comment/{COMMENT_ID}"


def test_a_page() -> None:
    only = draft(paragraph("We go by train."), properties={"Status": prop("status", {"name": "In use"})})
    assert (only.source, only.source_id, only.type) == ("notion", PAGE_ID, "page")
    assert (only.title, only.body, only.state) == ("A plan", "# A plan\n\nWe go by train.", "In use")
    assert only.summary == "We go by train."
    assert only.occurred_at == only.as_of == EDITED_AT
    assert only.url is not None
    assert only.url.startswith("https://app.notion.com/")
    assert only.handles == ()
    assert only.parent is None


def test_an_id_without_dashes_is_the_same_page() -> None:
    assert draft(id=PAGE_ID.replace("-", "").upper()).source_id == PAGE_ID


def test_a_published_page_answers_to_its_public_address() -> None:
    assert draft(public_url="https://acme.example/Plan").handles == ("url:acme.example/plan",)
    assert draft(public_url=f"https://acme.notion.site/A-plan-{PAGE_ID.replace('-', '')}").handles == ()


def test_the_parent_is_a_page_or_nothing() -> None:
    assert draft(parent={"type": "page_id", "page_id": PARENT_ID}).parent == PARENT_ID
    assert draft(parent={"type": "block_id", "block_id": PARENT_ID}).parent is None
    in_database = {"type": "data_source_id", "data_source_id": DATA_SOURCE_ID, "database_id": DATABASE_ID}
    assert draft(parent=in_database).parent is None
    assert draft(parent=in_database).metadata["database"] == DATABASE_ID


def test_authors_are_named_by_what_else_the_payload_says_of_them() -> None:
    told = draft(properties={"Owner": prop("people", [ada()])})
    hashed = hash_email("ada@shop.example")
    assert told.author == Account(f"notion:{ADA_ID}", "Ada Lovelace", email_hash=hashed, email_verified=True)
    assert told.accounts == (Account(f"notion:{BOB_ID}", ""),)
    assert "shop.example" not in repr(told)
    assert draft().author == Account(f"notion:{ADA_ID}", "")


def test_an_address_that_notion_has_not_confirmed_is_not_verified() -> None:
    unsure = ada(person={"email": "ada@shop.example", "email_verified": False})
    author = draft(created_by=unsure).author
    assert author is not None
    assert author.email_hash
    assert not author.email_verified


def test_users_that_came_beside_the_page_name_its_author() -> None:
    payload = {"page": page(), "blocks": [], "users": {"results": [ada()]}, "authors": [{"id": BOB_ID, "type": "bot"}]}
    (only,) = changes(payload).drafts
    assert only.author is not None
    assert only.author.name == "Ada Lovelace"
    assert [account.is_bot for account in only.accounts] == [True]


def test_a_bots_page_is_a_document_without_observations() -> None:
    made = draft(paragraph("Decision: all of it."), created_by=bot())
    assert made.author is not None
    assert made.author.is_bot
    assert made.observations == ()
    assert draft(paragraph("Decision: all of it.")).observations


# --- what is gone


@pytest.mark.parametrize("flag", ["archived", "in_trash", "is_archived"])
@pytest.mark.parametrize("action", ["page.content_updated", "page.undeleted"])
def test_a_trashed_page_is_gone(flag: str, action: str) -> None:
    gone = changes({"page": page(**{flag: True}), "blocks": []}, action)
    assert gone.deletions == (Deletion("notion", PAGE_ID, OCCURRED_AT, "in the trash"),)
    assert not gone.drafts


def test_a_deletion_is_as_of_the_later_of_the_event_and_the_edit() -> None:
    stale = event("page.deleted", {"page": page()}, occurred_at=EDITED_AT - timedelta(days=1))
    result = parse(stale)
    assert result.deletions == (Deletion("notion", PAGE_ID, EDITED_AT, "page.deleted"),)  # type: ignore[union-attr]


def test_a_deletions_webhook_alone_is_enough() -> None:
    at = datetime(2026, 3, 2, 9, 31, tzinfo=UTC)
    assert changes(webhook("page.deleted"), "page.deleted").deletions == (
        Deletion("notion", PAGE_ID, at, "page.deleted"),
    )
    assert changes(webhook("database.deleted", entity=DATABASE_ID)).deletions[0].source_id == DATABASE_ID
    assert changes(webhook("data_source.deleted", entity=DATABASE_ID)).deletions[0].source_id == DATABASE_ID


@pytest.mark.parametrize("kind", ["page.created", "page.moved", "page.locked", "data_source.schema_updated"])
def test_other_webhooks_alone_have_no_content(kind: str) -> None:
    told = skipped(webhook(kind), kind)
    assert (told.reason, told.detail) == (SkipReason.UNSUPPORTED_EVENT, "no content")


def test_a_webhook_that_was_completed_with_its_page() -> None:
    (only,) = changes({**webhook("page.created"), "page": page(), "blocks": [paragraph("a")]}, "page.created").drafts
    assert only.body == "# A plan\n\na"


def test_a_restored_page_outlives_its_deletion() -> None:
    # Notion tells the last edit to the minute, and restoring is none.
    gone = changes(webhook("page.deleted"), "page.deleted").deletions[0]
    back = event("page.undeleted", {"page": page(), "blocks": []}, occurred_at=OCCURRED_AT + timedelta(seconds=5))
    assert parse(back).drafts[0].as_of > gone.as_of  # type: ignore[union-attr]
    assert parse(back).drafts[0].occurred_at == EDITED_AT  # type: ignore[union-attr]


def test_a_lone_block_that_stands_for_a_page_tells_when_it_is_trashed() -> None:
    child = block("child_page", title="A plan") | {"id": PAGE_ID, "last_edited_time": "2026-03-02T09:30:00.000Z"}
    assert changes({**child, "in_trash": True}, "block.observed").deletions[0].source_id == PAGE_ID
    assert skipped(child, "block.observed").detail == "a block without its page"
    gone = {**paragraph("a"), "id": OTHER_ID, "in_trash": True}
    assert skipped(gone, "block.observed").detail == "a block without its page"


# --- pages without their blocks


def test_a_page_without_its_blocks_never_overwrites_one_with_them() -> None:
    whole = draft(paragraph("text"), last_edited_time="2026-03-01T08:00:00.000Z")
    for payload in (page(), {"page": page()}, {"page": page(), "blocks": None}):
        (bare,) = changes(payload, "page.observed").drafts
        assert (bare.body, bare.metadata["blocks"]) == ("# A plan", "not received")
        assert bare.as_of < whole.as_of
        assert bare.occurred_at == EDITED_AT


def test_pages_without_their_blocks_keep_their_order() -> None:
    times = ["2026-03-01T08:00:00.000Z", "2026-03-01T08:01:00.000Z", "2027-03-02T09:30:00.000Z"]
    found = [changes(page(last_edited_time=time)).drafts[0].as_of for time in times]
    assert found == sorted(set(found))


def test_an_empty_page_is_not_a_page_that_came_without_blocks() -> None:
    assert "blocks" not in draft().metadata
    assert draft().as_of == EDITED_AT


def test_a_page_without_title_and_text_is_empty() -> None:
    untitled = {"properties": {"Name": titled()}}
    told = skipped({"page": page(**untitled), "blocks": []})
    assert told.reason is SkipReason.EMPTY
    assert told.gone == (Deletion("notion", PAGE_ID, EDITED_AT, "emptied"),)
    assert skipped(page(**untitled)).gone == ()
    assert draft(paragraph("text"), **untitled).title == "Untitled"
    assert draft(paragraph("text"), **untitled).body == "text"


# --- databases


def test_a_database_is_told_by_its_words() -> None:
    told = collection(
        "database",
        description=rich("All that is _due_."),
        properties={"Status": {"type": "status"}, "Due_": {"type": "date"}, "Odd": None},
    )
    (only,) = changes({"database": told}, "database.created").drafts
    assert (only.type, only.source_id, only.title, only.parent) == ("database", DATABASE_ID, "Tasks", PARENT_ID)
    assert only.body == (
        "# Tasks\n\nAll that is \\_due\\_.\n\nProperties:\n\n- Due\\_ (date)\n- Odd\n- Status (status)"
    )
    assert only.summary == "All that is _due_."


def test_a_databases_sources_are_named_in_an_order_of_their_own() -> None:
    named = [{"id": OTHER_ID, "name": "Old"}, {"id": DATA_SOURCE_ID, "name": "New"}]
    one, other = (changes(collection("database", data_sources=order)).drafts[0] for order in (named, named[::-1]))
    assert one.body == "# Tasks\n\nData sources: New, Old"
    assert one.content_hash() == other.content_hash()


def test_a_data_source_is_a_document_of_its_own() -> None:
    parent = {"type": "database_id", "database_id": DATABASE_ID}
    (only,) = changes(collection("data_source", id=DATA_SOURCE_ID, parent=parent)).drafts
    assert (only.type, only.source_id, only.parent) == ("data_source", DATA_SOURCE_ID, None)


def test_trashed_and_untitled_databases() -> None:
    assert changes(collection("database", in_trash=True)).deletions[0].source_id == DATABASE_ID
    assert skipped(collection("data_source", title=[])).gone[0].source_id == DATABASE_ID
    at = changes({"database": collection("database")}, "database.undeleted").drafts[0].as_of
    assert at == OCCURRED_AT


# --- comments


def test_a_comment_is_a_document_of_its_page() -> None:
    (only,) = changes({"comment": comment("Decision: by *train*.")}, "comment.created").drafts
    assert (only.source_id, only.parent, only.type) == (COMMENT_SOURCE_ID, PAGE_ID, "comment")
    assert (only.title, only.body) == ("Comment: Decision: by \\*train\\*.", "Decision: by \\*train\\*.")
    assert only.author == Account(f"notion:{ADA_ID}", "Ada Lovelace")
    (observed,) = only.observations
    assert (observed.text, observed.tags) == ("by \\*train\\*.", ("decision",))
    assert observed.subject_refs == (COMMENT_SOURCE_ID, PAGE_ID)


def test_a_comment_on_a_block_needs_to_be_told_its_page() -> None:
    on_block = comment("Yes.", parent={"type": "block_id", "block_id": OTHER_ID})
    assert skipped({"comment": on_block}, "comment.created").reason is SkipReason.UNSUPPORTED_EVENT
    beside: tuple[Payload, ...] = ({"page_id": PAGE_ID}, {"data": {"page_id": PAGE_ID}}, {"page": page()})
    for told in beside:
        (only,) = changes({"comment": on_block, **told}, "comment.created").drafts
        assert only.source_id == COMMENT_SOURCE_ID


def test_comments_that_are_deleted_emptied_or_by_bots() -> None:
    gone = webhook("comment.deleted", entity=COMMENT_ID, data={"page_id": PAGE_ID})
    assert changes(gone, "comment.deleted").deletions[0].source_id == COMMENT_SOURCE_ID
    assert changes({"comment": comment("x")}, "comment.deleted").deletions[0].source_id == COMMENT_SOURCE_ID
    assert "page is not told" in skipped(webhook("comment.deleted", entity=COMMENT_ID), "comment.deleted").detail
    assert skipped(comment(" ")).gone[0].source_id == COMMENT_SOURCE_ID
    by_bot = comment("Done.", display_name={"type": "integration", "resolved_name": "Importer"})
    assert skipped(by_bot).reason is SkipReason.BOT_AUTHOR


def test_comments_may_come_with_their_page() -> None:
    by_bot = comment("x", id=BOT_ID, created_by=bot())
    on_block = comment("On a block.", parent={"type": "block_id", "block_id": OTHER_ID})
    payload = {"page": page(), "blocks": [], "comments": {"results": [on_block, by_bot, comment("", id=OTHER_ID)]}}
    assert [drafted.source_id for drafted in changes(payload).drafts] == [PAGE_ID, COMMENT_SOURCE_ID]


# --- lists, users and the rest


def test_a_list_is_all_that_is_in_it() -> None:
    other = page(id=OTHER_ID, in_trash=True)
    listed = {"object": "list", "results": [page(), other, ada(), paragraph("a"), comment("Yes.")], "has_more": True}
    found = changes(listed, "list.observed")
    assert [drafted.source_id for drafted in found.drafts] == [PAGE_ID, COMMENT_SOURCE_ID]
    assert [gone.source_id for gone in found.deletions] == [OTHER_ID]
    assert [account.name for account in found.accounts] == ["Ada Lovelace"]


def test_lists_of_nothing_and_of_what_makes_nothing() -> None:
    assert skipped({"object": "list", "results": []}).reason is SkipReason.EMPTY
    assert skipped({"object": "list", "results": [paragraph("a")]}).detail == "a block without its page"
    assert skipped({"object": "list", "results": [{"object": "list", "results": []}]}).detail.startswith("neither")
    with pytest.raises(InvalidEventError, match=r"payload\.results\[1\]\.id: required"):
        outcome({"object": "list", "results": [page(), {"object": "user"}]})


@pytest.mark.parametrize("kind", ["error", "view", "file_upload", "property_item", "page_markdown", "async_task"])
def test_other_objects_are_skipped_by_name(kind: str) -> None:
    assert skipped({"object": kind}).detail == f"object '{kind}'"


def test_objects_of_which_only_the_id_is_told() -> None:
    for kind in ("page", "database", "data_source", "comment", "user"):
        told = skipped({"object": kind, "id": PAGE_ID})
        assert (told.reason, told.detail) == (SkipReason.UNSUPPORTED_EVENT, f"no content: only the id of a {kind}")
    assert skipped({"children": []}).reason is SkipReason.UNSUPPORTED_EVENT


def test_a_user_is_an_account() -> None:
    assert changes(ada(), "user.observed").accounts[0].email_verified
    assert changes(bot(), "user.observed").accounts == (Account(f"notion:{BOT_ID}", "Importer", is_bot=True),)


@pytest.mark.parametrize(
    ("payload", "message"),
    [
        ({"page": []}, "payload.page: expected an object, got an array"),
        ({"page": page(id="x")}, "payload.page.id: expected a UUID, got 'x'"),
        ({"page": page(last_edited_time=None)}, "payload.page.last_edited_time: expected an ISO 8601 time"),
        ({"page": page(), "blocks": [1]}, r"payload.blocks\[0\]: expected an object, got an integer"),
        ({"page": page(), "blocks": [{"id": 1}]}, r"payload.blocks\[0\].type: expected the type of a block"),
        (
            {"page": page(), "blocks": [block("quote", children=[block("quote", "a", rich_text=[None])])]},
            r"payload.blocks\[0\].children\[0\].quote.rich_text\[0\]: expected an object, got null",
        ),
        ({"page": page(properties={"X": {"type": "number", "number": "1"}})}, "payload.page.properties.X.number"),
        ({"page": page(properties={"X": prop("number", 10**5000)})}, "expected a finite number of at most 64 bits"),
        (collection("database", title="Tasks"), "payload.title: expected an array, got a string"),
        (webhook("page.deleted", timestamp="yesterday"), "payload.timestamp: expected an ISO 8601 time"),
    ],
)
def test_faults_are_told_by_their_place(payload: Payload, message: str) -> None:
    with pytest.raises(InvalidEventError, match=message):
        outcome(payload)


# --- subjects and envelopes


@pytest.mark.parametrize(
    ("payload", "named"),
    [
        (page(), PAGE_ID),
        ({"page": page(), "blocks": []}, PAGE_ID),
        (collection("database"), DATABASE_ID),
        (comment("a"), COMMENT_SOURCE_ID),
        (webhook("page.moved"), PAGE_ID),
        (webhook("comment.created", entity=COMMENT_ID, data={"page_id": PAGE_ID}), COMMENT_SOURCE_ID),
        (webhook("comment.created", entity=COMMENT_ID), None),
        (webhook("file_upload.completed"), None),
        ({"object": "list", "results": []}, None),
        ({"page": {"id": 1}}, None),
        ({}, None),
    ],
)
def test_subjects(payload: Payload, named: str | None) -> None:
    assert subject(event("page.observed", payload)) == named


def test_envelopes_of_objects() -> None:
    fields = envelope_fields(page())
    assert (fields.action, fields.occurred_at) == ("page.observed", EDITED_AT)
    assert envelope_fields({**page(), "request_id": "another answer"}) == fields
    assert envelope_fields(page(url="https://e.com")).idempotency_key != fields.idempotency_key
    assert envelope_fields({"page": page(), "blocks": []}).action == "page.observed"
    listed = {"object": "list", "results": [page(last_edited_time="2026-02-01T00:00:00Z"), page(), {"object": "x"}]}
    assert envelope_fields(listed).occurred_at == EDITED_AT
    assert envelope_fields(ada()).occurred_at == envelope_fields({"object": "list", "results": [ada()]}).occurred_at


def test_envelopes_of_webhooks() -> None:
    sent = webhook("page.deleted")
    fields = envelope_fields(sent)
    assert fields.action == "page.deleted"
    assert fields.occurred_at == datetime(2026, 3, 2, 9, 30, 40, 123000, tzinfo=UTC)
    assert fields.idempotency_key == f"notion:{sent['id']}"
    assert envelope_fields({**sent, "attempt_number": 2}) == fields
    assert envelope_fields({**sent, "id": None}).idempotency_key != fields.idempotency_key


@pytest.mark.parametrize("payload", [{}, {"object": "error"}, {"object": "list", "results": []}, {"page": 1}])
def test_what_has_no_time_gets_no_envelope(payload: Payload) -> None:
    with pytest.raises(InvalidEventError, match="payload"):
        envelope_fields(payload)


def test_the_source_is_registered() -> None:
    wrapped = wrap_payload("notion", page(), workspace_id=event("x", {}).workspace_id, organization_id="o")
    assert source_named("notion").parse(wrapped) == parse(replace(wrapped, action="page.observed"))


def test_the_same_page_described_again_is_no_change() -> None:
    blocks = [paragraph("a ", mention("@Ada", user=ada()))]
    again = draft(*blocks, last_edited_time="2026-03-09T09:30:00.000Z", last_edited_by=ada())
    named = {"Edited": prop("last_edited_time", "2026-03-09T09:30:00.000Z")}
    moving = draft(*blocks, properties=named)
    assert draft(*blocks).content_hash() == again.content_hash() == moving.content_hash()

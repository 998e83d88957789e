"""Linear's issues as documents: names, texts, metadata, moves, and what the API returns below them."""

from __future__ import annotations

import pytest
from linear_payloads import (
    APP,
    DONE,
    ISSUE_ID,
    LATER,
    PROJECT_ID,
    UPDATED_AT,
    a_comment,
    a_label,
    an_api_comment,
    an_api_issue,
    an_issue,
    changes_of,
    draft_of,
    issue_draft,
    observed_issue,
)

from neural_memory_pipelines.domain.documents import Rename


def test_an_issue_is_called_by_its_identifier_and_reads_as_a_page() -> None:
    draft = issue_draft(title="Carts  vanish\nat midnight", description="\nThe job\r\nempties them.\n")
    assert (draft.source, draft.source_id, draft.type, draft.state) == ("linear", "SHOP-5", "issue", "started")
    assert draft.title == "Carts vanish at midnight"
    assert draft.body == "# Carts vanish at midnight\n\nThe job\nempties them."
    assert draft.url == f"{APP}/issue/SHOP-5/carts-vanish-at-midnight"
    assert (draft.occurred_at, draft.as_of) == (UPDATED_AT, UPDATED_AT)
    assert draft.parent is None


@pytest.mark.parametrize("description", [None, "", " \n "])
def test_an_issue_without_a_description_is_its_title(description: str | None) -> None:
    assert issue_draft(description=description).body == "Carts vanish at midnight"


def test_metadata_holds_what_people_set_and_nothing_that_moves_by_itself() -> None:
    draft = issue_draft(
        priority=1.0,
        dueDate="2026-04-01",
        labels=[a_label("storage"), a_label("bug"), a_label("bug")],
        project={"id": PROJECT_ID, "name": "Durable carts", "url": "x"},
        state=DONE,
        completedAt=LATER,
        projectMilestone={"id": "m", "name": "Inbox", "targetDate": "2026-05-01"},
    )
    assert draft.metadata == {
        "team": "SHOP",
        "state": "Done",
        "priority": "urgent",
        "labels": ["bug", "storage"],
        "assignee": "Ben Example",
        "project": "Durable carts",
        "milestone": "Inbox",
        "due_date": "2026-04-01",
        "completed_at": "2026-03-04T08:00:00Z",
    }
    moved = an_issue(sortOrder=9.5, snoozedUntilAt=LATER, estimate=8, subscriberIds=[])
    assert draft_of("Issue", moved).content_hash() == issue_draft().content_hash()


def test_a_webhook_and_the_api_describe_the_same_issue_alike() -> None:
    assert observed_issue().content_hash() == issue_draft().content_hash()


def test_an_issue_answers_to_its_uuid_its_earlier_names_and_its_address_without_the_title() -> None:
    draft = issue_draft(previousIdentifiers=["OPS-31", "SHOP-5"])
    assert draft.handles == (f"linear:issue/{ISSUE_ID}", "linear:ops-31", "url:linear.app/acme/issue/shop-5")


def test_a_move_to_another_team_renames_the_issue_and_all_that_belongs_to_it() -> None:
    moved = changes_of("Issue", an_issue(previousIdentifiers=["OPS-31", "SHOP-5", "OPS-31"]))
    assert moved.renames == (Rename("linear", "OPS-31", "SHOP-5", UPDATED_AT),)
    assert changes_of("Issue", an_issue()).renames == ()
    removed = changes_of("Issue", an_issue(previousIdentifiers=["OPS-31"]), action="remove")
    assert removed.renames == moved.renames


def test_an_observed_issue_brings_its_comments() -> None:
    nodes = [
        an_api_comment("Seen it.", 1),
        an_api_comment("beep", 2, user=None, botActor={"id": "b", "type": "workflow", "name": "Linear"}),
        an_api_comment(" ", 3),
        an_api_comment("Old.", 4, archivedAt=LATER),
    ]
    changes = changes_of("Issue", an_api_issue(comments={"nodes": nodes}), action="observed")
    issue, comment = changes.drafts
    assert issue.source_id == "SHOP-5"
    assert (comment.source_id, comment.parent) == ("SHOP-5/comment/5d6e7f80-1111-4222-8333-444455550001", "SHOP-5")
    assert [(gone.source_id[-1], gone.reason) for gone in changes.deletions] == [("3", "emptied"), ("4", "archived")]
    alone = draft_of("Comment", a_comment("Seen it."), url=comment.url)
    assert comment.content_hash() == alone.content_hash()


def test_an_observed_issue_in_the_archive_is_gone() -> None:
    changes = changes_of("Issue", an_api_issue(archivedAt=LATER), action="observed")
    assert changes.drafts == ()
    assert [gone.source_id for gone in changes.deletions] == ["SHOP-5"]

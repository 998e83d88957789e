"""Linear's objects that are removed, archived or put into the bin, and those that come back."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from linear_payloads import (
    COMMENT_ID,
    DONE,
    EVENT_AT,
    ISSUE_ID,
    LATER,
    PROJECT_ID,
    UPDATE_ID,
    UPDATED_AT,
    Payload,
    a_comment,
    a_project,
    an_issue,
    an_update,
    changes_of,
    deletion_of,
    draft_of,
    event,
    issue_draft,
    webhook,
)

from neural_memory_pipelines.domain.documents import Deletion
from neural_memory_pipelines.sources.linear import subject


@pytest.mark.parametrize(
    ("type_", "data", "source_id"),
    [
        ("Issue", an_issue(), "SHOP-5"),
        ("Comment", a_comment(), f"SHOP-5/comment/{COMMENT_ID}"),
        ("Project", a_project(), f"project/{PROJECT_ID}"),
        ("ProjectUpdate", an_update(), f"project-update/{UPDATE_ID}"),
    ],
)
def test_what_is_removed_or_archived_is_gone(type_: str, data: Payload, source_id: str) -> None:
    expected = Deletion("linear", source_id, EVENT_AT, "removed")
    assert deletion_of(type_, data, action="remove") == expected
    archived = deletion_of(type_, data | {"archivedAt": LATER})
    assert archived == Deletion("linear", source_id, EVENT_AT, "archived")
    assert changes_of(type_, data | {"archivedAt": LATER}).drafts == ()
    assert subject(event(f"{type_}.remove", webhook(type_, data, action="remove"))) == source_id


def test_what_is_in_the_bin_is_gone() -> None:
    assert deletion_of("Issue", an_issue(trashed=True)).reason == "in the bin"
    assert deletion_of("Project", a_project(trashed=True)).reason == "in the bin"


def test_a_removal_needs_no_more_than_the_name() -> None:
    data = {"id": ISSUE_ID, "identifier": "SHOP-5"}
    assert deletion_of("Issue", data, action="remove") == Deletion("linear", "SHOP-5", EVENT_AT, "removed")


def test_a_removal_holds_from_the_latest_time_that_is_known() -> None:
    late = "2026-03-09T00:00:00Z"
    late_at = datetime(2026, 3, 9, tzinfo=UTC)
    assert deletion_of("Issue", an_issue(updatedAt=late), action="remove").as_of == late_at
    assert deletion_of("Issue", an_issue(archivedAt=late)).as_of == late_at


def test_what_comes_back_is_later_than_its_removal_though_its_own_time_stands_still() -> None:
    restored = draft_of("Issue", an_issue(), action="restore")
    assert restored.as_of == EVENT_AT
    unarchived = draft_of("Issue", an_issue(), updatedFrom={"archivedAt": LATER})
    assert unarchived.as_of == EVENT_AT
    for hint in ({"archivedAt": None}, {"trashed": False}, {"title": "x"}, None, 7):
        assert draft_of("Issue", an_issue(), updatedFrom=hint).as_of == UPDATED_AT


def test_what_was_before_changes_nothing_but_a_return() -> None:
    plain = issue_draft(state=DONE, completedAt=LATER)
    hinted = draft_of("Issue", an_issue(state=DONE, completedAt=LATER), updatedFrom={"stateId": "x", "description": ""})
    assert hinted == plain

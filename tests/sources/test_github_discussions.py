"""Discussions, their comments and their answers."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from github_payloads import (
    ADA,
    EVENT_AT,
    HTML,
    ROBOT,
    UPDATED_AT,
    Payload,
    a_discussion,
    a_discussion_comment,
    changes_of,
    stated,
    webhook,
)

from neural_memory_pipelines.domain.documents import SourceDraft
from neural_memory_pipelines.sources.github import envelope_fields, kind_of

_CHOSEN_AT = "2026-03-04T12:00:00Z"
_ANSWERED = {"answer_html_url": f"{HTML}/discussions/8#discussioncomment-7007", "answer_chosen_at": _CHOSEN_AT}
_COMMENT_ID = "acme/shop#8/discussion-comment/7007"


def discussion_draft(verb: str = "edited", **changes: object) -> SourceDraft:
    payload = webhook(action=verb, discussion=a_discussion(**changes))
    (draft,) = changes_of(f"discussion.{verb}", payload).drafts
    return draft


def comment_payload(body: str = "In Postgres.", discussion: Payload | None = None, **changes: object) -> Payload:
    comment = a_discussion_comment(body=body, **changes)
    return webhook(action="created", comment=comment, discussion=discussion or a_discussion())


def test_a_discussion_becomes_a_document() -> None:
    draft = discussion_draft(labels=[{"name": "area/cart"}])
    assert (draft.source_id, draft.type, draft.state) == ("acme/shop#8", "discussion", "open")
    assert draft.body == "# Where should carts live?\n\nIn Redis or in Postgres?"
    assert draft.metadata == {"repository": "acme/shop", "number": 8, "labels": ["area/cart"], "category": "Ideas"}
    assert stated(draft) == {("", "TOUCHES_COMPONENT", "component:cart", "labels")}
    assert draft.handles == ("url:github.com/acme/shop/issues/8",)
    (seen,) = draft.observations
    assert (seen.title, seen.summary) == ("Where should carts live?", "In Redis or in Postgres?")


@pytest.mark.parametrize("verb", ["created", "category_changed", "locked", "labeled", "pinned", "converted"])
def test_whatever_happens_to_a_discussion_describes_it(verb: str) -> None:
    assert discussion_draft(verb) == discussion_draft()


def test_states_of_discussions_are_told_apart() -> None:
    assert discussion_draft(state="closed").state == "closed"
    assert discussion_draft(state="locked").state == "open"
    assert discussion_draft(state="closed", **_ANSWERED).state == "answered"


def test_a_discussion_may_go() -> None:
    (gone,) = changes_of("discussion.deleted", webhook(discussion=a_discussion())).deletions
    assert (gone.source_id, gone.as_of) == ("acme/shop#8", EVENT_AT)
    there = a_discussion(number=2, html_url="https://github.com/acme/lab/discussions/2")
    moved = {"new_discussion": there, "new_repository": {"full_name": "acme/lab"}}
    changes = changes_of("discussion.transferred", webhook(discussion=a_discussion(), changes=moved))
    assert [draft.source_id for draft in changes.drafts] == ["acme/lab#2"]
    assert "github:acme/shop#8" in changes.drafts[0].handles
    assert [gone.source_id for gone in changes.deletions] == ["acme/shop#8"]


def test_a_comment_comes_with_its_discussion() -> None:
    comment, discussion = changes_of("discussion_comment.created", comment_payload()).drafts
    assert (comment.source_id, comment.type, comment.parent) == (_COMMENT_ID, "comment", "acme/shop#8")
    assert (comment.as_of, comment.observations, stated(comment)) == (UPDATED_AT, (), set())
    assert discussion == discussion_draft()


def test_a_comment_may_go_and_its_discussion_stays() -> None:
    changes = changes_of("discussion_comment.deleted", comment_payload())
    assert [(gone.source_id, gone.as_of) for gone in changes.deletions] == [(_COMMENT_ID, EVENT_AT)]
    assert changes.drafts == (discussion_draft(),)
    assert changes_of("discussion_comment.created", comment_payload(user=ROBOT)).drafts == (discussion_draft(),)


def test_the_answer_is_a_resolution() -> None:
    payload = webhook(
        action="answered", discussion=a_discussion(**_ANSWERED), answer=a_discussion_comment(body="Redis.")
    )
    discussion, answer = changes_of("discussion.answered", payload).drafts
    assert discussion.state == "answered"
    assert "answered" in discussion.observations[0].tags
    assert answer.as_of == datetime(2026, 3, 4, 12, tzinfo=UTC)
    assert stated(answer) == {("", "RESOLVES", "github:acme/shop#8", "answer_html_url")}
    (seen,) = answer.observations
    assert (seen.text, seen.tags) == ("Resolution: Redis.", ("resolution",))
    assert seen.title == "Resolution on acme/shop#8: Where should carts live?"
    assert seen.subject_refs == (_COMMENT_ID, "acme/shop#8")


def test_the_answer_is_the_same_in_whatever_event_it_is_seen() -> None:
    answered = a_discussion(**_ANSWERED)
    payload = webhook(action="answered", discussion=answered, answer=a_discussion_comment())
    by_discussion = changes_of("discussion.answered", payload).drafts[1]
    by_comment = changes_of("discussion_comment.edited", webhook(comment=a_discussion_comment(), discussion=answered))
    assert by_comment.drafts[0] == by_discussion
    other = a_discussion_comment(id=7, html_url=f"{HTML}/discussions/8#discussioncomment-7")
    edited = changes_of("discussion_comment.edited", webhook(comment=other, discussion=answered)).drafts[0]
    assert (edited.observations, edited.as_of) == ((), UPDATED_AT)


def test_an_answer_that_is_withdrawn_is_a_comment_again() -> None:
    payload = webhook(action="unanswered", discussion=a_discussion(), old_answer=a_discussion_comment())
    discussion, comment = changes_of("discussion.unanswered", payload).drafts
    assert discussion.state == "open"
    assert (comment.source_id, comment.observations, comment.as_of) == (_COMMENT_ID, (), EVENT_AT)


def test_bare_discussions_and_comments_are_known_by_their_addresses() -> None:
    bare = a_discussion(comments=[a_discussion_comment(), a_discussion_comment(id=9, user=ROBOT)])
    assert kind_of(bare) == "discussion"
    discussion, comment = changes_of("discussion.observed", bare).drafts
    assert (discussion.source_id, comment.source_id) == ("acme/shop#8", _COMMENT_ID)
    assert kind_of(a_discussion_comment()) == "discussion_comment"
    (alone,) = changes_of("discussion_comment.observed", a_discussion_comment()).drafts
    assert alone.source_id == _COMMENT_ID
    fields = envelope_fields(webhook(action="created", comment=a_discussion_comment(), discussion=a_discussion()))
    assert fields.action == "discussion_comment.created"


def test_an_announcement_to_everybody_matters_more() -> None:
    plain = discussion_draft(user=ADA).observations[0]
    for changes in ({"labels": [{"name": "org-wide"}]}, {"title": "Company-wide: carts"}, {"title": "To all teams"}):
        seen = discussion_draft(**changes).observations[0]
        assert seen.importance_factors["org"] == 0.1 > plain.importance_factors["org"]

"""Reviews of pull requests and comments on their lines."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from github_payloads import (
    ADA,
    BEN,
    EVENT_AT,
    ROBOT,
    UPDATED_AT,
    Payload,
    a_pull_request,
    a_review,
    a_review_comment,
    changes_of,
    event,
    skip_of,
    stated,
    webhook,
)

from neural_memory_pipelines.domain.documents import SourceDraft
from neural_memory_pipelines.domain.events import SkipReason
from neural_memory_pipelines.errors import InvalidEventError
from neural_memory_pipelines.sources.github import envelope_fields, kind_of, parse

_REVIEWED = ("github:acme/shop#6", "REVIEWED_BY", "github:8", "user")


def review_payload(**changes: object) -> Payload:
    return webhook(action="submitted", review=a_review(**changes), pull_request=a_pull_request())


def review_draft(verb: str = "submitted", **changes: object) -> SourceDraft:
    (draft,) = changes_of(f"pull_request_review.{verb}", review_payload(**changes)).drafts
    return draft


def test_a_review_becomes_a_document_below_its_pull_request() -> None:
    draft = review_draft(body="Good, but see #5.")
    assert (draft.source_id, draft.type, draft.parent) == ("acme/shop#6/review/4004", "review", "acme/shop#6")
    assert draft.title == "Review of acme/shop#6: Keep carts for a week"
    assert (draft.body, draft.state) == ("Good, but see #5.", "approved")
    assert draft.as_of == draft.occurred_at == UPDATED_AT
    assert draft.author is not None
    assert draft.author.provider_id == "github:8"
    assert stated(draft) == {_REVIEWED, ("", "REFERENCES", "github:acme/shop#5", "#5")}


def test_a_review_brings_the_accounts_of_its_pull_request_but_not_the_pull_request() -> None:
    changes = changes_of("pull_request_review.submitted", review_payload())
    assert [draft.type for draft in changes.drafts] == ["review"]
    assert [account.handle for account in changes.accounts] == ["ada", "ben"]


@pytest.mark.parametrize("state", ["approved", "CHANGES_REQUESTED"])
def test_a_verdict_without_words_says_who_reviewed(state: str) -> None:
    draft = review_draft(body=None, state=state)
    assert (draft.body, draft.observations) == ("", ())
    assert stated(draft) == {_REVIEWED}


def test_a_review_without_words_or_verdict_says_nothing() -> None:
    skip = skip_of("pull_request_review.submitted", review_payload(body="", state="commented"))
    assert (skip.reason, skip.gone) == (SkipReason.EMPTY, ())


def test_a_dismissed_verdict_without_words_is_gone() -> None:
    skip = skip_of("pull_request_review.dismissed", review_payload(body=None, state="dismissed"))
    assert [(gone.source_id, gone.as_of) for gone in skip.gone] == [("acme/shop#6/review/4004", EVENT_AT)]


def test_an_edited_review_is_newer_than_it_was_when_submitted() -> None:
    assert review_draft("edited").as_of == EVENT_AT
    assert review_draft("edited").occurred_at == UPDATED_AT
    assert review_draft(updated_at="2026-03-03T00:00:00Z").as_of == datetime(2026, 3, 3, tzinfo=UTC)
    assert review_draft("edited", updated_at="2026-03-09T00:00:00Z").as_of == datetime(2026, 3, 9, tzinfo=UTC)


def test_who_answers_in_his_own_pull_request_does_not_review_it() -> None:
    assert stated(review_draft(user=ADA, state="commented")) == set()


def test_bots_and_unsubmitted_reviews_are_skipped() -> None:
    assert skip_of("pull_request_review.submitted", review_payload(user=ROBOT)).reason is SkipReason.BOT_AUTHOR
    pending = review_payload(state="PENDING", submitted_at=None)
    assert skip_of("pull_request_review.submitted", pending).reason is SkipReason.UNSUPPORTED_EVENT


def test_a_decision_in_a_review_is_remembered() -> None:
    (seen,) = review_draft(body="Decision: a week it is.").observations
    assert seen.subject_refs == ("acme/shop#6/review/4004", "acme/shop#6")


def test_a_comment_on_a_line_becomes_a_document() -> None:
    payload = webhook(action="created", comment=a_review_comment(), pull_request=a_pull_request())
    (draft,) = changes_of("pull_request_review_comment.created", payload).drafts
    assert (draft.source_id, draft.type, draft.parent) == (
        "acme/shop#6/review-comment/5005",
        "review_comment",
        "acme/shop#6",
    )
    assert draft.metadata["path"] == "services/cart/ttl.py"
    assert stated(draft) == {_REVIEWED}


def test_a_comment_on_a_line_may_go() -> None:
    payload = webhook(action="deleted", comment=a_review_comment(), pull_request=a_pull_request())
    (gone,) = changes_of("pull_request_review_comment.deleted", payload).deletions
    assert (gone.source_id, gone.as_of) == ("acme/shop#6/review-comment/5005", EVENT_AT)
    emptied = webhook(action="edited", comment=a_review_comment(body=" "), pull_request=a_pull_request())
    skip = skip_of("pull_request_review_comment.edited", emptied)
    assert [(gone.source_id, gone.as_of) for gone in skip.gone] == [("acme/shop#6/review-comment/5005", UPDATED_AT)]


def test_bare_reviews_and_comments_find_their_pull_request() -> None:
    assert kind_of(a_review()) == "pull_request_review"
    assert kind_of(a_review_comment()) == "pull_request_review_comment"
    (review,) = changes_of("pull_request_review.observed", a_review(pull_request_url=None)).drafts
    assert (review.source_id, review.title) == ("acme/shop#6/review/4004", "Review of acme/shop#6")
    assert stated(review) == {_REVIEWED}
    (comment,) = changes_of("pull_request_review_comment.observed", a_review_comment()).drafts
    assert comment.source_id == "acme/shop#6/review-comment/5005"
    # Whose pull request it is, these objects do not say: it may be his own.
    (remark,) = changes_of("pull_request_review.observed", a_review(state="COMMENTED")).drafts
    assert stated(comment) == stated(remark) == set()
    with pytest.raises(InvalidEventError, match=r"^payload\.pull_request_url: expected the address of a pull request"):
        parse(event("pull_request_review.observed", a_review(pull_request_url=None, html_url="x")))


def test_a_review_happened_when_its_pull_request_was_last_changed() -> None:
    pull = a_pull_request(updated_at="2026-03-04T00:00:00Z")
    fields = envelope_fields(webhook(action="dismissed", review=a_review(user=BEN), pull_request=pull))
    assert (fields.action, fields.occurred_at) == ("pull_request_review.dismissed", datetime(2026, 3, 4, tzinfo=UTC))

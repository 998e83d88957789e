"""GitHub's objects as documents: issues, pull requests, comments, deletions, and what is skipped or refused."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from github_payloads import (
    ADA,
    API,
    BEN,
    CREATED,
    EVENT_AT,
    HTML,
    ROBOT,
    UPDATED,
    UPDATED_AT,
    Payload,
    a_comment,
    a_pull_request,
    an_issue,
    changes_of,
    comment_payload,
    event,
    issue_draft,
    pull_draft,
    skip_of,
    webhook,
)

from neural_memory_pipelines.domain.documents import Skip
from neural_memory_pipelines.domain.events import SkipReason
from neural_memory_pipelines.errors import InvalidEventError
from neural_memory_pipelines.sources.github import envelope_fields, kind_of, parse

# --- documents


def test_an_issue_becomes_a_document() -> None:
    draft = issue_draft(body="The nightly job\r\nempties them.")
    assert draft.key == "github/acme/shop#5"
    assert (draft.type, draft.state, draft.url) == ("issue", "open", f"{HTML}/issues/5")
    assert draft.title == "Carts vanish at midnight"
    assert draft.body == "# Carts vanish at midnight\n\nThe nightly job\nempties them."
    assert draft.author is not None
    assert (draft.author.provider_id, draft.author.name, draft.author.is_bot) == ("github:7", "ada", False)
    assert draft.occurred_at == draft.as_of == UPDATED_AT
    assert draft.metadata == {
        "repository": "acme/shop",
        "number": 5,
        "labels": ["bug", "storage"],
        "assignees": ["ben"],
        "milestone": "Spring",
    }


def test_a_merged_pull_request_becomes_a_document_with_its_branches() -> None:
    draft = pull_draft(state="closed", merged=True, merged_at=UPDATED, closed_at=UPDATED)
    assert (draft.type, draft.state, draft.source_id) == ("pull_request", "merged", "acme/shop#6")
    assert draft.metadata["base_ref"] == "main"
    assert draft.metadata["head_ref"] == "keep-carts"
    assert draft.metadata["merged_at"] == draft.metadata["closed_at"] == UPDATED


def test_states_are_told_apart() -> None:
    assert issue_draft(state="closed", state_reason="completed").state == "closed"
    assert issue_draft(state="closed", state_reason="not_planned").state == "not_planned"
    assert pull_draft(draft=True).state == "draft"
    assert pull_draft(draft=True, state="closed").state == "closed"


@pytest.mark.parametrize("body", [None, "", "\r\n  \r\n"])
def test_without_a_body_the_title_stands_alone(body: str | None) -> None:
    draft = issue_draft(body=body)
    assert draft.body == "Carts vanish at midnight"
    assert draft.observations[0].text == "Carts vanish at midnight."
    assert draft.observations[0].summary is None


def test_counters_and_clocks_make_no_new_version() -> None:
    later = issue_draft(comments=99, updated_at="2026-04-01T00:00:00Z", reactions={"total_count": 50})
    assert later.content_hash() == issue_draft().content_hash()
    assert issue_draft(labels=[]).content_hash() != issue_draft().content_hash()


def test_a_deleted_account_leaves_no_author() -> None:
    assert issue_draft(user=None).author is None


def test_a_bots_issue_is_a_document_without_observations() -> None:
    draft = issue_draft(user=ROBOT)
    assert draft.author is not None
    assert draft.author.is_bot
    assert draft.observations == ()
    assert issue_draft(user=ADA | {"login": "ci[bot]"}).observations == ()


def test_nul_characters_which_no_database_stores_are_replaced() -> None:
    draft = issue_draft(title="Carts\0vanish", body="at\0midnight")
    assert draft.body == "# Carts\ufffdvanish\n\nat\ufffdmidnight"


def test_labels_may_be_plain_names() -> None:
    assert issue_draft(labels=["zeta", {"name": "alpha"}, {"name": None}]).metadata["labels"] == ["alpha", "zeta"]


# --- comments


def test_a_comment_comes_with_its_issue() -> None:
    payload = webhook(action="created", issue=an_issue(), comment=a_comment(body="One\r\ntwo"))
    comment, issue = changes_of("issue_comment.created", payload).drafts
    assert (comment.source_id, comment.type) == ("acme/shop#5/comment/3003", "comment")
    assert comment.title == "Comment on acme/shop#5: Carts vanish at midnight"
    assert (comment.body, comment.state) == ("One\ntwo", None)
    assert comment.metadata == {"repository": "acme/shop", "number": 5, "parent": "acme/shop#5"}
    assert issue == issue_draft()


def test_a_comment_on_a_pull_request_leaves_the_pull_request_alone() -> None:
    partial = an_issue(html_url=f"{HTML}/pull/5", pull_request={"url": f"{API}/pulls/5", "merged_at": None})
    drafts = changes_of("issue_comment.created", webhook(issue=partial, comment=a_comment())).drafts
    assert [draft.type for draft in drafts] == ["comment"]


@pytest.mark.parametrize("body", [None, "", " \r\n "])
def test_an_emptied_comment_is_gone_and_its_issue_is_not(body: str | None) -> None:
    changes = changes_of("issue_comment.edited", comment_payload(body))
    (gone,) = changes.deletions
    assert (gone.source_id, gone.as_of, gone.reason) == ("acme/shop#5/comment/3003", UPDATED_AT, "emptied")
    assert changes.drafts == (issue_draft(),)


def test_an_emptied_comment_on_a_pull_request_is_gone_too() -> None:
    partial = an_issue(html_url=f"{HTML}/pull/5", pull_request={"merged_at": None})
    skip = skip_of("issue_comment.edited", webhook(issue=partial, comment=a_comment(body="")))
    assert (skip.reason, skip.detail) == (SkipReason.EMPTY, "acme/shop#5/comment/3003")
    assert [gone.source_id for gone in skip.gone] == ["acme/shop#5/comment/3003"]


def test_a_bots_comment_yields_its_issue_alone() -> None:
    changes = changes_of("issue_comment.created", comment_payload("Coverage: 91 %", user=ROBOT))
    assert changes.drafts == (issue_draft(),)
    assert changes.deletions == ()
    outcome = parse(event("issue_comment.observed", a_comment(user=ROBOT)))
    assert outcome == Skip(SkipReason.BOT_AUTHOR, "renovate[bot]")


def test_a_comment_goes_with_its_issue() -> None:
    assert changes_of("issue_comment.created", comment_payload("x")).drafts[0].parent == "acme/shop#5"


# --- deletions


def test_a_deleted_issue_is_gone_as_of_the_event() -> None:
    (gone,) = changes_of("issues.deleted", webhook(action="deleted", issue=an_issue())).deletions
    assert (gone.source, gone.source_id, gone.as_of) == ("github", "acme/shop#5", EVENT_AT)


def test_a_deletion_is_never_older_than_what_it_deletes() -> None:
    issue = an_issue(updated_at="2026-03-09T00:00:00Z")
    (gone,) = changes_of("issues.deleted", webhook(issue=issue)).deletions
    assert gone.as_of == datetime(2026, 3, 9, tzinfo=UTC)


def test_a_deleted_comment_is_gone_even_if_a_bot_wrote_it() -> None:
    changes = changes_of("issue_comment.deleted", comment_payload("", user=ROBOT))
    assert [gone.source_id for gone in changes.deletions] == ["acme/shop#5/comment/3003"]
    assert changes.drafts == (issue_draft(),)


def test_a_transferred_issue_moves() -> None:
    there = an_issue(number=1, html_url="https://github.com/acme/warehouse/issues/1")
    payload = webhook(
        issue=an_issue(), changes={"new_issue": there, "new_repository": {"id": 2, "full_name": "acme/warehouse"}}
    )
    changes = changes_of("issues.transferred", payload)
    assert [(gone.source_id, gone.reason) for gone in changes.deletions] == [
        ("acme/shop#5", "transferred to https://github.com/acme/warehouse/issues/1")
    ]
    (draft,) = changes.drafts
    assert draft.source_id == "acme/warehouse#1"
    assert {"github:acme/shop#5", "url:github.com/acme/shop/issues/5"} <= set(draft.handles)


def test_an_issue_that_arrives_by_transfer_is_gone_where_it_was() -> None:
    old = {"number": 3, "html_url": "https://github.com/acme/old/issues/3", "updated_at": "2026-03-04T00:00:00Z"}
    origin = {"old_issue": old, "old_repository": {"id": 2, "full_name": "acme/old"}}
    changes = changes_of("issues.opened", webhook(action="opened", issue=an_issue(), changes=origin))
    (gone,) = changes.deletions
    assert (gone.source_id, gone.as_of) == ("acme/old#3", EVENT_AT)
    (draft,) = changes.drafts
    assert draft.source_id == "acme/shop#5"
    assert {"github:acme/old#3", "url:github.com/acme/old/issues/3"} <= set(draft.handles)


@pytest.mark.parametrize("changes", [{"title": {"from": "Old"}}, {"body": None}, [], "x", None])
def test_what_an_edit_changed_does_not_matter(changes: Any) -> None:
    payload = webhook(action="edited", issue=an_issue(), changes=changes)
    assert changes_of("issues.edited", payload).drafts == (issue_draft(),)


def test_an_issue_answers_to_the_address_of_a_pull_request_and_back() -> None:
    assert issue_draft().handles == ("url:github.com/acme/shop/pull/5",)
    assert pull_draft().handles == ("url:github.com/acme/shop/issues/6",)


def test_everybody_whom_a_pull_request_names_is_an_account() -> None:
    cleo = {"login": "cleo", "id": 10, "type": "User"}
    draft = pull_draft(assignees=[BEN, None], requested_reviewers=[cleo], merged_by=ADA)
    assert [account.handle for account in draft.accounts] == ["ben", "cleo"]


@pytest.mark.parametrize("login", ["ci-bot", "K8s_Robot", "dependabot", "web-flow", "x[bot]", "MergeBot"])
def test_service_accounts_are_bots_by_their_login(login: str) -> None:
    author = issue_draft(user=ADA | {"login": login}).author
    assert author is not None
    assert author.is_bot


@pytest.mark.parametrize("login", ["abbot", "Talbot", "bot-ticelli", "Robot"])
def test_people_may_be_called_almost_like_bots(login: str) -> None:
    author = issue_draft(user=ADA | {"login": login}).author
    assert author is not None
    assert not author.is_bot


def test_the_account_that_stands_for_deleted_ones_is_nobody() -> None:
    assert issue_draft(user={"login": "ghost", "id": 10137, "type": "User"}).author is None


def test_a_transfer_cut_short_deletes_the_old_issue_only() -> None:
    for cut in ({"new_issue": {"html_url": "https://github.com/acme/w/issues/1"}}, {}, None):
        changes = changes_of("issues.transferred", webhook(issue=an_issue(), changes=cut))
        assert changes.drafts == ()
        assert changes.deletions[0].reason.startswith("transferred")


# --- bare REST objects


@pytest.mark.parametrize(
    ("kind", "bare", "wrapped"),
    [
        ("issues", an_issue(), webhook(issue=an_issue())),
        ("pull_request", a_pull_request(), webhook(pull_request=a_pull_request())),
    ],
)
def test_a_bare_object_is_the_same_document_as_in_its_webhook(kind: str, bare: Payload, wrapped: Payload) -> None:
    assert kind_of(bare) == kind_of(wrapped) == kind
    assert changes_of(f"{kind}.observed", bare) == changes_of(f"{kind}.opened", wrapped)


def test_a_bare_issue_may_be_a_pull_request() -> None:
    issue = an_issue(html_url=f"{HTML}/pull/5", state="closed", pull_request={"merged_at": UPDATED})
    assert kind_of(issue) == "pull_request"
    for action in ("pull_request.observed", "issues.observed"):
        (draft,) = changes_of(action, issue).drafts
        assert (draft.type, draft.state) == ("pull_request", "merged")
        assert "base_ref" not in draft.metadata


def test_an_issue_webhook_of_a_pull_request_is_left_to_the_pull_requests_own() -> None:
    payload = webhook(action="milestoned", issue=an_issue(pull_request={"merged_at": None}))
    outcome = parse(event("issues.milestoned", payload))
    assert isinstance(outcome, Skip)
    assert outcome.reason is SkipReason.UNSUPPORTED_EVENT


def test_a_bare_comment_finds_its_issue_in_its_addresses() -> None:
    assert kind_of(a_comment()) == "issue_comment"
    for comment in (a_comment(), a_comment(issue_url=None)):
        (draft,) = changes_of("issue_comment.observed", comment).drafts
        assert draft.source_id == "acme/shop#5/comment/3003"
        assert draft.title == "Comment on acme/shop#5"


def test_a_comment_whose_addresses_hold_no_issue_number_is_refused() -> None:
    for address in (f"{API}/issues/{'9' * 5000}", f"{API}/commits/5", None):
        with pytest.raises(InvalidEventError, match=r"^payload\.issue_url: expected the address of an issue"):
            parse(event("issue_comment.observed", a_comment(issue_url=address, html_url=f"{HTML}/commit/5")))


@pytest.mark.parametrize(
    "addresses",
    [
        {"url": "https://ghe.acme.io/api/v3/repos/acme/shop/issues/5", "repository_url": None},
        {"url": None, "repository_url": API},
        {"url": None, "repository_url": None},
    ],
)
def test_a_bare_issue_finds_its_repository_in_any_address(addresses: Payload) -> None:
    (draft,) = changes_of("issues.observed", an_issue(**addresses)).drafts
    assert draft.source_id == "acme/shop#5"


def test_kinds_that_are_not_read_are_named_where_they_can_be() -> None:
    assert kind_of(webhook(action="submitted", review={}, pull_request=a_pull_request())) == "pull_request_review"
    assert kind_of(webhook(action="created", comment={}, pull_request={})) == "pull_request_review_comment"
    assert kind_of(webhook(action="created", starred_at=CREATED)) is None
    assert kind_of({"id": 1, "html_url": f"{HTML}/milestone/5", "title": "Spring", "number": 5}) is None
    assert kind_of(None) is None
    assert kind_of([an_issue()]) is None


def test_the_envelope_of_a_payload_follows_from_the_payload() -> None:
    comment = comment_payload("x", updated_at="2026-03-03T12:00:00+02:00")
    fields = envelope_fields(comment)
    assert fields.action == "issue_comment.created"
    assert fields.occurred_at == datetime(2026, 3, 3, 10, tzinfo=UTC)
    assert fields == envelope_fields(dict(reversed(comment.items())))
    assert fields.idempotency_key != envelope_fields(comment_payload("y")).idempotency_key
    bare = envelope_fields(an_issue(updated_at=None))
    assert (bare.action, bare.occurred_at) == ("issues.observed", datetime(2026, 3, 1, 9, tzinfo=UTC))
    assert bare.idempotency_key.startswith("github:")
    with pytest.raises(InvalidEventError, match="payload: expected a GitHub webhook"):
        envelope_fields({"zen": "Keep it simple."})


# --- what is skipped, and what is refused


@pytest.mark.parametrize("action", ["star.created", "commit_comment.created", "workflow_run.completed"])
def test_other_events_are_skipped_by_name(action: str) -> None:
    assert parse(event(action, {})) == Skip(SkipReason.UNSUPPORTED_EVENT, action.partition(".")[0])


@pytest.mark.parametrize(
    ("payload", "message"),
    [
        (webhook(issue=an_issue(number=None)), r"^payload\.issue\.number: expected an integer, got null$"),
        (
            webhook(issue=an_issue(number=10**5000)),
            r"^payload\.issue\.number: expected less than .*, got a huge integer$",
        ),
        (webhook(issue=an_issue(number=True)), r"^payload\.issue\.number: expected an integer, got a boolean$"),
        (webhook(issue=an_issue(updated_at="yesterday")), r"^payload\.issue\.updated_at: .* with an offset, got 'yest"),
        (webhook(issue=an_issue(updated_at="2026-03-01T09:00:00")), r"^payload\.issue\.updated_at: expected an ISO"),
        (webhook(issue=an_issue(updated_at="0001-01-01T00:00:00+14:00")), r"^payload\.issue\.updated_at: expected an"),
        (
            webhook(issue=an_issue(labels=[{"name": 4}])),
            r"^payload\.issue\.labels\[0\]\.name: expected a string, got an",
        ),
        (webhook(issue=an_issue(state="ajar")), r"^payload\.issue\.state: expected 'open' or 'closed', got 'ajar'$"),
        (webhook(issue=an_issue(title="\ud800")), r"^payload\.issue\.title: expected a string without lone surr"),
        (webhook(issue=None), r"^payload\.issue: expected an object, got null$"),
        (webhook(), r"^payload\.issue: required, but missing$"),
        (webhook(issue=an_issue(), repository={}), r"^payload\.repository\.full_name: required, but missing$"),
        ({k: v for k, v in an_issue().items() if k != "user"}, r"^payload\.user: required, but missing$"),
        (an_issue(url=None, repository_url=None, html_url="x"), r"^payload\.html_url: expected the address"),
        ([], r"^payload: expected an object, got an array$"),
    ],
)
def test_a_bad_payload_is_refused_with_the_path_of_the_field(payload: Any, message: str) -> None:
    with pytest.raises(InvalidEventError, match=message):
        parse(event("issues.opened", payload))

"""Issues and pull requests of the REST API with what exports put beside them: comments, reviews, timelines."""

from __future__ import annotations

from typing import Any

import pytest
from github_payloads import (
    ADA,
    API,
    BEN,
    HTML,
    ROBOT,
    Payload,
    a_comment,
    a_pull_request,
    a_review,
    a_review_comment,
    an_issue,
    changes_of,
    event,
    issue_draft,
    sha,
    stated,
)

from neural_memory_pipelines.domain.documents import SourceDraft
from neural_memory_pipelines.errors import InvalidEventError
from neural_memory_pipelines.sources.github import kind_of, parse

_CLEO = {"login": "cleo", "id": 10, "type": "User"}


def drafts_of(payload: Payload) -> tuple[SourceDraft, ...]:
    return changes_of(f"{kind_of(payload)}.observed", payload).drafts


def source(number: int, **changes: Any) -> Payload:
    return {"type": "issue", "issue": an_issue(number=number, html_url=f"{HTML}/issues/{number}", **changes)}


def timeline_links(*events: Payload, key: str = "timeline") -> set[tuple[str, str, str, str]]:
    return {link for link in stated(drafts_of(an_issue(**{key: list(events)}))[0]) if link[3] == "timeline"}


@pytest.mark.parametrize("key", ["comments", "comments_data"])
def test_comments_become_documents_of_their_own(key: str) -> None:
    comments = [a_comment(user=_CLEO), a_comment(id=2, user=ROBOT), a_comment(id=3, body=" ")]
    issue, comment = drafts_of(an_issue(**{key: comments}))
    assert (issue.source_id, comment.source_id) == ("acme/shop#5", "acme/shop#5/comment/3003")
    assert comment.parent == "acme/shop#5"
    assert issue.content_hash() == issue_draft().content_hash()
    assert "cleo" in {account.handle for account in issue.accounts}


def test_who_comments_takes_part() -> None:
    seen = drafts_of(an_issue(comments=[a_comment(user=_CLEO), a_comment(id=4, user=ROBOT)]))[0].observations[0]
    plain = issue_draft(comments=2).observations[0]
    assert seen.importance_factors["volume"] == plain.importance_factors["volume"]
    assert seen.importance_factors["breadth"] > plain.importance_factors["breadth"]


def test_a_pull_request_comes_with_its_reviews_and_comments_on_lines() -> None:
    pull = a_pull_request(reviews=[a_review()], review_comments=[a_review_comment()], comments=[a_comment(id=1)])
    assert [draft.source_id for draft in drafts_of(pull)] == [
        "acme/shop#6",
        "acme/shop#6/comment/1",
        "acme/shop#6/review-comment/5005",
        "acme/shop#6/review/4004",
    ]


def test_a_timeline_may_carry_the_comments_and_reviews() -> None:
    timeline = [
        a_comment() | {"event": "commented", "actor": BEN},
        a_review() | {"event": "reviewed"},
        {"event": "line-commented", "comments": [a_review_comment()]},
        {"event": "committed", "sha": sha("a")},
    ]
    pull = a_pull_request(timeline=timeline, comments=[a_comment()])
    assert [draft.source_id for draft in drafts_of(pull)[1:]] == [
        "acme/shop#6/comment/3003",
        "acme/shop#6/review/4004",
        "acme/shop#6/review-comment/5005",
    ]


def test_a_pending_review_is_nobody_elses_business() -> None:
    assert len(drafts_of(a_pull_request(reviews=[a_review(state="PENDING", submitted_at=None)]))) == 1


@pytest.mark.parametrize("key", ["timeline", "events"])
def test_others_refer_to_an_issue(key: str) -> None:
    commit = {"event": "referenced", "commit_id": sha("a"), "commit_url": f"{API}/commits/{sha('a')}"}
    other = "https://api.github.com/repos/acme/fork/commits/" + sha("b")
    assert timeline_links(
        {"event": "cross-referenced", "source": source(7)},
        {"event": "cross-referenced", "source": source(8, repository={"full_name": "acme/ops"})},
        {"event": "cross-referenced", "source": source(5)},
        commit,
        {"event": "referenced", "commit_id": sha("b"), "commit_url": other},
        {"event": "referenced", "commit_id": None},
        key=key,
    ) == {
        ("github:acme/shop#7", "REFERENCES", "", "timeline"),
        ("github:acme/ops#8", "REFERENCES", "", "timeline"),
        (f"github:acme/shop@{sha('a')}", "REFERENCES", "", "timeline"),
        (f"github:acme/fork@{sha('b')}", "REFERENCES", "", "timeline"),
    }


def test_what_closed_an_issue_resolves_it_unless_it_was_opened_again() -> None:
    closed = {"event": "closed", "commit_id": sha("a"), "commit_url": None}
    resolved = {(f"github:acme/shop@{sha('a')}", "RESOLVES", "", "timeline")}
    assert timeline_links(closed) == resolved
    assert timeline_links(closed, {"event": "reopened"}) == set()
    assert timeline_links(closed, {"event": "reopened"}, closed) == resolved


def test_a_connected_pull_request_resolves_the_issue() -> None:
    pull = source(7, pull_request={"merged_at": None})
    connected = {"event": "connected", "source": pull}
    assert timeline_links(connected) == {("github:acme/shop#7", "RESOLVES", "", "timeline")}
    assert timeline_links(connected, {"event": "disconnected", "source": pull}) == set()
    other = {"event": "connected", "source": source(8)}
    assert timeline_links(other) == {("", "RESOLVES", "github:acme/shop#8", "timeline")}


def test_duplicates_are_marked_and_unmarked() -> None:
    marked = {"event": "marked_as_duplicate", "source": source(7)}
    assert timeline_links(marked) == {("", "DUPLICATES", "github:acme/shop#7", "timeline")}
    assert timeline_links(marked, {"event": "unmarked_as_duplicate"}) == set()
    assert timeline_links({"event": "marked_as_duplicate"}) == set()


def test_a_timeline_cut_short_states_nothing_and_stops_nothing() -> None:
    events = [
        {"event": "connected", "source": {"issue": {"number": 1, "html_url": "x"}}},
        {"event": "cross-referenced", "source": {"issue": {"html_url": f"{HTML}/issues/9"}}},
        {"event": "cross-referenced", "source": None},
        {"event": "commented", "actor": BEN, "created_at": None},
        {"event": "reviewed", "id": 3},
    ]
    assert timeline_links(*events) == set()
    assert len(drafts_of(an_issue(timeline=events))) == 1


def test_who_was_assigned_is_known() -> None:
    events = [{"event": "assigned", "assignee": _CLEO, "actor": ADA}, {"event": "renamed"}, {"event": None}]
    accounts = drafts_of(an_issue(events=events))[0].accounts
    assert "cleo" in {account.handle for account in accounts}


def test_arrays_of_a_webhook_are_not_read() -> None:
    payload = {"action": "edited", "repository": {"full_name": "acme/shop"}, "issue": an_issue(), "comments": [3]}
    assert changes_of("issues.edited", payload).drafts == (issue_draft(),)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"comments": [3]}, r"^payload\.comments\[0\]: expected an object, got an integer$"),
        ({"comments_data": [a_comment(id=None)]}, r"^payload\.comments_data\[0\]\.id: expected an integer, got null$"),
        ({"timeline": [{"event": 3}]}, r"^payload\.timeline\[0\]\.event: expected a string"),
        ({"events": [{"event": "line-commented", "comments": [{}]}]}, r"^payload\.events\[0\]\.comments\[0\]\.id: req"),
        ({"comments": -1}, r"^payload\.comments: expected greater than or equal to 0"),
    ],
)
def test_a_bad_item_is_refused_with_its_path(changes: Payload, message: str) -> None:
    with pytest.raises(InvalidEventError, match=message):
        parse(event("issues.observed", an_issue(**changes)))

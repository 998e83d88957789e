"""Hand-written GitHub payloads, and short ways to read them, for the tests of this folder."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from neural_memory_pipelines.domain.documents import Changes, ObservationDraft, Skip, SourceDraft
from neural_memory_pipelines.domain.events import SourceEvent
from neural_memory_pipelines.domain.ids import WorkspaceId
from neural_memory_pipelines.sources.github import parse

Payload = dict[str, Any]
ADA: Payload = {"login": "ada", "id": 7, "type": "User"}
BEN: Payload = {"login": "ben", "id": 8, "type": "User"}
ROBOT: Payload = {"login": "renovate[bot]", "id": 9, "type": "Bot"}
API = "https://api.github.com/repos/acme/shop"
HTML = "https://github.com/acme/shop"
CREATED, UPDATED = "2026-03-01T09:00:00Z", "2026-03-02T10:00:00Z"
UPDATED_AT = datetime(2026, 3, 2, 10, tzinfo=UTC)
EVENT_AT = datetime(2026, 3, 5, tzinfo=UTC)


def an_issue(**changes: Any) -> Payload:
    issue: Payload = {
        "id": 1001,
        "number": 5,
        "title": "Carts vanish at midnight",
        "body": "The nightly job empties them.",
        "state": "open",
        "state_reason": None,
        "draft": False,
        "html_url": f"{HTML}/issues/5",
        "url": f"{API}/issues/5",
        "repository_url": API,
        "user": ADA,
        "labels": [{"name": "storage"}, {"name": "bug"}],
        "assignees": [BEN],
        "milestone": {"title": "Spring"},
        "comments": 3,
        "created_at": CREATED,
        "updated_at": UPDATED,
        "closed_at": None,
        "reactions": {"total_count": 4},
    }
    return issue | changes


def a_pull_request(**changes: Any) -> Payload:
    pull: Payload = an_issue(
        id=2002,
        number=6,
        title="Keep carts for a week",
        html_url=f"{HTML}/pull/6",
        url=f"{API}/pulls/6",
        base={"ref": "main", "sha": "aaa"},
        head={"ref": "keep-carts", "sha": "bbb"},
        merged=False,
        merged_at=None,
    )
    del pull["repository_url"], pull["state_reason"]
    return pull | changes


def a_comment(**changes: Any) -> Payload:
    comment: Payload = {
        "id": 3003,
        "body": "Seen it too.",
        "html_url": f"{HTML}/issues/5#issuecomment-3003",
        "url": f"{API}/issues/comments/3003",
        "issue_url": f"{API}/issues/5",
        "user": BEN,
        "created_at": CREATED,
        "updated_at": UPDATED,
    }
    return comment | changes


def a_review(**changes: Any) -> Payload:
    review: Payload = {
        "id": 4004,
        "body": "Good, but see the log.",
        "state": "approved",
        "html_url": f"{HTML}/pull/6#pullrequestreview-4004",
        "pull_request_url": f"{API}/pulls/6",
        "user": BEN,
        "submitted_at": UPDATED,
    }
    return review | changes


def a_review_comment(**changes: Any) -> Payload:
    comment: Payload = a_comment(
        id=5005,
        path="services/cart/ttl.py",
        html_url=f"{HTML}/pull/6#discussion_r5005",
        url=f"{API}/pulls/comments/5005",
        pull_request_url=f"{API}/pulls/6",
    )
    del comment["issue_url"]
    return comment | changes


def a_discussion(**changes: Any) -> Payload:
    discussion: Payload = {
        "id": 6006,
        "number": 8,
        "title": "Where should carts live?",
        "body": "In Redis or in Postgres?",
        "state": "open",
        "html_url": f"{HTML}/discussions/8",
        "repository_url": API,
        "user": ADA,
        "category": {"name": "Ideas", "is_answerable": True},
        "answer_html_url": None,
        "answer_chosen_at": None,
        "comments": 2,
        "created_at": CREATED,
        "updated_at": UPDATED,
    }
    return discussion | changes


def a_discussion_comment(**changes: Any) -> Payload:
    comment: Payload = a_comment(id=7007, html_url=f"{HTML}/discussions/8#discussioncomment-7007")
    del comment["issue_url"], comment["url"]
    return comment | changes


def a_release(**changes: Any) -> Payload:
    release: Payload = {
        "id": 8008,
        "tag_name": "v2.4.0",
        "name": "Spring cleaning",
        "body": "Carts live for a week (#6).",
        "draft": False,
        "prerelease": False,
        "html_url": f"{HTML}/releases/tag/v2.4.0",
        "url": f"{API}/releases/8008",
        "author": ADA,
        "created_at": CREATED,
        "published_at": UPDATED,
    }
    return release | changes


def sha(letter: str) -> str:
    return letter * 40


def a_pushed_commit(letter: str = "c", **changes: Any) -> Payload:
    commit: Payload = {
        "id": sha(letter),
        "message": "Keep carts for a week\n\nFixes #5",
        "timestamp": "2026-03-02T12:00:00+02:00",
        "url": f"{HTML}/commit/{sha(letter)}",
        "author": {"name": "Ada L.", "email": "ada@corp.example", "username": "ada"},
        "added": [],
        "removed": [],
        "modified": ["services/cart/ttl.py"],
    }
    return commit | changes


def a_push(*commits: Payload, **changes: Any) -> Payload:
    push: Payload = {
        "ref": "refs/heads/main",
        "before": sha("a"),
        "after": sha("c"),
        "created": False,
        "deleted": False,
        "forced": False,
        "commits": list(commits),
        "head_commit": commits[-1] if commits else None,
        "repository": {"full_name": "acme/shop", "default_branch": "main", "pushed_at": 1772452800},
        "pusher": {"name": "ada", "email": "ada@corp.example"},
        "sender": ADA,
    }
    return push | changes


def a_commit(**changes: Any) -> Payload:
    signature = {"name": "Ada L.", "email": "ada@corp.example", "date": UPDATED}
    commit: Payload = {
        "sha": sha("c"),
        "html_url": f"{HTML}/commit/{sha('c')}",
        "url": f"{API}/commits/{sha('c')}",
        "commit": {"message": "Keep carts for a week\n\nFixes #5", "author": signature, "committer": signature},
        "author": ADA,
        "files": [{"filename": "services/cart/ttl.py"}],
    }
    return commit | changes


def webhook(**objects: Any) -> Payload:
    return {"repository": {"id": 1, "full_name": "acme/shop"}, "sender": ADA, **objects}


def event(action: str, payload: Any) -> SourceEvent:
    return SourceEvent(WorkspaceId("acme"), "acme-inc", "github", action, EVENT_AT, "key", payload)


def changes_of(action: str, payload: Payload) -> Changes:
    outcome = parse(event(action, payload))
    assert isinstance(outcome, Changes)
    return outcome


def skip_of(action: str, payload: Payload) -> Skip:
    outcome = parse(event(action, payload))
    assert isinstance(outcome, Skip)
    return outcome


def stated(draft: SourceDraft) -> set[tuple[str, str, str, str]]:
    """What a draft links, as (origin, type, target, the words or the field), with "" for the document itself."""
    return {
        (
            link.origin.handle if link.origin else "",
            str(link.type),
            link.target.handle if link.target else "",
            draft.body[link.start : link.end] or link.field,
        )
        for link in draft.links
        if link.field != "repository"
    }


def issue_draft(**changes: Any) -> SourceDraft:
    (draft,) = changes_of("issues.edited", webhook(action="edited", issue=an_issue(**changes))).drafts
    return draft


def pull_draft(**changes: Any) -> SourceDraft:
    (draft,) = changes_of(
        "pull_request.edited", webhook(action="edited", pull_request=a_pull_request(**changes))
    ).drafts
    return draft


def pull_observation(**changes: Any) -> ObservationDraft:
    (observation,) = pull_draft(**changes).observations
    return observation


def comment_payload(body: str | None, **changes: Any) -> Payload:
    return webhook(action="created", issue=an_issue(), comment=a_comment(body=body, **changes))


def outcomes(body: str) -> list[ObservationDraft]:
    return list(changes_of("issue_comment.created", comment_payload(body)).drafts[0].observations)

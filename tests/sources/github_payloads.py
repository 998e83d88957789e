"""Hand-written GitHub payloads, and short ways to read them, for the tests of this folder."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from neural_memory_pipelines.domain.documents import Changes, ObservationDraft, SourceDraft
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


def webhook(**objects: Any) -> Payload:
    return {"repository": {"id": 1, "full_name": "acme/shop"}, "sender": ADA, **objects}


def event(action: str, payload: Any) -> SourceEvent:
    return SourceEvent(WorkspaceId("acme"), "acme-inc", "github", action, EVENT_AT, "key", payload)


def changes_of(action: str, payload: Payload) -> Changes:
    outcome = parse(event(action, payload))
    assert isinstance(outcome, Changes)
    return outcome


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

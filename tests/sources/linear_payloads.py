"""Hand-written Linear payloads, with the fields of its published types alone, and short ways to read them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from neural_memory_pipelines.domain.documents import Changes, Deletion, ObservationDraft, SourceDraft
from neural_memory_pipelines.domain.events import SourceEvent
from neural_memory_pipelines.domain.graph import EdgeType, LinkDraft
from neural_memory_pipelines.domain.ids import WorkspaceId
from neural_memory_pipelines.sources.linear import parse

Payload = dict[str, Any]
APP = "https://linear.app/acme"
CREATED, UPDATED = "2026-03-01T09:00:00.000Z", "2026-03-02T10:00:00.000Z"
UPDATED_AT = datetime(2026, 3, 2, 10, tzinfo=UTC)
EVENT_AT = datetime(2026, 3, 5, tzinfo=UTC)
LATER = "2026-03-04T08:00:00.000Z"
LATER_AT = datetime(2026, 3, 4, 8, tzinfo=UTC)

ISSUE_ID = "0c1e8d38-2b1a-4a5e-9a55-1f0f3a5d0001"
OTHER_ID = "0c1e8d38-2b1a-4a5e-9a55-1f0f3a5d0002"
PROJECT_ID = "9b2f6c10-7d7e-4f0a-8f5b-2c3d4e5f0001"
COMMENT_ID = "5d6e7f80-1111-4222-8333-444455550001"
UPDATE_ID = "6e7f8091-1111-4222-8333-444455550001"


def a_user(name: str, number: int) -> Payload:
    """A user as webhooks show one below another object."""
    return {
        "id": f"00000000-0000-4000-8000-00000000000{number}",
        "name": f"{name.capitalize()} Example",
        "email": f"{name}@acme.example",
        "url": f"{APP}/profiles/{name}",
    }


ADA, BEN = a_user("ada", 7), a_user("ben", 8)
APP_USER = a_user("helper", 9) | {"email": "c0ffee00-0000-4000-8000-000000000009@oauthapp.linear.app"}
TEAM: Payload = {"id": "11111111-1111-4111-8111-111111111111", "key": "SHOP", "name": "Shop"}


def a_state(type_: str, name: str) -> Payload:
    return {"id": "22222222-2222-4222-8222-222222222222", "color": "#ffffff", "name": name, "type": type_}


def a_label(name: str) -> Payload:
    return {"id": "33333333-3333-4333-8333-333333333333", "color": "#ffffff", "name": name, "parentId": None}


STARTED, DONE = a_state("started", "In Progress"), a_state("completed", "Done")
CANCELED = a_state("canceled", "Won't do")
PROJECT: Payload = {"id": PROJECT_ID, "name": "Durable carts", "url": f"{APP}/project/durable-carts-0a1b2c3d4e5f"}


def an_issue(**changes: Any) -> Payload:
    """The data of a webhook of an issue."""
    issue: Payload = {
        "id": ISSUE_ID,
        "createdAt": CREATED,
        "updatedAt": UPDATED,
        "archivedAt": None,
        "trashed": None,
        "number": 5,
        "identifier": "SHOP-5",
        "previousIdentifiers": [],
        "title": "Carts vanish at midnight",
        "description": "The nightly job empties them.",
        "priority": 0,
        "priorityLabel": "No priority",
        "estimate": 3,
        "dueDate": None,
        "completedAt": None,
        "canceledAt": None,
        "stateId": STARTED["id"],
        "state": STARTED,
        "teamId": TEAM["id"],
        "team": TEAM,
        "labelIds": [],
        "labels": [a_label("storage")],
        "creatorId": ADA["id"],
        "creator": ADA,
        "assigneeId": BEN["id"],
        "assignee": BEN,
        "parentId": None,
        "projectId": None,
        "subscriberIds": [ADA["id"], BEN["id"]],
        "botActor": None,
        "url": f"{APP}/issue/SHOP-5/carts-vanish-at-midnight",
    }
    return issue | changes


def a_comment(body: str = "Seen it too.", **changes: Any) -> Payload:
    """The data of a webhook of a comment on an issue."""
    comment: Payload = {
        "id": COMMENT_ID,
        "createdAt": CREATED,
        "updatedAt": UPDATED,
        "archivedAt": None,
        "editedAt": None,
        "body": body,
        "issueId": ISSUE_ID,
        "issue": {
            "id": ISSUE_ID,
            "identifier": "SHOP-5",
            "title": "Carts vanish at midnight",
            "teamId": TEAM["id"],
            "team": TEAM,
            "url": f"{APP}/issue/SHOP-5/carts-vanish-at-midnight",
        },
        "parentId": None,
        "userId": BEN["id"],
        "user": BEN,
        "botActor": None,
    }
    return comment | changes


def a_project(**changes: Any) -> Payload:
    """The data of a webhook of a project."""
    project: Payload = {
        "id": PROJECT_ID,
        "createdAt": CREATED,
        "updatedAt": UPDATED,
        "archivedAt": None,
        "name": "Durable carts",
        "description": "No cart may be lost.",
        "content": "First an inbox, then alarms.\n\nFinished when a day can be replayed.",
        "slugId": "0a1b2c3d4e5f",
        "priority": 2,
        "health": "onTrack",
        "startDate": "2026-03-01",
        "targetDate": "2026-06-30",
        "completedAt": None,
        "canceledAt": None,
        "creatorId": ADA["id"],
        "leadId": BEN["id"],
        "lead": BEN,
        "memberIds": [ADA["id"], BEN["id"]],
        "teamIds": [TEAM["id"]],
        "statusId": "44444444-4444-4444-8444-444444444444",
        "status": a_state("started", "In Progress"),
        "initiatives": [],
        "url": PROJECT["url"],
    }
    return project | changes


def an_update(body: str = "The inbox holds every cart since Monday.", **changes: Any) -> Payload:
    """The data of a webhook of a project update."""
    update: Payload = {
        "id": UPDATE_ID,
        "createdAt": CREATED,
        "updatedAt": UPDATED,
        "archivedAt": None,
        "editedAt": CREATED,
        "body": body,
        "health": "atRisk",
        "projectId": PROJECT_ID,
        "project": PROJECT,
        "userId": BEN["id"],
        "user": BEN,
        "url": f"{PROJECT['url']}/updates",
    }
    return update | changes


def an_api_issue(**changes: Any) -> Payload:
    """An issue as the GraphQL API returns it, with what hangs below it."""
    data = an_issue()
    for name in ("stateId", "teamId", "creatorId", "assigneeId", "parentId", "projectId", "subscriberIds"):
        del data[name]
    issue: Payload = data | {
        "team": TEAM | {"private": False, "visibility": "public"},
        "labels": {"nodes": [{"id": a_label("x")["id"], "name": "storage"}]},
        "parent": None,
        "project": None,
        "children": {"nodes": []},
        "relations": {"nodes": []},
        "inverseRelations": {"nodes": []},
        "attachments": {"nodes": []},
        "history": {"nodes": []},
        "comments": {"nodes": []},
    }
    return issue | changes


def an_api_comment(body: str, number: int = 1, **changes: Any) -> Payload:
    """A comment as the GraphQL API returns it below its issue."""
    comment: Payload = {
        "id": f"5d6e7f80-1111-4222-8333-44445555000{number}",
        "body": body,
        "createdAt": CREATED,
        "updatedAt": UPDATED,
        "user": BEN,
        "url": f"{APP}/issue/SHOP-5/carts-vanish-at-midnight#comment-5d6e7f80",
    }
    return comment | changes


def a_relation(type_: str, *, inverse: bool = False) -> Payload:
    """A relation to another issue, as the API returns it below one of the two."""
    other = {"id": OTHER_ID, "identifier": "SHOP-9"}
    return {"id": "77777777-7777-4777-8777-777777777777", "type": type_, "issue" if inverse else "relatedIssue": other}


def webhook(type_: str, data: Any, *, action: str = "update", **changes: Any) -> Payload:
    """A webhook around an object."""
    payload: Payload = {
        "action": action,
        "type": type_,
        "actor": ADA | {"type": "user"},
        "createdAt": EVENT_AT.isoformat().replace("+00:00", "Z"),
        "data": data,
        "url": data.get("url") if isinstance(data, dict) else None,
        "organizationId": "88888888-8888-4888-8888-888888888888",
        "webhookId": "99999999-9999-4999-8999-999999999999",
        "webhookTimestamp": 1772668800000,
    }
    return payload | changes


def event(action: str, payload: Any, *, key: str = "key") -> SourceEvent:
    return SourceEvent(WorkspaceId("acme"), "acme-inc", "linear", action, EVENT_AT, key, payload)


def changes_of(type_: str, data: Payload, *, action: str = "update", **changes: Any) -> Changes:
    """Read a webhook, or with action "observed" a bare object."""
    payload = data if action == "observed" else webhook(type_, data, action=action, **changes)
    outcome = parse(event(f"{type_}.{action}", payload))
    assert isinstance(outcome, Changes), outcome
    return outcome


def draft_of(type_: str, data: Payload, **options: Any) -> SourceDraft:
    (draft,) = changes_of(type_, data, **options).drafts
    return draft


def deletion_of(type_: str, data: Payload, **options: Any) -> Deletion:
    (deletion,) = changes_of(type_, data, **options).deletions
    return deletion


def issue_draft(**changes: Any) -> SourceDraft:
    return draft_of("Issue", an_issue(**changes))


def observed_issue(**changes: Any) -> SourceDraft:
    return changes_of("Issue", an_api_issue(**changes), action="observed").drafts[0]


def comment_observations(body: str, **changes: Any) -> tuple[ObservationDraft, ...]:
    return draft_of("Comment", a_comment(body, **changes)).observations


def links_of(draft: SourceDraft, type_: EdgeType) -> list[LinkDraft]:
    return [link for link in draft.links if link.type is type_]


def spelled(draft: SourceDraft, type_: EdgeType) -> list[str]:
    """Spell links of a type as "origin -> target (words or field)"; the document itself is "."."""
    return [
        f"{link.origin.handle if link.origin else '.'} -> {link.target.handle if link.target else '.'} "
        f"({link.field or draft.body[link.start : link.end]})"
        for link in links_of(draft, type_)
    ]

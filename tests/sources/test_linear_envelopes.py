"""Envelopes of Linear's webhooks and bare objects, the events that are skipped and those that are refused."""

from __future__ import annotations

import pytest
from linear_payloads import (
    APP,
    EVENT_AT,
    LATER,
    LATER_AT,
    UPDATED_AT,
    Payload,
    a_comment,
    a_project,
    an_api_comment,
    an_api_issue,
    an_issue,
    an_update,
    event,
    webhook,
)

from neural_memory_pipelines.domain.documents import Skip
from neural_memory_pipelines.domain.events import SkipReason
from neural_memory_pipelines.errors import InvalidEventError
from neural_memory_pipelines.sources.linear import envelope_fields, kind_of, parse, subject


@pytest.mark.parametrize(
    "action", ["IssueLabel.create", "Reaction.create", "IssueSLA.breached", "IssueRelation.create", "Issue.x", "Issue"]
)
def test_other_events_are_skipped(action: str) -> None:
    assert parse(event(action, {"data": {}})) == Skip(SkipReason.UNSUPPORTED_EVENT, detail=action)
    assert subject(event(action, {"data": {}})) is None


@pytest.mark.parametrize(
    ("action", "payload", "message"),
    [
        ("Issue.update", [], "payload: expected an object, got an array"),
        ("Issue.update", {}, "payload.data: required, but missing"),
        ("Issue.update", {"data": None}, "payload.data: expected an object, got null"),
        ("Issue.update", webhook("Issue", an_issue(title=None)), "payload.data.title: expected a string, got null"),
        ("Issue.update", webhook("Issue", an_issue(title="")), "payload.data.title: expected a string that is not em"),
        ("Issue.observed", an_issue(labels=[{}]), "payload.labels[0].name: required, but missing"),
        ("Issue.update", webhook("Issue", an_issue(identifier="5")), "payload.data.identifier: expected String should"),
        ("Issue.update", webhook("Issue", an_issue(priority="1")), "payload.data.priority: expected a number, got a s"),
        ("Issue.update", webhook("Issue", an_issue(updatedAt="soon")), "payload.data.updatedAt: expected an ISO 8601"),
        ("Issue.update", webhook("Issue", an_issue(), actor={}), "payload.actor.id: required, but missing"),
        (
            "Issue.update",
            webhook("Issue", an_issue(updatedAt=10**5000)),
            "payload.data.updatedAt: expected an ISO 8601",
        ),
        ("Comment.update", webhook("Comment", a_comment(id="a/b")), "payload.data.id: expected String should match"),
    ],
)
def test_what_is_wrong_is_named(action: str, payload: Payload, message: str) -> None:
    with pytest.raises(InvalidEventError) as refusal:
        parse(event(action, payload))
    assert str(refusal.value).startswith(message)
    if "data.title" not in message and "labels" not in message and "priority" not in message:
        assert subject(event(action, payload)) is None


def test_the_envelope_of_a_webhook_is_in_it() -> None:
    payload = webhook("Issue", an_issue(), action="create")
    fields = envelope_fields(payload)
    assert (fields.action, fields.occurred_at) == ("Issue.create", EVENT_AT)
    again = payload | {"webhookTimestamp": 1, "webhookId": "another"}
    assert envelope_fields(again) == fields
    assert envelope_fields(payload | {"action": "update"}).idempotency_key != fields.idempotency_key


@pytest.mark.parametrize(
    ("payload", "action"),
    [
        (an_api_issue(), "Issue.observed"),
        (a_comment(), "Comment.observed"),
        (an_api_comment("Hi."), "Comment.observed"),
        (a_project(), "Project.observed"),
        (an_update(), "ProjectUpdate.observed"),
        ({"__typename": "User", "id": "u", "updatedAt": LATER}, "User.observed"),
        (an_update() | {"project": {}, "initiative": {}}, "ProjectUpdate.observed"),
    ],
)
def test_bare_objects_are_told_by_their_keys(payload: Payload, action: str) -> None:
    fields = envelope_fields(payload)
    assert fields.action == action
    assert fields.occurred_at == (LATER_AT if "User" in action else UPDATED_AT)
    assert fields.idempotency_key.startswith("linear:")


def test_an_archived_object_was_observed_when_it_was_archived() -> None:
    assert envelope_fields(an_api_issue(archivedAt=LATER)).occurred_at == LATER_AT


@pytest.mark.parametrize(
    "payload",
    [
        {},
        {"id": "x"},
        a_project(url=f"{APP}/initiative/carts-0a1b2c3d4e5f"),
        {"type": "Issue", "createdAt": LATER},
        {"type": "Issue", "action": "a b", "createdAt": LATER},
        {"type": "Issue", "action": "create"},
        {"type": "../x", "action": "create", "createdAt": LATER},
        {"__typename": "Issue", "id": "x"},
        {"type": "Issue", "action": "create", "createdAt": LATER, "data": 10**5000},
    ],
)
def test_what_has_no_envelope_is_refused(payload: Payload) -> None:
    with pytest.raises(InvalidEventError, match=r"^payload"):
        envelope_fields(payload)


def test_updates_of_initiatives_are_not_taken_for_comments() -> None:
    update = an_update()
    del update["project"], update["projectId"]
    assert kind_of(update | {"initiative": {"id": "i"}}) == "InitiativeUpdate"
    assert kind_of([]) is None

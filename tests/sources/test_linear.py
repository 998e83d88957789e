"""Linear's issues, comments, projects and updates as documents: names, states, removals, moves, persons."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from linear_payloads import (
    ADA,
    APP,
    APP_USER,
    BEN,
    COMMENT_ID,
    DONE,
    EVENT_AT,
    ISSUE_ID,
    LATER,
    LATER_AT,
    PROJECT_ID,
    TEAM,
    UPDATE_ID,
    UPDATED_AT,
    Payload,
    a_comment,
    a_label,
    a_project,
    an_api_comment,
    an_api_issue,
    an_issue,
    an_update,
    changes_of,
    deletion_of,
    draft_of,
    event,
    issue_draft,
    observed_issue,
    webhook,
)

from neural_memory_pipelines.domain.accounts import Account, hash_email
from neural_memory_pipelines.domain.documents import Deletion, Privacy, Rename, Skip
from neural_memory_pipelines.domain.events import SkipReason
from neural_memory_pipelines.errors import InvalidEventError
from neural_memory_pipelines.sources.linear import envelope_fields, kind_of, parse, subject

# --- issues


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


# --- what goes and what comes back


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


# --- comments


def test_a_comment_is_called_by_its_issue_and_goes_with_it() -> None:
    address = f"{APP}/issue/SHOP-5/carts-vanish-at-midnight#comment-5d6e7f80"
    draft = draft_of("Comment", a_comment(), url=address)
    assert draft.source_id == f"SHOP-5/comment/{COMMENT_ID}"
    assert (draft.type, draft.parent, draft.body) == ("comment", "SHOP-5", "Seen it too.")
    assert draft.title == "Comment on SHOP-5: Carts vanish at midnight"
    assert draft.url == address
    assert draft.handles == (f"linear:comment/{COMMENT_ID}", "linear:shop-5#comment-5d6e7f80")
    assert draft.author is not None
    assert draft.author.provider_id == f"linear:{BEN['id']}"


def test_the_issue_of_a_comment_is_known_from_its_address_too() -> None:
    old = a_comment(issue={"id": ISSUE_ID, "title": "Carts vanish"})
    address = f"{APP}/issue/SHOP-5/carts#comment-5d6e7f80"
    assert draft_of("Comment", old, url=address).parent == "SHOP-5"
    assert draft_of("Comment", a_comment(issue=None), url=address).source_id == f"SHOP-5/comment/{COMMENT_ID}"


def test_a_comment_on_an_issue_known_by_its_uuid_alone_is_part_of_it() -> None:
    draft = draft_of("Comment", a_comment(issue=None))
    assert (draft.source_id, draft.parent) == (f"issue/{ISSUE_ID}/comment/{COMMENT_ID}", None)
    (link,) = draft.links
    assert link.target is not None
    assert (link.target.handle, link.field) == (f"linear:issue/{ISSUE_ID}", "issueId")


_ELSEWHERE: Payload = {"issue": None, "issueId": None}


@pytest.mark.parametrize(
    ("place", "source_id", "parent", "title"),
    [
        ({"projectId": "p1"}, "project/p1/comment", "project/p1", "Comment on a project"),
        (
            {"projectUpdateId": "u1", "projectUpdate": {"id": "u1", "body": "", "project": {"id": "p1", "name": "P"}}},
            "project-update/u1/comment",
            "project-update/u1",
            "Comment on an update on P",
        ),
        ({"projectUpdateId": "u1"}, "project-update/u1/comment", "project-update/u1", "Comment on a project update"),
        ({"documentContent": {"project": {"id": "p1", "name": "P"}}}, "project/p1/comment", "project/p1", None),
        ({"documentContent": {"document": {"id": "d1"}}}, "document/d1/comment", None, "Comment on a document"),
        ({"documentContentId": "c1"}, "document-content/c1/comment", None, "Comment on a document"),
        ({"initiativeId": "i1"}, "initiative/i1/comment", None, "Comment on an initiative"),
        ({"initiativeUpdateId": "i2"}, "initiative-update/i2/comment", None, "Comment on an initiative update"),
        ({}, "comment", None, "Comment on something unnamed"),
    ],
)
def test_comments_stand_on_other_things_too(place: Payload, source_id: str, parent: str | None, title: str) -> None:
    draft = draft_of("Comment", a_comment(**(_ELSEWHERE | place)), url=None)
    assert draft.source_id == f"{source_id}/{COMMENT_ID}"
    assert draft.parent == parent
    assert title is None or draft.title == title


def test_a_comment_beside_a_text_quotes_it() -> None:
    draft = draft_of("Comment", a_comment("Drop SHOP-8.", quotedText="We keep\nSHOP-7."))
    assert draft.body == "> We keep\n> SHOP-7.\n\nDrop SHOP-8."
    assert [link.target.handle for link in draft.links if link.target] == ["linear:shop-8"]


def test_a_comment_is_as_old_as_its_words() -> None:
    assert draft_of("Comment", a_comment()).occurred_at == datetime(2026, 3, 1, 9, tzinfo=UTC)
    edited = draft_of("Comment", a_comment(editedAt=LATER, updatedAt=LATER))
    assert (edited.occurred_at, edited.as_of) == (LATER_AT, LATER_AT)


def test_a_comment_that_was_emptied_is_gone() -> None:
    outcome = parse(event("Comment.update", webhook("Comment", a_comment(" \n"))))
    gone = Deletion("linear", f"SHOP-5/comment/{COMMENT_ID}", UPDATED_AT, "emptied")
    assert outcome == Skip(SkipReason.EMPTY, detail=gone.source_id, gone=(gone,))


@pytest.mark.parametrize(
    "author",
    [
        {"user": None, "userId": None, "botActor": {"id": "b1", "type": "github", "name": "GitHub"}},
        {"user": None, "userId": None, "botActor": "GitHub"},
        {"user": APP_USER},
        {"user": BEN | {"app": True}},
    ],
)
def test_a_bots_comment_is_no_document(author: Payload) -> None:
    outcome = parse(event("Comment.create", webhook("Comment", a_comment(**author))))
    assert isinstance(outcome, Skip)
    assert outcome.reason is SkipReason.BOT_AUTHOR


def test_somebody_who_comments_from_another_system_is_a_person() -> None:
    external = {"id": "e1", "name": "Eve", "email": "eve@partner.example"}
    draft = draft_of("Comment", a_comment(user=None, userId=None, externalUser=external, botActor="GitHub"))
    assert draft.author == Account("linear:e1", "Eve", email_hash=hash_email("eve@partner.example"))


# --- what the API returns below an issue


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


# --- projects and updates


def test_a_project_reads_as_a_page() -> None:
    draft = draft_of("Project", a_project())
    assert (draft.source_id, draft.type, draft.state) == (f"project/{PROJECT_ID}", "project", "started")
    assert draft.body.startswith("# Durable carts\n\nNo cart may be lost.\n\nFirst an inbox, then alarms.\n\n")
    assert draft.handles == ("linear:project/0a1b2c3d4e5f",)
    assert draft.metadata == {
        "status": "In Progress",
        "priority": "high",
        "health": "onTrack",
        "lead": "Ben Example",
        "start_date": "2026-03-01",
        "target_date": "2026-06-30",
    }


def test_who_created_a_project_is_known_by_id_and_described_if_it_is_the_lead() -> None:
    assert draft_of("Project", a_project()).author == Account(f"linear:{ADA['id']}", "")
    led = draft_of("Project", a_project(lead=ADA, leadId=ADA["id"]))
    assert led.author is not None
    assert led.author.handle == "ada"


def test_an_update_goes_with_its_project() -> None:
    draft = draft_of("ProjectUpdate", an_update())
    assert (draft.source_id, draft.parent) == (f"project-update/{UPDATE_ID}", f"project/{PROJECT_ID}")
    assert (draft.title, draft.state) == ("Update on Durable carts: at risk", "at-risk")
    assert draft.body == "# Update on Durable carts: at risk\n\nThe inbox holds every cart since Monday."


def test_an_update_that_was_emptied_is_gone() -> None:
    outcome = parse(event("ProjectUpdate.update", webhook("ProjectUpdate", an_update(""))))
    assert isinstance(outcome, Skip)
    assert [gone.source_id for gone in outcome.gone] == [f"project-update/{UPDATE_ID}"]


# --- persons


def test_a_member_is_known_by_id_profile_and_confirmed_address() -> None:
    expected = Account(
        f"linear:{ADA['id']}",
        "Ada Example",
        handle="ada",
        email_hash=hash_email("ada@acme.example"),
        email_verified=True,
    )
    assert issue_draft().author == expected
    assert "acme.example" not in repr(issue_draft())


def test_all_whom_an_event_describes_are_told_once() -> None:
    draft = draft_of("Issue", an_issue(delegate=APP_USER), actor=BEN | {"type": "user"})
    assert [(account.handle, account.is_bot) for account in draft.accounts] == [("ben", False), (None, True)]
    gone = changes_of("Issue", an_issue(), action="remove")
    assert [account.handle for account in gone.accounts] == ["ada"]


@pytest.mark.parametrize(
    ("actor", "expected"),
    [
        ({"id": "o1", "name": "Claude", "type": "oauthClient"}, Account("linear:o1", "Claude", is_bot=True)),
        ({"id": "n1", "service": "github", "type": "integration"}, Account("linear:n1", "github", is_bot=True)),
        (
            {"id": "e1", "name": "Eve", "email": "eve@partner.example", "type": "externalUser"},
            Account("linear:e1", "Eve", email_hash=hash_email("eve@partner.example")),
        ),
        ({"id": "u1", "name": "Uma"}, Account("linear:u1", "Uma")),
    ],
)
def test_actors_are_accounts_and_apps_are_bots(actor: Payload, expected: Account) -> None:
    assert changes_of("Issue", an_issue(), action="remove", actor=actor).accounts == (expected,)


def test_a_workflow_that_touches_an_issue_did_not_write_it() -> None:
    bot = {"id": "b1", "type": "workflow", "name": "Linear", "avatarUrl": None}
    author = issue_draft(botActor=bot).author
    assert author is not None
    assert author.handle == "ada"
    written = issue_draft(botActor=bot, creator=None, creatorId=None)
    assert written.author == Account("linear:b1", "Linear", is_bot=True)
    assert written.observations == ()
    nameless = issue_draft(botActor={"type": "slack"}, creator=None, creatorId=None)
    assert nameless.author == Account("linear-login:slack", "slack", is_bot=True)


# --- privacy


@pytest.mark.parametrize(
    ("team", "privacy"),
    [
        ({"private": True}, Privacy.PRIVATE),
        ({"visibility": "private"}, Privacy.PRIVATE),
        ({"visibility": "restricted"}, Privacy.PRIVATE),
        ({"private": False, "visibility": "public"}, Privacy.ORG),
        ({}, Privacy.ORG),
    ],
)
def test_what_a_closed_team_writes_is_private(team: Payload, privacy: Privacy) -> None:
    nodes = {"nodes": [an_api_comment("Decision: keep them.")]}
    for draft in changes_of("Issue", an_api_issue(team=TEAM | team, comments=nodes), action="observed").drafts:
        assert draft.privacy is privacy
        assert {seen.privacy for seen in draft.observations} == {privacy}
    comment = a_comment()
    comment["issue"] = comment["issue"] | {"team": TEAM | team}
    assert draft_of("Comment", comment).privacy is privacy


def test_a_project_is_private_only_if_all_its_teams_are() -> None:
    closed, open_ = TEAM | {"private": True}, TEAM | {"private": False}
    project = a_project()
    both = draft_of("Project", project | {"teams": {"nodes": [closed, open_]}}, action="observed")
    assert both.privacy is Privacy.ORG
    alone = draft_of("Project", project | {"teams": {"nodes": [closed]}}, action="observed")
    assert alone.privacy is Privacy.PRIVATE


# --- what is not read, and what cannot be


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


# --- envelopes


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

"""Linear's members, guests of other systems and apps as accounts."""

from __future__ import annotations

import pytest
from linear_payloads import ADA, APP_USER, BEN, Payload, an_issue, changes_of, draft_of, issue_draft

from neural_memory_pipelines.domain.accounts import Account, hash_email


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

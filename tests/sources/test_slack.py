"""Events of Slack become parts of threads, facts of channels, and accounts."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from slack_payloads import (
    ADA,
    BEN,
    CHANNEL,
    DIRECT,
    GROUP,
    LATER,
    ROOT,
    THREAD,
    Payload,
    about_channel,
    bot_message,
    changed,
    changes_of,
    deleted,
    edited,
    event,
    message,
    reply,
    skip_of,
    tombstone,
    ts,
)

from neural_memory_pipelines.domain.accounts import hash_email
from neural_memory_pipelines.domain.documents import Changes, PartDraft, Skip
from neural_memory_pipelines.domain.events import SkipReason
from neural_memory_pipelines.errors import InvalidEventError
from neural_memory_pipelines.sources.slack import envelope_fields, parse, subject


def part_of(changes: Changes, part_id: str = ROOT) -> PartDraft:
    (part,) = [part for part in changes.parts if part.part_id == part_id]
    return part


def facts_of(changes: Changes) -> dict[str, Any]:
    return {part.part_id: part.content for part in changes.parts if part.source_id == part.context_id}


AT = datetime(2026, 1, 2, 10, 0, 0, 100, tzinfo=UTC)


def test_a_message_is_a_part_of_the_thread_that_it_begins() -> None:
    part = part_of(changes_of(message()))
    assert (part.source, part.source_id, part.context_id, part.as_of) == ("slack", THREAD, CHANNEL, AT)
    assert part.content == {"user": ADA, "text": "We keep carts for a week now."}


@pytest.mark.parametrize("subtype", [None, "thread_broadcast", "me_message", "file_share"])
def test_a_reply_is_a_part_of_its_thread(subtype: str | None) -> None:
    changes = changes_of(reply(5, "Since when?", subtype=subtype))
    assert part_of(changes, ts(5)).source_id == THREAD


def test_a_mention_of_the_app_is_the_same_part_as_the_message() -> None:
    mention = {**message(), "type": "app_mention"}
    del mention["channel_type"]
    assert part_of(changes_of(mention)) == part_of(changes_of(message()))


def test_a_message_is_the_same_part_with_names_and_without() -> None:
    bare = {key: value for key, value in message().items() if key != "user_profile"}
    users = {ADA: {"id": ADA, "name": "ada", "real_name": "Ada Lovelace"}}
    assert part_of(changes_of(bare, users=users)) == part_of(changes_of(message())) == part_of(changes_of(bare))


def test_an_edit_is_as_of_its_event_and_one_that_came_whole_as_of_the_edit() -> None:
    new = message("For two weeks.")
    assert part_of(changes_of(edited(new, at=ts(9)))).as_of == datetime(2026, 1, 2, 10, 9, 0, 100, tzinfo=UTC)
    whole = {**new, "edited": {"user": ADA, "ts": f"{ts(9)[:-6]}000000"}}
    assert part_of(changes_of(whole)).as_of == datetime(2026, 1, 2, 10, 9, tzinfo=UTC)
    assert part_of(changes_of({**new, "edited": {}})).as_of == AT


def test_a_link_that_was_unfurled_makes_a_message_later_than_it_was_without() -> None:
    unfurled = message(attachments=[{"from_url": "https://example.org/a", "title": "A", "text": "long"}])
    assert part_of(changes_of(unfurled)).as_of > AT
    assert part_of(changes_of(changed(unfurled, at=ts(1)))).as_of == datetime(2026, 1, 2, 10, 1, 0, 100, tzinfo=UTC)


@pytest.mark.parametrize("body", [deleted(reply(3, "x"), at=ts(8)), tombstone(reply(3, "x"), at=ts(8))])
def test_a_deletion_is_as_of_its_event_and_has_no_content(body: Payload) -> None:
    part = part_of(changes_of(body), ts(3))
    assert (part.source_id, part.content) == (THREAD, None)
    assert part.as_of == datetime(2026, 1, 2, 10, 8, 0, 100, tzinfo=UTC)


def test_a_deletion_without_the_last_state_marks_the_message_in_its_channel() -> None:
    changes = changes_of(deleted(reply(3, "x"), at=ts(8), previous_message=None))
    assert facts_of(changes)[f"gone/{ts(3)}"] == {"is_deleted": True}


def test_what_is_said_of_a_channel_holds_for_the_time_of_the_event() -> None:
    late = changed(message(channel_type="group"), at=LATER, channel_type="group")
    (fact,) = [part for part in changes_of(late).parts if part.part_id == "channel/privacy"]
    assert fact.as_of == datetime.fromtimestamp(1767900000, UTC)
    assert fact.content == {"is_private": True, "is_direct": False}


@pytest.mark.parametrize(
    ("body", "facts"),
    [
        (message(), {"channel/name": {"name": "shop"}, "channel/privacy": {"is_private": False, "is_direct": False}}),
        (message(channel=GROUP, channel_type=None), {"channel/privacy": {"is_private": True, "is_direct": False}}),
        (message(channel=DIRECT, channel_type="im"), {"channel/privacy": {"is_private": True, "is_direct": True}}),
        (message(channel_type="mpim"), {"channel/privacy": {"is_private": True, "is_direct": True}}),
        (message(channel_type=None), {}),
        (
            message(subtype="channel_convert_to_private", channel_type="channel"),
            {"channel/privacy": {"is_private": True}},
        ),
        (
            message(subtype="channel_convert_to_public", channel_type="group"),
            {"channel/privacy": {"is_private": False}},
        ),
        (message(subtype="channel_name", name="store", old_name="shop"), {"channel/name": {"name": "store"}}),
        (message(subtype="channel_archive"), {"channel/archived": {"is_archived": True}}),
        (about_channel("channel_archive"), {"channel/archived": {"is_archived": True}}),
        (about_channel("channel_unarchive"), {"channel/archived": {"is_archived": False}}),
        (about_channel("group_archive"), {"channel/privacy": {"is_private": True, "is_direct": False}}),
        (about_channel("channel_deleted"), {"channel/deleted": {"is_deleted": True}}),
        (
            about_channel("channel_rename", channel={"id": CHANNEL, "name": "store"}),
            {"channel/name": {"name": "store"}},
        ),
        (
            about_channel("channel_observed", channel={"id": CHANNEL, "name": "shop", "is_private": False}),
            {"channel/privacy": {"is_private": False, "is_direct": False}},
        ),
    ],
)
def test_each_fact_of_a_channel_is_a_part_of_its_own(body: Payload, facts: dict[str, Any]) -> None:
    found = facts_of(changes_of(body))
    for fact, content in facts.items():
        assert found[fact] is not None
        assert content.items() <= found[fact].items()
    if not facts:
        assert "channel/privacy" not in found


def test_a_rename_says_nothing_of_privacy() -> None:
    body = about_channel(
        "channel_rename", channel={"id": CHANNEL, "name": "store", "is_channel": True, "is_mpim": False}
    )
    assert set(facts_of(changes_of(body))) == {"channel/name"}


@pytest.mark.parametrize(
    ("body", "reason", "detail"),
    [
        (message(subtype="channel_join"), SkipReason.TRIVIAL, "channel_join"),
        (message(subtype="message_replied"), SkipReason.TRIVIAL, "message_replied"),
        (changed(message(subtype="channel_topic"), at=LATER), SkipReason.TRIVIAL, "channel_topic"),
        ({"type": "reaction_added", "user": ADA}, SkipReason.UNSUPPORTED_EVENT, "reaction_added"),
        (about_channel("channel_created", channel={"id": CHANNEL}), SkipReason.EMPTY, "channel_created"),
    ],
)
def test_what_yields_nothing_says_why(body: Payload, reason: SkipReason, detail: str) -> None:
    skip = skip_of(body, channel_name=None)
    assert (skip.reason, skip.detail) == (reason, detail)


def test_a_word_of_slack_to_the_app_is_no_event() -> None:
    hello = replace(event({}), payload={"type": "url_verification", "challenge": "3eZbrw1aB"})
    assert parse(hello) == Skip(SkipReason.UNSUPPORTED_EVENT, detail=hello.action)


# --- people


def test_the_names_of_a_threads_people_are_parts_of_the_thread() -> None:
    users = {
        ADA: {"id": ADA, "name": "ada", "real_name": "Ada King", "is_bot": False, "updated": 1767900000},
        BEN: {"id": BEN, "name": "ben", "profile": {"real_name": "", "display_name": "Benny"}},
        "U0EVE": {"id": "U0EVE", "name": "eve"},
    }
    changes = changes_of(message(f"<@{BEN}> look", ADA), users=users)
    people = {part.part_id: part for part in changes.parts if part.part_id.startswith("person/")}
    assert {key: part.content for key, part in people.items()} == {
        f"person/{ADA}": {"name": "Ada King", "handle": "ada", "is_bot": False},
        f"person/{BEN}": {"name": "Benny", "handle": "ben"},
    }
    assert {part.source_id for part in people.values()} == {THREAD}
    # A user object that changed later than the message was sent knows better than the message.
    assert people[f"person/{ADA}"].as_of == datetime.fromtimestamp(1767900000, UTC)
    assert people[f"person/{BEN}"].as_of == AT


@pytest.mark.parametrize("kind", ["team_join", "user_change"])
def test_users_become_accounts_with_a_hashed_address(kind: str) -> None:
    user = {
        "id": ADA,
        "name": "ada",
        "real_name": "Ada Lovelace",
        "is_bot": False,
        "profile": {"email": "Ada@Acme.example"},
    }
    (account,) = changes_of({"type": kind, "user": user}).accounts
    assert (account.provider_id, account.name, account.handle, account.is_bot) == (
        "slack:U0ADA",
        "Ada Lovelace",
        "ada",
        False,
    )
    assert (account.email_hash, account.email_verified) == (hash_email("ada@acme.example"), True)
    (unconfirmed,) = changes_of({"type": kind, "user": {**user, "is_email_confirmed": False}}).accounts
    assert not unconfirmed.email_verified


def test_a_list_of_users_is_one_event_and_bots_are_marked() -> None:
    users = [
        {"id": ADA, "name": "ada"},
        {"id": "U0APP", "name": "app", "is_bot": True},
        {"id": "USLACKBOT", "name": "slackbot"},
    ]
    accounts = changes_of({"type": "users_observed", "users": users}).accounts
    assert [(account.handle, account.is_bot, account.email_verified) for account in accounts] == [
        ("ada", False, False),
        ("app", True, False),
        ("slackbot", True, False),
    ]
    assert skip_of({"type": "users_observed", "users": []}).reason is SkipReason.EMPTY


def test_a_bots_message_is_marked_and_keeps_the_bots_name() -> None:
    assert part_of(changes_of(bot_message())).content == {
        "bot": "B0BOT",
        "name": "alerts",
        "is_bot": True,
        "text": "Disk of db-1 is at 91 %.",
    }
    by_app = message("Deployed.", "U0APP", bot_id="B0BOT", bot_profile={"name": "deployer"})
    content = part_of(changes_of(by_app)).content
    assert content is not None
    assert (content["user"], content["is_bot"], content["name"]) == ("U0APP", True, "deployer")
    # Slack sends a person's profile with what the person wrote, through whatever app.
    assert "is_bot" not in (part_of(changes_of(message(bot_id="B0BOT"))).content or {})


# --- what hangs on a message


def test_of_an_unfurled_link_only_title_and_address_are_kept() -> None:
    unfurls = [
        {"from_url": "https://example.org/a", "title": "A <page>", "text": "All of the page."},
        {
            "from_url": "https://acme.slack.com/archives/C1/p1767348000000100",
            "is_msg_unfurl": True,
            "title": "t",
            "text": "secret",
        },
    ]
    content = part_of(changes_of(message(attachments=unfurls))).content
    assert content is not None
    assert content["attachments"] == [
        "<https://example.org/a|A (page)>",
        "<https://acme.slack.com/archives/C1/p1767348000000100>",
    ]


def test_attachments_blocks_and_files_say_what_a_reader_sees() -> None:
    alert = bot_message(
        "",
        attachments=[
            {
                "fallback": "no",
                "pretext": "Alert",
                "title": "Disk",
                "title_link": "https://example.org/d",
                "text": "91 %",
                "fields": [{"title": "Host", "value": "db-1"}, None],
            },
            {"fallback": "only this"},
            {"color": "good"},
        ],
        files=[{"name": "a.txt", "title": "Log"}, {"name": "b.txt"}, {"name": "c", "mode": "tombstone"}],
    )
    content = part_of(changes_of(alert)).content
    assert content is not None
    assert content["attachments"] == ["Alert\n<https://example.org/d|Disk>\n91 %\nHost: db-1", "only this"]
    assert content["files"] == ["Log", "b.txt"]
    assert "text" not in content


def test_blocks_are_read_where_there_is_no_text() -> None:
    blocks = [
        {"type": "header", "text": {"type": "plain_text", "text": "Deploy <1>"}},
        {
            "type": "section",
            "text": {"type": "mrkdwn", "text": "*2.5.0* is out"},
            "fields": [{"type": "mrkdwn", "text": "f"}],
        },
        {
            "type": "rich_text",
            "elements": [
                {
                    "type": "rich_text_section",
                    "elements": [
                        {"type": "text", "text": "see ", "style": {"bold": True}},
                        {"type": "link", "url": "https://example.org", "text": "notes"},
                        {"type": "user", "user_id": ADA},
                        {"type": "emoji", "name": "tada"},
                    ],
                },
                {
                    "type": "rich_text_list",
                    "elements": [{"type": "rich_text_section", "elements": [{"type": "text", "text": "one"}]}],
                },
                {"type": "rich_text_preformatted", "elements": [{"type": "text", "text": "make"}]},
            ],
        },
        {"type": "divider"},
        {"type": "unheard_of", "text": 7},
    ]
    for text in ("", "This content can't be displayed."):
        content = part_of(changes_of(bot_message(text, blocks=blocks))).content
        assert content is not None
        assert content["text"] == (
            "Deploy &lt;1&gt;\n*2.5.0* is out\nf\n*see* <https://example.org|notes><@U0ADA>:tada:\n- one\n\n```make```"
        )
    content = part_of(changes_of(message("Words.", blocks=blocks))).content
    assert content is not None
    assert content["text"] == "Words."


# --- faults, subjects, envelopes


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        ({"channel": CHANNEL}, "payload.event.type: required, but missing"),
        ({**message(), "ts": 5}, "payload.event.ts: expected a string, got an integer"),
        (
            {**message(), "ts": "yesterday"},
            "payload.event.ts: expected a time of Slack such as '1355517523.000005', got 'yesterday'",
        ),
        (message(channel="a/b"), "payload.event.channel: expected an id of letters and digits, got 'a/b'"),
        ({"type": "message", "channel": CHANNEL}, "payload.event.ts: required, but missing"),
        (changed(message(), at=LATER, message=None), "payload.event.message: expected an object, got null"),
        (
            changed(message(), at=LATER, message={"ts": ROOT, "text": 5}),
            "payload.event.message.text: expected a string",
        ),
        (deleted(message(), at=LATER, previous_message=None, deleted_ts=None), "payload.event.deleted_ts: required"),
        ({"type": "channel_deleted"}, "payload.event.channel: required, but missing"),
        ({"type": "channel_deleted", "channel": None}, "payload.event.channel: expected an object, got null"),
        ({"type": "user_change", "user": "U1"}, "payload.event.user: expected an object"),
        ({"type": "users_observed", "users": [5]}, "payload.event.users[0]: expected an object, got an integer"),
    ],
)
def test_a_fault_is_told_by_its_path(body: Payload, fault: str) -> None:
    with pytest.raises(InvalidEventError) as raised:
        parse(event(body))
    assert str(raised.value).startswith(fault)


def test_the_subject_of_an_event_is_its_thread() -> None:
    assert subject(event(reply(3, "x"))) == THREAD
    assert subject(event(edited(reply(3, "x"), at=LATER))) == THREAD
    assert subject(event(deleted(reply(3, "x"), at=LATER))) == THREAD
    assert subject(event(about_channel("channel_archive"))) is None
    assert subject(event(message(subtype="channel_archive"))) is None
    assert subject(event({"type": "message"})) is None


def test_a_bare_event_makes_its_own_envelope() -> None:
    payload = {"type": "event_callback", "event_id": "Ev9", "event_time": 1767348000, "event": message()}
    fields = envelope_fields(payload)
    assert (fields.action, fields.occurred_at, fields.idempotency_key) == ("message", AT, "slack:Ev9")
    with pytest.raises(InvalidEventError, match=r"payload\.event_id: required"):
        envelope_fields({"type": "event_callback", "event": message()})

"""Threads are put together from their parts, the same in whatever order these came."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from slack_payloads import (
    ADA,
    BEN,
    CHANNEL,
    DIRECT,
    LATER,
    ROOT,
    THREAD,
    Parts,
    Payload,
    about_channel,
    bot_message,
    changed,
    deleted,
    draft_of,
    edited,
    event,
    message,
    outcome_of,
    reply,
    tombstone,
    ts,
)

from neural_memory_pipelines.domain.accounts import Account
from neural_memory_pipelines.domain.documents import Privacy, Skip, SourceDraft
from neural_memory_pipelines.domain.events import SkipReason
from neural_memory_pipelines.domain.graph import EdgeType

HISTORY: list[Payload] = [
    message(f"Carts vanish at night, see <https://github.com/acme/shop/issues/5>, <@{BEN}>?"),
    reply(1, "Which ones?"),
    reply(2, "All of them, since the new release went out."),
    reply(3, "Never mind me.", ADA),
    edited(reply(2, "All of them, since 2.5.0 went out."), at=ts(4)),
    edited(reply(2, "All of them, since 2.5.1 went out."), at=ts(5)),
    changed(
        message(f"Carts vanish at night, see <https://github.com/acme/shop/issues/5>, <@{BEN}>?")
        | {"attachments": [{"from_url": "https://github.com/acme/shop/issues/5", "title": "Carts vanish"}]},
        at=ts(6),
    ),
    deleted(reply(3, "Never mind me.", ADA), at=ts(7)),
    reply(8, "Decision: we keep carts for a week."),
    bot_message("Issue closed.", ts=ts(9), thread_ts=ROOT),
    about_channel("channel_rename", ts(10), channel={"id": CHANNEL, "name": "store"}),
    message("made this channel private", ADA, subtype="channel_convert_to_private", channel_type="group", ts=ts(11)),
    about_channel("group_archive", ts(12)),
    message("A second thread, deleted before it came.", BEN, ts=ts(20), channel_type="group"),
    tombstone(message("A second thread, deleted before it came.", BEN, ts=ts(20), channel_type="group"), at=ts(21)),
    deleted(reply(22, "Nobody knows where this was.", channel_type="group"), at=ts(23), previous_message=None),
    reply(22, "Nobody knows where this was.", channel_type="group"),
]


@settings(max_examples=80, deadline=None)
@given(st.permutations(range(len(HISTORY))), st.lists(st.integers(0, len(HISTORY) - 1), max_size=5))
def test_the_order_of_events_makes_no_difference(order: list[int], twice: list[int]) -> None:
    events = [event(HISTORY[number], f"slack:Ev{number}", channel_name=None) for number in (*order, *twice)]
    in_order = [event(body, f"slack:Ev{number}", channel_name=None) for number, body in enumerate(HISTORY)]
    assert Parts().put(events).documents() == Parts().put(in_order).documents()


def test_a_history_ends_as_its_last_state() -> None:
    draft = draft_of(*HISTORY, channel_name=None)
    assert draft.body == (
        "# #store: Carts vanish at night, see https://github.com/acme/shop/issues/5, @Ben Okri?\n\n"
        "**Ada Lovelace** (2026-01-02 10:00 UTC):\n"
        "Carts vanish at night, see https://github.com/acme/shop/issues/5, @Ben Okri?\n\n"
        "[Carts vanish](https://github.com/acme/shop/issues/5)\n\n"
        "**Ben Okri** (2026-01-02 10:01 UTC):\nWhich ones?\n\n"
        "**Ben Okri** (2026-01-02 10:02 UTC):\nAll of them, since 2.5.1 went out.\n\n"
        "**Ben Okri** (2026-01-02 10:08 UTC):\nDecision: we keep carts for a week.\n\n"
        "**alerts** (2026-01-02 10:09 UTC):\nIssue closed."
    )
    assert (draft.type, draft.state, draft.privacy) == ("thread", "archived", Privacy.PRIVATE)
    assert draft.occurred_at.isoformat() == "2026-01-02T10:09:00.000100+00:00"
    assert draft.metadata == {
        "channel": CHANNEL,
        "channel_name": "store",
        "participants": [ADA, BEN],
        "message_count": 5,
    }
    (gone,) = {key for key in Parts().put(event(body) for body in HISTORY).documents() if key.endswith(ts(20))}
    outcome = outcome_of(*HISTORY, source_id=gone)
    assert isinstance(outcome, Skip)
    assert outcome.reason is SkipReason.EMPTY


def test_people_speak_first_and_all_are_accounts() -> None:
    users = {"U0EVE": {"id": "U0EVE", "name": "eve", "real_name": "Eve Arden"}}
    draft = draft_of(bot_message(), reply(1, "On it, <@U0EVE> is, too, and <@U0WHO>."), users=users)
    assert draft.author == Account("slack:U0BEN", "Ben Okri", handle="ben")
    assert draft.accounts == (
        Account("slack:B0BOT", "alerts", is_bot=True),
        Account("slack:U0EVE", "Eve Arden", handle="eve"),
    )


def test_a_link_to_any_message_is_one_to_the_thread() -> None:
    draft = draft_of(message(), reply(1, "See above: <https://acme.slack.com/archives/C024BE91L/p1767348000000100>."))
    assert draft.handles == (f"slack:{CHANNEL}/{ts(1)}".lower(),)
    assert draft.links == ()


def test_references_and_mentions_point_at_their_words() -> None:
    text = f"<@{BEN}> <@{BEN}|ben>: SHOP-12 is <https://github.com/acme/shop/issues/5|this>, `SHOP-13` is not. SHOP-12!"
    draft = draft_of(message(text), reply(1, "Yes."))
    links = [(link.type, link.target and link.target.handle, draft.body[link.start : link.end]) for link in draft.links]
    assert links == [
        (EdgeType.REFERENCES, "linear:shop-12", "SHOP-12"),
        (EdgeType.REFERENCES, "github:acme/shop#5", "https://github.com/acme/shop/issues/5"),
        (EdgeType.MENTIONS, "slack:U0BEN", "@Ben Okri"),
    ]
    assert draft.links[-1].start == draft.body.index("@Ben Okri", draft.body.index("UTC"))


def test_bots_are_not_mentioned_as_people() -> None:
    text = "<@U0APP> <@USLACKBOT> <@U0SEEN> please close the books for May"
    users = {"U0SEEN": {"id": "U0SEEN", "name": "robot", "is_bot": True}}
    draft = draft_of(message(text), users=users, authorizations=[{"user_id": "U0APP", "is_bot": True}])
    assert [link for link in draft.links if link.type is EdgeType.MENTIONS] == []


def test_links_are_bounded() -> None:
    text = " ".join(f"SHOP-{number} <@U{number}>" for number in range(1, 400))
    draft = draft_of(message(text))
    assert [sum(link.type is kind for link in draft.links) for kind in (EdgeType.REFERENCES, EdgeType.MENTIONS)] == [
        200,
        200,
    ]


# --- titles


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("*sev1* payments stop. I lead.", "#shop: sev1 payments stop."),
        ("<@U0BEN>, <@U0EVE> and <@U0JO>: look at this page of mine", "#shop: look at this page of mine"),
        ("<@U0BEN>: ```x```", "#shop: Ada Lovelace, 2026-01-02"),
        ("No. We do not, and here is why", "#shop: No. We do not, and here is why"),
        ("<https://example.org|The plan> for `June`", "#shop: The plan for June"),
        ("```\nx = 1\n```", "#shop: Ada Lovelace, 2026-01-02"),
        ("&gt; what you said\nI agree with all of it", "#shop: I agree with all of it"),
        ("word " * 60, "#shop: " + "word " * 21 + "word…"),
    ],
)
def test_a_title_is_the_channel_and_the_first_sentence(text: str, title: str) -> None:
    assert draft_of(message(text)).title == title


def test_a_direct_message_is_called_so() -> None:
    body = message("Between us: too much work.", channel=DIRECT, channel_type="im")
    draft = draft_of(body, source_id=f"{DIRECT}/{ROOT}", channel_name=None)
    assert (draft.title, draft.privacy) == ("Direct message: Between us: too much work.", Privacy.PRIVATE)


def test_files_are_named() -> None:
    draft = draft_of(message("", files=[{"name": "plan.pdf"}, {"title": "Costs *2026*"}]))
    assert draft.body.endswith("UTC):\nFiles: plan.pdf, Costs *2026*")


# --- privacy


@pytest.mark.parametrize(
    ("channel_type", "privacy"), [("channel", Privacy.ORG), ("group", Privacy.PRIVATE), ("mpim", Privacy.PRIVATE)]
)
def test_privacy_is_that_of_the_channel(channel_type: str, privacy: Privacy) -> None:
    draft = draft_of(message("Decision: we keep carts for a week.", channel_type=channel_type))
    assert draft.privacy is privacy
    assert [observation.privacy for observation in draft.observations] == [privacy]


def test_a_thread_whose_channel_nobody_called_public_is_private() -> None:
    assert draft_of(message(channel_type=None)).privacy is Privacy.PRIVATE


def test_a_message_in_another_thread_makes_all_private() -> None:
    elsewhere = message("Elsewhere.", BEN, ts=ts(50), channel_type="group")
    assert draft_of(message(), elsewhere).privacy is Privacy.PRIVATE
    back = message(subtype="channel_convert_to_public", ts=ts(60))
    assert draft_of(back, message(), elsewhere).privacy is Privacy.ORG


# --- what makes no document


@pytest.mark.parametrize(
    ("bodies", "reason"),
    [
        ([bot_message()], SkipReason.BOT_AUTHOR),
        ([bot_message(), bot_message("Over.", ts=ts(1), thread_ts=ROOT)], SkipReason.BOT_AUTHOR),
        ([bot_message(), reply(1, "thanks!")], SkipReason.TRIVIAL),
        ([message("thanks! :pray:")], SkipReason.TRIVIAL),
        ([message("<@U0BEN> +1")], SkipReason.TRIVIAL),
        ([message(":tada: :tada: :tada: :tada: :tada: :tada:")], SkipReason.TRIVIAL),
        ([message("good morning"), reply(1, "hi"), reply(2, ":wave:")], SkipReason.TRIVIAL),
        ([message("&lt;3 you all")], SkipReason.TRIVIAL),
        ([message("ありがとう")], SkipReason.TRIVIAL),
        ([message("")], SkipReason.EMPTY),
        ([message(), about_channel("channel_deleted")], SkipReason.EMPTY),
        ([message(), tombstone(message(), at=LATER)], SkipReason.EMPTY),
    ],
)
def test_what_is_no_document_says_why(bodies: list[Payload], reason: SkipReason) -> None:
    outcome = outcome_of(*bodies)
    assert isinstance(outcome, Skip)
    assert outcome.reason is reason


@pytest.mark.parametrize(
    "body",
    [
        message("see <https://example.org>"),
        message("fixed SHOP-12"),
        message("`make run`"),
        message("Decision: Postgres."),
        message("", files=[{"name": "plan.pdf"}]),
        message("来週から夜間のバックアップは止めます"),
        message("The backup runs at night"),
    ],
)
def test_a_short_message_with_something_in_it_is_kept(body: Payload) -> None:
    assert draft_of(body).type == "message"


def test_a_thread_of_substance_keeps_its_small_talk_and_its_bots() -> None:
    draft = draft_of(message(), bot_message("Noted.", ts=ts(1), thread_ts=ROOT), reply(2, "thanks!"))
    assert draft.metadata["message_count"] == 3
    assert [line for line in draft.body.splitlines() if line in {"Noted.", "thanks!"}] == ["Noted.", "thanks!"]


def test_a_bot_that_an_export_knows_to_be_a_person_is_one() -> None:
    body: dict[str, Any] = message("Posted by my script, all done.", ADA, bot_id="B0BOT", user_profile=None)
    assert isinstance(outcome_of(body), Skip)
    users = {ADA: {"id": ADA, "name": "ada", "is_bot": False}}
    assert isinstance(outcome_of(body, users=users), SourceDraft)


def test_replies_whose_first_message_is_gone_go_on() -> None:
    draft = draft_of(message(), reply(1, "Since when do we do that?"), tombstone(message(), at=ts(2)))
    assert (draft.title, draft.source_id) == ("#shop: Since when do we do that?", THREAD)


def test_a_message_of_nobody_has_no_author() -> None:
    draft = draft_of(message(f"<@{BEN}> we keep carts for a week", None), users={BEN: {"id": BEN, "name": "ben"}})
    assert draft.author is None
    assert [account.handle for account in draft.accounts] == ["ben"]
    assert "**Somebody** (2026-01-02 10:00 UTC):" in draft.body


def test_a_comment_on_a_file_is_by_who_made_it() -> None:
    body = message("<@U0ADA> commented on a file, at length", None, subtype="file_comment", comment={"user": ADA})
    assert draft_of(body, users={ADA: {"id": ADA, "name": "ada"}}).author == Account("slack:U0ADA", "ada", handle="ada")

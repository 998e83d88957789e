"""Slack payloads as they come: damaged ones, hostile ones, a real export, the sample workspace."""

from __future__ import annotations

import copy
import json
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from slack_payloads import (
    ADA,
    BEN,
    CHANNEL,
    LATER,
    THREAD,
    Parts,
    Payload,
    about_channel,
    bot_message,
    changed,
    deleted,
    edited,
    event,
    message,
    outcome_of,
    reply,
    tombstone,
)

from neural_memory_pipelines.domain.documents import Changes, Privacy, Skip, SourceDraft
from neural_memory_pipelines.domain.events import SourceEvent
from neural_memory_pipelines.domain.ids import WorkspaceId
from neural_memory_pipelines.errors import InvalidEventError
from neural_memory_pipelines.sources.envelope import decode_envelope
from neural_memory_pipelines.sources.slack import envelope_fields, parse, subject
from neural_memory_pipelines.steps.event_files import Fault
from neural_memory_pipelines.steps.slack_export import read_slack_export

_ResultT = TypeVar("_ResultT")
HARBOR = Path(__file__).parents[2] / "samples" / "harbor" / "slack.jsonl"

_USER = {"id": ADA, "name": "ada", "updated": 1767348000, "profile": {"email": "ada@acme.example"}}
_BLOCKS = [
    {"type": "section", "text": {"type": "mrkdwn", "text": "*x*"}, "fields": [{"type": "mrkdwn", "text": "f"}]},
    {"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": [{"type": "text", "text": "t"}]}]},
]
_ATTACHMENTS = [{"title": "t", "title_link": "https://example.org", "fields": [{"title": "a", "value": "b"}]}]
_FULL = message(
    f"<@{BEN}> Decision: go, SHOP-12",
    attachments=[*_ATTACHMENTS, {"from_url": "https://example.org", "title": "x"}],
    files=[{"name": "a"}],
    edited={"user": ADA, "ts": LATER},
)
_SEEDS: list[Payload] = [
    _FULL,
    reply(1, "Since when?"),
    bot_message("", blocks=_BLOCKS, attachments=_ATTACHMENTS, bot_profile={"name": "b"}),
    edited(_FULL, at=LATER),
    changed(reply(2, "x"), at=LATER),
    deleted(reply(2, "x"), at=LATER),
    tombstone(message(), at=LATER),
    message(subtype="channel_convert_to_private"),
    about_channel("channel_rename", channel={"id": CHANNEL, "name": "store"}),
    about_channel("channel_deleted"),
    {"type": "user_change", "user": _USER},
    {"type": "users_observed", "users": [_USER]},
]
_JUNK = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(st.characters(codec=None), max_size=30),
    st.sampled_from(
        [
            "9" * 5000,
            10**100,
            f"{'9' * 10}.{'9' * 6}",
            "\u0663\u0663.\u0660\u0660\u0660\u0660\u0660\u0660",
            "<@|>",
            "https://[",
        ]
    ),
    st.lists(st.none() | st.integers() | st.text(max_size=3), max_size=3),
    st.dictionaries(st.text(max_size=5), st.none() | st.integers(), max_size=3),
)


def _paths(value: Any, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    steps = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    below = [found for step, inner in steps for found in _paths(inner, (*path, step))]
    return [path, *below] if path else below


@st.composite
def damaged_events(draw: st.DrawFn) -> SourceEvent:
    body = copy.deepcopy(draw(st.sampled_from(_SEEDS)))
    payload: dict[str, Any] = {
        "type": "event_callback",
        "event_id": "Ev1",
        "event_time": 1767348000,
        "event": body,
        "channel_name": "shop",
        "users": {ADA: copy.deepcopy(_USER)},
        "authorizations": [{"user_id": "U0APP", "is_bot": True}],
    }
    for _ in range(draw(st.integers(1, 3))):
        *above, last = draw(st.sampled_from(_paths(payload)))
        holder: Any = payload
        for step in above:
            holder = holder[step]
        if draw(st.booleans()):
            holder[last] = draw(_JUNK)
        else:
            del holder[last]
        if not payload or not isinstance(payload.get("event", {}), dict):
            break
    whole = event({})
    return SourceEvent(whole.workspace_id, "o", "slack", "message", whole.occurred_at, "key", payload)


@settings(max_examples=800, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(damaged_events())
def test_nothing_but_invalid_event_errors_comes_out_of_a_damaged_payload(case: SourceEvent) -> None:
    outcome = or_refusal(lambda: parse(case))
    for result in (outcome, or_refusal(lambda: envelope_fields(case.payload))):
        if isinstance(result, InvalidEventError):
            assert str(result).startswith("payload")
    named = subject(case)
    if isinstance(outcome, Changes):
        assert outcome.parts or outcome.accounts
        assert named in {None, *(part.source_id for part in outcome.parts)}
        assert "ada@acme.example" not in repr(outcome)
        for document in Parts().put([event(_FULL, "slack:Ev0"), case]).documents().values():
            assert isinstance(document, Skip) or len(document.content_hash()) == 64


def or_refusal(call: Callable[[], _ResultT]) -> _ResultT | InvalidEventError:
    try:
        return call()
    except InvalidEventError as error:
        return error


def test_what_is_nested_too_deep_to_be_read_is_passed_over() -> None:
    deep: Any = []
    for _ in range(100_000):
        deep = [{"type": "rich_text", "elements": deep}]
    outcome = outcome_of(
        message("We keep carts for a week.", blocks=deep), bot_message("", ts="1767348001.000000", blocks=deep)
    )
    assert isinstance(outcome, SourceDraft)


_UNITS = ["*", "`", "``` ", "<@U1>", "[\\[", "&lt;!--", "~~~\n", "---\n", "decision: ", "we decided ", "!? ", " ", "あ"]


@pytest.mark.parametrize("unit", _UNITS)
def test_a_million_of_the_worst_characters_take_seconds(unit: str) -> None:
    text = (unit * 1_000_000)[:1_000_000]
    started = time.process_time()
    outcome = outcome_of(message(text), reply(1, "Resolved, say all of us here."))
    assert isinstance(outcome, SourceDraft)
    assert time.process_time() - started < 20


# --- real ones


def test_a_real_export_is_accounted_for(shared_data: Path) -> None:
    items = list(read_slack_export(shared_data / "slack_export" / "tests" / "testarchive.zip"))
    events = [
        SourceEvent(
            WorkspaceId("acme"), "o", "slack", item.action, item.occurred_at, item.idempotency_key, item.payload
        )
        for item in items
        if not isinstance(item, Fault)
    ]
    assert len(events) == len(items) == 158 + 2 + 1
    outcomes = [parse(item) for item in events]
    skipped = Counter(outcome.detail for outcome in outcomes if isinstance(outcome, Skip))
    assert skipped == {"channel_join": 8, "bot_add": 3}
    told = [outcome for outcome in outcomes if isinstance(outcome, Changes)]
    assert sum(len(outcome.accounts) for outcome in told if not outcome.parts) == 4
    assert len({account.provider_id for outcome in told for account in outcome.accounts}) == 4
    documents = Parts().put(events).documents()
    kinds = Counter(doc.type if isinstance(doc, SourceDraft) else doc.reason for doc in documents.values())
    assert sum(kinds.values()) == 147
    assert kinds["bot-author"] >= 90
    drafts = [document for document in documents.values() if isinstance(document, SourceDraft)]
    authors = [draft.author for draft in drafts if draft.author]
    assert len(authors) == len(drafts)
    assert not any(author.is_bot or author.provider_id.endswith(author.name) for author in authors)
    assert {draft.privacy for draft in drafts} == {Privacy.ORG}
    assert Parts().put(reversed(events)).documents() == documents


@pytest.mark.skipif(not HARBOR.is_file(), reason="the sample workspace is not there")
def test_the_sample_workspace_ends_as_its_threads() -> None:
    events = [decode_envelope(line) for line in HARBOR.read_text(encoding="utf-8").splitlines()]
    assert events
    assert all(item.action == envelope_fields(item.payload).action for item in events)
    documents = Parts().put(events).documents()
    drafts = {key: document for key, document in documents.items() if isinstance(document, SourceDraft)}
    skipped = [document.reason for document in documents.values() if isinstance(document, Skip)]
    assert (len(drafts), skipped) == (7, ["bot-author"])
    private = {key.partition("/")[0][0] for key, draft in drafts.items() if draft.privacy is Privacy.PRIVATE}
    assert private == {"D", "G"}
    tags = Counter(tag for draft in drafts.values() for observation in draft.observations for tag in observation.tags)
    assert tags == {"incident": 1, "resolution": 1, "decision": 1}


@pytest.mark.skipif(not HARBOR.is_file(), reason="the sample workspace is not there")
def test_every_span_of_the_sample_holds_the_words_that_carry_the_link() -> None:
    events = [decode_envelope(line) for line in HARBOR.read_text(encoding="utf-8").splitlines()]
    documents = Parts().put(events).documents().values()
    words = [
        (link.type, document.body[link.start : link.end])
        for document in documents
        if isinstance(document, SourceDraft)
        for link in document.links
    ]
    assert words == [
        ("REFERENCES", "https://github.com/harbor-labs/payments/issues/212"),
        ("MENTIONS", "@Tomás Ibarra"),
    ]


def test_the_parts_are_json() -> None:
    outcome = parse(event(_FULL))
    assert isinstance(outcome, Changes)
    assert {part.source_id for part in outcome.parts} == {THREAD, CHANNEL}
    assert json.loads(json.dumps([part.content for part in outcome.parts])) == [part.content for part in outcome.parts]

"""Messages: from the events that post, edit and delete them to the parts of their threads.

What a message is worth, and how a thread reads, is decided in `threads.py`, when all of its parts are known.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from neural_memory_pipelines.domain.documents import Changes, PartDraft, Skip
from neural_memory_pipelines.domain.events import SkipReason
from neural_memory_pipelines.domain.ids import Json
from neural_memory_pipelines.domain.text import clip
from neural_memory_pipelines.errors import InvalidEventError
from neural_memory_pipelines.sources.reading import member, read_model
from neural_memory_pipelines.sources.slack.block_kit import attachment_texts, blocks_text, file_names, is_unfurl
from neural_memory_pipelines.sources.slack.channels import (
    CHANNEL_SUBTYPES,
    DIRECT_TYPES,
    facts_of,
    gone_message,
    type_by_id,
)
from neural_memory_pipelines.sources.slack.payloads import Message, MessageEvent, moment
from neural_memory_pipelines.sources.slack.people import SLACKBOT, SOURCE, message_accounts, person_parts
from neural_memory_pipelines.sources.slack.reading import Callback

MESSAGE_EVENTS = frozenset({"message", "app_mention"})
"""A mention of the app comes as a message as well: both are the same part."""

_BODY = "payload.event"
_CHANGED, _DELETED, _TOMBSTONE = "message_changed", "message_deleted", "tombstone"
_BOT_SUBTYPES = frozenset({"bot_message", "slackbot_response"})
_SPOKEN_SUBTYPES = _BOT_SUBTYPES | {
    "thread_broadcast",
    "reply_broadcast",
    "file_share",
    "file_comment",
    "file_mention",
    "me_message",
}
"""Subtypes of messages that somebody wrote. All others are Slack's own notes: who joined, what was pinned.

Source: https://docs.slack.dev/reference/events/message, "Message subtypes".
"""

_NO_TEXT = "This content can't be displayed."
_BOT_NAME_LIMIT_CHARS = 80
# A link is unfurled after its message was posted, and nothing tells when: the least time that makes it later.
_UNFURLING = timedelta(microseconds=1)


def message_changes(callback: Callback) -> Changes | Skip:
    """Read an event about a message.

    Raises:
        InvalidEventError: a field is missing or wrong; the message gives its path.
    """
    event = read_model(MessageEvent, callback.body, _BODY)
    if event.subtype == _DELETED:
        return Changes(parts=(*_deletion(callback, event), *_facts(callback, event, callback.at)))
    if event.subtype in CHANNEL_SUBTYPES:
        return Changes(parts=_facts(callback, event, callback.at))
    message = _message(callback, event)
    if message.subtype == _TOMBSTONE:
        gone = PartDraft(SOURCE, _thread(event, message), message.ts, callback.at, None, context_id=event.channel)
        return Changes(parts=(gone, *_facts(callback, event, callback.at)))
    if message.subtype is not None and message.subtype not in _SPOKEN_SUBTYPES:
        return Skip(SkipReason.TRIVIAL, detail=message.subtype)
    as_of = _as_of(message)
    # What an event says of the channel holds for the time of the event, not for that of an older message.
    seen_at = moment(message.ts)
    if event.subtype == _CHANGED:
        as_of, seen_at = max(as_of, callback.at), callback.at
    source_id = _thread(event, message)
    part = PartDraft(SOURCE, source_id, message.ts, as_of, _content(message), context_id=event.channel)
    people = person_parts(callback, message, source_id=source_id, channel=event.channel, at=as_of)
    accounts = message_accounts(callback, message, is_bot=_is_bot(message))
    return Changes(parts=(part, *people, *_facts(callback, event, seen_at)), accounts=accounts)


def message_subject(callback: Callback) -> str | None:
    """Name the thread that an event about a message belongs to; None if it belongs to none."""
    event = read_model(MessageEvent, callback.body, _BODY)
    if event.subtype in CHANNEL_SUBTYPES:
        return None
    if event.subtype == _DELETED:
        return _deletion(callback, event)[0].source_id
    return _thread(event, _message(callback, event))


def _message(callback: Callback, event: MessageEvent) -> Message:
    if event.subtype == _CHANGED:
        return read_model(Message, member(callback.body, "message", _BODY), f"{_BODY}.message")
    return read_model(Message, callback.body, _BODY)


def _deletion(callback: Callback, event: MessageEvent) -> tuple[PartDraft, ...]:
    """Read what was deleted: its time, and from its last state the thread that it belonged to."""
    previous = callback.body.get("previous_message")
    before = read_model(Message, previous, f"{_BODY}.previous_message") if previous is not None else None
    ts = event.deleted_ts or (before.ts if before else None)
    if ts is None:
        raise InvalidEventError(f"{_BODY}.deleted_ts: required, but missing")
    at = max(callback.at, moment(ts), _as_of(before) if before else moment(ts))
    thread = before.root_ts if before else ts
    gone = PartDraft(SOURCE, f"{event.channel}/{thread}", ts, at, None, context_id=event.channel)
    # Without its last state it may have been a reply in any thread of the channel.
    return (gone,) if before else (gone, gone_message(event.channel, ts, at))


def _thread(event: MessageEvent, message: Message) -> str:
    return f"{event.channel}/{message.root_ts}"


def _as_of(message: Message) -> datetime:
    edited = message.edited.ts if message.edited else None
    at = max(moment(message.ts), moment(edited)) if edited else moment(message.ts)
    return at + _UNFURLING if any(map(is_unfurl, message.attachments or ())) else at


def _facts(callback: Callback, event: MessageEvent, at: datetime) -> tuple[PartDraft, ...]:
    says = CHANNEL_SUBTYPES.get(event.subtype or "", {})
    name = (event.name if event.subtype in CHANNEL_SUBTYPES else None) or callback.channel_name
    channel_type = _channel_type(event, is_private=says.get("is_private"))
    return facts_of(event.channel, at, name=name, channel_type=channel_type, is_archived=says.get("is_archived"))


def _channel_type(event: MessageEvent, *, is_private: bool | None) -> str | None:
    said = event.channel_type or type_by_id(event.channel)
    if is_private is None or (is_private and said in DIRECT_TYPES):
        return said
    return "group" if is_private else "channel"


def _content(message: Message) -> dict[str, Json]:
    """Gather what a thread needs of a message; nothing that depends on how it came to us."""
    is_bot = _is_bot(message)
    files = [*(message.files or ()), *((message.file,) if message.file else ())]
    found: dict[str, Json] = {
        "user": message.writer,
        "bot": message.bot_id if is_bot else None,
        "name": _bot_name(message) if is_bot else None,
        "is_bot": is_bot or None,
        "text": _words(message) or None,
        "attachments": attachment_texts(message.attachments) or None,
        "files": file_names(files) or None,
    }
    return {key: value for key, value in found.items() if value is not None}


def _words(message: Message) -> str:
    text = (message.text or "").strip()
    return blocks_text(message.blocks) if text in {"", _NO_TEXT} else text


def _is_bot(message: Message) -> bool:
    if message.subtype in _BOT_SUBTYPES or message.user == SLACKBOT:
        return True
    # Slack sends the profile of the writer with messages that a person wrote, by whatever app.
    return bool(message.bot_id) and message.user_profile is None


def _bot_name(message: Message) -> str | None:
    named = message.username or (message.bot_profile.name if message.bot_profile else None)
    return clip(named or "", _BOT_NAME_LIMIT_CHARS) or None

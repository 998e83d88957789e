"""The events that a Slack export amounts to, in the form of the Events API, with keys made of what they say.

A message of an export becomes the same parts as the one that came by the Events API, so that either may come first, or
both. Reading the files of an export happens in `slack_export.py`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from neural_memory_pipelines.domain.ids import hash_json
from neural_memory_pipelines.sources.slack.payloads import Channel, moment
from neural_memory_pipelines.sources.slack.reading import CALLBACK

USERS_PER_EVENT = 1_000

_MENTION = re.compile(r"<@([A-Za-z0-9_-]{1,64})[|>]")
# What moves by itself (replies, reactions, read marks) and addresses of files, which hold tokens, stay out.
_MESSAGE_KEYS = frozenset(
    {
        "type", "subtype", "ts", "thread_ts", "user", "bot_id", "bot_profile", "username", "text", "edited",
        "user_profile", "attachments", "comment", "blocks", "client_msg_id", "parent_user_id", "team",
    }
)  # fmt: skip
_FILE_KEYS = ("id", "name", "title", "mimetype", "mode")
_USER_KEYS = ("id", "name", "real_name", "is_bot", "updated")
_PROFILE_KEYS = ("name", "real_name", "display_name")


@dataclass(frozen=True, slots=True)
class ExportedEvent:
    """What the envelope of an event needs, beside workspace and organization. `occurred_at` is aware UTC."""

    action: str
    occurred_at: datetime
    idempotency_key: str
    payload: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Conversation:
    """A channel, group or direct message of the export. `type` is that of the Events API."""

    facts: Channel
    type: str


def message_event(
    message: Mapping[str, Any],
    conversation: Conversation,
    *,
    users: Mapping[str, Mapping[str, Any]],
    event_ts: str | None = None,
) -> ExportedEvent:
    """Make the event of a message.

    Args:
        message: as the export has it; its `ts` is a time.
        conversation: where it was said.
        users: all users of the export, by id; those that speak or are named go with the message, without addresses.
        event_ts: when it became what it is, if that is not when it was posted or edited.
    """
    text, comment = message.get("text"), message.get("comment")
    writer = message.get("user") or (comment.get("user") if isinstance(comment, dict) else None)
    named = [writer, *(_MENTION.findall(text) if isinstance(text, str) else ())]
    known = {name: _speaker(users[name]) for name in named if isinstance(name, str) and name in users}
    surroundings = {"channel_name": conversation.facts.name, "users": known}
    event = {
        **_shaped(message),
        "channel": conversation.facts.id,
        "channel_type": conversation.type,
        **({"event_ts": event_ts} if event_ts else {}),
    }
    return _event("message", event, **{key: value for key, value in surroundings.items() if value})


def channel_event(conversation: Conversation, *, event_ts: str) -> ExportedEvent:
    """Make the event that says what a channel was like at a time."""
    flags = {
        "is_private": conversation.type != "channel",
        "is_im": conversation.type == "im",
        "is_mpim": conversation.type == "mpim",
    }
    channel = conversation.facts.model_dump(exclude_none=True) | flags
    return _event("channel_observed", {"channel": channel, "event_ts": event_ts})


def user_events(users: Sequence[Mapping[str, Any]], *, event_ts: str) -> Iterator[ExportedEvent]:
    """Make the events that say who the users were at a time, a thousand in each."""
    for start in range(0, len(users), USERS_PER_EVENT):
        yield _event("users_observed", {"users": users[start : start + USERS_PER_EVENT], "event_ts": event_ts})


def _event(kind: str, event: Mapping[str, Any], **surroundings: Any) -> ExportedEvent:
    payload = {"type": CALLBACK, "event": {**event, "type": kind}, **surroundings}
    at = moment(event.get("event_ts") or event["ts"])
    return ExportedEvent(kind, at, f"slack-export:{hash_json(payload)}", payload)


def _shaped(message: Mapping[str, Any]) -> dict[str, Any]:
    shaped = {key: value for key, value in message.items() if key in _MESSAGE_KEYS}
    files = message.get("files", [message.get("file")])
    kept = [_only(file, _FILE_KEYS) for file in files if isinstance(file, dict)] if isinstance(files, list) else []
    return shaped | ({"files": kept} if kept else {})


def _speaker(user: Mapping[str, Any]) -> dict[str, Any]:
    return _only(user, _USER_KEYS) | {"profile": _only(user.get("profile", {}), _PROFILE_KEYS)}


def _only(value: Mapping[str, Any], keys: Sequence[str]) -> dict[str, Any]:
    return {key: value[key] for key in keys if key in value}

"""Channels: what events say of them, fact by fact, and what that makes of their threads.

Each fact is a part of its own in the channel's context, so that an event which knows only the name does not wipe out
what another said of privacy. The threads themselves are put together in `threads.py`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from neural_memory_pipelines.domain.documents import Changes, Part, PartDraft, Privacy, Skip
from neural_memory_pipelines.domain.events import SkipReason
from neural_memory_pipelines.domain.ids import Json
from neural_memory_pipelines.sources.reading import member, read_model
from neural_memory_pipelines.sources.slack.payloads import Channel, ChannelById
from neural_memory_pipelines.sources.slack.reading import Callback

SOURCE = "slack"

_NAME, _PRIVACY, _ARCHIVED, _DELETED = "channel/name", "channel/privacy", "channel/archived", "channel/deleted"
_GONE_MESSAGE = "gone/"
_PUBLIC_TYPE = "channel"
DIRECT_TYPES = frozenset({"im", "mpim"})

CHANNEL_EVENTS: Mapping[str, Mapping[str, bool]] = {
    "channel_created": {},
    "channel_rename": {},
    "channel_observed": {},
    "group_rename": {"is_private": True},
    "channel_archive": {"is_archived": True},
    "channel_unarchive": {"is_archived": False},
    "group_archive": {"is_archived": True, "is_private": True},
    "group_unarchive": {"is_archived": False, "is_private": True},
    "channel_deleted": {"is_deleted": True},
    "group_deleted": {"is_deleted": True, "is_private": True},
}
"""What the types of events about channels say by themselves. "channel_observed" is a channel as an export lists it.

Source: https://docs.slack.dev/reference/events, channel_* and group_*.
"""

CHANNEL_SUBTYPES: Mapping[str, Mapping[str, bool]] = {
    "channel_archive": {"is_archived": True},
    "channel_unarchive": {"is_archived": False},
    "group_archive": {"is_archived": True, "is_private": True},
    "group_unarchive": {"is_archived": False, "is_private": True},
    "channel_name": {},
    "group_name": {"is_private": True},
    "channel_convert_to_private": {"is_private": True},
    "channel_convert_to_public": {"is_private": False},
}
"""The same for messages that Slack posts itself when a channel changes.

Source: https://docs.slack.dev/reference/events/message, the pages of these subtypes.
"""


@dataclass(frozen=True, slots=True)
class ChannelState:
    """A channel as its threads must know it.

    `is_private` is True until an event says otherwise. `gone` are messages that were deleted without a word on which
    thread they belonged to, by their times.
    """

    id: str
    name: str | None = None
    is_private: bool = True
    is_direct: bool = False
    is_archived: bool = False
    is_deleted: bool = False
    gone: frozenset[str] = frozenset()

    @property
    def privacy(self) -> Privacy:
        """Who may see what was said there."""
        return Privacy.PRIVATE if self.is_private else Privacy.ORG

    @property
    def label(self) -> str:
        """Name the channel for people."""
        if self.is_direct:
            return "Direct message"
        return f"#{self.name or self.id}"


def channel_changes(callback: Callback) -> Changes | Skip:
    """Read an event about a channel, which it gives as an object or by its id alone."""
    value = member(callback.body, "channel", "payload.event")
    if isinstance(value, str):
        channel = Channel(id=read_model(ChannelById, callback.body, "payload.event").channel)
    else:
        channel = read_model(Channel, value, "payload.event.channel")
    says = CHANNEL_EVENTS[callback.kind]
    facts = facts_of(
        channel.id,
        callback.at,
        name=channel.name or callback.channel_name,
        channel_type=_type_of(channel, is_private=says.get("is_private")),
        is_archived=says.get("is_archived", channel.is_archived),
        is_deleted=says.get("is_deleted", False),
    )
    return Changes(parts=facts) if facts else Skip(SkipReason.EMPTY, detail=callback.kind)


def facts_of(
    channel: str,
    at: datetime,
    *,
    name: str | None = None,
    channel_type: str | None = None,
    is_archived: bool | None = None,
    is_deleted: bool = False,
) -> tuple[PartDraft, ...]:
    """Say what is known of a channel at a time, one part a fact.

    Args:
        channel: its id.
        at: when it was so.
        name: its name; None and "" if unknown.
        channel_type: "channel", "group", "mpim" or "im"; all but the first are private. None if unknown.
        is_archived: None if unknown.
        is_deleted: False also if unknown.
    """
    facts: dict[str, dict[str, Json]] = {}
    if name:
        facts[_NAME] = {"name": name}
    if channel_type:
        facts[_PRIVACY] = {"is_private": channel_type != _PUBLIC_TYPE, "is_direct": channel_type in DIRECT_TYPES}
    if is_archived is not None:
        facts[_ARCHIVED] = {"is_archived": is_archived}
    if is_deleted:
        facts[_DELETED] = {"is_deleted": True}
    return tuple(PartDraft(SOURCE, channel, fact, at, content, context_id=channel) for fact, content in facts.items())


def gone_message(channel: str, ts: str, at: datetime) -> PartDraft:
    """Say that a message was deleted of which it is not known to what thread it belonged."""
    return PartDraft(SOURCE, channel, f"{_GONE_MESSAGE}{ts}", at, {"is_deleted": True}, context_id=channel)


def type_by_id(channel: str) -> str | None:
    """Tell the type of a conversation by its id, where the id tells: D is direct, G is a group of before 2021."""
    return {"D": "im", "G": "group"}.get(channel[:1])


def read_channel(channel: str, context: Sequence[Part]) -> ChannelState:
    """Put together what is known of a channel."""
    facts = {part.part_id: part.content for part in context}
    name = facts.get(_NAME, {}).get("name")
    privacy = facts.get(_PRIVACY, {})
    return ChannelState(
        id=channel,
        name=name if isinstance(name, str) else None,
        is_private=privacy.get("is_private", True) is not False,
        is_direct=privacy.get("is_direct", type_by_id(channel) in DIRECT_TYPES) is True,
        is_archived=facts.get(_ARCHIVED, {}).get("is_archived") is True,
        is_deleted=_DELETED in facts,
        gone=frozenset(fact.removeprefix(_GONE_MESSAGE) for fact in facts if fact.startswith(_GONE_MESSAGE)),
    )


def _type_of(channel: Channel, *, is_private: bool | None) -> str | None:
    if channel.is_im or channel.is_mpim:
        return "im" if channel.is_im else "mpim"
    if is_private or channel.is_private or channel.is_group:
        return "group"
    return _PUBLIC_TYPE if False in (is_private, channel.is_private) else None

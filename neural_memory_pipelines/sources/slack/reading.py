"""Reading events: what surrounds one in its payload.

What an event means is decided by the module of its kind.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from neural_memory_pipelines.domain.events import SourceEvent
from neural_memory_pipelines.sources.reading import member, read_model, read_object
from neural_memory_pipelines.sources.slack.payloads import Inner, User, Wrapper, moment

__all__ = ["CALLBACK", "Callback", "read_callback", "read_model"]

CALLBACK = "event_callback"


@dataclass(frozen=True, slots=True)
class Callback:
    """An event with what surrounds it.

    Attributes:
        kind: the event's type, such as "message".
        body: the event, as sent.
        at: when it happened: by Slack's clock if it says, else as the envelope has it. Aware UTC.
        channel_name: the channel's, where the sender knew it.
        users: people that the message names or is by, where the sender knew them, by id.
        bots: ids of users that are known to be bots.
    """

    kind: str
    body: Mapping[str, Any]
    at: datetime
    channel_name: str | None
    users: Mapping[str, User]
    bots: frozenset[str]


def read_callback(event: SourceEvent) -> Callback | None:
    """Read what surrounds an event; None if the payload is no event, but a message of Slack to the app itself.

    Raises:
        InvalidEventError: a field is missing or wrong; the message gives its path.
    """
    payload = read_object(event.payload, "payload")
    if payload.get("type", CALLBACK) != CALLBACK and "event" not in payload:
        return None
    wrapper = read_model(Wrapper, payload, "payload")
    body = read_object(member(payload, "event", "payload"), "payload.event")
    inner = read_model(Inner, body, "payload.event")
    known = wrapper.users or {}
    bots = {entry.user_id for entry in wrapper.authorizations or () if entry.is_bot and entry.user_id}
    return Callback(
        kind=inner.type,
        body=body,
        at=moment(inner.event_ts) if inner.event_ts else event.occurred_at,
        channel_name=wrapper.channel_name or None,
        users={user.id: user for user in known.values()},
        bots=frozenset(bots),
    )

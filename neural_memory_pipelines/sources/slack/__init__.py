"""Slack: events about messages, channels and users, read into parts of threads and put together into documents.

Pure: no network, no clock, no database. Reading a workspace export happens in `steps/slack_export.py`, which hands its
messages on in the form of the Events API.
"""

from __future__ import annotations

from neural_memory_pipelines.domain.documents import Changes, Skip
from neural_memory_pipelines.domain.events import SkipReason, SourceEvent
from neural_memory_pipelines.errors import InvalidEventError
from neural_memory_pipelines.sources.slack.channels import CHANNEL_EVENTS, channel_changes
from neural_memory_pipelines.sources.slack.envelopes import envelope_fields
from neural_memory_pipelines.sources.slack.messages import MESSAGE_EVENTS, message_changes, message_subject
from neural_memory_pipelines.sources.slack.people import user_changes
from neural_memory_pipelines.sources.slack.reading import read_callback
from neural_memory_pipelines.sources.slack.threads import assemble

__all__ = ["assemble", "envelope_fields", "parse", "subject"]

_USER_EVENTS = frozenset({"team_join", "user_change", "user_profile_changed", "users_observed"})
"""The last is the list of users of an export."""


def parse(event: SourceEvent) -> Changes | Skip:
    """Read an event of Slack.

    Args:
        event: its payload is an `event_callback` of the Events API; beside `event` there may be `channel_name`, and
            `users` by id. What kind of event it is, the payload says.

    Returns:
        Parts of threads and facts of their channels, accounts, or why the event yields nothing.

    Raises:
        InvalidEventError: a field is missing or wrong; the message gives its path.
    """
    callback = read_callback(event)
    if callback is None:
        return Skip(SkipReason.UNSUPPORTED_EVENT, detail=event.action)
    if callback.kind in MESSAGE_EVENTS:
        return message_changes(callback)
    if callback.kind in CHANNEL_EVENTS:
        return channel_changes(callback)
    if callback.kind in _USER_EVENTS:
        return user_changes(callback)
    return Skip(SkipReason.UNSUPPORTED_EVENT, detail=callback.kind)


def subject(event: SourceEvent) -> str | None:
    """Name the thread that an event is about; None if it is about none, or cannot be read."""
    try:
        callback = read_callback(event)
        return message_subject(callback) if callback and callback.kind in MESSAGE_EVENTS else None
    except InvalidEventError:
        return None

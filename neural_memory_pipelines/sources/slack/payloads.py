"""The objects of Slack's events and exports, as typed models of what the memory wants of them.

What the objects mean for the memory is decided elsewhere in this package.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, TypeGuard

from pydantic import AfterValidator, BeforeValidator, Field

from neural_memory_pipelines.sources.models import Model, Text

_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_TS = re.compile(r"([0-9]{1,10})\.([0-9]{6})")


def _ts(value: object) -> object:
    if isinstance(value, str) and not _TS.fullmatch(value):
        raise ValueError("a time of Slack such as '1355517523.000005'")
    return value


def _id(value: str) -> str:
    if not _ID.fullmatch(value):
        raise ValueError("an id of letters and digits")
    return value


Ts = Annotated[str, BeforeValidator(_ts)]
Id = Annotated[str, AfterValidator(_id)]
Objects = list[dict[str, Any]]


class Edited(Model):
    """When a message was last edited. Slack sends it empty for messages that it edited itself."""

    ts: Ts | None = None


class Profile(Model):
    """How a person is called. `name` is the user name, unique at a time; `real_name` is what people read."""

    name: Text | None = None
    real_name: Text | None = None
    display_name: Text | None = None
    email: str | None = None


class User(Model):
    """A user object, as `users.list`, the events about users and an export's users.json hold it."""

    id: Id
    name: Text | None = None
    real_name: Text | None = None
    is_bot: bool | None = None
    is_email_confirmed: bool | None = None
    updated: int | None = Field(default=None, ge=0, lt=10**10)
    profile: Profile | None = None


class Authorization(Model):
    """For whom an event was sent: the app's own bot, most often."""

    user_id: Id | None = None
    is_bot: bool | None = None


class FileComment(Model):
    """Who commented on a file. Slack has no such messages since 2018; exports keep them."""

    user: Id | None = None


class BotProfile(Model):
    """How an app is called."""

    name: Text | None = None


class Message(Model):
    """A message. What lies within attachments, blocks and files is read with forbearance, for it has many forms."""

    ts: Ts
    thread_ts: Ts | None = None
    subtype: str | None = None
    user: Id | None = None
    bot_id: Id | None = None
    username: Text | None = None
    text: Text | None = None
    edited: Edited | None = None
    user_profile: Profile | None = None
    bot_profile: BotProfile | None = None
    attachments: Objects | None = None
    blocks: Objects | None = None
    files: Objects | None = None
    file: dict[str, Any] | None = None
    comment: FileComment | None = None

    @property
    def writer(self) -> str | None:
        """The id of the user who wrote it."""
        return self.user or (self.comment.user if self.comment else None)

    @property
    def root_ts(self) -> str:
        """Name the thread: the time of its first message."""
        return self.thread_ts or self.ts


class MessageEvent(Model):
    """What surrounds a message in its event."""

    channel: Id
    channel_type: str | None = None
    subtype: str | None = None
    deleted_ts: Ts | None = None
    name: Text | None = None


class Channel(Model):
    """A conversation, as far as an event or an export describes it."""

    id: Id
    name: Text | None = None
    is_private: bool | None = None
    is_im: bool | None = None
    is_mpim: bool | None = None
    is_group: bool | None = None
    is_archived: bool | None = None


class ChannelById(Model):
    """An event that gives its channel by the id alone."""

    channel: Id


class Delivery(Model):
    """What Slack says of the delivery of an event. `event_time` is in seconds since 1970."""

    event_id: str = Field(min_length=1, max_length=200)
    event_time: int = Field(ge=0, lt=10**10)


class Wrapper(Model):
    """What stands beside an event in its payload."""

    channel_name: Text | None = None
    authorizations: list[Authorization] | None = None
    users: dict[str, User] | None = None


class Inner(Model):
    """What every event has."""

    type: str = Field(min_length=1)
    event_ts: Ts | None = None


def moment(ts: str) -> datetime:
    """Read a time of Slack, seconds and microseconds since 1970, as aware UTC, exactly."""
    found = _TS.fullmatch(ts)
    assert found is not None, "times are checked when they are read"
    return epoch(int(found[1])) + timedelta(microseconds=int(found[2]))


def is_ts(value: object) -> TypeGuard[str]:
    """Tell whether a value is a time of Slack."""
    return isinstance(value, str) and _TS.fullmatch(value) is not None


def epoch(seconds: int) -> datetime:
    """Read seconds since 1970 (at most ten digits) as aware UTC."""
    return datetime.fromtimestamp(seconds, UTC)

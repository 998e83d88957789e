"""People and bots: from Slack's users to accounts, and the names by which a thread calls them.

A thread keeps the names of its people as parts of its own, beside its messages, so that a message is the same part
whether it came with names or without. Joining accounts into persons happens elsewhere.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from neural_memory_pipelines.domain.accounts import Account, hash_email
from neural_memory_pipelines.domain.documents import Changes, Part, PartDraft, Skip
from neural_memory_pipelines.domain.events import SkipReason
from neural_memory_pipelines.domain.ids import Json
from neural_memory_pipelines.domain.text import clip
from neural_memory_pipelines.sources.reading import member, read_model
from neural_memory_pipelines.sources.slack.payloads import Message, Profile, User, epoch
from neural_memory_pipelines.sources.slack.reading import Callback

SOURCE = "slack"
PERSON_PART = "person/"
SLACKBOT = "USLACKBOT"

_NAME_LIMIT_CHARS = 80
_MENTION = re.compile(r"<@([A-Za-z0-9_-]{1,64})[|>]")


@dataclass(frozen=True, slots=True)
class Person:
    """What a thread knows of a user. `name` is None where nobody said it; `is_bot` likewise."""

    id: str
    name: str | None = None
    handle: str | None = None
    is_bot: bool | None = None

    def account(self, *, is_bot: bool = False) -> Account:
        """Describe the user as an account, by its id where the name is not known."""
        return Account(account_id(self.id), self.name or self.id, is_bot or bool(self.is_bot), handle=self.handle)


def account_id(user_id: str) -> str:
    """Spell the provider id of a user or a bot."""
    return f"{SOURCE}:{user_id}"


def user_changes(callback: Callback) -> Changes | Skip:
    """Read an event about one user (`user`), or a list of users as an export has it (`users`)."""
    many = callback.body.get("users")
    if isinstance(many, list):
        users = [read_model(User, user, f"payload.event.users[{at}]") for at, user in enumerate(many)]
    else:
        users = [read_model(User, member(callback.body, "user", "payload.event"), "payload.event.user")]
    if not users:
        return Skip(SkipReason.EMPTY, detail=callback.kind)
    return Changes(accounts=tuple(_account(user) for user in users))


def person_parts(
    callback: Callback, message: Message, *, source_id: str, channel: str, at: datetime
) -> tuple[PartDraft, ...]:
    """Say what an event tells of the people that its message is by or names, as parts of the thread.

    Args:
        callback: what came with the message: users, bots.
        message: the message.
        source_id: the thread's.
        channel: the channel's id.
        at: when the message was as it is described.
    """
    named = dict.fromkeys(_MENTION.findall(message.text or ""))
    facts: dict[str, tuple[datetime, dict[str, Json]]] = {}
    writer = message.writer
    if writer and message.user_profile:
        facts[writer] = (at, _facts(message.user_profile, None))
    for user_id in (*((writer,) if writer else ()), *named):
        if user := callback.users.get(user_id):
            known_at = max(at, epoch(user.updated)) if user.updated else at
            facts[user_id] = (known_at, _facts(_profile(user), user.is_bot))
        elif user_id in callback.bots and user_id not in facts:
            facts[user_id] = (at, {"is_bot": True})
    return tuple(
        PartDraft(SOURCE, source_id, f"{PERSON_PART}{user_id}", as_of, content, context_id=channel)
        for user_id, (as_of, content) in facts.items()
        if content
    )


def message_accounts(callback: Callback, message: Message, *, is_bot: bool) -> tuple[Account, ...]:
    """Describe the accounts that an event shows of the people that its message is by or names.

    Args:
        callback: what came with the message: users.
        message: the message.
        is_bot: its writer is a bot.
    """
    found: dict[str, Account] = {}
    writer = message.writer
    if writer and message.user_profile:
        found[writer] = _account(User(id=writer, is_bot=is_bot or None, profile=message.user_profile))
    for user_id in (*((writer,) if writer else ()), *_MENTION.findall(message.text or "")):
        if user := callback.users.get(user_id):
            found[user_id] = _account(user)
    return tuple(found.values())


def read_people(parts: Iterable[Part]) -> Mapping[str, Person]:
    """Read the people of a thread from its parts, by their ids."""
    return {person.id: person for person in _people(parts)}


def _people(parts: Iterable[Part]) -> Iterator[Person]:
    for part in parts:
        if part.part_id.startswith(PERSON_PART):
            name, handle, is_bot = (part.content.get(key) for key in ("name", "handle", "is_bot"))
            yield Person(
                part.part_id.removeprefix(PERSON_PART),
                name if isinstance(name, str) else None,
                handle if isinstance(handle, str) else None,
                is_bot if isinstance(is_bot, bool) else None,
            )


def _account(user: User) -> Account:
    profile = _profile(user)
    email_hash = hash_email(profile.email)
    facts = Person(user.id, _name(profile), profile.name or None, user.is_bot or user.id == SLACKBOT).account()
    return Account(
        facts.provider_id,
        facts.name,
        facts.is_bot,
        handle=facts.handle,
        email_hash=email_hash,
        # An address in a profile was confirmed or set by an administrator, unless Slack says that it was not.
        email_verified=email_hash is not None and user.is_email_confirmed is not False,
    )


def _profile(user: User) -> Profile:
    """Gather the names of a user object, which has some of them beside its profile and some within."""
    profile = user.profile or Profile()
    return Profile(
        name=user.name or profile.name,
        real_name=user.real_name or profile.real_name,
        display_name=profile.display_name,
        email=profile.email,
    )


def _facts(profile: Profile, is_bot: bool | None) -> dict[str, Json]:
    found: dict[str, Json] = {"name": _name(profile), "handle": profile.name or None, "is_bot": is_bot}
    return {key: value for key, value in found.items() if value is not None}


def _name(profile: Profile) -> str | None:
    for name in (profile.real_name, profile.display_name, profile.name):
        if spoken := clip(name or "", _NAME_LIMIT_CHARS):
            return spoken
    return None

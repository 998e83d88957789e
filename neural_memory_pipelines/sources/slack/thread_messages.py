"""The messages of a thread, as its parts hold them, and who speaks in each.

How they are shown, and what they are worth, is decided in `threads.py` and `substance.py`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from neural_memory_pipelines.domain.accounts import Account
from neural_memory_pipelines.domain.documents import Part
from neural_memory_pipelines.domain.ids import Json
from neural_memory_pipelines.sources.slack.payloads import moment
from neural_memory_pipelines.sources.slack.people import PERSON_PART, Person, account_id


@dataclass(frozen=True, slots=True)
class ThreadMessage:
    """A message as its part holds it. `speaker` is None for a bot without a user of its own."""

    ts: str
    at: datetime
    speaker: Person | None
    bot_id: str | None
    bot_name: str | None
    is_bot: bool
    text: str
    attachments: tuple[str, ...]
    files: tuple[str, ...]

    @property
    def name(self) -> str:
        """What people read above the message."""
        return (self.speaker.name if self.speaker else None) or self.bot_name or self._id or "Somebody"

    @property
    def account(self) -> Account | None:
        """The account of whoever wrote it; None if Slack does not say who did."""
        if self.speaker:
            return self.speaker.account(is_bot=self.is_bot)
        return Account(account_id(self.bot_id), self.name, is_bot=True) if self.bot_id else None

    @property
    def _id(self) -> str | None:
        return self.speaker.id if self.speaker else self.bot_id


def read_messages(parts: Sequence[Part], people: Mapping[str, Person]) -> list[ThreadMessage]:
    """Read the messages that say something, in order of their times."""
    found = [_message(part, people) for part in parts if not part.part_id.startswith(PERSON_PART)]
    said = [message for message in found if message.text or message.attachments or message.files]
    return sorted(said, key=lambda message: message.at)


def _message(part: Part, people: Mapping[str, Person]) -> ThreadMessage:
    content = part.content
    user_id = _string(content, "user")
    speaker = people.get(user_id, Person(user_id)) if user_id else None
    is_bot = content.get("is_bot") is True
    return ThreadMessage(
        ts=part.part_id,
        at=moment(part.part_id),
        speaker=speaker,
        bot_id=_string(content, "bot"),
        bot_name=_string(content, "name"),
        # An app that speaks for a person is known by the person's own user object.
        is_bot=is_bot if speaker is None or speaker.is_bot is None else speaker.is_bot,
        text=_string(content, "text") or "",
        attachments=_strings(content, "attachments"),
        files=_strings(content, "files"),
    )


def _string(content: Mapping[str, Json], key: str) -> str | None:
    value = content.get(key)
    return value if isinstance(value, str) and value else None


def _strings(content: Mapping[str, Json], key: str) -> tuple[str, ...]:
    value = content.get(key)
    return tuple(item for item in value if isinstance(item, str)) if isinstance(value, list) else ()

"""Puts a Slack export into the inbox: its messages in the form of the Events API, its channels and its users.

Reading and shaping only; making it durable is `steps/receive.py`'s part, and what a message says is for the source to
find. The keys of the events are made of what they say, so that an export may be put in twice, or after a later one.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from neural_memory_pipelines.domain.events import SourceEvent
from neural_memory_pipelines.domain.ids import WorkspaceId
from neural_memory_pipelines.errors import InvalidEventError
from neural_memory_pipelines.sources.envelope import encode_envelope
from neural_memory_pipelines.sources.reading import read_model
from neural_memory_pipelines.sources.slack.payloads import Channel, User, is_ts, moment
from neural_memory_pipelines.steps.event_files import Fault
from neural_memory_pipelines.steps.inbox import put_lines
from neural_memory_pipelines.steps.ingest import IngestReport
from neural_memory_pipelines.steps.report import Progress, no_progress
from neural_memory_pipelines.steps.slack_export_events import (
    Conversation,
    ExportedEvent,
    channel_event,
    message_event,
    user_events,
)
from neural_memory_pipelines.steps.slack_export_files import LISTS, USER_LISTS, ExportFiles, open_export
from neural_memory_pipelines.stores.objects.protocol import ObjectStore

_TYPE_OF_LIST = dict(zip(LISTS, ("channel", "group", "im", "mpim"), strict=True))
_DAY_FILE = re.compile(r"(?P<folder>[^/]+)/[0-9]{4}-[0-9]{2}-[0-9]{2}\.json")
_CANVAS_FOLDER = "FC:"
_TOMBSTONE = "tombstone"
_TOMBSTONE_KEYS = ("type", "subtype", "ts", "thread_ts", "user")
_NO_TIME = "0.000000"


def ingest_slack_export(
    path: Path,
    *,
    workspace: WorkspaceId,
    organization_id: str,
    objects: ObjectStore,
    on_progress: Progress = no_progress,
) -> IngestReport:
    """Put an export into the inbox: what can be read, while each broken file or message is reported by its place.

    Args:
        path: the zip, or the folder that was unpacked from it.
        workspace: whose inbox.
        organization_id: written into the envelopes.
        objects: where the inbox is.
        on_progress: called with the number of files read.

    Raises:
        NotFoundError: there is no such file or folder.
        PermanentError: it is no export of Slack.
    """
    report = IngestReport()

    def envelopes() -> Iterator[bytes]:
        for item in read_slack_export(path, on_progress=on_progress):
            line = item if isinstance(item, Fault) else _encode(item, workspace, organization_id)
            if isinstance(line, Fault):
                report.faults.append(f"{line.place}: {line.reason}")
            else:
                yield line

    report.count_put(workspace, put_lines(objects, workspace, envelopes()))
    return report


def read_slack_export(path: Path, *, on_progress: Progress = no_progress) -> Iterator[ExportedEvent | Fault]:
    """Read an export file by file: every message, then what it says of channels and users as of its end.

    Raises:
        NotFoundError: there is no such file or folder.
        PermanentError: it is no export of Slack.
    """
    with open_export(path) as files:
        yield from files.refused
        yield from _Reading(files).events(on_progress)


@dataclass(slots=True)
class _Reading:
    """An export on its way through the files. `latest_ts` is the latest time in it that was seen so far."""

    files: ExportFiles
    users: dict[str, dict[str, Any]] = field(default_factory=dict)
    latest_ts: str = _NO_TIME
    tombstones: list[tuple[Conversation, dict[str, Any]]] = field(default_factory=list)

    def events(self, on_progress: Progress) -> Iterator[ExportedEvent | Fault]:
        for name in USER_LISTS:
            yield from self._read_users(name)
        conversations: dict[str, Conversation] = {}
        for name in LISTS:
            yield from self._read_conversations(name, conversations)
        days, unknown = self._days(conversations)
        yield from unknown
        on_progress(0, total=len(days))
        for name, conversation in days:
            yield from self._messages(name, conversation)
            on_progress(1)
        yield from self._end(list({item.facts.id: item for item in conversations.values()}.values()))

    def _read_users(self, name: str) -> Iterator[Fault]:
        for place, item in self._items(name):
            if isinstance(item, Fault):
                yield item
                continue
            try:
                user = read_model(User, item, "user")
            except InvalidEventError as error:
                yield Fault(place, str(error))
                continue
            self.users[user.id] = user.model_dump(exclude_none=True)

    def _read_conversations(self, name: str, found: dict[str, Conversation]) -> Iterator[Fault]:
        """Read a list of conversations; their folders are called by their names, or by their ids."""
        for place, item in self._items(name):
            if isinstance(item, Fault):
                yield item
                continue
            try:
                facts = read_model(Channel, item, "channel")
            except InvalidEventError as error:
                yield Fault(place, str(error))
                continue
            conversation = Conversation(facts, _TYPE_OF_LIST[name])
            found.setdefault(facts.id, conversation)
            if facts.name:
                found.setdefault(facts.name, conversation)

    def _days(
        self, conversations: Mapping[str, Conversation]
    ) -> tuple[list[tuple[str, Conversation]], Sequence[Fault]]:
        days: list[tuple[str, Conversation]] = []
        unknown: dict[str, int] = defaultdict(int)
        for name in sorted(self.files.readers):
            found = _DAY_FILE.fullmatch(name)
            if not found or found["folder"].startswith(_CANVAS_FOLDER):
                continue
            if conversation := conversations.get(found["folder"]):
                days.append((name, conversation))
            else:
                unknown[found["folder"]] += 1
        reason = f"is in none of {', '.join(LISTS)}"
        return days, [Fault(self._place(folder), f"{reason}: {unknown[folder]} days left out") for folder in unknown]

    def _messages(self, name: str, conversation: Conversation) -> Iterator[ExportedEvent | Fault]:
        for place, item in self._items(name):
            if isinstance(item, Fault):
                yield item
            elif not is_ts(item.get("ts")):
                yield Fault(place, "ts: expected a time of Slack such as '1355517523.000005'")
            else:
                self._note_time(item)
                yield from self._message(place, item, conversation)

    def _message(self, place: str, item: dict[str, Any], conversation: Conversation) -> Iterator[ExportedEvent | Fault]:
        if item.get("subtype") == _TOMBSTONE:
            # When it was deleted is not said. It was before the export, whose time is known when all is read.
            self.tombstones.append((conversation, {key: item[key] for key in _TOMBSTONE_KEYS if key in item}))
            return
        try:
            yield message_event(item, conversation, users=self.users)
        except RecursionError:
            yield Fault(place, "nested too deeply")

    def _note_time(self, message: Mapping[str, Any]) -> None:
        edited = message.get("edited")
        times = (message["ts"], edited.get("ts") if isinstance(edited, Mapping) else None)
        self.latest_ts = max((self.latest_ts, *filter(is_ts, times)), key=moment)

    def _end(self, conversations: Sequence[Conversation]) -> Iterator[ExportedEvent]:
        """Say what held when the export was made, which was after the last thing in it."""
        if self.latest_ts == _NO_TIME:
            self.latest_ts = f"{max((user.get('updated', 0) for user in self.users.values()), default=0)}.000000"
        for conversation, message in self.tombstones:
            yield message_event(message, conversation, users={}, event_ts=self.latest_ts)
        for conversation in conversations:
            yield channel_event(conversation, event_ts=self.latest_ts)
        yield from user_events(list(self.users.values()), event_ts=self.latest_ts)

    def _items(self, name: str) -> Iterator[tuple[str, Any]]:
        """Give the objects of a file, each with its place; a Fault in place of what is none."""
        if name not in self.files.readers:
            return
        try:
            items = self.files.read_array(name)
        except InvalidEventError as error:
            yield name, Fault(self._place(name), str(error))
            return
        for number, item in enumerate(items, start=1):
            place = f"{self._place(name)}: item {number}"
            yield place, item if isinstance(item, dict) else Fault(place, "expected an object")

    def _place(self, name: str) -> str:
        return f"{self.files.place}{name}"


def _encode(item: ExportedEvent, workspace: WorkspaceId, organization_id: str) -> bytes | Fault:
    event = SourceEvent(
        workspace_id=workspace,
        organization_id=organization_id,
        source="slack",
        action=item.action,
        occurred_at=item.occurred_at,
        idempotency_key=item.idempotency_key,
        payload=item.payload,
    )
    try:
        return encode_envelope(event)
    except RecursionError:
        return Fault(f"message of {item.occurred_at.isoformat()}", "nested too deeply")

"""Hand-written Slack events, and a small stand-in for the store that keeps the latest state of each part."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from neural_memory_pipelines.domain.documents import Changes, Part, PartDraft, Skip, SourceDraft
from neural_memory_pipelines.domain.events import SourceEvent
from neural_memory_pipelines.domain.ids import WorkspaceId
from neural_memory_pipelines.sources.slack import assemble, parse

Payload = dict[str, Any]
CHANNEL, DIRECT, GROUP = "C024BE91L", "D024BE91L", "G024BE91L"
ADA, BEN, BOT = "U0ADA", "U0BEN", "B0BOT"
ROOT = "1767348000.000100"
"""2026-01-02 10:00 UTC."""

THREAD = f"{CHANNEL}/{ROOT}"
LATER = "1767900000.000000"
PROFILES = {
    ADA: {"name": "ada", "real_name": "Ada Lovelace", "display_name": "ada"},
    BEN: {"name": "ben", "real_name": "Ben Okri", "display_name": ""},
}


def ts(minutes: float) -> str:
    """A time of Slack, so many minutes after the first message."""
    return f"{1767348000 + int(minutes * 60)}.000100"


def message(text: str | None = "We keep carts for a week now.", user: str | None = ADA, **changes: Any) -> Payload:
    value: Payload = {
        "type": "message",
        "channel": CHANNEL,
        "channel_type": "channel",
        "ts": ROOT,
        "event_ts": ROOT,
        "text": text,
        "user": user,
        "user_profile": PROFILES.get(user or ""),
    }
    value |= {"event_ts": changes["ts"]} if "ts" in changes else {}
    return {key: item for key, item in (value | changes).items() if item is not None}


def reply(minutes: float, text: str, user: str = BEN, **changes: Any) -> Payload:
    return message(text, user, ts=ts(minutes), thread_ts=ROOT, parent_user_id=ADA, **changes)


def bot_message(text: str = "Disk of db-1 is at 91 %.", **changes: Any) -> Payload:
    return message(text, None, subtype="bot_message", bot_id=BOT, username="alerts", **changes)


def changed(new: Payload, *, at: str, **changes: Any) -> Payload:
    inner = {key: item for key, item in new.items() if key not in {"channel", "channel_type", "event_ts"}}
    return {
        "type": "message",
        "subtype": "message_changed",
        "hidden": True,
        "channel": new["channel"],
        "channel_type": new.get("channel_type", "channel"),
        "ts": at,
        "event_ts": at,
        "message": inner,
        **changes,
    }


def edited(new: Payload, *, at: str, **changes: Any) -> Payload:
    return changed({**new, "edited": {"user": new.get("user"), "ts": f"{at[:-6]}000000"}}, at=at, **changes)


def deleted(old: Payload, *, at: str, **changes: Any) -> Payload:
    value = {
        "type": "message",
        "subtype": "message_deleted",
        "hidden": True,
        "channel": old["channel"],
        "channel_type": old.get("channel_type", "channel"),
        "ts": at,
        "event_ts": at,
        "deleted_ts": old["ts"],
        "previous_message": {key: item for key, item in old.items() if key not in {"channel", "channel_type"}},
        **changes,
    }
    return {key: item for key, item in value.items() if item is not None}


def tombstone(old: Payload, *, at: str) -> Payload:
    words = {"subtype": "tombstone", "user": "USLACKBOT", "text": "This message was deleted.", "user_profile": None}
    return changed({key: item for key, item in {**old, **words}.items() if item is not None}, at=at)


def about_channel(kind: str, at: str = LATER, **changes: Any) -> Payload:
    return {"type": kind, "channel": CHANNEL, "event_ts": at, **changes}


def event(body: Any, key: str = "slack:Ev1", **surroundings: Any) -> SourceEvent:
    payload = {"type": "event_callback", "team_id": "T1", "event": body, "channel_name": "shop", **surroundings}
    payload = {name: item for name, item in payload.items() if item is not None}
    action = str(body.get("type")) if isinstance(body, dict) else "message"
    return SourceEvent(
        WorkspaceId("acme"), "acme-inc", "slack", action, datetime(2026, 1, 2, 10, tzinfo=UTC), key, payload
    )


def changes_of(body: Payload, **surroundings: Any) -> Changes:
    outcome = parse(event(body, **surroundings))
    assert isinstance(outcome, Changes), outcome
    return outcome


def skip_of(body: Payload, **surroundings: Any) -> Skip:
    outcome = parse(event(body, **surroundings))
    assert isinstance(outcome, Skip), outcome
    return outcome


@dataclass
class Parts:
    """The latest state of each part, as a store keeps it: of two at the same time a deletion holds, then the key."""

    latest: dict[tuple[str, str], tuple[Any, PartDraft]] = field(default_factory=dict)

    def put(self, events: Iterable[SourceEvent]) -> Parts:
        for item in events:
            outcome = parse(item)
            for part in outcome.parts if isinstance(outcome, Changes) else ():
                place = part.source_id, part.part_id
                rank = part.as_of, part.content is None, item.idempotency_key
                if place not in self.latest or rank >= self.latest[place][0]:
                    self.latest[place] = rank, part
        return self

    def documents(self) -> dict[str, SourceDraft | Skip]:
        """Put every document together."""
        parts = [part for _, part in self.latest.values()]
        ids = sorted({part.source_id for part in parts if part.context_id != part.source_id})
        return {source_id: assemble(source_id, self._of(source_id), self._context(source_id)) for source_id in ids}

    def _of(self, source_id: str) -> list[Part]:
        found = [part for _, part in self.latest.values() if part.source_id == source_id]
        return [
            Part(part.part_id, part.as_of, part.content)
            for part in sorted(found, key=lambda part: part.part_id)
            if part.content is not None
        ]

    def _context(self, source_id: str) -> list[Part]:
        (context,) = {part.context_id for _, part in self.latest.values() if part.source_id == source_id}
        return self._of(context) if context else []


def outcome_of(*bodies: Payload, source_id: str = THREAD, **surroundings: Any) -> SourceDraft | Skip:
    """What becomes of a thread after these events."""
    events = [event(body, f"slack:Ev{number}", **surroundings) for number, body in enumerate(bodies)]
    return Parts().put(events).documents()[source_id]


def draft_of(*bodies: Payload, **options: Any) -> SourceDraft:
    outcome = outcome_of(*bodies, **options)
    assert isinstance(outcome, SourceDraft), outcome
    return outcome

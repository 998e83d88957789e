"""A source whose payloads spell what they change: lives of documents are told without a system's own rules between.

It is put beside the real sources for the length of a test.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from neural_memory_pipelines.domain.accounts import Account
from neural_memory_pipelines.domain.documents import (
    Changes,
    Commit,
    Deletion,
    ObservationDraft,
    Part,
    PartDraft,
    Privacy,
    Rename,
    Skip,
    SourceDraft,
)
from neural_memory_pipelines.domain.events import SkipReason, SourceEvent
from neural_memory_pipelines.domain.graph import EdgeType, LinkDraft, NodeKind, NodeRef
from neural_memory_pipelines.domain.ids import WorkspaceId
from neural_memory_pipelines.errors import InvalidEventError
from neural_memory_pipelines.sources import registry
from neural_memory_pipelines.sources.protocol import Source

NAME = "scripted"
_START = datetime(2026, 3, 1, tzinfo=UTC)


def hour(number: float) -> datetime:
    """Give the moment that scripts call by a number."""
    return _START + timedelta(hours=number)


def install(patch: pytest.MonkeyPatch) -> None:
    """Put the source beside the real ones."""
    source = Source(parse, lambda _: None, None, assemble)
    patch.setattr(registry, "SOURCES", {**registry.SOURCES, NAME: source})


def told(workspace: WorkspaceId, key: str, *, at: float = 0, **payload: Any) -> bytes:
    """Write an envelope; `payload` says what the event changes, in the words that `parse` reads."""
    return json.dumps(
        {
            "workspaceId": workspace,
            "organizationId": "org",
            "source": NAME,
            "action": "told",
            "occurredAt": hour(at).isoformat(),
            "idempotencyKey": key,
            "payload": payload,
        }
    ).encode()


def parse(event: SourceEvent) -> Changes | Skip:
    """Read a script."""
    says = event.payload
    if "fault" in says:
        raise InvalidEventError(says["fault"])
    gone = tuple(Deletion(NAME, one["id"], hour(one["at"]), one.get("why", "gone")) for one in says.get("gone", ()))
    if "skip" in says:
        return Skip(SkipReason(says["skip"]), gone=gone)
    return Changes(
        drafts=tuple(map(draft, says.get("docs", ()))),
        deletions=gone,
        parts=tuple(map(_part, says.get("parts", ()))),
        accounts=tuple(map(_account, says.get("accounts", ()))),
        renames=tuple(Rename(NAME, one["old"], one["new"], hour(one["at"])) for one in says.get("renames", ())),
        commit=Commit(**says["commit"]) if "commit" in says else None,
    )


def draft(says: Mapping[str, Any]) -> SourceDraft:
    """Read a document: id, at and text, and what else a draft has."""
    body, at = says["text"], hour(says["at"])
    occurred_at = hour(says.get("occurred", says["at"]))
    return SourceDraft(
        source=NAME,
        source_id=says["id"],
        type="page",
        title=says.get("title", says["id"]),
        body=body,
        occurred_at=occurred_at,
        as_of=at,
        state=says.get("state"),
        url=says.get("url"),
        author=_account(says["author"]) if "author" in says else None,
        parent=says.get("parent"),
        handles=tuple(says.get("handles", ())),
        links=tuple(_link(body, link) for link in says.get("links", ())),
        privacy=Privacy(says.get("privacy", "org")),
        observations=tuple(
            ObservationDraft(text, occurred_at, importance_factors={"base": says.get("weight", 0.5)})
            for text in says.get("observes", ())
        ),
    )


def assemble(source_id: str, parts: Sequence[Part], context: Sequence[Part]) -> SourceDraft | Skip:
    """Put the texts of parts below each other; a text that begins with ~ is trivial, as is a document of such alone."""
    lines = [str(part.content["text"]) for part in parts if not str(part.content["text"]).startswith("~")]
    room: dict[str, Any] = {}
    for part in context:
        room |= part.content
    if room.get("closed"):
        return Skip(SkipReason.EMPTY, detail=source_id)
    if not lines:
        return Skip(SkipReason.TRIVIAL, detail=source_id)
    body = "\n\n".join(lines)
    links = [
        {"type": "REFERENCES", "to": f"document {NAME}:{word[1:].lower()}", "words": word}
        for word in body.split()
        if word.startswith("#")
    ]
    if "room" in room:
        links.append({"type": "PART_OF", "to": f"component component:{room['room']}", "field": "room"})
    says = {"id": source_id, "at": 0, "text": body, "links": links, "title": room.get("room", source_id)}
    return draft({**says, "privacy": room.get("privacy", "org"), "observes": lines[:1]})


def _part(says: Mapping[str, Any]) -> PartDraft:
    content = says.get("content") or ({"text": says["text"]} if says.get("text") is not None else None)
    return PartDraft(NAME, says["doc"], says["part"], hour(says["at"]), content, says.get("context"))


def _account(says: str) -> Account:
    """Read "system:id name", with a trailing ! for a bot."""
    provider_id, _, name = says.rstrip("!").partition(" ")
    login = provider_id.partition("-login:")[2] or name.lower() or None
    return Account(provider_id, name, is_bot=says.endswith("!"), handle=login)


def _link(body: str, says: Mapping[str, Any]) -> LinkDraft:
    kind, _, handle = says["to"].partition(" ")
    target = NodeRef(NodeKind(kind), handle, says.get("name", ""))
    start = body.index(says["words"]) if "words" in says else 0
    end = start + len(says.get("words", ""))
    field, confidence = says.get("field", ""), says.get("confidence", 1.0)
    return LinkDraft(EdgeType(says["type"]), target, None, start, end, field, confidence)

"""Docs events as tests write them, and what becomes of them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from neural_memory_pipelines.domain.documents import Changes, SourceDraft
from neural_memory_pipelines.domain.events import SourceEvent
from neural_memory_pipelines.domain.graph import EdgeType
from neural_memory_pipelines.domain.ids import WorkspaceId
from neural_memory_pipelines.sources import docs

AS_OF = datetime(2024, 5, 2, tzinfo=UTC)
CHANGED_AT = "2024-05-01T12:00:00+02:00"


def docs_event(action: str, payload: dict[str, Any]) -> SourceEvent:
    return SourceEvent(WorkspaceId("acme"), "org", docs.SOURCE, action, AS_OF, "key", payload)


def read(content: str, path: str = "guides/install.md", **fields: Any) -> SourceDraft:
    """The draft of one file; keyword arguments are further fields of the payload."""
    payload = {"store": "handbook", "path": path, "content": content, "changedAt": CHANGED_AT, **fields}
    parsed = docs.parse(docs_event(docs.UPSERTED, payload))
    assert isinstance(parsed, Changes)
    (draft,) = parsed.drafts
    return draft


def stated(draft: SourceDraft, *types: EdgeType) -> list[tuple[str, str, str]]:
    """The links of some types: the handle, with an arrow if it is the origin, and the words or the field."""
    return [
        (
            link.type.value,
            link.target.handle if link.target else f"{link.origin.handle if link.origin else ''} ->",
            link.field or draft.body[link.start : link.end],
        )
        for link in draft.links
        if not types or link.type in types
    ]

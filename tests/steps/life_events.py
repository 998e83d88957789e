"""Events of the scripted source that lives of documents are made of, and the memory that they leave."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from neural_memory_pipelines.domain.ids import WorkspaceId
from neural_memory_pipelines.local.session import Session
from neural_memory_pipelines.steps.entities import resolve_entities
from neural_memory_pipelines.steps.inbox import put_lines
from neural_memory_pipelines.steps.persist import persist_pending
from neural_memory_pipelines.steps.receive import receive_events
from neural_memory_pipelines.steps.relationships import reconcile_relationships

from .memory_state import memory_state
from .scripted import told

Event = tuple[str, int, dict[str, Any]]
"""A key, the hour of the event, and what it says."""


def a_page(name: str, at: float, text: str = "Plain words.", **fields: Any) -> dict[str, Any]:
    return {"docs": [{"id": name, "at": at, "text": text, **fields}]}


def a_deletion(name: str, at: float, why: str = "gone") -> dict[str, Any]:
    return {"gone": [{"id": name, "at": at, "why": why}]}


def a_part(document: str, part: str, at: float, text: str | None) -> dict[str, Any]:
    return {"parts": [{"doc": document, "part": part, "at": at, "text": text, "context": "r"}]}


def a_room(at: float, **content: Any) -> dict[str, Any]:
    return {"parts": [{"doc": "r", "part": "room", "at": at, "content": content, "context": "r"}]}


def a_life(*says: dict[str, Any]) -> list[Event]:
    return [(f"e{number:02}", number, one) for number, one in enumerate(says, start=1)]


def a_reference(name: str, words: str) -> dict[str, Any]:
    return {"type": "REFERENCES", "to": f"document scripted:{name}", "words": words}


def lines_of(workspace: WorkspaceId, told_events: Sequence[Event]) -> list[bytes]:
    return [told(workspace, key, at=at, **says) for key, at, says in told_events]


def build_memory(session: Session, workspace: WorkspaceId, lines: Sequence[bytes]) -> None:
    """Run the steps that write documents and the graph."""
    stores, version = session.stores, session.new_workspace_version
    put_lines(stores.objects, workspace, lines)
    receive_events(workspace, stores=stores, new_workspace_version=version, organization_id="org")
    persist_pending(workspace, stores=stores, version=version, load_embedder=lambda: session.embedder(version))
    resolve_entities(workspace, stores=stores)
    reconcile_relationships(workspace, stores=stores)


def memory_of(session: Session, workspace: WorkspaceId, *batches: Sequence[Event]) -> dict[str, list[Any]]:
    for batch in batches:
        build_memory(session, workspace, lines_of(workspace, batch))
    return memory_state(session, workspace)

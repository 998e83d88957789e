"""The pushes that a walk through a git history puts into the inbox, and what they tell."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from neural_memory_pipelines.domain.ids import WorkspaceId
from neural_memory_pipelines.steps.git_history import HistoryReport
from neural_memory_pipelines.stores.objects.directory import DirectoryObjectStore

WORKSPACE = WorkspaceId("acme")
HOUR = 3600

Event = dict[str, Any]
Walk = Callable[..., tuple[list[Event], HistoryReport]]


def take(objects: DirectoryObjectStore) -> list[Event]:
    """Empty the inbox and read its events."""
    found = []
    for info in list(objects.list(f"inbox/{WORKSPACE}/")):
        found += [json.loads(line) for line in objects.get(info.key).splitlines()]
        objects.delete(info.key)
    return found


def told(event: Event) -> list[tuple[str, ...]]:
    """Status, path, and previous path or content of each file of a push."""
    return [
        (file["status"], file["path"], *(file[key] for key in ("previousPath", "content") if key in file))
        for file in event["payload"]["files"]
    ]


def iso(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")

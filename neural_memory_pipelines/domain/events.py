"""The envelope in which every source event arrives, and what can become of it.

Reading bytes and storing rows happens elsewhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from neural_memory_pipelines.domain.ids import WorkspaceId


class EventStatus(StrEnum):
    """What became of an event. Every event ends in one of the last four."""

    PENDING = "pending"
    PERSISTED = "persisted"
    UNCHANGED = "unchanged"
    SKIPPED = "skipped"
    DEAD = "dead"


class SkipReason(StrEnum):
    """Why an event that was understood yields nothing. The list is fixed: a new reason is a code change."""

    UNSUPPORTED_EVENT = "unsupported-event"
    EMPTY = "empty"
    BOT_AUTHOR = "bot-author"
    TRIVIAL = "trivial"
    NOT_DEFAULT_BRANCH = "not-default-branch"
    KNOWN_COMMIT = "known-commit"
    DROPPED = "dropped"
    SUPERSEDED = "superseded"


@dataclass(frozen=True, slots=True)
class SourceEvent:
    """One thing that happened in a source system.

    `occurred_at` is aware. `payload` is the source's own JSON object, untouched.
    `idempotency_key` is unique in the workspace: the same key twice is the same event.
    """

    workspace_id: WorkspaceId
    organization_id: str
    source: str
    action: str
    occurred_at: datetime
    idempotency_key: str
    payload: Mapping[str, Any]

"""The events of repositories: those that give one another name.

Every document of a repository bears its name; moving them is up to the store.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from neural_memory_pipelines.domain.documents import Changes, Rename, Skip
from neural_memory_pipelines.domain.events import SkipReason, SourceEvent
from neural_memory_pipelines.sources.github.code_payloads import (
    RepositoryEvent,
    RepositoryRename,
    RepositoryTransfer,
)
from neural_memory_pipelines.sources.github.reading import SOURCE
from neural_memory_pipelines.sources.reading import read_model

_RENAMED, _TRANSFERRED = "renamed", "transferred"
VERBS = frozenset(
    {_RENAMED, _TRANSFERRED, "archived", "created", "deleted", "edited", "privatized", "publicized", "unarchived"}
)
"""What can happen to a repository."""


@dataclass(frozen=True, slots=True)
class RepositoryReading:
    """A repository and what happened to it."""

    name: str
    payload: Mapping[str, Any]

    @property
    def source_id(self) -> None:
        """A repository is no document."""
        return

    def changes(self, event: SourceEvent, verb: str) -> Changes | Skip:
        """Say under which name it goes now."""
        if verb not in {_RENAMED, _TRANSFERRED}:
            return Skip(SkipReason.UNSUPPORTED_EVENT, event.action)
        former = self._former_name() if verb == _RENAMED else self._former_owner()
        if former.lower() == self.name.lower():
            return Skip(SkipReason.TRIVIAL, f"{event.action} from its own name")
        return Changes(renames=(Rename(SOURCE, former, self.name, event.occurred_at),))

    def _former_name(self) -> str:
        changes = read_model(RepositoryRename, self.payload.get("changes"), "payload.changes")
        return f"{self.name.partition('/')[0]}/{changes.repository.name.from_}"

    def _former_owner(self) -> str:
        changes = read_model(RepositoryTransfer, self.payload.get("changes"), "payload.changes")
        owner = changes.owner.from_.user or changes.owner.from_.organization
        return f"{owner.login}/{self.name.partition('/')[2]}" if owner else self.name


def read_repository(payload: Mapping[str, Any]) -> RepositoryReading:
    """Read the payload of an event of repositories."""
    return RepositoryReading(read_model(RepositoryEvent, payload, "payload").repository.full_name, payload)

"""What a batch of events says, on its way from the events to the rows: values that `describe.py` and its helpers share.

Nothing is read or written here.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field

from neural_memory_pipelines.domain.changes import Outcome
from neural_memory_pipelines.domain.documents import Changes, Skip, storable
from neural_memory_pipelines.domain.events import SourceEvent
from neural_memory_pipelines.domain.ids import DocumentId, WorkspaceId, document_id
from neural_memory_pipelines.steps.rows import Description


@dataclass(frozen=True, slots=True)
class Said:
    """What one event changes; `is_again` if it was read before."""

    event: SourceEvent
    raw_pointer: str
    changes: Changes
    is_again: bool = False

    @property
    def key(self) -> str:
        """The idempotency key of the event."""
        return self.event.idempotency_key


@dataclass(slots=True)
class Described:
    """What a batch of events says.

    Attributes:
        descriptions: in the order of the events; those put together from parts last.
        skipped: why an event yields nothing, by key: its push is known, or its parts make no document.
        faults: why the document of an event's parts cannot be put together, by key.
        outcomes: what became of parts that make no document or changed nothing, by key.
        told_by: the events that touched the parts of a document.
        read_again: events whose documents moved to another name, or are told anew.
    """

    descriptions: list[Description] = field(default_factory=list)
    skipped: dict[str, Skip] = field(default_factory=dict)
    faults: dict[str, str] = field(default_factory=dict)
    outcomes: dict[str, list[Outcome]] = field(default_factory=lambda: defaultdict(list))
    told_by: dict[DocumentId, list[str]] = field(default_factory=lambda: defaultdict(list))
    read_again: set[str] = field(default_factory=set)


def stored_id(workspace: WorkspaceId, source: str, source_id: str) -> DocumentId:
    """Identify a document by its name, as a database can keep it."""
    return document_id(workspace, source, storable(source_id))

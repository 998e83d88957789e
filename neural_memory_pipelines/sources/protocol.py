"""What a source module offers. One module per system, pure, independent of the others."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from neural_memory_pipelines.domain.documents import Changes, Part, Skip, SourceDraft
from neural_memory_pipelines.domain.events import SourceEvent


@dataclass(frozen=True, slots=True)
class EnvelopeFields:
    """What an envelope says that its payload alone decides. `occurred_at` is aware UTC."""

    action: str
    occurred_at: datetime
    idempotency_key: str


@dataclass(frozen=True, slots=True)
class Source:
    """One system's reader.

    Attributes:
        parse: reads an event; raises InvalidEventError, naming the field, if the payload is not what the system sends.
        subject: names the document (its source id) that an event is about; None if it is about none, or cannot be read.
        envelope_fields: derives the envelope of a bare payload, for systems whose payloads carry enough; else None.
        assemble: puts a document together from its parts, for systems that describe documents by parts; else None.
            Called with the document's source id, its own parts (deleted ones are left out) and those of its context,
            each in order of part id. A Skip means that the parts make no document worth keeping.
    """

    parse: Callable[[SourceEvent], Changes | Skip]
    subject: Callable[[SourceEvent], str | None]
    envelope_fields: Callable[[Mapping[str, Any]], EnvelopeFields] | None = None
    assemble: Callable[[str, Sequence[Part], Sequence[Part]], SourceDraft | Skip] | None = None

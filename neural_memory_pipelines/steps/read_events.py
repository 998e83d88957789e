"""Reads pending events: raw bytes, redacted, then parsed by their source. Nothing is written here.

A source sees what is left after redaction; the raw bytes alone hold the rest.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from neural_memory_pipelines.domain.documents import Changes, Skip
from neural_memory_pipelines.domain.events import SourceEvent
from neural_memory_pipelines.domain.redacted_drafts import redacted_changes
from neural_memory_pipelines.domain.redaction import RedactionPolicy, redact, redact_payload
from neural_memory_pipelines.errors import InvalidEventError
from neural_memory_pipelines.sources.registry import source_named
from neural_memory_pipelines.steps.lines import read_envelope
from neural_memory_pipelines.stores.postgres.events import PendingEvent


@dataclass(frozen=True, slots=True)
class ReadEvent:
    """A pending event and what it says: changes, a reason to skip it, or what is wrong with it."""

    pending: PendingEvent
    event: SourceEvent | None
    says: Changes | Skip | str


def read_events(
    pending: Sequence[PendingEvent], raw: Mapping[str, bytes], *, policy: RedactionPolicy
) -> list[ReadEvent]:
    """Read pending events.

    Args:
        pending: the events.
        raw: their bytes, by raw key.
        policy: what is taken out of their texts before anything else sees them.
    """
    return [_read(event, raw.get(event.raw_key), policy) for event in pending]


def _read(pending: PendingEvent, raw: bytes | None, policy: RedactionPolicy) -> ReadEvent:
    if raw is None:
        return ReadEvent(pending, None, f"raw artifact {pending.raw_key} is missing from the object store")
    try:
        # The ledger's spelling of the key is the one that outcomes are looked up by.
        event = replace(read_envelope(raw), idempotency_key=pending.idempotency_key)
        payload, _counts = redact_payload(event.payload, policy)
        event = replace(event, payload=payload)
        return ReadEvent(pending, event, _checked(source_named(pending.source).parse(event), policy))
    except InvalidEventError as error:
        return ReadEvent(pending, None, redact(str(error), policy).text)
    except Exception as error:  # noqa: BLE001 - one event that a parser trips over must not stop the others
        fault = f"the {pending.source} parser failed: {type(error).__name__}: {error}"
        return ReadEvent(pending, None, redact(fault, policy).text)


def _checked(says: Changes | Skip, policy: RedactionPolicy) -> Changes | Skip:
    if isinstance(says, Skip):
        return replace(says, detail=redact(says.detail, policy).text)
    changes = redacted_changes(says, policy)
    for draft in changes.drafts:
        draft.content_hash()  # a draft that cannot be spelled fails here, where it stops no other
    return changes

"""Puts documents together from their parts, such as threads from their messages.

It writes down what is known of parts; documents are written by `apply.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from neural_memory_pipelines.domain.changes import DescriptionRecord, Outcome, rank
from neural_memory_pipelines.domain.documents import Deletion, PartDraft, Skip, SourceDraft, storable
from neural_memory_pipelines.domain.events import SourceEvent
from neural_memory_pipelines.domain.ids import ContentHash, hash_json
from neural_memory_pipelines.domain.redacted_drafts import redacted_draft
from neural_memory_pipelines.domain.redaction import RedactionPolicy
from neural_memory_pipelines.sources.registry import source_named
from neural_memory_pipelines.steps.described import Described, Said, stored_id
from neural_memory_pipelines.steps.rows import Description, Row
from neural_memory_pipelines.stores.postgres import documents, parts, versions
from neural_memory_pipelines.stores.postgres.engine import Transaction
from neural_memory_pipelines.stores.postgres.parts import PartedDocument, PartKey, PartState

# What holds for more documents than this is told to them by events that are read again, tens at a time.
_DOCUMENTS_AT_ONCE = 256


@dataclass(slots=True)
class _Changed:
    """What a batch of events changes in the parts of one source.

    Attributes:
        newest: the newest description of each part that is not outdated.
        touched: the documents whose history gets longer.
        moved: the documents and contexts of which something is new.
        event: the last of the events.
    """

    event: SourceEvent
    newest: dict[PartKey, tuple[Said, PartDraft]] = field(default_factory=dict)
    touched: set[str] = field(default_factory=set)
    moved: set[str] = field(default_factory=set)


def describe_parts(
    tx: Transaction, drafts: Sequence[tuple[Said, PartDraft]], *, policy: RedactionPolicy, described: Described
) -> None:
    """Write down what events tell of parts, and describe the documents that follow, redacted by the policy."""
    if not drafts:
        return
    changed = _changed(tx, drafts, described)
    versions.record_descriptions(
        tx,
        [(stored_id(tx.workspace_id, part.source, part.source_id), _record(item, part)) for item, part in drafts],
    )
    for source, change in changed.items():
        parts.upsert_parts(tx, [_part_row(item, part) for item, part in change.newest.values()])
        touched = change.touched | _in_contexts(tx, source, change, described)
        for source_id, parted in sorted(parts.parted_documents(tx, source, sorted(touched)).items()):
            _assemble(tx, source, source_id, parted=parted, event=change.event, policy=policy, described=described)


def _changed(tx: Transaction, drafts: Sequence[tuple[Said, PartDraft]], described: Described) -> dict[str, _Changed]:
    """Find the newest description of each part, by source, and which documents and contexts have changed by them."""
    before = parts.lock_parts(tx, [_key(part) for _, part in drafts])
    changed: dict[str, _Changed] = {}
    for item, part in drafts:
        source, source_id, _ = _key(part)
        change = changed.setdefault(source, _Changed(item.event))
        change.event = item.event
        is_context = part.context_id == part.source_id
        if not is_context:
            change.touched.add(source_id)
        outcome = _part_outcome(before.get(_key(part)), item, part)
        if outcome is not Outcome.WRITTEN or is_context:
            described.outcomes[item.key].append(outcome)
        if outcome is Outcome.OUTDATED:
            continue
        if outcome is Outcome.WRITTEN:
            change.moved.add(source_id)
        change.newest[_key(part)] = item, part
        before[_key(part)] = _state(item, part)
        described.told_by[stored_id(tx.workspace_id, source, source_id)].append(item.key)
    return changed


def _in_contexts(tx: Transaction, source: str, change: _Changed, described: Described) -> set[str]:
    """List the documents that something new of their context concerns.

    If they are many, an event of each is read again instead: memory is bounded, and so is the transaction.
    """
    contexts = {storable(part.source_id) for _, part in change.newest.values() if part.context_id == part.source_id}
    # Every message tells anew of its channel: only what is new of it concerns the other documents there.
    concerned = parts.events_in_contexts(tx, source, contexts & change.moved)
    if len(concerned) <= _DOCUMENTS_AT_ONCE:
        return set(concerned)
    described.read_again |= {event for source_id, event in concerned.items() if source_id not in change.touched}
    return set()


def _assemble(
    tx: Transaction,
    source: str,
    source_id: str,
    *,
    parted: PartedDocument,
    event: SourceEvent,
    policy: RedactionPolicy,
    described: Described,
) -> None:
    """Put a document together; where its parts make none, it is gone if it was there."""
    assemble = source_named(source).assemble
    assert assemble is not None, f"{source} describes documents by parts and cannot put them together"
    key = stored_id(tx.workspace_id, source, source_id)
    says: SourceDraft | Deletion | Skip
    told_by = described.told_by[key] or [event.idempotency_key]
    try:
        says = assemble(source_id, parted.own, parted.context)
    except Exception as error:  # noqa: BLE001 - one document that a source trips over must not stop the others
        fault = f"the {source} source cannot put {source_id} together: {type(error).__name__}: {error}"
        described.faults.update(dict.fromkeys(told_by, fault))
        return
    if isinstance(says, Skip):
        described.skipped.update(dict.fromkeys(described.told_by[key], says))
        if key not in documents.stored_documents(tx, [key]):
            return
        says = Deletion(source, source_id, parted.as_of, f"no document: {says.reason}")
    else:
        # Events were redacted when they were read; this is put together just now.
        says = redacted_draft(replace(says, as_of=parted.as_of), policy)
    described.descriptions.append(
        Description(
            document_id=key,
            event_key=parted.event_key,
            action=parted.action or event.action,
            organization_id=event.organization_id,
            raw_pointer=parted.raw_pointer,
            says=says,
            is_assembled=True,
        )
    )


def _part_outcome(before: PartState | None, item: Said, part: PartDraft) -> Outcome:
    if before is None:
        return Outcome.WRITTEN
    if item.key == before.event_key:
        return Outcome.WRITTEN  # it is read again: what it is part of is put together anew
    if _rank(item, part) < rank(before.as_of, before.event_key, deletes=before.is_gone):
        return Outcome.OUTDATED
    return Outcome.UNCHANGED if before.content_hash == _hash(part) else Outcome.WRITTEN


def _rank(item: Said, part: PartDraft) -> tuple[datetime, bool, str]:
    return rank(part.as_of, item.key, deletes=part.content is None)


def _state(item: Said, part: PartDraft) -> PartState:
    return PartState(part.as_of, item.key, _hash(part), part.content is None)


def _record(item: Said, part: PartDraft) -> DescriptionRecord:
    return DescriptionRecord(
        event_key=item.key,
        part_id=part.part_id,
        as_of=part.as_of,
        deletes=part.content is None,
        content_hash=_hash(part),
        raw_pointer=item.raw_pointer,
    )


def _key(part: PartDraft) -> PartKey:
    return part.source, storable(part.source_id), storable(part.part_id)


def _hash(part: PartDraft) -> ContentHash:
    return hash_json(part.content)


def _part_row(item: Said, part: PartDraft) -> Row:
    source, source_id, part_id = _key(part)
    return {
        "source": source,
        "source_id": source_id,
        "part_id": part_id,
        "as_of": part.as_of,
        "event_key": item.key,
        "raw_pointer": item.raw_pointer,
        "context_id": part.context_id,
        "content": part.content,
        "content_hash": _hash(part),
    }

"""Makes descriptions of documents out of what events change: renames, pushes and parts end here.

It writes down what was seen of accounts, pushes, renames and parts; documents are written by `apply.py`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from neural_memory_pipelines.domain.accounts import Account
from neural_memory_pipelines.domain.changes import DescriptionRecord, Outcome, rank
from neural_memory_pipelines.domain.documents import Changes, Deletion, PartDraft, Rename, Skip, SourceDraft, storable
from neural_memory_pipelines.domain.events import SkipReason, SourceEvent
from neural_memory_pipelines.domain.ids import ContentHash, DocumentId, document_id, hash_json
from neural_memory_pipelines.domain.redacted_drafts import redacted_draft
from neural_memory_pipelines.domain.redaction import RedactionPolicy
from neural_memory_pipelines.domain.renames import renamed, renamed_part
from neural_memory_pipelines.sources.registry import source_named
from neural_memory_pipelines.steps.rows import Description, Row
from neural_memory_pipelines.stores.postgres import claims, documents, parts, pushes, versions
from neural_memory_pipelines.stores.postgres.engine import Transaction
from neural_memory_pipelines.stores.postgres.parts import PartedDocument, PartKey, PartState


@dataclass(frozen=True, slots=True)
class Said:
    """What one event changes."""

    event: SourceEvent
    raw_pointer: str
    changes: Changes


@dataclass(slots=True)
class Described:
    """What a batch of events says.

    Attributes:
        descriptions: in the order of the events; those put together from parts last.
        skipped: why an event yields nothing, by key: its push is known, or its parts make no document.
        faults: why the document of an event's parts cannot be put together, by key.
        outcomes: what became of parts that make no document or changed nothing, by key.
        told_by: the events that touched the parts of a document.
        read_again: events whose documents moved to another name.
    """

    descriptions: list[Description] = field(default_factory=list)
    skipped: dict[str, Skip] = field(default_factory=dict)
    faults: dict[str, str] = field(default_factory=dict)
    outcomes: dict[str, list[Outcome]] = field(default_factory=lambda: defaultdict(list))
    told_by: dict[DocumentId, list[str]] = field(default_factory=lambda: defaultdict(list))
    read_again: set[str] = field(default_factory=set)


def describe(tx: Transaction, said: Sequence[Said], *, policy: RedactionPolicy) -> Described:
    """Make descriptions out of a batch of events; what is put together from parts is redacted by the policy."""
    described = Described()
    known = pushes.record_commits(
        tx, [(item.event.idempotency_key, item.changes.commit) for item in said if item.changes.commit]
    )
    for key in known:
        described.skipped[key] = Skip(SkipReason.KNOWN_COMMIT)
    told = [item for item in said if item.event.idempotency_key not in known]
    pushes.register_stores(tx, [item.changes.commit.store for item in told if item.changes.commit])
    claims.record_claims(tx, ((account, item.event.occurred_at) for item in told for account in _accounts(item)))
    _record_renames(tx, told, described)
    renames = pushes.known_renames(tx)
    for item in told:
        stated: list[SourceDraft | Deletion] = [*item.changes.drafts, *item.changes.deletions]
        described.descriptions += [_description(tx, item, renamed(says, renames)) for says in stated]
    _describe_parts(tx, told, renames, described)
    described.descriptions = [_redacted(description, policy) for description in described.descriptions]
    return described


def _accounts(item: Said) -> Iterator[Account]:
    yield from item.changes.accounts
    for draft in item.changes.drafts:
        yield from ([draft.author] if draft.author else [])
        yield from draft.accounts


def _description(tx: Transaction, item: Said, says: SourceDraft | Deletion) -> Description:
    return Description(
        document_id=_id_of(tx, says.source, says.source_id),
        event_key=item.event.idempotency_key,
        action=item.event.action,
        organization_id=item.event.organization_id,
        raw_pointer=item.raw_pointer,
        says=says,
    )


def _id_of(tx: Transaction, source: str, source_id: str) -> DocumentId:
    return document_id(tx.workspace_id, source, storable(source_id))


def _record_renames(tx: Transaction, told: Sequence[Said], described: Described) -> None:
    """Forget the documents of renamed things under their old names, and have their events read again."""
    for item in told:
        for rename in pushes.record_renames(tx, item.changes.renames):
            described.read_again |= documents.forget_documents_named(tx, rename.source, rename.old, as_of=rename.as_of)


def _describe_parts(tx: Transaction, told: Sequence[Said], renames: Sequence[Rename], described: Described) -> None:
    drafts = [(item, renamed_part(part, renames)) for item in told for part in item.changes.parts]
    if not drafts:
        return
    changed, moved = _newest(tx, drafts, described)
    versions.record_descriptions(
        tx, [(_id_of(tx, part.source, part.source_id), _record(item, part)) for item, part in drafts]
    )
    for source, newest in changed.items():
        parts.upsert_parts(tx, [_part_row(item, part) for item, part in newest.values()])
        contexts = {part.source_id for _, part in newest.values() if part.context_id == part.source_id}
        touched = {part.source_id for _, part in newest.values()} - contexts
        # Every message tells anew of its channel: only what is new of it concerns the other documents there.
        if new := contexts & moved:
            touched |= set(parts.documents_in_context(tx, source, new))
        event = next(reversed(newest.values()))[0].event
        for source_id, parted in sorted(parts.parted_documents(tx, source, sorted(touched)).items()):
            _assemble(tx, source, source_id, parted=parted, event=event, described=described)


def _newest(
    tx: Transaction, drafts: Sequence[tuple[Said, PartDraft]], described: Described
) -> tuple[dict[str, dict[PartKey, tuple[Said, PartDraft]]], set[str]]:
    """Find the newest description of each part, by source, and which documents and contexts have changed by them."""
    before = parts.lock_parts(tx, [_key(part) for _, part in drafts])
    newest: dict[str, dict[PartKey, tuple[Said, PartDraft]]] = defaultdict(dict)
    moved: set[str] = set()
    for item, part in drafts:
        outcome = _part_outcome(before.get(_key(part)), item, part)
        if outcome is not Outcome.WRITTEN or part.context_id == part.source_id:
            described.outcomes[item.event.idempotency_key].append(outcome)
        if outcome is Outcome.OUTDATED:
            continue
        if outcome is Outcome.WRITTEN:
            moved.add(part.source_id)
        newest[part.source][_key(part)] = item, part
        before[_key(part)] = _state(item, part)
        described.told_by[_id_of(tx, part.source, part.source_id)].append(item.event.idempotency_key)
    return newest, moved


def _assemble(
    tx: Transaction, source: str, source_id: str, *, parted: PartedDocument, event: SourceEvent, described: Described
) -> None:
    """Put a document together; where its parts make none, it is gone if it was there."""
    assemble = source_named(source).assemble
    assert assemble is not None, f"{source} describes documents by parts and cannot put them together"
    key = _id_of(tx, source, source_id)
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
        says = replace(says, as_of=parted.as_of)
    described.descriptions.append(
        Description(
            document_id=key,
            event_key=parted.event_key,
            action=event.action,
            organization_id=event.organization_id,
            raw_pointer=parted.raw_pointer,
            says=says,
            is_assembled=True,
        )
    )


def _redacted(description: Description, policy: RedactionPolicy) -> Description:
    """Redact a document that was put together just now; others were redacted when they were read."""
    if not description.is_assembled or isinstance(description.says, Deletion):
        return description
    return replace(description, says=redacted_draft(description.says, policy))


def _part_outcome(before: PartState | None, item: Said, part: PartDraft) -> Outcome:
    if before is None:
        return Outcome.WRITTEN
    if item.event.idempotency_key == before.event_key:
        return Outcome.WRITTEN  # it is read again: what it is part of is put together anew
    if _rank(item, part) < rank(before.as_of, before.event_key, deletes=before.is_gone):
        return Outcome.OUTDATED
    return Outcome.UNCHANGED if before.content_hash == _hash(part) else Outcome.WRITTEN


def _rank(item: Said, part: PartDraft) -> tuple[datetime, bool, str]:
    return rank(part.as_of, item.event.idempotency_key, deletes=part.content is None)


def _state(item: Said, part: PartDraft) -> PartState:
    return PartState(part.as_of, item.event.idempotency_key, _hash(part), part.content is None)


def _record(item: Said, part: PartDraft) -> DescriptionRecord:
    return DescriptionRecord(
        event_key=item.event.idempotency_key,
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
        "event_key": item.event.idempotency_key,
        "raw_pointer": item.raw_pointer,
        "context_id": part.context_id,
        "content": part.content,
        "content_hash": _hash(part),
    }

"""Turns pending events into documents, chunks and observations, in one transaction for tens of documents.

What to write is decided in `domain/`, how in `stores/postgres/`; a bad event becomes a dead letter, the rest goes on.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from neural_memory_pipelines.domain.changes import Outcome
from neural_memory_pipelines.domain.documents import Changes, Deletion, Skip, SourceDraft
from neural_memory_pipelines.domain.events import EventStatus, SkipReason, SourceEvent
from neural_memory_pipelines.domain.ids import WorkspaceId
from neural_memory_pipelines.domain.versions import EmbeddingVersion
from neural_memory_pipelines.errors import InvalidEventError, RefusedValueError
from neural_memory_pipelines.models.embedders.protocol import Embedder
from neural_memory_pipelines.sources.registry import source_named
from neural_memory_pipelines.steps.apply import Description, apply_descriptions
from neural_memory_pipelines.steps.lines import read_envelope
from neural_memory_pipelines.steps.report import Progress, StepReport, no_progress, timed
from neural_memory_pipelines.stores.bundle import Stores
from neural_memory_pipelines.stores.postgres import events
from neural_memory_pipelines.stores.postgres.engine import Transaction
from neural_memory_pipelines.stores.postgres.events import EventOutcome, PendingEvent

_EVENTS_PER_TRANSACTION = 64


@dataclass(slots=True)
class PersistReport:
    """One report for each table that the step writes; `events` counts what became of the events."""

    events: StepReport = field(default_factory=StepReport)
    documents: StepReport = field(default_factory=StepReport)
    chunks: StepReport = field(default_factory=StepReport)
    observations: StepReport = field(default_factory=StepReport)


@dataclass(frozen=True, slots=True)
class _Read:
    """A pending event and what it says: changes, a reason to skip it, or what is wrong with it."""

    pending: PendingEvent
    event: SourceEvent | None
    says: Changes | Skip | str


def persist_pending(
    workspace: WorkspaceId,
    *,
    stores: Stores,
    version: EmbeddingVersion,
    load_embedder: Callable[[], Embedder],
    on_progress: Progress = no_progress,
) -> PersistReport:
    """Persist all pending events of a workspace, oldest first.

    Args:
        workspace: whose events.
        stores: where from and where to.
        version: the version at which the workspace is served; its chunking is applied.
        load_embedder: loads the version's embedder, whose token counts bound chunks; called only if needed.
        on_progress: called with the number of events that were settled.
    """
    report = PersistReport()
    with timed(report.events), stores.database.lock(workspace, "persist"):
        with stores.database.transaction(workspace) as tx:
            on_progress(0, total=events.count_pending(tx))
        one_by_one = 0
        while True:
            limit = 1 if one_by_one else _EVENTS_PER_TRANSACTION
            try:
                settled = _persist_batch(
                    workspace, stores=stores, version=version, load_embedder=load_embedder, limit=limit, report=report
                )
            except RefusedValueError as error:
                if limit > 1:
                    # One event of the batch brought a value that Postgres refuses: it is found among them singly.
                    one_by_one = _EVENTS_PER_TRANSACTION
                    continue
                settled = _bury_next(workspace, stores=stores, reason=str(error), report=report)
            if not settled:
                break
            one_by_one = max(one_by_one - 1, 0)
            on_progress(settled)
    for part in (report.documents, report.chunks, report.observations):
        part.seconds = report.events.seconds
    return report


def _persist_batch(
    workspace: WorkspaceId,
    *,
    stores: Stores,
    version: EmbeddingVersion,
    load_embedder: Callable[[], Embedder],
    limit: int,
    report: PersistReport,
) -> int:
    with stores.database.transaction(workspace) as tx:
        pending = events.pending(tx, limit=limit)
        if not pending:
            return 0
        read = _read_events(pending, stores.objects.get_many([event.raw_key for event in pending]))
        descriptions = [
            Description(item.event, item.pending.raw_key, said)
            for item in read
            if item.event
            for said in _said(item.says)
        ]
        applied = apply_descriptions(tx, descriptions, version=version, embedder=load_embedder())
        outcomes = _settle(tx, read, applied.by_event)
    for part, done in zip(
        (report.documents, report.chunks, report.observations),
        (applied.documents, applied.chunks, applied.observations),
        strict=True,
    ):
        _add(part, done)
    _count_events(report.events, outcomes)
    return len(pending)


def _said(says: Changes | Skip | str) -> Sequence[SourceDraft | Deletion]:
    if isinstance(says, Changes):
        return [*says.drafts, *says.deletions]
    return says.gone if isinstance(says, Skip) else ()


def _read_events(pending: Sequence[PendingEvent], raw: dict[str, bytes]) -> list[_Read]:
    return [_read_event(event, raw.get(event.raw_key)) for event in pending]


def _read_event(pending: PendingEvent, raw: bytes | None) -> _Read:
    if raw is None:
        return _Read(pending, None, f"raw artifact {pending.raw_key} is missing from the object store")
    try:
        # The ledger's spelling of the key is the one that outcomes are looked up by.
        event = replace(read_envelope(raw), idempotency_key=pending.idempotency_key)
        says = source_named(pending.source).parse(event)
        for draft in says.drafts if isinstance(says, Changes) else ():
            draft.content_hash()  # a draft that cannot be spelled fails here, where it stops no other
        return _Read(pending, event, says)
    except InvalidEventError as error:
        return _Read(pending, None, str(error))
    except Exception as error:  # noqa: BLE001 - one event that a parser trips over must not stop the others
        return _Read(pending, None, f"the {pending.source} parser failed: {type(error).__name__}: {error}")


def _settle(tx: Transaction, read: Sequence[_Read], applied: dict[str, list[Outcome]]) -> list[EventOutcome]:
    outcomes = [_outcome(item, applied.get(item.pending.idempotency_key, [])) for item in read]
    events.settle(tx, outcomes)
    dead = [item for item in read if isinstance(item.says, str)]
    events.bury(
        tx,
        [
            {
                "idempotency_key": item.pending.idempotency_key,
                "origin": f"event {item.pending.idempotency_key}",
                "raw_key": item.pending.raw_key,
                "reason": item.says,
            }
            for item in dead
        ],
    )
    return outcomes


def _outcome(item: _Read, applied: Sequence[Outcome]) -> EventOutcome:
    key = item.pending.idempotency_key
    if isinstance(item.says, str):
        return EventOutcome(key, EventStatus.DEAD, item.says)
    if isinstance(item.says, Skip):
        detail = f": {item.says.detail}" if item.says.detail else ""
        return EventOutcome(key, EventStatus.SKIPPED, f"{item.says.reason}{detail}")
    if Outcome.WRITTEN in applied:
        return EventOutcome(key, EventStatus.PERSISTED)
    if Outcome.UNCHANGED in applied:
        return EventOutcome(key, EventStatus.UNCHANGED)
    return EventOutcome(key, EventStatus.SKIPPED, str(SkipReason.SUPERSEDED))


def _bury_next(workspace: WorkspaceId, *, stores: Stores, reason: str, report: PersistReport) -> int:
    with stores.database.transaction(workspace) as tx:
        read = [_Read(event, None, reason) for event in events.pending(tx, limit=1)]
        outcomes = _settle(tx, read, {})
    _count_events(report.events, outcomes)
    return len(outcomes)


def _count_events(report: StepReport, outcomes: Sequence[EventOutcome]) -> None:
    fields = {
        EventStatus.PERSISTED: "written",
        EventStatus.UNCHANGED: "unchanged",
        EventStatus.SKIPPED: "skipped",
        EventStatus.DEAD: "failed",
    }
    for outcome in outcomes:
        name = fields[outcome.status]
        setattr(report, name, getattr(report, name) + 1)
        if outcome.reason:
            # The reasons of a skip are few; its detail is in the ledger.
            is_skip = outcome.status is EventStatus.SKIPPED
            report.count_reason(outcome.reason.partition(": ")[0] if is_skip else outcome.reason)
    report.seen += len(outcomes)


def _add(total: StepReport, part: StepReport) -> None:
    total.seen += part.seen
    total.written += part.written
    total.unchanged += part.unchanged
    total.deleted += part.deleted
    total.skipped += part.skipped
    total.tokens += part.tokens
    for row in part.examples:
        total.show(row)

"""Turns pending events into documents, chunks and observations, in one transaction for tens of documents.

What to write is decided in `domain/`, how in `stores/postgres/`; a bad event becomes a dead letter, the rest goes on.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from neural_memory_pipelines.domain.changes import Outcome
from neural_memory_pipelines.domain.documents import Changes, Skip
from neural_memory_pipelines.domain.events import EventStatus, SkipReason
from neural_memory_pipelines.domain.ids import WorkspaceId
from neural_memory_pipelines.domain.redaction import RedactionPolicy
from neural_memory_pipelines.domain.versions import EmbeddingVersion
from neural_memory_pipelines.errors import RefusedValueError
from neural_memory_pipelines.models.embedders.protocol import Embedder
from neural_memory_pipelines.steps.apply import Applied, apply_descriptions
from neural_memory_pipelines.steps.describe import describe
from neural_memory_pipelines.steps.described import Described, Said
from neural_memory_pipelines.steps.read_events import ReadEvent, read_events
from neural_memory_pipelines.steps.report import Progress, StepReport, no_progress, timed
from neural_memory_pipelines.stores.bundle import Stores
from neural_memory_pipelines.stores.postgres import dead_letters, events, workspaces
from neural_memory_pipelines.stores.postgres.engine import Transaction
from neural_memory_pipelines.stores.postgres.events import EventOutcome
from neural_memory_pipelines.stores.postgres.word_counts import count_words

_EVENTS_PER_TRANSACTION = 64
_BYTES_PER_TRANSACTION = 16 * 1024 * 1024


@dataclass(slots=True)
class PersistReport:
    """One report for each table that the step writes; `events` counts what became of the events."""

    events: StepReport = field(default_factory=StepReport)
    documents: StepReport = field(default_factory=StepReport)
    chunks: StepReport = field(default_factory=StepReport)
    observations: StepReport = field(default_factory=StepReport)


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
        load_embedder: loads the model of the version's tokenizer, which bounds chunks; called only if needed.
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
        with stores.database.writing(workspace) as tx:
            count_words(tx)
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
        listed = events.pending(tx, limit=limit, limit_bytes=_BYTES_PER_TRANSACTION)
    if not listed:
        return 0
    # Between the transactions, for the object store may be slow.
    raw = stores.objects.get_many([event.raw_key for event in listed])
    with stores.database.writing(workspace) as tx:
        pending = events.lock_pending(tx, listed)
        policy = workspaces.redaction_policy(tx)
        read = read_events(pending, raw, policy=policy)
        served = workspaces.served_version(tx, version)  # a promotion may have come between two batches
        applied, described = _apply(tx, read, policy=policy, version=served, embedder=load_embedder())
        outcomes = _settle(tx, read, applied, described)
        # Last, for an event of this very batch may be among them.
        events.read_again(tx, applied.read_again | described.read_again)
    for part, done in zip(
        (report.documents, report.chunks, report.observations),
        (applied.documents, applied.chunks, applied.observations),
        strict=True,
    ):
        _add(part, done)
    _count_events(report.events, outcomes)
    return len(listed)


def _apply(
    tx: Transaction,
    read: Sequence[ReadEvent],
    *,
    policy: RedactionPolicy,
    version: EmbeddingVersion,
    embedder: Embedder,
) -> tuple[Applied, Described]:
    said = [
        Said(item.event, item.pending.raw_key, changes, is_again=item.pending.is_again)
        for item in read
        if item.event
        for changes in _said(item)
    ]
    described = describe(tx, said, policy=policy)
    applied = Applied()
    apply_descriptions(tx, described.descriptions, version=version, embedder=embedder, applied=applied)
    for event_key, outcomes in described.outcomes.items():
        applied.by_event[event_key] += outcomes
    for document, outcome in applied.by_assembled.items():
        for event_key in described.told_by.get(document, ()):
            applied.by_event[event_key].append(outcome)
    return applied, described


def _said(item: ReadEvent) -> Sequence[Changes]:
    if isinstance(item.says, Skip):
        return [Changes(deletions=item.says.gone)]
    return [item.says] if isinstance(item.says, Changes) else []


def _settle(tx: Transaction, read: Sequence[ReadEvent], applied: Applied, described: Described) -> list[EventOutcome]:
    says = {item.pending.idempotency_key: item.says for item in read} | described.skipped | described.faults
    outcomes = [_outcome(key, said, applied.by_event.get(key, [])) for key, said in says.items()]
    events.settle(tx, outcomes)
    settled = [outcome.idempotency_key for outcome in outcomes if outcome.status is not EventStatus.DEAD]
    dead_letters.take_off_settled(tx, settled)
    events.bury(
        tx,
        [
            {
                "idempotency_key": item.pending.idempotency_key,
                "origin": f"event {item.pending.idempotency_key}",
                "raw_key": item.pending.raw_key,
                "reason": says[item.pending.idempotency_key],
            }
            for item in read
            if isinstance(says[item.pending.idempotency_key], str)
        ],
    )
    return outcomes


def _outcome(key: str, says: Changes | Skip | str, applied: Sequence[Outcome]) -> EventOutcome:
    if isinstance(says, str):
        return EventOutcome(key, EventStatus.DEAD, says)
    if isinstance(says, Skip):
        detail = f": {says.detail}" if says.detail else ""
        return EventOutcome(key, EventStatus.SKIPPED, f"{says.reason}{detail}")
    if Outcome.WRITTEN in applied or (not applied and says.brings_facts):
        return EventOutcome(key, EventStatus.PERSISTED)
    if Outcome.UNCHANGED in applied:
        return EventOutcome(key, EventStatus.UNCHANGED)
    return EventOutcome(key, EventStatus.SKIPPED, str(SkipReason.SUPERSEDED))


def _bury_next(workspace: WorkspaceId, *, stores: Stores, reason: str, report: PersistReport) -> int:
    with stores.database.writing(workspace) as tx:
        read = [ReadEvent(event, None, reason) for event in events.pending(tx, limit=1, limit_bytes=0)]
        outcomes = _settle(tx, read, Applied(), Described())
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

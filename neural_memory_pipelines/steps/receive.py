"""Makes waiting events durable: raw bytes into the object store, one row each into the ingest ledger.

Nothing is parsed beyond the envelope here, and nothing leaves the inbox before all of it is safe.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC

from neural_memory_pipelines.domain.documents import storable
from neural_memory_pipelines.domain.events import SourceEvent
from neural_memory_pipelines.domain.ids import WorkspaceId, document_id, hash_bytes
from neural_memory_pipelines.domain.redaction import RedactionPolicy, redact
from neural_memory_pipelines.domain.versions import EmbeddingVersion
from neural_memory_pipelines.errors import InvalidEventError
from neural_memory_pipelines.sources.registry import source_named
from neural_memory_pipelines.steps.inbox import inbox_prefix, split_lines
from neural_memory_pipelines.steps.lines import read_envelope, read_json
from neural_memory_pipelines.steps.report import Progress, StepReport, no_progress, timed
from neural_memory_pipelines.stores.bundle import Stores
from neural_memory_pipelines.stores.objects.protocol import ObjectInfo
from neural_memory_pipelines.stores.postgres import dead_letters, events, workspaces

EVENT_LIMIT_BYTES = 128 * 1024 * 1024
"""An event of more is refused: reading it takes several times as much memory."""


@dataclass(frozen=True, slots=True)
class _Received:
    """A line of the inbox: where its bytes go, and its event or what is wrong with it."""

    raw_key: str
    raw: bytes
    origin: str
    event: SourceEvent | None
    fault: str = ""


def receive_events(
    workspace: WorkspaceId,
    *,
    stores: Stores,
    new_workspace_version: EmbeddingVersion,
    organization_id: str,
    on_progress: Progress = no_progress,
) -> StepReport:
    """Take a workspace's inbox in.

    Args:
        workspace: whose inbox.
        stores: where from and where to.
        new_workspace_version: the embedding version at which the workspace is served if it is new.
        organization_id: the organization of a new workspace whose first event names none.
        on_progress: called with the number of events received.

    Returns:
        seen = lines, written = new events, unchanged = events known before, failed = dead letters.
    """
    report = StepReport()
    with timed(report), stores.database.lock(workspace, "receive"):
        workspaces.register_version(stores.database, new_workspace_version)
        with stores.database.transaction(workspace) as tx:
            workspaces.register_workspace(tx, organization_id=organization_id, version=new_workspace_version)
        for info in stores.objects.list(inbox_prefix(workspace)):
            _receive_object(workspace, info, stores=stores, report=report)
            on_progress(1)
    return report


def _receive_object(workspace: WorkspaceId, info: ObjectInfo, *, stores: Stores, report: StepReport) -> None:
    data = stores.objects.get_many([info.key]).get(info.key)
    if data is None:  # another run took it between the listing and now
        return
    received = _read_object(workspace, info.key, data)
    stores.objects.put_many({item.raw_key: item.raw for item in received})
    with stores.database.transaction(workspace) as tx:
        new = events.receive(tx, [_ledger_row(item) for item in received if item.event])
        events.bury(tx, [_dead_row(item) for item in received if not item.event])
        # What was dead and can be read now is dead no more: a line, or an object that could not be split.
        readable = {_dead_key(workspace, raw) for raw in (data, *(item.raw for item in received if item.event))}
        readable -= {item.raw_key for item in received if not item.event}
        dead_letters.take_off(tx, [dead_letters.dead_letter_id(tx, key) for key in readable])
    stores.objects.delete(info.key, if_etag=info.etag)

    good = sum(item.event is not None for item in received)
    report.seen += len(received)
    report.written += new
    report.unchanged += good - new
    report.failed += len(received) - good
    for item in received:
        if item.event:
            report.show({"source": item.event.source, "action": item.event.action, "raw": item.raw_key})
        else:
            report.count_reason(item.fault)


def _read_object(workspace: WorkspaceId, key: str, data: bytes) -> Sequence[_Received]:
    try:
        lines = split_lines(key, data)
    except InvalidEventError as error:
        return [_dead(workspace, key, data, str(error))]
    return [_read_line(workspace, f"{key}:{number}", line) for number, line in enumerate(lines, start=1)]


def _read_line(workspace: WorkspaceId, origin: str, line: bytes) -> _Received:
    if len(line) > EVENT_LIMIT_BYTES:
        fault = f"{len(line):,} bytes are more than the {EVENT_LIMIT_BYTES:,} that one event may have: send it in parts"
        return _dead(workspace, origin, line, fault)
    try:
        event = read_envelope(line)
        subject = source_named(event.source).subject(event)
        moment = event.occurred_at.astimezone(UTC)
    except InvalidEventError as error:
        return _dead(workspace, origin, line, str(error))
    except OverflowError:
        return _dead(
            workspace, origin, line, f"occurredAt: {event.occurred_at} lies outside the years 1 to 9999 in UTC"
        )
    if event.workspace_id != workspace:
        fault = f"workspaceId: {event.workspace_id!r} lies in the inbox of {workspace!r}"
        return _dead(workspace, origin, line, fault)
    folder = document_id(workspace, event.source, storable(subject)) if subject else "none"
    name = f"{moment:%Y%m%dT%H%M%SZ}-{hash_bytes(line)[:16]}.json"
    return _Received(f"workspaces/{workspace}/knowledge/{folder}/{name}", line, origin, event)


def _dead(workspace: WorkspaceId, origin: str, raw: bytes, fault: str) -> _Received:
    # What cannot be read may be anything: its reason is redacted whatever the workspace asks for.
    told = redact(fault, RedactionPolicy.ALL).text
    return _Received(_dead_key(workspace, raw), raw, redact(origin, RedactionPolicy.ALL).text, None, told)


def _dead_key(workspace: WorkspaceId, raw: bytes) -> str:
    return f"workspaces/{workspace}/dead-letters/{hash_bytes(raw)[:32]}.json"


def _ledger_row(item: _Received) -> dict[str, object]:
    assert item.event is not None, "dead lines have no ledger row"
    return {
        "idempotency_key": item.event.idempotency_key,
        "source": item.event.source,
        "action": item.event.action,
        "occurred_at": item.event.occurred_at,
        "raw_key": item.raw_key,
        "content_hash": hash_bytes(item.raw),
        "raw_bytes": len(item.raw),
    }


def _dead_row(item: _Received) -> dict[str, object]:
    return {
        "idempotency_key": _key_if_any(item.raw),
        "origin": item.origin,
        "raw_key": item.raw_key,
        "reason": item.fault,
    }


def _key_if_any(raw: bytes) -> str | None:
    if len(raw) > EVENT_LIMIT_BYTES:
        return None
    try:
        value = read_json(raw)
    except InvalidEventError:
        return None
    key = value.get("idempotencyKey") if isinstance(value, dict) else None
    return key if isinstance(key, str) else None

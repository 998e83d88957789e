"""Puts files of events into the inbox: the good events, while each bad one is told by its place.

Reading and validating only; making it durable is `steps/receive.py`'s part.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from neural_memory_pipelines.domain.events import SourceEvent
from neural_memory_pipelines.domain.ids import WorkspaceId
from neural_memory_pipelines.errors import InvalidEventError
from neural_memory_pipelines.sources.envelope import encode_envelope
from neural_memory_pipelines.sources.registry import source_named, wrap_payload
from neural_memory_pipelines.steps.event_files import Fault, read_event_file
from neural_memory_pipelines.steps.inbox import InboxBuffer
from neural_memory_pipelines.steps.ingest import IngestReport
from neural_memory_pipelines.steps.lines import read_envelope, read_json
from neural_memory_pipelines.steps.report import Progress, no_progress
from neural_memory_pipelines.stores.objects.protocol import ObjectStore


def ingest_events(
    path: Path,
    *,
    workspace: WorkspaceId | None,
    organization_id: str,
    objects: ObjectStore,
    source: str | None = None,
    on_progress: Progress = no_progress,
) -> IngestReport:
    """Put a file's events into the inbox: the good ones, while each bad one is reported with file and line.

    Args:
        path: JSON, or JSON lines, of envelopes; gzipped or not.
        workspace: overrides the workspace of the envelopes; needed with `source`.
        organization_id: the organization of bare payloads.
        objects: where the inbox is.
        source: the file holds bare payloads of this source, to be wrapped.
        on_progress: called with the number of events read.

    Raises:
        NotFoundError: no such file.
        PermanentError: it is a folder, or cannot be opened.
    """
    report = IngestReport()
    buffer = InboxBuffer(objects, report.count_put)
    for item in read_event_file(path):
        on_progress(1)
        if isinstance(item, Fault):
            report.faults.append(f"{item.place}: {item.reason}")
            continue
        try:
            event = _read_event(item.json, workspace=workspace, organization_id=organization_id, source=source)
        except InvalidEventError as error:
            report.faults.append(f"{item.place}: {error}")
            continue
        buffer.add(event.workspace_id, encode_envelope(event))
    buffer.flush()
    return report


def _read_event(text: bytes, *, workspace: WorkspaceId | None, organization_id: str, source: str | None) -> SourceEvent:
    try:
        if source is not None:
            assert workspace is not None, "the command requires a workspace with a source"
            payload = read_json(text)
            return wrap_payload(source, payload, workspace_id=workspace, organization_id=organization_id)
        event = read_envelope(text)
    except InvalidEventError:
        read_json(text)  # where the text is not JSON, this says it in the words and columns of a single line
        raise
    source_named(event.source)
    return event if workspace is None else replace(event, workspace_id=workspace)

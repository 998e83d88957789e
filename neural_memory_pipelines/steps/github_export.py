"""Puts a folder of GitHub's REST objects, as metadata backups write them, into the inbox: one event an object.

Reading and validating only; making it durable is `steps/receive.py`'s part.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from neural_memory_pipelines.domain.events import SourceEvent
from neural_memory_pipelines.domain.ids import WorkspaceId
from neural_memory_pipelines.errors import InvalidEventError
from neural_memory_pipelines.sources.envelope import encode_envelope
from neural_memory_pipelines.sources.registry import wrap_payload
from neural_memory_pipelines.steps.github_files import find_files, read_backup_file
from neural_memory_pipelines.steps.github_objects import LeftOut, Unknown, take_apart
from neural_memory_pipelines.steps.inbox import InboxBuffer
from neural_memory_pipelines.steps.ingest import IngestReport
from neural_memory_pipelines.steps.report import Progress, no_progress
from neural_memory_pipelines.stores.objects.protocol import ObjectStore

_SOURCE = "github"


@dataclass(slots=True)
class ExportReport(IngestReport):
    """What was put into the inbox; `kinds` counts it by event, such as issues or issue_comment; `files` were read."""

    files: int = 0
    kinds: Counter[str] = field(default_factory=Counter)


def ingest_github_export(
    folder: Path,
    *,
    workspace: WorkspaceId,
    organization_id: str,
    objects: ObjectStore,
    repository: str | None = None,
    on_progress: Progress = no_progress,
) -> ExportReport:
    """Put the objects of a backup into the inbox; what cannot be read is reported by file, and the rest goes on.

    Doing so again puts the same events, which are known then.

    Args:
        folder: of JSON files, gzipped or not, in any depth.
        workspace: whose inbox.
        organization_id: written into the envelopes.
        objects: where the inbox is.
        repository: owner/name, for objects that do not tell where they belong.
        on_progress: called with the number of files read.

    Raises:
        NotFoundError: no such folder.
    """
    found = find_files(folder)
    report = ExportReport(faults=[f"{fault.place}: {fault.reason}" for fault in found.faults])
    buffer = InboxBuffer(objects, report.count_put)
    left_out: Counter[str] = Counter()
    on_progress(0, total=len(found.mains))
    for path in found.mains:
        on_progress(1)
        report.files += 1
        values, faults = read_backup_file(path, found.parts.get(path, []))
        report.faults += [f"{fault.place}: {fault.reason}" for fault in faults]
        for item in (item for value in values for item in take_apart(value, repository=repository)):
            if isinstance(item, LeftOut):
                left_out[item.kind] += 1
            elif isinstance(item, Unknown):
                report.faults.append(f"{path}: {item.reason}")
            elif event := _event(path, item, report, workspace=workspace, organization_id=organization_id):
                buffer.add(workspace, encode_envelope(event))
    buffer.flush()
    report.notes += [f"{count:,} {kind} left out" for kind, count in sorted(left_out.items())]
    report.notes += [f"{path}: a git repository of its own, left out" for path in found.repositories]
    return report


def _event(
    path: Path, value: dict[str, Any], report: ExportReport, *, workspace: WorkspaceId, organization_id: str
) -> SourceEvent | None:
    try:
        event = wrap_payload(_SOURCE, value, workspace_id=workspace, organization_id=organization_id)
    except InvalidEventError as error:
        report.faults.append(f"{path}: {error}")
        return None
    report.kinds[event.action.partition(".")[0]] += 1
    return event

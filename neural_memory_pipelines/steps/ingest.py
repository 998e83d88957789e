"""Puts what a person points at into the inbox: a folder of documents, or files of events.

Reading and validating only; making it durable is `steps/receive.py`'s part.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import chain
from pathlib import Path

from neural_memory_pipelines.domain.events import SourceEvent
from neural_memory_pipelines.domain.ids import WorkspaceId, hash_json
from neural_memory_pipelines.errors import InvalidEventError, NotFoundError
from neural_memory_pipelines.sources.envelope import decode_envelope, encode_envelope
from neural_memory_pipelines.sources.registry import source_named, wrap_payload
from neural_memory_pipelines.steps.inbox import put_lines, split_lines
from neural_memory_pipelines.steps.report import Progress, no_progress
from neural_memory_pipelines.steps.worktree import FileOnDisk, folder_config, included_files, read_files
from neural_memory_pipelines.stores.objects.protocol import ObjectStore


@dataclass(slots=True)
class IngestReport:
    """What was put into the inbox. `faults` says file, line and reason of all that was not."""

    put: int = 0
    unchanged: int = 0
    removed: int = 0
    faults: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a store of documents looked like when it was ingested last: content hashes by path."""

    revision: int
    at: datetime
    files: Mapping[str, str]

    def encode(self) -> bytes:
        """Write the manifest as JSON."""
        value = {"revision": self.revision, "at": self.at.isoformat(), "files": dict(self.files)}
        return json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass")


def ingest_docs(
    folder: Path,
    *,
    workspace: WorkspaceId,
    organization_id: str,
    objects: ObjectStore,
    store: str | None = None,
    full: bool = False,
    on_progress: Progress = no_progress,
) -> IngestReport:
    """Put a folder's documents into the inbox: those added or modified since the last time, and removals.

    Args:
        folder: a git work tree or a plain folder.
        workspace: whose inbox.
        organization_id: written into the envelopes.
        objects: where the inbox is, and the manifest of the last time.
        store: the store's name; else the folder's configuration, else the folder's name.
        full: put every file, whatever the manifest says.
        on_progress: called with the number of files read.

    Raises:
        NotFoundError: no such folder.
    """
    config = folder_config(folder, store=store)
    before = _read_manifest(objects, workspace, config.store)
    report = IngestReport()
    files: dict[str, FileOnDisk] = {}
    for item in read_files(folder, included_files(folder, config.include)):
        on_progress(1)
        if isinstance(item, FileOnDisk):
            files[item.path] = item
        else:
            report.faults.append(f"{folder / item[0]}: {item[1]}")
    changed = [f for f in files.values() if full or before.files.get(f.path) != f.content_hash]
    removed = sorted(set(before.files) - set(files))
    report.put, report.removed, report.unchanged = len(changed), len(removed), len(files) - len(changed)
    if changed or removed:
        # Time orders the descriptions of a document, so it must move on even if the clock did not.
        now = max(datetime.now(UTC), before.at + timedelta(milliseconds=1))
        after = Manifest(before.revision + 1, now, {path: file.content_hash for path, file in files.items()})
        frame = _DocsFrame(workspace, organization_id, config.store, after)
        put_lines(objects, workspace, chain(map(frame.upserted, changed), map(frame.removed, removed)))
        # Last: if this write is lost, the same events are put again under the same keys.
        objects.put_many({_manifest_key(workspace, config.store): after.encode()})
    return report


@dataclass(frozen=True, slots=True)
class _DocsFrame:
    """What the envelopes of one ingestion of a folder have in common."""

    workspace: WorkspaceId
    organization_id: str
    store: str
    manifest: Manifest

    def upserted(self, file: FileOnDisk) -> bytes:
        payload = {"content": file.text, "contentHash": file.content_hash, "changedAt": file.changed_at.isoformat()}
        return self._encode("docs.upserted", file.path, payload)

    def removed(self, path: str) -> bytes:
        return self._encode("docs.removed", path, {})

    def _encode(self, action: str, path: str, payload: dict[str, str]) -> bytes:
        key = hash_json([self.store, path, self.manifest.revision, payload.get("contentHash")])
        return encode_envelope(
            SourceEvent(
                workspace_id=self.workspace,
                organization_id=self.organization_id,
                source="docs",
                action=action,
                occurred_at=self.manifest.at,
                idempotency_key=f"docs:{key}",
                payload={"store": self.store, "path": path, "revision": self.manifest.revision, **payload},
            )
        )


def ingest_events(
    path: Path,
    *,
    workspace: WorkspaceId | None,
    organization_id: str,
    objects: ObjectStore,
    source: str | None = None,
) -> IngestReport:
    """Put a file's events into the inbox: the good ones, while each bad one is reported with file and line.

    Args:
        path: JSON, or JSON lines, of envelopes; gzipped or not.
        workspace: overrides the workspace of the envelopes; needed with `source`.
        organization_id: the organization of bare payloads.
        objects: where the inbox is.
        source: the file holds bare payloads of this source, to be wrapped.

    Raises:
        NotFoundError: no such file.
    """
    if not path.is_file():
        raise NotFoundError(f"{path}: no such file")
    report = IngestReport()
    try:
        lines = split_lines(str(path), path.read_bytes())
    except InvalidEventError as error:
        report.faults.append(str(error))
        return report
    by_workspace: dict[WorkspaceId, list[bytes]] = {}
    for number, line in enumerate(lines, start=1):
        try:
            event = _read_line(line, workspace=workspace, organization_id=organization_id, source=source)
        except InvalidEventError as error:
            report.faults.append(f"{path}:{number}: {error}")
            continue
        by_workspace.setdefault(event.workspace_id, []).append(encode_envelope(event))
    for name, kept in by_workspace.items():
        report.put += put_lines(objects, name, kept)
    return report


def _read_line(line: bytes, *, workspace: WorkspaceId | None, organization_id: str, source: str | None) -> SourceEvent:
    if source is None:
        event = decode_envelope(line)
        source_named(event.source)
        return event if workspace is None else _moved(event, workspace)
    assert workspace is not None, "the command requires a workspace with a source"
    try:
        payload = json.loads(line)
    except ValueError as error:
        raise InvalidEventError(f"not JSON: {error}") from error
    return wrap_payload(source, payload, workspace_id=workspace, organization_id=organization_id)


def _moved(event: SourceEvent, workspace: WorkspaceId) -> SourceEvent:
    return event if event.workspace_id == workspace else replace(event, workspace_id=workspace)


def _manifest_key(workspace: WorkspaceId, store: str) -> str:
    return f"workspaces/{workspace}/stores/{hash_json(store)[:32]}/manifest.json"


def _read_manifest(objects: ObjectStore, workspace: WorkspaceId, store: str) -> Manifest:
    key = _manifest_key(workspace, store)
    data = objects.get_many([key]).get(key)
    if data is None:
        return Manifest(0, datetime.fromtimestamp(0, UTC), {})
    value = json.loads(data.decode("utf-8", "surrogatepass"))
    return Manifest(value["revision"], datetime.fromisoformat(value["at"]), value["files"])

"""Puts the history of a clone into the inbox: one event for each commit of its branch, as pushes happened.

Reading and comparing only; making it durable is `steps/receive.py`'s part. What is not committed is `ingest.py`'s.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from neural_memory_pipelines.domain.codeowners import CODEOWNERS_PLACES
from neural_memory_pipelines.domain.events import SourceEvent
from neural_memory_pipelines.domain.ids import WorkspaceId, hash_bytes, hash_json
from neural_memory_pipelines.sources.envelope import encode_envelope
from neural_memory_pipelines.steps.file_text import TEXT_LIMIT_BYTES, decode_text, name_fault, text_fault
from neural_memory_pipelines.steps.git_commands import ObjectReader, git_objects
from neural_memory_pipelines.steps.git_log import FileChange, Signature
from neural_memory_pipelines.steps.git_pushes import Push, read_pushes
from neural_memory_pipelines.steps.git_repository import (
    ROOT,
    Repository,
    committed_file,
    open_repository,
    resolve_commit,
)
from neural_memory_pipelines.steps.globs import compile_globs
from neural_memory_pipelines.steps.inbox import put_lines
from neural_memory_pipelines.steps.ingest import IngestReport, KnownPaths, no_known_paths, require_same_folder
from neural_memory_pipelines.steps.manifest import Manifest, read_manifest
from neural_memory_pipelines.steps.pushed_files import PushedFiles
from neural_memory_pipelines.steps.report import Progress, no_progress
from neural_memory_pipelines.steps.worktree import CONFIG_NAME, read_config
from neural_memory_pipelines.stores.objects.protocol import ObjectStore

_LINES_PER_BATCH = 1_000
_BYTES_PER_BATCH = 8 * 1024 * 1024


@dataclass(slots=True)
class HistoryReport(IngestReport):
    """What was put into the inbox: `put` counts pushes, `faults` names files as path@commit.

    Attributes:
        commits: how many commits of the branch were walked.
        files: how many files the pushes name.
        is_whole: whether the walk began at the first commit.
    """

    commits: int = 0
    files: int = 0
    is_whole: bool = False

    @property
    def is_empty(self) -> bool:
        """Whether nothing usable was found. No news since a commit is no such thing."""
        return self.is_whole and not self.put


def ingest_git_history(
    folder: Path,
    *,
    since: str,
    workspace: WorkspaceId,
    organization_id: str,
    objects: ObjectStore,
    store: str | None = None,
    known_paths: KnownPaths = no_known_paths,
    on_progress: Progress = no_progress,
) -> HistoryReport:
    """Put an event into the inbox for each commit of the checked-out branch that touches included files.

    Which files are included is said by the lightfast.yml of HEAD; CODEOWNERS, where GitHub looks for it, always is.
    Doing so again puts the same events, which are known then. If the branch no longer holds `since`, all that differs
    from it is one forced push.

    Args:
        folder: a clone, a folder in its work tree, or a bare repository.
        since: the commit after which to begin; "root" for the whole history.
        workspace: whose inbox.
        organization_id: written into the envelopes.
        objects: where the inbox is, and the manifest of the store.
        store: the store's name; else that of lightfast.yml at HEAD, else the folder's.
        known_paths: asked when the manifest is lost.
        on_progress: called with the number of commits walked.

    Raises:
        NotFoundError: no such folder, or no such commit.
        PermanentError: there is no history to read, or the store's configuration is wrong.
    """
    repository = open_repository(folder)
    start = None if since == ROOT else resolve_commit(repository, since)
    place = f"{folder / CONFIG_NAME} of HEAD"
    config = read_config(committed_file(repository, CONFIG_NAME), place=place, folder=folder, store=store)
    before = read_manifest(objects, workspace, config.store) or Manifest.lost(known_paths(config.store))
    require_same_folder(folder, config, before)
    tracked = PushedFiles(objects, workspace, config.store, before=before, folder=str(folder.resolve()))
    report = HistoryReport(is_whole=start is None)
    is_included = compile_globs(config.include)
    pushes = read_pushes(repository, start, is_chosen=lambda path: path in CODEOWNERS_PLACES or is_included(path))
    with git_objects(folder) as blobs:
        run = _HistoryRun(repository, config.store, workspace, organization_id, blobs, tracked, report)
        for lines in _batches(run.envelopes(pushes, on_progress=on_progress)):
            tracked.write_doubt()
            report.count_put(workspace, put_lines(objects, workspace, lines))
    if report.put:
        tracked.write()
    return report


@dataclass(slots=True)
class _HistoryRun:
    """One walk, on its way through the pushes."""

    repository: Repository
    store: str
    workspace: WorkspaceId
    organization_id: str
    blobs: ObjectReader
    tracked: PushedFiles
    report: HistoryReport

    def envelopes(self, pushes: Iterator[Push], *, on_progress: Progress) -> Iterator[bytes]:
        """Read the files of each push, and give the envelope of each that has any."""
        for push in pushes:
            self.report.commits += push.commits
            on_progress(push.commits)
            files = [file for change in push.changes for file in self._files(push, change)]
            if files:
                self.report.files += len(files)
                yield encode_envelope(self._event(push, files))

    def _files(self, push: Push, change: FileChange) -> Iterator[dict[str, Any]]:
        """Say what became of a file. One that is refused is left out: what is known of it stays."""
        old_path = change.old_path if change.old_path is not None and not name_fault(change.old_path) else None
        content = self._content(push, change)
        if content is None:
            if old_path is not None and old_path != change.new_path:
                yield {"status": "removed", "path": old_path} | self._origin(push, old_path)
                self.tracked.note(old_path, None, push.at)
            return
        assert change.new_path is not None, "it has content"
        file: dict[str, Any] = {"status": "modified" if old_path else "added", "path": change.new_path}
        if old_path is not None and old_path != change.new_path:
            file |= {"status": "renamed", "previousPath": old_path}
            self.tracked.note(old_path, None, push.at)
        if url := self.repository.url(change.new_path):
            file["url"] = url
        text = decode_text(content)
        # What was emptied is gone, as a document.
        self.tracked.note(change.new_path, hash_bytes(content) if text.strip() else None, push.at)
        yield file | self._origin(push, change.new_path) | {"content": text}

    def _content(self, push: Push, change: FileChange) -> bytes | None:
        """Read the new content of a file; None if there is none, or if it is refused."""
        if change.new_path is None:
            return None
        fault = name_fault(change.new_path)
        data = b""
        if fault is None:
            data, size_bytes = self.blobs.read(change.blob, limit_bytes=TEXT_LIMIT_BYTES + 1)
            fault = text_fault(data, size_bytes=size_bytes)
        if fault is not None:
            self.report.faults.append(f"{change.new_path}@{push.head.sha}: {fault}")
            return None
        return data

    def _origin(self, push: Push, path: str) -> dict[str, Any]:
        writers = push.writers(path)
        last = writers[-1]
        authors = [*last.authors, *(author for writer in writers for author in writer.authors)]
        spelled = list(map(_spell, dict.fromkeys(authors)))
        several = {"authors": spelled} if len(spelled) > 1 else {}
        return {"changedAt": _iso(last.committed_at), "commit": last.sha, "author": spelled[0]} | several

    def _event(self, push: Push, files: list[dict[str, Any]]) -> SourceEvent:
        # What a forced push brings depends on where the branch was before.
        known_by = [self.store, push.head.sha, *([push.before] if push.forced else [])]
        return SourceEvent(
            workspace_id=self.workspace,
            organization_id=self.organization_id,
            source="docs",
            action="docs.push",
            occurred_at=push.at,
            idempotency_key=f"docs:push:{hash_json(known_by)}",
            payload={
                "store": self.store,
                "ref": self.repository.ref,
                "before": push.before,
                "after": push.head.sha,
                "deliveryId": None,
                "forced": push.forced,
                "repository": self.repository.name,
                "files": files,
            },
        )


def _spell(author: Signature) -> dict[str, str]:
    return {"name": author.name, "email": author.email}


def _iso(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")


def _batches(lines: Iterator[bytes]) -> Iterator[list[bytes]]:
    """Part lines into batches small enough to hold, for the manifest must be written before each."""
    batch: list[bytes] = []
    size_bytes = 0
    for line in lines:
        batch.append(line)
        size_bytes += len(line)
        if len(batch) >= _LINES_PER_BATCH or size_bytes >= _BYTES_PER_BATCH:
            yield batch
            batch, size_bytes = [], 0
    if batch:
        yield batch

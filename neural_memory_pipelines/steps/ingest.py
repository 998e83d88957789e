"""Puts the documents of a folder into the inbox: what was added, modified or removed since the last time.

Reading and comparing only; making it durable is `steps/receive.py`'s part.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from neural_memory_pipelines.domain.events import SourceEvent
from neural_memory_pipelines.domain.ids import WorkspaceId, hash_json
from neural_memory_pipelines.errors import PermanentError
from neural_memory_pipelines.sources.envelope import encode_envelope
from neural_memory_pipelines.steps.inbox import put_lines
from neural_memory_pipelines.steps.manifest import Manifest, read_manifest, write_manifest
from neural_memory_pipelines.steps.report import Progress, no_progress
from neural_memory_pipelines.steps.worktree import (
    FileOnDisk,
    FolderConfig,
    Listing,
    RefusedFile,
    folder_config,
    list_files,
    read_files,
)
from neural_memory_pipelines.stores.objects.protocol import ObjectStore

KnownPaths = Callable[[str], Iterable[str]]
"""Given a store's name: the paths of the documents that the memory holds of it."""


@dataclass(slots=True)
class IngestReport:
    """What was put into the inbox.

    `faults` says file, line and reason of all that was not; `notes` what the user should know besides;
    `put_by_workspace` divides `put`.
    """

    put: int = 0
    unchanged: int = 0
    removed: int = 0
    faults: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    put_by_workspace: dict[str, int] = field(default_factory=dict)

    def count_put(self, workspace: WorkspaceId, lines: int) -> None:
        """Count events that were put into a workspace's inbox."""
        self.put += lines
        self.put_by_workspace[workspace] = self.put_by_workspace.get(workspace, 0) + lines

    @property
    def is_empty(self) -> bool:
        """Whether nothing usable was found."""
        return not (self.put or self.unchanged or self.removed)


def no_known_paths(store: str) -> Iterable[str]:  # noqa: ARG001 - a KnownPaths
    """Know of no document."""
    return ()


def ingest_docs(
    folder: Path,
    *,
    workspace: WorkspaceId,
    organization_id: str,
    objects: ObjectStore,
    store: str | None = None,
    full: bool = False,
    known_paths: KnownPaths = no_known_paths,
    on_progress: Progress = no_progress,
) -> IngestReport:
    """Put a folder's documents into the inbox: those added or modified since the last time, and removals.

    A file that is refused is not a removed one: what is known of it stays.

    Args:
        folder: a git work tree or a plain folder.
        workspace: whose inbox.
        organization_id: written into the envelopes.
        objects: where the inbox is, and the manifest of the last time.
        store: the store's name; else the folder's configuration, else the folder's name.
        full: put every file, whatever the manifest says.
        known_paths: asked when the manifest is lost, so that removals are still found.
        on_progress: called with the number of files read.

    Raises:
        NotFoundError: no such folder.
        PermanentError: its configuration is wrong, or its store is that of another folder with the same name.
    """
    config = folder_config(folder, store=store)
    before = read_manifest(objects, workspace, config.store)
    if before is None:
        before = Manifest.lost(known_paths(config.store))
    require_same_folder(folder, config, before)
    listing = list_files(folder, config.include)
    on_progress(0, total=len(listing.paths))
    # Time orders the descriptions of a document, so it must move on even if the clock did not. It is taken before
    # the files are read: of two ingestions at once, the one that began later must win.
    at = max(datetime.now(UTC), before.at + timedelta(milliseconds=1))
    run = _DocsRun(folder, workspace, organization_id, config.store, objects, before, at)
    put_lines(objects, workspace, run.envelopes(listing, full=full, on_progress=on_progress))
    if run.report.put or run.report.removed:
        write_manifest(objects, workspace, config.store, run.manifest(run.hashes))
    run.report.notes[:0] = listing.notes
    return run.report


def require_same_folder(folder: Path, config: FolderConfig, before: Manifest) -> None:
    """Refuse a folder that would take the store of another one by merely having the same name.

    Raises:
        PermanentError: it would; says how to mean it.
    """
    if config.is_named or before.folder in (None, str(folder.resolve())):
        return
    raise PermanentError(
        f"store {config.store!r} holds the documents of {before.folder}, and {folder.resolve()} has the same name: "
        f"choose a name for its store with --store, or add --store {config.store} if this folder takes its place"
    )


@dataclass(slots=True)
class _DocsRun:
    """One ingestion of a folder, on its way through the files. `at` is aware UTC."""

    folder: Path
    workspace: WorkspaceId
    organization_id: str
    store: str
    objects: ObjectStore
    before: Manifest
    at: datetime
    report: IngestReport = field(default_factory=IngestReport)
    hashes: dict[str, str] = field(default_factory=dict)

    def envelopes(self, listing: Listing, *, full: bool, on_progress: Progress) -> Iterator[bytes]:
        """Read the files and give an envelope for each that changed and each that is gone."""
        refused = dict(listing.refused)
        for item in read_files(self.folder, listing):
            on_progress(1)
            if isinstance(item, RefusedFile):
                refused[item.path] = item.reason
                continue
            if not item.text.strip():
                continue  # what was emptied is gone, as a document
            self.hashes[item.path] = item.content_hash
            if not full and self.before.files.get(item.path) == item.content_hash:
                self.report.unchanged += 1
                continue
            self._begin(listing)
            self.report.count_put(self.workspace, 1)
            yield self._upserted(item)
        self.report.faults += [f"{self.folder / path}: {reason}" for path, reason in sorted(refused.items())]
        for path in sorted(set(self.before.files) - set(self.hashes)):
            if _is_below(path, refused):
                self.hashes[path] = self.before.files[path]
                continue
            self._begin(listing)
            self.report.removed += 1
            yield self._encode("docs.removed", path, {})

    def manifest(self, hashes: dict[str, str]) -> Manifest:
        return Manifest(self.before.revision + 1, self.at, hashes, str(self.folder.resolve()))

    def _begin(self, listing: Listing) -> None:
        """Before the first write, note that all files are in doubt, in case that the final manifest is never written.

        Else a file that is put now, and changed back before the next time, would look unchanged then.
        """
        if not (self.report.put or self.report.removed):
            in_doubt = dict.fromkeys((*self.before.files, *listing.paths), "")
            write_manifest(self.objects, self.workspace, self.store, self.manifest(in_doubt))

    def _upserted(self, file: FileOnDisk) -> bytes:
        payload = {"content": file.text, "contentHash": file.content_hash, "changedAt": file.changed_at.isoformat()}
        return self._encode("docs.upserted", file.path, payload)

    def _encode(self, action: str, path: str, payload: dict[str, str]) -> bytes:
        revision = self.before.revision + 1
        # The time is part of the key: after a lost manifest the revisions begin anew, and must not look known.
        key = hash_json([self.store, path, revision, self.at.isoformat(), payload.get("contentHash")])
        return encode_envelope(
            SourceEvent(
                workspace_id=self.workspace,
                organization_id=self.organization_id,
                source="docs",
                action=action,
                occurred_at=self.at,
                idempotency_key=f"docs:{key}",
                payload={"store": self.store, "path": path, "revision": revision, **payload},
            )
        )


def _is_below(path: str, refused: dict[str, str]) -> bool:
    return path in refused or any(place == "." or path.startswith(f"{place}/") for place in refused)

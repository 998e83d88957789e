"""Keeps the manifest of a store in step with what pushes of its history say.

So a plain ingestion of the same folder finds unchanged what the history brought. Only the manifest is written here.
"""

from __future__ import annotations

from datetime import datetime

from neural_memory_pipelines.domain.ids import WorkspaceId
from neural_memory_pipelines.steps.manifest import Manifest, write_manifest
from neural_memory_pipelines.stores.objects.protocol import ObjectStore


class PushedFiles:
    """What the memory holds of a store's files once all pushes arrived, in so far as that is known.

    Args:
        objects: where the manifest is.
        workspace: whose store it is.
        store: its name.
        before: the manifest so far.
        folder: the absolute path of the folder.
    """

    def __init__(
        self, objects: ObjectStore, workspace: WorkspaceId, store: str, *, before: Manifest, folder: str
    ) -> None:
        self._objects, self._workspace, self._store = objects, workspace, store
        self._before, self._folder = before, folder
        self._pushed: dict[str, tuple[str | None, datetime]] = {}
        self._in_doubt: set[str] | None = None
        self._last_at = before.at

    def note(self, path: str, content_hash: str | None, at: datetime) -> None:
        """Note that a push of this time (aware UTC) left a file with this content, or without text (None)."""
        self._pushed[path] = content_hash, at
        self._last_at = max(self._last_at, at)

    def write_doubt(self) -> None:
        """Before events are put, note that all files are in doubt, in case that the final manifest is never written."""
        known = {*self._before.files, *self._pushed}
        if known != self._in_doubt:
            self._in_doubt = known
            self._write(dict.fromkeys(known, ""))

    def write(self) -> None:
        """Write the final manifest."""
        files = dict(self._before.files)
        for path, (content_hash, at) in self._pushed.items():
            if at > self._before.at:
                files.pop(path, None)
                if content_hash is not None:
                    files[path] = content_hash
            elif files.get(path) != content_hash:
                # An ingestion that was later than this commit may have described the file, or may not.
                files[path] = ""
        self._write(files)

    def _write(self, files: dict[str, str]) -> None:
        manifest = Manifest(self._before.revision + 1, self._last_at, files, self._folder)
        write_manifest(self._objects, self._workspace, self._store, manifest)

"""What a store of documents looked like when it was ingested last, kept in the object store.

It only spares work: one that is lost or damaged costs another look at every file, and nothing else.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from neural_memory_pipelines.domain.ids import WorkspaceId, hash_json
from neural_memory_pipelines.stores.objects.protocol import ObjectStore


@dataclass(frozen=True, slots=True)
class Manifest:
    """The files of a store at one time.

    Attributes:
        revision: counts the ingestions of this store.
        at: when the last one began, aware UTC.
        files: content hash by path; an empty one is in doubt and equals nothing.
        folder: the absolute path of the folder, if it is known.
    """

    revision: int
    at: datetime
    files: Mapping[str, str]
    folder: str | None

    @classmethod
    def lost(cls, known_paths: Iterable[str]) -> Manifest:
        """Make a manifest where none can be read: all that is known is in doubt."""
        return cls(0, datetime.fromtimestamp(0, UTC), dict.fromkeys(known_paths, ""), None)


def read_manifest(objects: ObjectStore, workspace: WorkspaceId, store: str) -> Manifest | None:
    """Read the manifest of a store; None if there is none, or none that can be read."""
    key = _key(workspace, store)
    data = objects.get_many([key]).get(key)
    if data is None:
        return None
    try:
        value = json.loads(data)
        at = datetime.fromisoformat(value["at"])
        return Manifest(int(value["revision"]), at.astimezone(UTC), dict(value["files"]), value.get("folder"))
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


def write_manifest(objects: ObjectStore, workspace: WorkspaceId, store: str, manifest: Manifest) -> None:
    """Replace the manifest of a store."""
    value = {
        "revision": manifest.revision,
        "at": manifest.at.isoformat(),
        "folder": manifest.folder,
        "files": dict(manifest.files),
    }
    objects.put_many({_key(workspace, store): json.dumps(value).encode()})


def _key(workspace: WorkspaceId, store: str) -> str:
    return f"workspaces/{workspace}/stores/{hash_json(store)[:32]}/manifest.json"

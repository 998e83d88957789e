"""The inbox: putting envelopes into the object store, finding what waits there, and routing what lies unsorted.

Objects lie under `inbox/{workspace}/`. They stay until `steps/receive.py` has made every line durable.
"""

from __future__ import annotations

import io
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from neural_memory_pipelines.domain.ids import WorkspaceId, hash_bytes
from neural_memory_pipelines.errors import InvalidEventError, PermanentError
from neural_memory_pipelines.sources.envelope import workspace_id
from neural_memory_pipelines.steps.event_files import BROKEN_GZIP, Fault, read_events, unpacked
from neural_memory_pipelines.steps.lines import read_json
from neural_memory_pipelines.stores.objects.protocol import ObjectInfo, ObjectStore

INBOX = "inbox/"
REJECTED = "rejected/"

_LINES_PER_OBJECT = 1_000
_BYTES_PER_OBJECT = 8 * 1024 * 1024
_BUFFERED_BYTES = 16 * 1024 * 1024
_UNPACKED_LIMIT_BYTES = 128 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class InboxListing:
    """What waits in the inbox: objects by workspace, and objects that no workspace folder holds."""

    by_workspace: dict[WorkspaceId, list[ObjectInfo]]
    unsorted: list[ObjectInfo]


def inbox_prefix(workspace: WorkspaceId) -> str:
    """Name the folder of a workspace in the inbox."""
    return f"{INBOX}{workspace}/"


def put_lines(objects: ObjectStore, workspace: WorkspaceId, lines: Iterable[bytes]) -> int:
    """Put envelopes (one JSON object a line, without line ends) into a workspace's inbox.

    Objects are named by time and content, in order, so that they are read in the order they were put.

    Returns:
        How many lines were put.
    """
    written = 0
    for batch in _batches(lines):
        data = b"\n".join(batch) + b"\n"
        name = f"{datetime.now(UTC):%Y%m%dT%H%M%S.%fZ}-{hash_bytes(data)[:12]}.jsonl"
        objects.put_many({inbox_prefix(workspace) + name: data})
        written += len(batch)
    return written


class InboxBuffer:
    """Gathers envelopes of any workspaces, so that each object of the inbox holds many of them.

    What was added is in the inbox after `flush`; the buffer flushes by itself when it is full.

    Args:
        objects: where the inbox is.
        on_put: told how many lines were put into which workspace's inbox.
    """

    def __init__(self, objects: ObjectStore, on_put: Callable[[WorkspaceId, int], None]) -> None:
        self._objects, self._on_put = objects, on_put
        self._waiting: dict[WorkspaceId, list[bytes]] = {}
        self._size_bytes = 0

    def add(self, workspace: WorkspaceId, line: bytes) -> None:
        """Add an envelope, without its line end."""
        self._waiting.setdefault(workspace, []).append(line)
        self._size_bytes += len(line)
        if self._size_bytes >= _BUFFERED_BYTES:
            self.flush()

    def flush(self) -> None:
        """Put all that waits into the inbox."""
        for workspace, lines in self._waiting.items():
            self._on_put(workspace, put_lines(self._objects, workspace, lines))
        self._waiting.clear()
        self._size_bytes = 0


def list_inbox(objects: ObjectStore, *, limit: int | None = None) -> InboxListing:
    """List what waits in the inbox, sorted by workspace."""
    listing = InboxListing(by_workspace={}, unsorted=[])
    for info in objects.list(INBOX, limit=limit):
        folder, slash, _name = info.key.removeprefix(INBOX).partition("/")
        try:
            workspace = workspace_id(folder) if slash else None
        except PermanentError:
            workspace = None
        if workspace is None:
            listing.unsorted.append(info)
        else:
            listing.by_workspace.setdefault(workspace, []).append(info)
    return listing


def route_unsorted(objects: ObjectStore, unsorted: Iterable[ObjectInfo]) -> tuple[int, int]:
    """Move the lines of objects outside any workspace's folder to where their envelopes say.

    A line that names no workspace is kept under `rejected/`, where a person can find and mend it.

    Returns:
        How many lines were routed and how many rejected.
    """
    routed = rejected = 0
    for info in unsorted:
        lines: dict[str, list[bytes]] = defaultdict(list)
        data = objects.get_many([info.key]).get(info.key)
        if data is None:  # another process routed it between the listing and now
            continue
        try:
            for line in split_lines(info.key, data):
                lines[_folder_of(line)].append(line)
        except InvalidEventError:
            lines[REJECTED] = [data]
        name = f"routed-{hash_bytes(info.key.encode())[:12]}-{info.etag}.jsonl"
        objects.put_many({folder + name: b"\n".join(kept) + b"\n" for folder, kept in lines.items()})
        objects.delete(info.key, if_etag=info.etag)
        rejected += len(lines.get(REJECTED, ()))
        routed += sum(map(len, lines.values())) - len(lines.get(REJECTED, ()))
    return routed, rejected


def split_lines(key: str, data: bytes) -> list[bytes]:
    """Split an inbox object into its events: JSON lines, one JSON object, or an array of them; gzipped or not.

    Raises:
        InvalidEventError: the bytes are neither.
    """
    lines = []
    for item in read_events(key, io.BytesIO(_unpack(key, data))):
        if isinstance(item, Fault):
            raise InvalidEventError(f"{item.place}: {item.reason}")
        lines.append(item.json)
    return lines


def _unpack(key: str, data: bytes) -> bytes:
    packed = io.BufferedReader(io.BytesIO(data))
    stream = unpacked(packed)
    if stream is packed:
        return data
    try:
        plain = stream.read(_UNPACKED_LIMIT_BYTES + 1)
    except BROKEN_GZIP as error:
        raise InvalidEventError(f"{key}: broken gzip data: {error}") from error
    if len(plain) > _UNPACKED_LIMIT_BYTES:
        raise InvalidEventError(f"{key}: more than {_UNPACKED_LIMIT_BYTES} bytes when unpacked: put smaller objects")
    return plain


def _folder_of(line: bytes) -> str:
    try:
        return inbox_prefix(workspace_id(read_json(line)["workspaceId"]))
    except (KeyError, TypeError, PermanentError):
        return REJECTED


def _batches(lines: Iterable[bytes]) -> Iterator[list[bytes]]:
    batch: list[bytes] = []
    size_bytes = 0
    for line in lines:
        batch.append(line)
        size_bytes += len(line)
        if len(batch) >= _LINES_PER_OBJECT or size_bytes >= _BYTES_PER_OBJECT:
            yield batch
            batch, size_bytes = [], 0
    if batch:
        yield batch

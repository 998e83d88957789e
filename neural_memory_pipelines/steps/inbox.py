"""The inbox: putting envelopes into the object store, finding what waits there, and routing what lies unsorted.

Objects lie under `inbox/{workspace}/`. They stay until `steps/receive.py` has made every line durable.
"""

from __future__ import annotations

import gzip
import io
import json
import zlib
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from neural_memory_pipelines.domain.ids import WorkspaceId, hash_bytes
from neural_memory_pipelines.errors import InvalidEventError, PermanentError
from neural_memory_pipelines.sources.envelope import workspace_id
from neural_memory_pipelines.steps.lines import read_json
from neural_memory_pipelines.stores.objects.protocol import ObjectInfo, ObjectStore

INBOX = "inbox/"
REJECTED = "rejected/"

_LINES_PER_OBJECT = 1_000
_BYTES_PER_OBJECT = 8 * 1024 * 1024
_UNPACKED_LIMIT_BYTES = 128 * 1024 * 1024
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


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
    if data[:2] == b"\x1f\x8b":
        try:
            with gzip.open(io.BytesIO(data)) as unpacked:
                data = unpacked.read(_UNPACKED_LIMIT_BYTES + 1)
        except (OSError, EOFError, zlib.error) as error:
            raise InvalidEventError(f"{key}: broken gzip data: {error}") from error
        if len(data) > _UNPACKED_LIMIT_BYTES:
            raise InvalidEventError(
                f"{key}: more than {_UNPACKED_LIMIT_BYTES} bytes when unpacked: put smaller objects"
            )
    data = data.removeprefix(_BYTE_ORDER_MARK)
    if data.lstrip()[:1] != b"[" and _is_json_lines(data):
        return [line for line in data.split(b"\n") if line.strip()]
    try:
        value = read_json(data)
    except InvalidEventError:
        return [line for line in data.split(b"\n") if line.strip()]
    items = value if isinstance(value, list) else [value]
    return [json.dumps(item, ensure_ascii=False).encode("utf-8", "surrogatepass") for item in items]


def _is_json_lines(data: bytes) -> bool:
    # A pretty-printed object spans lines; in JSON lines, the first line is a whole object.
    first = data.lstrip().split(b"\n", 1)[0].strip()
    return first.endswith(b"}") and first.startswith(b"{")


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

"""Every id of the system, derived from content.

No id here may depend on time, chance or a database: a retry, a replay or a rebuild must give the same one. Vector ids
are put together from these where families are read, in `stores/postgres/families.py`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import NewType, TypeAlias

WorkspaceId = NewType("WorkspaceId", str)
DocumentId = NewType("DocumentId", str)
ChunkId = NewType("ChunkId", str)
ObservationId = NewType("ObservationId", str)
LinkId = NewType("LinkId", str)
EntityId = NewType("EntityId", str)
ClusterId = NewType("ClusterId", str)
SummaryId = NewType("SummaryId", str)
ContentHash = NewType("ContentHash", str)
"""64 lower-case hexadecimal digits of a SHA-256."""

Json: TypeAlias = "str | int | float | bool | Sequence[Json] | Mapping[str, Json] | None"

_ID_HEX_DIGITS = 32


def hash_text(text: str) -> ContentHash:
    """Hash a text (UTF-8)."""
    return ContentHash(hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest())


def hash_bytes(data: bytes) -> ContentHash:
    """Hash bytes."""
    return ContentHash(hashlib.sha256(data).hexdigest())


def hash_json(value: Json) -> ContentHash:
    """Hash a JSON value in one canonical spelling (sorted keys, no spaces), so that key order is no change."""
    return hash_text(json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False))


def document_id(workspace_id: WorkspaceId, source: str, source_id: str) -> DocumentId:
    """Identify the document that a source calls `source_id`."""
    return DocumentId(_derive("doc", workspace_id, source, source_id))


def chunk_id(document: DocumentId, chunk_hash: ContentHash, occurrence: int) -> ChunkId:
    """Identify the `occurrence`-th chunk (from 0) with this hash in a document."""
    return ChunkId(_derive("chk", document, chunk_hash, str(occurrence)))


def observation_id(workspace_id: WorkspaceId, content_hash: ContentHash) -> ObservationId:
    """Identify an observation by what it says."""
    return ObservationId(_derive("obs", workspace_id, content_hash))


def link_id(document: DocumentId, link_hash: ContentHash, occurrence: int) -> LinkId:
    """Identify the `occurrence`-th link (from 0) with this hash that a document states."""
    return LinkId(_derive("lnk", document, link_hash, str(occurrence)))


def entity_id(workspace_id: WorkspaceId, kind: str, key: str) -> EntityId:
    """Identify the entity of a kind that is known by a key: an account's provider id, a component's name."""
    return EntityId(_derive("ent", workspace_id, kind, key))


def cluster_id(workspace_id: WorkspaceId, kind: str, *key: str) -> ClusterId:
    """Identify a cluster: a topic by the members that it was born with, an entity's by the entity and its window."""
    return ClusterId(_derive("clu", workspace_id, kind, *key))


def summary_id(cluster: ClusterId, window_start: str) -> SummaryId:
    """Identify the summary of a cluster in the window that starts at a date (ISO 8601)."""
    return SummaryId(_derive("sum", cluster, window_start))


def _derive(prefix: str, *parts: str) -> str:
    # Each part is preceded by its length, so that no two lists of parts spell the same text.
    spelled = "".join(f"{len(part)}:{part}" for part in parts)
    return f"{prefix}_{hash_text(spelled)[:_ID_HEX_DIGITS]}"

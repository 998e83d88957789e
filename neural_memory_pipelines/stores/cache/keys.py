"""The keys under which documents and their chunks are cached, for those that prime them and those that read them.

What lies under a key, and whether it may be believed, is not decided here.
"""

from __future__ import annotations

from neural_memory_pipelines.domain.ids import WorkspaceId


def document_key(document: str) -> str:
    """Name the cached row of a document."""
    return f"document:{document}"


def chunks_key(document: str, version: int) -> str:
    """Name the cached chunks of a document at a version: a JSON list of chunk_id, chunk_index, section_label, text."""
    return f"chunks:{document}:v{version}"


def dedupe_key(workspace: WorkspaceId, source: str, source_id: str) -> str:
    """Name the cached content hash of a source's document."""
    return f"source-dedupe:{workspace}:{source}:{source_id}"

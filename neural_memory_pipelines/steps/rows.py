"""Spells drafts as rows of the tables: pure functions of a draft and its chunks.

Which rows are written, and when, is decided in `apply.py`.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from neural_memory_pipelines.domain.accounts import Account
from neural_memory_pipelines.domain.changes import identifiers
from neural_memory_pipelines.domain.chunking import ChunkDraft
from neural_memory_pipelines.domain.documents import Deletion, SourceDraft, storable
from neural_memory_pipelines.domain.graph import EdgeType, LinkDraft, NodeKind, NodeRef
from neural_memory_pipelines.domain.handles import document_handle, url_handle
from neural_memory_pipelines.domain.ids import (
    ChunkId,
    ContentHash,
    DocumentId,
    LinkId,
    WorkspaceId,
    chunk_id,
    hash_text,
    link_id,
    observation_id,
)
from neural_memory_pipelines.domain.near_duplicates import collapse
from neural_memory_pipelines.domain.redaction import count_placeholders
from neural_memory_pipelines.domain.text import with_heading
from neural_memory_pipelines.domain.versions import EmbeddingVersion

Row = dict[str, Any]

QUOTE_LIMIT_CHARS = 300
_DELETED_HASH = hash_text("")


@dataclass(frozen=True, slots=True)
class Description:
    """What one event says of one document; `is_assembled` if that is put together from all that is known of it.

    `content_hash` is that of all that makes a version.
    """

    document_id: DocumentId
    event_key: str
    action: str
    organization_id: str
    raw_pointer: str
    says: SourceDraft | Deletion
    is_assembled: bool = False
    content_hash: ContentHash = field(init=False)

    def __post_init__(self) -> None:
        # Once, for it is asked for several times, and spells the whole document.
        content_hash = _DELETED_HASH if isinstance(self.says, Deletion) else self.says.content_hash()
        object.__setattr__(self, "content_hash", content_hash)


def document_row(description: Description, *, version: int, gone_since: datetime | None = None) -> Row:
    """Spell a document, at its version number; `gone_since` if it was deleted before this description said so."""
    says = description.says
    row: Row = {
        "document_id": description.document_id,
        "organization_id": description.organization_id,
        "source": says.source,
        "source_id": says.source_id,
        "raw_pointer": description.raw_pointer,
        "content_hash": description.content_hash,
        "version": version,
        "lineage_json": {"event": description.event_key, "action": description.action},
        "as_of": says.as_of,
        "as_of_event": description.event_key,
    }
    if isinstance(says, Deletion):
        return {**row, **_deleted(says), "deleted_at": gone_since or says.as_of}
    return {**row, **_described(says)}


def confirmation_row(description: Description) -> Row:
    """Spell what a description that changes nothing tells of its document: when it held, and where its bytes are."""
    says = description.says
    told: Row
    if isinstance(says, Deletion):
        told = {"occurred_at": says.as_of, "state": says.reason, "author_json": None}
    else:
        told = {"occurred_at": says.occurred_at, "state": says.state, "author_json": _author_json(says)}
    return {
        "document_id": description.document_id,
        **told,
        "as_of": says.as_of,
        "as_of_event": description.event_key,
        "raw_pointer": description.raw_pointer,
        "action": description.action,
    }


def _deleted(says: Deletion) -> Row:
    gone = {"type": "deleted", "title": "", "summary": None, "state": says.reason, "url": None, "author_json": None}
    nowhere: Row = {"parent_source_id": None, "privacy": "org", "metadata_json": {}}
    return {**gone, **nowhere, "occurred_at": says.as_of}


def _described(says: SourceDraft) -> Row:
    redactions = Counter(count_placeholders(says.title)) + Counter(count_placeholders(says.body))
    return {
        "type": says.type,
        "title": says.title,
        "summary": says.summary,
        "state": says.state,
        "url": says.url,
        "metadata_json": {**says.metadata, **({"redactions": dict(redactions)} if redactions else {})},
        "author_json": _author_json(says),
        "parent_source_id": says.parent,
        "privacy": says.privacy,
        "occurred_at": says.occurred_at,
        "deleted_at": None,
    }


def _author_json(says: SourceDraft) -> Row | None:
    author = says.author
    return {"id": author.provider_id, "name": author.name, "bot": author.is_bot} if author else None


def headed_body(draft: SourceDraft) -> tuple[str, int]:
    """Give the text that is cut into chunks: the body below its title, so that each chunk knows what it is about.

    Returns:
        The text, and where the body begins in it. A document without any text has none.
    """
    return with_heading(" ".join(draft.title.split()), draft.body) if draft.body.strip() else (draft.body, 0)


def chunk_rows(
    key: DocumentId, draft: SourceDraft, chunks: Sequence[ChunkDraft], *, version: EmbeddingVersion
) -> list[Row]:
    """Spell a document's chunks."""
    ids = chunk_ids(key, chunks)
    return [
        {
            "chunk_id": ids[chunk.index],
            "document_id": key,
            "chunk_index": chunk.index,
            "text": chunk.text,
            "token_count": chunk.token_count,
            "section_label": chunk.section_label,
            "chunk_hash": chunk.chunk_hash,
            "keywords": identifiers(chunk.text),
            "embedding_model": version.model,
            "embedding_version": version.name,
            "occurred_at": draft.occurred_at,
        }
        for chunk in chunks
    ]


def chunk_ids(key: DocumentId, chunks: Sequence[ChunkDraft]) -> list[ChunkId]:
    """Identify a document's chunks."""
    occurrences: Counter[ContentHash] = Counter()
    ids = []
    for chunk in chunks:
        ids.append(chunk_id(key, chunk.chunk_hash, occurrences[chunk.chunk_hash]))
        occurrences[chunk.chunk_hash] += 1
    return ids


def observation_rows(
    workspace: WorkspaceId, key: DocumentId, draft: SourceDraft, *, version: EmbeddingVersion
) -> Iterator[Row]:
    """Spell a document's observations; those that say nearly the same are one."""
    for observation in collapse(draft.observations):
        content_hash = observation.content_hash(draft.key)
        yield {
            "observation_id": observation_id(workspace, content_hash),
            "document_id": key,
            "text": observation.text,
            "title": observation.title,
            "summary": observation.summary,
            "importance": observation.importance,
            "importance_factors": {name: round(value, 6) for name, value in observation.importance_factors.items()},
            "tags": sorted(observation.tags),
            "subject_refs": list(observation.subject_refs),
            "privacy": observation.privacy,
            "content_hash": content_hash,
            "embedding_model": version.model,
            "embedding_version": version.name,
            "occurred_at": observation.occurred_at,
        }


def handles_of(draft: SourceDraft) -> list[str]:
    """List the names that a document answers to."""
    address = url_handle(draft.url) if draft.url else None
    return [document_handle(draft.source, draft.source_id), *([address] if address else []), *draft.handles]


def links_of(key: DocumentId, draft: SourceDraft) -> dict[LinkId, LinkDraft]:
    """Identify what a draft states; that its author wrote it, and that it is part of its parent, is stated too."""
    stated = list(draft.links)
    if draft.parent is not None:
        whole = NodeRef(NodeKind.DOCUMENT, document_handle(draft.source, draft.parent))
        stated.insert(0, LinkDraft(EdgeType.PART_OF, whole, field="parent"))
    if draft.author is not None:
        stated.insert(0, LinkDraft(EdgeType.AUTHORED_BY, _person(draft.author), field="author"))
    occurrences: Counter[ContentHash] = Counter()
    found: dict[LinkId, LinkDraft] = {}
    for link in stated:
        link_hash = link.content_hash(draft.body[link.start : link.end])
        found[link_id(key, link_hash, occurrences[link_hash])] = link
        occurrences[link_hash] += 1
    return found


def link_rows(
    key: DocumentId,
    draft: SourceDraft,
    links: Mapping[LinkId, LinkDraft],
    *,
    chunks: Sequence[ChunkDraft],
    spans: Mapping[str, tuple[datetime, datetime | None]],
) -> list[Row]:
    """Spell a draft's links, each with the place of its words in the chunk that holds them."""
    if not links:
        return []
    ids = chunk_ids(key, chunks)
    headed, body_start = headed_body(draft)
    text, starts = storable(headed), [chunk.start_char for chunk in chunks]
    rows = []
    for identity, link in links.items():
        at = link.start + body_start if link.end > link.start else 0
        chunk = chunks[max(bisect_right(starts, at) - 1, 0)] if chunks else None
        start, end = _place(text, link, chunk, body_start=body_start)
        since, until = spans.get(identity, (draft.as_of, None))
        rows.append(
            {
                "link_id": identity,
                "document_id": key,
                "type": link.type,
                **_end("origin", link.origin),
                **_end("target", link.target),
                "field": link.field,
                "quote": chunk.text[start:end][:QUOTE_LIMIT_CHARS] if chunk else "",
                "chunk_id": ids[chunk.index] if chunk else None,
                "start_char": start,
                "end_char": end,
                "confidence": link.confidence,
                "since": since,
                "until": until,
            }
        )
    return rows


def _place(text: str, link: LinkDraft, chunk: ChunkDraft | None, *, body_start: int) -> tuple[int, int]:
    """Find where a link's words stand in the chunk that holds them; a field is shown by the first line."""
    if chunk is None:
        return 0, 0
    if link.end <= link.start:
        return 0, len(chunk.text.split("\n", 1)[0])
    at = link.start + body_start
    # The rest of the chunk from the words on is the end of its text: what stands before may be an overlap.
    start = max(len(chunk.text) - len(text[at : chunk.end_char].rstrip()), 0)
    return start, min(start + link.end - link.start, len(chunk.text))


def _person(author: Account) -> NodeRef:
    return NodeRef(NodeKind.BOT if author.is_bot else NodeKind.PERSON, author.provider_id, author.name)


def _end(side: str, node: NodeRef | None) -> Row:
    return {
        f"{side}_kind": node.kind if node else None,
        f"{side}_handle": node.handle if node else None,
        f"{side}_name": node.name if node else None,
    }

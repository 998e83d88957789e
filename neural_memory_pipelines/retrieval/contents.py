"""Whole texts by id: from the cache where it holds what Postgres says is live, else from Postgres.

It reads and never writes. The cache is never believed: a cached text is the one of a row only if it has the row's hash.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from neural_memory_pipelines.domain.chunking import embedding_text
from neural_memory_pipelines.domain.ids import WorkspaceId, hash_text
from neural_memory_pipelines.errors import PermanentError, TransientError
from neural_memory_pipelines.stores.bundle import Stores
from neural_memory_pipelines.stores.cache.keys import chunks_key
from neural_memory_pipelines.stores.cache.protocol import Cache
from neural_memory_pipelines.stores.postgres.contents import (
    WITH_TEXT,
    ChunkRef,
    ContentRow,
    chunk_texts,
    content_rows,
    live_chunks,
)
from neural_memory_pipelines.stores.postgres.engine import Transaction
from neural_memory_pipelines.stores.postgres.tracing.kinds import Target
from neural_memory_pipelines.stores.postgres.tracing.names import find_targets, without_vectors

# Overlaps are whole sentences or lines; anything shorter is more likely to be alike by chance.
_LEAST_OVERLAP_CHARS = 12


@dataclass(frozen=True, slots=True)
class Content:
    """Something with all that it says.

    Attributes:
        asked: what it was asked for by.
        kind, id: what it is.
        document_id, source, source_id, url: its document; a summary is its own.
        title: its own, or its document's.
        occurred_at: aware.
        is_private: whether only some may read it.
        text: all of it; a document's is that of its chunks, without what one repeats of the one before.
        read_from: "cache", or "database" if any of it came from there.
    """

    asked: str
    kind: str
    id: str
    document_id: str
    source: str
    source_id: str
    url: str | None
    title: str
    occurred_at: datetime
    is_private: bool
    text: str
    read_from: str


@dataclass(frozen=True, slots=True)
class Missing:
    """What was asked for and is not shown, and why."""

    asked: str
    reason: str


@dataclass(frozen=True, slots=True)
class Contents:
    """Texts in the order they were asked for in, what is missing, and what the asker should know besides."""

    found: tuple[Content, ...]
    missing: tuple[Missing, ...]
    notes: tuple[str, ...] = ()


def read_contents(
    names: Sequence[str], *, workspace: WorkspaceId, stores: Stores, include_private: bool = False
) -> Contents:
    """Read the whole texts of documents, chunks, observations and summaries.

    Args:
        names: ids, or what else stands for something, see `find_targets`.
        workspace: whose memory; what other workspaces have is not found.
        stores: where to look.
        include_private: also what only some may read.
    """
    with stores.database.transaction(workspace) as tx:
        targets, unknown = _targets(tx, names)
        rows = content_rows(tx, set(targets.values()))
        refused = {name: _refusal(targets[name], rows, include_private=include_private) for name in targets}
        readable = {target for name, target in targets.items() if not refused[name]}
        chunks = live_chunks(tx, readable)
    refs = [ref for found in chunks.values() for ref in found]
    cached, notes = cached_texts(stores.cache, refs)
    with stores.database.transaction(workspace) as tx:
        lacking = sorted({ref.chunk_id for ref in refs} - cached.keys())
        texts = cached | chunk_texts(tx, lacking, include_private=include_private)
    contents: list[Content] = []
    missing: list[Missing] = []
    for name in names:
        reason = unknown.get(name) or refused[name]
        target = targets.get(name)
        if reason or target is None:
            missing.append(Missing(name, reason))
        elif any(ref.chunk_id not in texts for ref in chunks.get(target, ())):
            missing.append(Missing(name, "it changed while it was read: ask again"))
        else:
            contents.append(_content(name, rows[target], chunks.get(target, ()), texts, from_cache=cached.keys()))
    return Contents(tuple(contents), tuple(missing), notes)


def _targets(tx: Transaction, names: Sequence[str]) -> tuple[dict[str, Target], dict[str, str]]:
    """Find what names stand for, and say why others stand for nothing, without giving up on the rest."""
    found: dict[str, Target] = {}
    unknown: dict[str, str] = {}
    for name in names:
        try:
            target = find_targets(tx, [name]).get(name)
        except PermanentError as error:
            unknown[name] = str(error)
            continue
        if target is None:
            unknown[name] = f"nothing in workspace {tx.workspace_id!r} has this id"
        else:
            found[name] = without_vectors(tx, target)
    return found, unknown


def _refusal(target: Target, rows: Mapping[Target, ContentRow], *, include_private: bool) -> str:
    if target.kind not in WITH_TEXT:
        return f"it is a {target.kind}, which has no text of its own: `neural-memory trace` tells what it is made from"
    row = rows.get(target)
    if row is None:
        return "it is not there any more"
    if row.is_private and not include_private:
        return "only some may read it: --private shows it if you may"
    if row.is_deleted:
        return "its source deleted it, or what it rests on"
    if row.is_superseded:
        return "something else is said in its place by now: `neural-memory trace` tells what became of it"
    return ""


def cached_texts(cache: Cache, refs: Collection[ChunkRef]) -> tuple[dict[str, str], tuple[str, ...]]:
    """Read the texts of chunks that the cache holds as they are; and say so if it does not answer."""
    keys = sorted({chunks_key(ref.document_id, ref.version) for ref in refs})
    try:
        held = cache.get_many(keys) if keys else {}
    except TransientError as error:
        return {}, (f"read from the database alone: {error}",)
    by_id = {chunk.get("chunk_id"): chunk for value in held.values() for chunk in _chunks_in(value)}
    texts: dict[str, str] = {}
    for ref in refs:
        chunk = by_id.get(ref.chunk_id, {})
        label, body = chunk.get("section_label"), chunk.get("text")
        if (
            isinstance(label, str)
            and isinstance(body, str)
            and hash_text(embedding_text(label, body)) == ref.chunk_hash
        ):
            texts[ref.chunk_id] = body
    return texts, ()


def _chunks_in(value: str) -> list[dict[str, Any]]:
    try:
        chunks = json.loads(value)
    except ValueError:
        return []  # as good as not cached: the database has it
    return [chunk for chunk in chunks if isinstance(chunk, dict)] if isinstance(chunks, list) else []


def _content(
    asked: str, row: ContentRow, chunks: Sequence[ChunkRef], texts: Mapping[str, str], *, from_cache: Collection[str]
) -> Content:
    is_cached = row.text is None and all(ref.chunk_id in from_cache for ref in chunks)
    return Content(
        asked=asked,
        kind=str(row.target.kind),
        id=row.target.key,
        document_id=row.document_id,
        source=row.source,
        source_id=row.source_id,
        url=row.url,
        title=row.title,
        occurred_at=row.occurred_at,
        is_private=row.is_private,
        text=joined([texts[ref.chunk_id] for ref in chunks]) if row.text is None else row.text,
        read_from="cache" if is_cached else "database",
    )


def joined(chunks: Sequence[str]) -> str:
    """Join the chunks of a document, without what each repeats of the end of the one before.

    What a chunk repeats is followed by the blanks that stood there; where nothing is repeated, an empty line parts two.
    """
    whole = ""
    for chunk in chunks:
        repeated = _overlap(whole, chunk)
        if repeated:
            whole = whole.rstrip() + repeated[len(repeated.rstrip()) :] + chunk[len(repeated) :]
        else:
            whole = f"{whole}\n\n{chunk}" if whole else chunk
    return whole


def _overlap(before: str, chunk: str) -> str:
    """Find the longest beginning of a chunk with which what stands before it ends, blanks aside."""
    ending = before.rstrip()
    for length in range(len(chunk), _LEAST_OVERLAP_CHARS - 1, -1):
        beginning = chunk[:length].rstrip()
        if len(beginning) >= _LEAST_OVERLAP_CHARS and ending.endswith(beginning):
            return chunk[:length]
    return ""

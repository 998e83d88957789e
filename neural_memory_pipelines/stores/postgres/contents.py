"""What things that have a text are, whether they are live and readable, and the texts themselves.

Whether something may be shown is told with it; where a text is read from first is up to the callers.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text

from neural_memory_pipelines.domain.ids import ContentHash
from neural_memory_pipelines.stores.postgres.engine import Transaction
from neural_memory_pipelines.stores.postgres.privacy import OBSERVATION_IS_PRIVATE, cited_of
from neural_memory_pipelines.stores.postgres.text_hash import text_hash
from neural_memory_pipelines.stores.postgres.tracing.kinds import Kind, Target

_OF_DOCUMENT = "d.document_id, d.source, d.source_id, d.url, d.version, d.deleted_at IS NOT NULL AS is_deleted"

_ROWS: Mapping[Kind, str] = {
    Kind.DOCUMENT: f"""SELECT d.document_id AS id, {_OF_DOCUMENT}, d.title, d.occurred_at, d.privacy <> 'org' AS is_private,
            false AS is_superseded, NULL AS text
        FROM knowledge_documents d WHERE d.document_id = ANY(:ids)""",
    Kind.CHUNK: f"""SELECT c.chunk_id AS id, {_OF_DOCUMENT}, d.title, c.occurred_at, d.privacy <> 'org' AS is_private,
            c.superseded_at IS NOT NULL AS is_superseded, NULL AS text
        FROM knowledge_chunks c JOIN knowledge_documents d USING (document_id) WHERE c.chunk_id = ANY(:ids)""",
    Kind.OBSERVATION: f"""SELECT o.observation_id AS id, {_OF_DOCUMENT}, coalesce(o.title, d.title) AS title,
            o.occurred_at, {OBSERVATION_IS_PRIVATE} AS is_private, o.superseded_at IS NOT NULL AS is_superseded, o.text
        FROM memory_observations o JOIN knowledge_documents d USING (document_id) WHERE o.observation_id = ANY(:ids)""",
    # As in a search, a summary is its own source.
    Kind.SUMMARY: f"""SELECT s.summary_id AS id, '' AS document_id, 'memory' AS source, s.summary_id AS source_id,
            NULL AS url, 1 AS version, {cited_of("s", "d.deleted_at IS NOT NULL")} AS is_deleted, s.title, s.occurred_at,
            s.privacy <> 'org' OR {cited_of("s", OBSERVATION_IS_PRIVATE)} AS is_private,
            s.superseded_at IS NOT NULL OR s.text = '' AS is_superseded, s.text
        FROM memory_summaries s WHERE s.summary_id = ANY(:ids)""",
}
WITH_TEXT = frozenset(_ROWS)
"""The kinds that have a text of their own."""

_HASHES: Mapping[Kind, str] = {
    Kind.DOCUMENT: "SELECT chunk_hash FROM knowledge_chunks WHERE document_id = :id AND superseded_at IS NULL "
    "ORDER BY chunk_index",
    Kind.CHUNK: "SELECT chunk_hash FROM knowledge_chunks WHERE chunk_id = :id",
    Kind.OBSERVATION: f"SELECT {text_hash('o.text')} FROM memory_observations o WHERE o.observation_id = :id",
    Kind.SUMMARY: f"SELECT {text_hash('s.text')} FROM memory_summaries s WHERE s.summary_id = :id",
}


@dataclass(frozen=True, slots=True)
class ContentRow:
    """Something that has a text.

    Attributes:
        target: which it is.
        document_id, source, source_id, url: its document; a summary is its own.
        title: its own, or its document's.
        version: of the document.
        occurred_at: aware.
        is_private: whether only some may read it.
        is_superseded: whether its document, or the last night, says something else now.
        is_deleted: whether the source deleted it, or what it rests on.
        text: None for what is put together from chunks.
    """

    target: Target
    document_id: str
    source: str
    source_id: str
    url: str | None
    title: str
    version: int
    occurred_at: datetime
    is_private: bool
    is_superseded: bool
    is_deleted: bool
    text: str | None


@dataclass(frozen=True, slots=True)
class ChunkRef:
    """A live chunk without its text, which `chunk_hash` is of, see `domain/chunking.embedding_text`."""

    chunk_id: str
    document_id: str
    version: int
    chunk_hash: ContentHash


def content_rows(tx: Transaction, targets: Collection[Target]) -> dict[Target, ContentRow]:
    """Read what things are, private and superseded ones too; those that are not there or have no text are missing."""
    by_kind: dict[Kind, list[str]] = defaultdict(list)
    for target in targets:
        by_kind[target.kind].append(target.key)
    found: dict[Target, ContentRow] = {}
    for kind in by_kind.keys() & WITH_TEXT:
        for row in tx.connection.execute(text(_ROWS[kind]), {"ids": by_kind[kind]}):
            columns = dict(row._mapping)
            target = Target(kind, columns.pop("id"))
            found[target] = ContentRow(target=target, **columns)
    return found


def live_chunks(tx: Transaction, targets: Collection[Target]) -> dict[Target, list[ChunkRef]]:
    """List the live chunks that chunks and documents consist of, in order."""
    rows = tx.connection.execute(
        text(
            "SELECT c.chunk_id, c.document_id, d.version, c.chunk_hash FROM knowledge_chunks c "
            "JOIN knowledge_documents d USING (document_id) WHERE c.superseded_at IS NULL AND d.deleted_at IS NULL "
            "AND (c.chunk_id = ANY(:chunks) OR c.document_id = ANY(:documents)) ORDER BY c.document_id, c.chunk_index"
        ),
        {
            "chunks": [target.key for target in targets if target.kind is Kind.CHUNK],
            "documents": [target.key for target in targets if target.kind is Kind.DOCUMENT],
        },
    )
    found: dict[Target, list[ChunkRef]] = defaultdict(list)
    for row in rows:
        ref = ChunkRef(row.chunk_id, row.document_id, row.version, ContentHash(row.chunk_hash))
        for target in (Target(Kind.CHUNK, ref.chunk_id), Target(Kind.DOCUMENT, ref.document_id)):
            if target in targets:
                found[target].append(ref)
    return found


def chunk_texts(tx: Transaction, ids: Sequence[str], *, include_private: bool) -> dict[str, str]:
    """Read the texts of chunks, as long as they are live and may be shown."""
    rows = tx.connection.execute(
        text(
            "SELECT c.chunk_id, c.text FROM knowledge_chunks c JOIN knowledge_documents d USING (document_id) "
            "WHERE c.chunk_id = ANY(:ids) AND c.superseded_at IS NULL AND d.deleted_at IS NULL "
            "AND (:include_private OR d.privacy = 'org')"
        ),
        {"ids": list(ids), "include_private": include_private},
    )
    return {row.chunk_id: row.text for row in rows}


def embedded_hashes(tx: Transaction, target: Target) -> list[ContentHash]:
    """List the hashes under which the vectors of something are kept: of a document, those of its live chunks."""
    if target.kind not in _HASHES:
        return []
    return [ContentHash(key) for key in tx.connection.scalars(text(_HASHES[target.kind]), {"id": target.key})]


def targets_of_vectors(tx: Transaction, vector_ids: Sequence[str]) -> dict[str, Target]:
    """Find the chunk, observation or summary that each vector stands for; vectors of chunks that are gone are missing."""
    rows = tx.connection.execute(
        text(
            "SELECT DISTINCT ON (v.id) v.id, c.chunk_id FROM unnest(CAST(:ids AS text[])) AS v(id) "
            "JOIN knowledge_chunks c ON c.document_id = split_part(v.id, '#', 1) "
            "AND left(c.chunk_hash, 16) = split_part(v.id, '#', 2) AND c.superseded_at IS NULL "
            "ORDER BY v.id, c.chunk_index"
        ),
        {"ids": [key for key in vector_ids if "#" in key]},
    )
    found = {row.id: Target(Kind.CHUNK, row.chunk_id) for row in rows}
    for key in vector_ids:
        if ":" in key:
            found[key] = Target(Kind.OBSERVATION, key.partition(":")[0])
        elif "#" not in key:
            found[key] = Target(Kind.SUMMARY, key)
    return found

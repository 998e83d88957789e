"""Applies descriptions of documents inside an open transaction: the part of `persist` that writes rows.

It opens and commits no transaction.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from neural_memory_pipelines.domain.changes import Outcome, decide, identifiers
from neural_memory_pipelines.domain.chunking import ChunkDraft, chunk_documents
from neural_memory_pipelines.domain.documents import Deletion, SourceDraft, storable
from neural_memory_pipelines.domain.events import SourceEvent
from neural_memory_pipelines.domain.ids import (
    ContentHash,
    DocumentId,
    chunk_id,
    document_id,
    hash_text,
    observation_id,
)
from neural_memory_pipelines.domain.text import clip
from neural_memory_pipelines.domain.versions import EmbeddingVersion
from neural_memory_pipelines.models.embedders.protocol import Embedder
from neural_memory_pipelines.steps.report import StepReport
from neural_memory_pipelines.stores.postgres import documents
from neural_memory_pipelines.stores.postgres.engine import Transaction

_DELETED_HASH = hash_text("")
_Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Description:
    """What one event says of one document."""

    event: SourceEvent
    raw_key: str
    says: SourceDraft | Deletion


@dataclass(slots=True)
class Applied:
    """What became of descriptions, by event and by table."""

    by_event: dict[str, list[Outcome]] = field(default_factory=lambda: defaultdict(list))
    documents: StepReport = field(default_factory=StepReport)
    chunks: StepReport = field(default_factory=StepReport)
    observations: StepReport = field(default_factory=StepReport)


def apply_descriptions(
    tx: Transaction, descriptions: Sequence[Description], *, version: EmbeddingVersion, embedder: Embedder
) -> Applied:
    """Apply descriptions in their order; each document's versions count every change of its content."""
    applied = Applied()
    applied.documents.seen = len(descriptions)
    for batch in _rounds(tx, descriptions):
        _apply_round(tx, batch, version=version, embedder=embedder, applied=applied)
    return applied


def _rounds(tx: Transaction, descriptions: Sequence[Description]) -> Iterator[dict[DocumentId, Description]]:
    """Split descriptions so that each round has a document at most once: one statement can write a whole round."""
    seen: Counter[DocumentId] = Counter()
    rounds: list[dict[DocumentId, Description]] = []
    for description in descriptions:
        says = description.says
        key = document_id(tx.workspace_id, says.source, storable(says.source_id))
        if seen[key] == len(rounds):
            rounds.append({})
        rounds[seen[key]][key] = description
        seen[key] += 1
    yield from rounds


def _apply_round(
    tx: Transaction,
    batch: dict[DocumentId, Description],
    *,
    version: EmbeddingVersion,
    embedder: Embedder,
    applied: Applied,
) -> None:
    stored = documents.stored_documents(tx, list(batch))
    written: dict[DocumentId, Description] = {}
    confirmed = {}
    for key, description in batch.items():
        says = description.says
        outcome = decide(
            stored.get(key), content_hash=_content_hash(says), as_of=says.as_of, deletes=isinstance(says, Deletion)
        )
        applied.by_event[description.event.idempotency_key].append(outcome)
        if outcome is Outcome.WRITTEN:
            written[key] = description
        elif outcome is Outcome.UNCHANGED:
            confirmed[key] = says.as_of
        _count_document(applied.documents, description, outcome)
    documents.confirm_documents(tx, confirmed)
    if not written:
        return
    documents.upsert_documents(tx, [_document_row(key, description) for key, description in written.items()])
    _write_chunks(tx, written, version=version, embedder=embedder, report=applied.chunks)
    _write_observations(tx, written, version=version, report=applied.observations)


def _write_chunks(
    tx: Transaction,
    written: dict[DocumentId, Description],
    *,
    version: EmbeddingVersion,
    embedder: Embedder,
    report: StepReport,
) -> None:
    drafts = {key: d.says for key, d in written.items() if isinstance(d.says, SourceDraft)}
    chunked = chunk_documents(
        [storable(draft.body) for draft in drafts.values()], version.chunking, embedder.count_tokens
    )
    rows: list[_Row] = []
    for (key, draft), chunks in zip(drafts.items(), chunked, strict=True):
        occurrences: Counter[ContentHash] = Counter()
        for chunk in chunks:
            rows.append(_chunk_row(key, draft, chunk, version=version, occurrence=occurrences[chunk.chunk_hash]))
            occurrences[chunk.chunk_hash] += 1
        report.show({"document": draft.title, "chunks": len(chunks), "tokens": sum(c.token_count for c in chunks)})
    inserted, superseded = documents.replace_chunks(tx, list(written), rows)
    _count_rows(report, rows=len(rows), inserted=inserted, superseded=superseded)
    report.tokens += sum(row["token_count"] for row in rows)


def _write_observations(
    tx: Transaction, written: dict[DocumentId, Description], *, version: EmbeddingVersion, report: StepReport
) -> None:
    rows: dict[str, _Row] = {}
    for key, description in written.items():
        if isinstance(description.says, SourceDraft):
            for row in _observation_rows(tx, key, description.says, version=version):
                rows.setdefault(row["observation_id"], row)
    inserted, superseded = documents.replace_observations(tx, list(written), list(rows.values()))
    _count_rows(report, rows=len(rows), inserted=inserted, superseded=superseded)
    for row in rows.values():
        report.show({"title": row["title"] or clip(row["text"], 80), "importance": round(row["importance"], 3)})


def _document_row(key: DocumentId, description: Description) -> _Row:
    says, event = description.says, description.event
    row: _Row = {
        "document_id": key,
        "organization_id": event.organization_id,
        "source": says.source,
        "source_id": says.source_id,
        "raw_pointer": description.raw_key,
        "content_hash": _content_hash(says),
        "version": 1,  # a document that is known moves on to its next version in the statement itself
        "lineage_json": {"event": event.idempotency_key, "action": event.action},
        "as_of": says.as_of,
    }
    if isinstance(says, Deletion):
        gone = {"type": "deleted", "title": "", "summary": None, "state": says.reason, "url": None}
        return {
            **row,
            **gone,
            "metadata_json": {},
            "author_json": None,
            "occurred_at": says.as_of,
            "deleted_at": says.as_of,
        }
    author = says.author
    return {
        **row,
        "type": says.type,
        "title": says.title,
        "summary": says.summary,
        "state": says.state,
        "url": says.url,
        "metadata_json": dict(says.metadata),
        "author_json": {"id": author.provider_id, "name": author.name, "bot": author.is_bot} if author else None,
        "occurred_at": says.occurred_at,
        "deleted_at": None,
    }


def _chunk_row(
    key: DocumentId, draft: SourceDraft, chunk: ChunkDraft, *, version: EmbeddingVersion, occurrence: int
) -> _Row:
    return {
        "chunk_id": chunk_id(key, chunk.chunk_hash, occurrence),
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


def _observation_rows(
    tx: Transaction, key: DocumentId, draft: SourceDraft, *, version: EmbeddingVersion
) -> Iterator[_Row]:
    for observation in draft.observations:
        content_hash = observation.content_hash(draft.key)
        yield {
            "observation_id": observation_id(tx.workspace_id, content_hash),
            "document_id": key,
            "text": observation.text,
            "title": observation.title,
            "summary": observation.summary,
            "importance": observation.importance,
            "tags": sorted(observation.tags),
            "subject_refs": sorted(observation.subject_refs),
            "privacy": observation.privacy,
            "content_hash": content_hash,
            "embedding_model": version.model,
            "embedding_version": version.name,
            "occurred_at": observation.occurred_at,
        }


def _content_hash(says: SourceDraft | Deletion) -> ContentHash:
    return _DELETED_HASH if isinstance(says, Deletion) else says.content_hash()


def _count_document(report: StepReport, description: Description, outcome: Outcome) -> None:
    says = description.says
    if outcome is Outcome.UNCHANGED:
        report.unchanged += 1
    elif outcome is Outcome.OUTDATED:
        report.skipped += 1
    elif isinstance(says, Deletion):
        report.deleted += 1
    else:
        report.written += 1
        report.show({"source": says.source, "source_id": says.source_id, "title": says.title, "type": says.type})


def _count_rows(report: StepReport, *, rows: int, inserted: int, superseded: int) -> None:
    report.seen += rows
    report.written += inserted
    report.unchanged += rows - inserted
    report.deleted += superseded

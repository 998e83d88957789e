"""Applies descriptions of documents inside an open transaction: the part of `persist` that writes rows.

It opens and commits no transaction. Parts, pushes and renames become descriptions in `describe.py`.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from neural_memory_pipelines.domain.changes import (
    DescriptionRecord,
    Outcome,
    StoredDocument,
    decide,
    gone_since,
    link_spans,
    version_of,
)
from neural_memory_pipelines.domain.chunking import ChunkDraft, chunk_documents
from neural_memory_pipelines.domain.documents import Deletion, Privacy, SourceDraft, storable
from neural_memory_pipelines.domain.evaluation import Suite
from neural_memory_pipelines.domain.ids import DocumentId, document_id, hash_json
from neural_memory_pipelines.domain.text import clip
from neural_memory_pipelines.domain.versions import EmbeddingVersion
from neural_memory_pipelines.models.embedders.protocol import Embedder
from neural_memory_pipelines.steps.report import StepReport
from neural_memory_pipelines.steps.rows import (
    Description,
    Row,
    chunk_rows,
    confirmation_row,
    document_row,
    handles_of,
    headed_body,
    link_rows,
    links_of,
    observation_rows,
)
from neural_memory_pipelines.stores.postgres import documents, eval_events, links, versions
from neural_memory_pipelines.stores.postgres.engine import Transaction
from neural_memory_pipelines.stores.postgres.eval_events import EvalEvent

_Drafts = Mapping[DocumentId, SourceDraft]


@dataclass(slots=True)
class Applied:
    """What became of descriptions, by event, by document put together from parts, and by table.

    `read_again` are events whose documents come back, `reasons` what there is to evaluate.
    """

    by_event: dict[str, list[Outcome]] = field(default_factory=lambda: defaultdict(list))
    by_assembled: dict[DocumentId, Outcome] = field(default_factory=dict)
    read_again: set[str] = field(default_factory=set)
    reasons: list[EvalEvent] = field(default_factory=list)
    documents: StepReport = field(default_factory=StepReport)
    chunks: StepReport = field(default_factory=StepReport)
    observations: StepReport = field(default_factory=StepReport)


def apply_descriptions(
    tx: Transaction,
    descriptions: Sequence[Description],
    *,
    version: EmbeddingVersion,
    embedder: Embedder,
    applied: Applied,
) -> None:
    """Apply descriptions in their order; each document's versions count every change of its content.

    Each new version, deletions among them, is a reason to evaluate.
    """
    applied.documents.seen += len(descriptions)
    for batch in _rounds(descriptions):
        _Round(tx, batch, version, embedder, applied).run()
    eval_events.put_events(tx, applied.reasons)


def _rounds(descriptions: Sequence[Description]) -> Iterator[dict[DocumentId, Description]]:
    """Split descriptions so that each round has a document at most once: one statement can write a whole round."""
    seen: Counter[DocumentId] = Counter()
    rounds: list[dict[DocumentId, Description]] = []
    for description in descriptions:
        key = description.document_id
        if seen[key] == len(rounds):
            rounds.append({})
        rounds[seen[key]][key] = description
        seen[key] += 1
    yield from rounds


class _Round:
    """One round of descriptions, of different documents, on its way into the tables."""

    def __init__(
        self,
        tx: Transaction,
        batch: Mapping[DocumentId, Description],
        version: EmbeddingVersion,
        embedder: Embedder,
        applied: Applied,
    ) -> None:
        self.tx = tx
        self.batch = batch
        self.version = version
        self.embedder = embedder
        self.applied = applied
        self.stored = documents.stored_documents(tx, list(batch))
        self.outcomes = {key: self._decide(description) for key, description in batch.items()}
        self.links = {key: links_of(key, draft) for key, draft in self._drafts(*Outcome).items()}
        # What is new has no history, and what is confirmed gets no other one by it; parts are in theirs already.
        self.histories = versions.histories(tx, [key for key in batch if self._has_history(key)])
        self.unsaid_links = self._retell()

    def run(self) -> None:
        """Write the round."""
        outdated = self._drafts(Outcome.OUTDATED)
        written = [self.batch[key] for key, outcome in self.outcomes.items() if outcome is Outcome.WRITTEN]
        made = [d for d in written if not _is_unmade(d)]
        rows = [document_row(d, version=self._version(d), gone_since=self._gone_since(d)) for d in made]
        documents.upsert_documents(self.tx, rows)
        self.applied.reasons += [_reason(d, self._version(d)) for d in written]
        documents.drop_documents(self.tx, [d.document_id for d in written if _is_unmade(d)])
        self._confirm()
        plain = [(key, self._record(key)) for key, description in self.batch.items() if not description.is_assembled]
        versions.record_descriptions(self.tx, plain)
        if made:
            self._write(self._drafts(Outcome.WRITTEN), [description.document_id for description in made])
        if outdated:
            self._keep_history(outdated)
        late = [key for key in self.histories if self.outcomes[key] is not Outcome.WRITTEN]
        documents.set_versions(self.tx, {key: version_of(self.histories[key]) for key in late})
        deleted = {key: at for key in late if (at := gone_since(self.histories[key]))}
        moved = documents.set_deletions(self.tx, deleted)
        links.set_link_spans(self.tx, {link: span for key in late for link, span in self._spans(key).items()})
        links.forget_links(self.tx, self.unsaid_links)
        self._follow_parents([description.document_id for description in made], moved)

    def _retell(self) -> list[str]:
        """Put the descriptions of this round into the histories, and list the links that none of them states now."""
        unsaid: list[str] = []
        for key, records in self.histories.items():
            if self.batch[key].is_assembled:
                continue
            before = {link for record in records for link in record.link_ids}
            records[:] = [r for r in records if r.event_key != self.batch[key].event_key] + [self._record(key)]
            unsaid += before - {link for record in records for link in record.link_ids}
        return unsaid

    def _decide(self, description: Description) -> Outcome:
        outcome = _outcome(self.stored.get(description.document_id), description)
        if description.is_assembled:
            self.applied.by_assembled[description.document_id] = outcome
        else:
            self.applied.by_event[description.event_key].append(outcome)
        _count_document(self.applied.documents, description, outcome)
        return outcome

    def _has_history(self, key: DocumentId) -> bool:
        description = self.batch[key]
        if description.is_assembled:
            return True
        # From when on it is deleted depends on all that is said of it.
        is_told_anew = self.outcomes[key] is not Outcome.UNCHANGED or isinstance(description.says, Deletion)
        return key in self.stored and is_told_anew

    def _drafts(self, *outcomes: Outcome) -> dict[DocumentId, SourceDraft]:
        return {
            key: description.says
            for key, description in self.batch.items()
            if isinstance(description.says, SourceDraft) and self.outcomes[key] in outcomes
        }

    def _record(self, key: DocumentId) -> DescriptionRecord:
        description = self.batch[key]
        return DescriptionRecord(
            event_key=description.event_key,
            as_of=description.says.as_of,
            deletes=isinstance(description.says, Deletion),
            content_hash=description.content_hash,
            raw_pointer=description.raw_pointer,
            link_ids=tuple(self.links.get(key, ())),
        )

    def _version(self, description: Description) -> int:
        return version_of(self._history(description))

    def _gone_since(self, description: Description) -> datetime | None:
        # Parts tell when they were deleted themselves, not when the document was.
        return None if description.is_assembled else gone_since(self._history(description))

    def _history(self, description: Description) -> Sequence[DescriptionRecord]:
        return self.histories.get(description.document_id) or [self._record(description.document_id)]

    def _confirm(self) -> None:
        """Take over from descriptions that are no change what makes no version: times, and how much it matters."""
        same = [key for key, outcome in self.outcomes.items() if outcome is Outcome.UNCHANGED]
        documents.confirm_documents(self.tx, [confirmation_row(self.batch[key]) for key in same])
        drafts = self._drafts(Outcome.UNCHANGED)
        self._date_chunks(drafts)
        if any(draft.observations for draft in drafts.values()):
            self._write_observations(drafts, list(drafts))

    def _spans(self, key: DocumentId) -> links.LinkSpans:
        history = self.histories.get(key, [])
        if not self.batch[key].is_assembled:
            return link_spans(history)
        # The links of what is put together from parts are told for all of them: since the first.
        since = min((record.as_of for record in history), default=self.batch[key].says.as_of)
        return dict.fromkeys(self.links.get(key, ()), (since, None))

    def _write(self, drafts: _Drafts, keys: Sequence[DocumentId]) -> None:
        """Make what the drafts say live, and nothing else of the documents `keys`."""
        chunked = self._chunks(drafts)
        rows = [row for key in drafts for row in chunk_rows(key, drafts[key], chunked[key], version=self.version)]
        inserted, superseded = documents.replace_chunks(self.tx, keys, rows)
        _count_rows(self.applied.chunks, rows=len(rows), inserted=inserted, superseded=superseded)
        self.applied.chunks.tokens += sum(row["token_count"] for row in rows)
        for key, draft in drafts.items():
            tokens = sum(chunk.token_count for chunk in chunked[key])
            # What a run shows stays, for all who may see the UI: nothing private is shown.
            if draft.privacy is not Privacy.PRIVATE:
                self.applied.chunks.show({"document": draft.title, "chunks": len(chunked[key]), "tokens": tokens})
        self._write_observations(drafts, keys)
        self._date_chunks({key: draft for key, draft in drafts.items() if self.batch[key].is_assembled})
        stated = self._link_rows(drafts, chunked)
        links.write_links(self.tx, stated)
        known = [key for key in keys if key in self.stored]
        # How a thread looked while parts of it were missing depends on their order: what is not so now was never so.
        assembled = [key for key in known if self.batch[key].is_assembled]
        links.forget_other_links(self.tx, assembled, kept=[row["link_id"] for row in stated])
        links.set_link_spans(self.tx, {link: span for key in known for link, span in self._spans(key).items()})
        links.replace_handles(self.tx, {key: handles_of(draft) for key, draft in drafts.items()})

    def _write_observations(self, drafts: _Drafts, keys: Sequence[DocumentId]) -> None:
        rows = self._observation_rows(drafts)
        inserted, superseded = documents.replace_observations(self.tx, keys, rows)
        assembled = {row["observation_id"]: row["occurred_at"] for row in rows if self._is_assembled(row)}
        documents.date_observations(self.tx, assembled)
        _count_rows(self.applied.observations, rows=len(rows), inserted=inserted, superseded=superseded)
        for row in rows:
            if row["privacy"] == Privacy.PRIVATE:
                continue
            self.applied.observations.show(
                {"title": row["title"] or clip(row["text"], 80), "importance": round(row["importance"], 3)}
                | {name: round(value, 3) for name, value in row["importance_factors"].items()}
            )

    def _is_assembled(self, row: Row) -> bool:
        return self.batch[row["document_id"]].is_assembled

    def _date_chunks(self, drafts: _Drafts) -> None:
        """Let live chunks be as old as the earliest description that holds them; those of a thread as the thread."""
        dates = {key: (draft.occurred_at, self.batch[key].is_assembled) for key, draft in drafts.items()}
        documents.date_chunks(self.tx, dates)

    def _keep_history(self, drafts: _Drafts) -> None:
        chunked = self._chunks(drafts)
        rows = [row for key in drafts for row in chunk_rows(key, drafts[key], chunked[key], version=self.version)]
        documents.keep_history(self.tx, chunks=rows, observations=self._observation_rows(drafts))
        links.keep_links(self.tx, self._link_rows(drafts, chunked))
        # What is gone goes on answering to the names that it had last.
        last = {key: handles_of(draft) for key, draft in drafts.items() if self._is_last_draft(key)}
        links.replace_handles(self.tx, last)

    def _is_last_draft(self, key: DocumentId) -> bool:
        drafts = [record for record in self.histories[key] if not record.deletes]
        return max(drafts, key=lambda record: record.rank).event_key == self.batch[key].event_key

    def _chunks(self, drafts: _Drafts) -> dict[DocumentId, tuple[ChunkDraft, ...]]:
        bodies = [storable(headed_body(draft)[0]) for draft in drafts.values()]
        chunked = chunk_documents(bodies, self.version.chunking, self.embedder.count_tokens)
        return dict(zip(drafts, chunked, strict=True))

    def _observation_rows(self, drafts: _Drafts) -> list[Row]:
        rows: dict[str, Row] = {}
        for key, draft in drafts.items():
            for row in observation_rows(self.tx.workspace_id, key, draft, version=self.version):
                rows.setdefault(row["observation_id"], row)
        return list(rows.values())

    def _link_rows(self, drafts: _Drafts, chunked: Mapping[DocumentId, tuple[ChunkDraft, ...]]) -> list[Row]:
        return [
            row
            for key, draft in drafts.items()
            for row in link_rows(key, draft, self.links[key], chunks=chunked[key], spans=self._spans(key))
        ]

    def _follow_parents(self, keys: Sequence[DocumentId], moved: Sequence[DocumentId]) -> None:
        """Let documents go with parents that are deleted, and have those read again whose parents came back.

        Args:
            keys: the documents that were written.
            moved: those of which something new is known about when they were deleted.
        """
        parents = {
            document_id(self.tx.workspace_id, draft.source, storable(draft.parent))
            for draft in self._drafts(Outcome.WRITTEN).values()
            if draft.parent is not None
        }
        frontier = [key for key in keys if isinstance(self.batch[key].says, Deletion)] + list(moved)
        frontier += documents.hide_documents(self.tx, keys, parents=sorted(parents)) if parents else []
        done: set[DocumentId] = set()
        while frontier:
            done.update(frontier)
            below = documents.hide_documents(self.tx, [], parents=frontier)
            frontier = [key for key in below if key not in done]
        returned = [key for key in self._drafts(Outcome.WRITTEN) if _was_gone(self.stored.get(key)) and key not in done]
        if returned:
            self.applied.read_again |= {row.as_of_event for row in documents.hidden_children(self.tx, returned)}


def _reason(description: Description, version: int) -> EvalEvent:
    key = description.document_id
    # The content too: a document that was dropped and is made again counts its versions from 1 again.
    named = hash_json([str(Suite.POST_INGEST), key, version, description.content_hash])
    return EvalEvent(f"evt_{named[:32]}", Suite.POST_INGEST, {"document_id": key, "version": version})


def _outcome(stored: StoredDocument | None, description: Description) -> Outcome:
    says = description.says
    deletes = isinstance(says, Deletion)
    if description.is_assembled and stored is not None:
        # It is put together from all that is known: whatever the time says, it holds.
        is_same = stored.content_hash == description.content_hash and deletes == stored.is_deleted
        return Outcome.UNCHANGED if is_same and not stored.is_hidden else Outcome.WRITTEN
    return decide(
        stored,
        content_hash=description.content_hash,
        as_of=says.as_of,
        event_key=description.event_key,
        deletes=deletes,
    )


def _is_unmade(description: Description) -> bool:
    """Tell whether parts make no document any more: it leaves no row, for in another order it had never been one."""
    return description.is_assembled and isinstance(description.says, Deletion)


def _was_gone(stored: StoredDocument | None) -> bool:
    return stored is not None and (stored.is_deleted or stored.is_hidden)


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
        if says.privacy is Privacy.PRIVATE:
            return
        report.show({"source": says.source, "source_id": says.source_id, "title": says.title, "type": says.type})


def _count_rows(report: StepReport, *, rows: int, inserted: int, superseded: int) -> None:
    report.seen += rows
    report.written += inserted
    report.unchanged += rows - inserted
    report.deleted += superseded

"""Writes the summaries of clusters whose members changed, and takes those out that have lost theirs.

Who writes them is a summarizer; how a text is chosen or judged is decided in `domain/summaries/`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from neural_memory_pipelines.domain.consolidation import ConsolidationSettings, Window, topic_windows
from neural_memory_pipelines.domain.ids import ObservationId, SummaryId, WorkspaceId, summary_id
from neural_memory_pipelines.domain.summaries.coverage import Coverage, coverage
from neural_memory_pipelines.domain.summaries.evidence import SETTLED_TAGS, Evidence, Summary
from neural_memory_pipelines.domain.summaries.membership import membership_hash
from neural_memory_pipelines.domain.versions import EmbeddingVersion
from neural_memory_pipelines.models.summarizers.protocol import Draft, Summarizer
from neural_memory_pipelines.steps.report import Progress, StepReport, no_progress, timed
from neural_memory_pipelines.stores.bundle import Stores
from neural_memory_pipelines.stores.postgres import clusters, summaries
from neural_memory_pipelines.stores.postgres.clusters import ClusterRow
from neural_memory_pipelines.stores.postgres.engine import Transaction
from neural_memory_pipelines.stores.postgres.summaries import EvidenceRow, GroupedMember

_MOST_EVIDENCE = 120
_MOST_SHOWN = 40
# Kept, so that no night asks again for what cannot be said.
_UNSAID: Mapping[str, Any] = {"text": "", "coverage_json": {}, "evidence": [], "sentences": []}


@dataclass(frozen=True, slots=True)
class Cited:
    """An observation that a summary cites, and where its document can be seen."""

    observation_id: ObservationId
    url: str | None


@dataclass(frozen=True, slots=True)
class Written:
    """A summary that was written in this run."""

    summary_id: SummaryId
    title: str
    text: str
    evidence: tuple[Cited, ...]
    coverage: Coverage
    is_new: bool


@dataclass(slots=True)
class SummariesReport(StepReport):
    """What a run wrote; `written_now` are the first of them, in full."""

    unsupported: int = 0
    written_now: list[Written] = field(default_factory=list)

    def count_unsaid(self, summaries: int) -> None:
        """Count summaries that are not there because nothing can be said."""
        self.skipped += summaries
        if self.skipped:
            self.reasons["no observation has a sentence that can stand in a summary"] = self.skipped


@dataclass(frozen=True, slots=True)
class _Wanted:
    """A summary that should be there: of a cluster's window, written from these members, oldest first."""

    summary_id: SummaryId
    cluster: ClusterRow
    window: Window
    members: tuple[GroupedMember, ...]
    membership_hash: str


def summarize_clusters(
    workspace: WorkspaceId,
    version: EmbeddingVersion,
    *,
    stores: Stores,
    settings: ConsolidationSettings,
    summarizer: Summarizer,
    now: datetime,
    on_progress: Progress = no_progress,
) -> SummariesReport:
    """Bring the summaries of all topics and entities' windows up to date.

    Each is written in a transaction of its own, so that what has been paid for survives a kill.

    Returns:
        seen = summaries that should be there, written, unchanged, deleted = taken out, skipped = those of
        which nothing could be said; tokens as the summarizer's vendor billed them.
    """
    report = SummariesReport()
    with timed(report), stores.database.lock(workspace, "consolidate:summaries"):
        with stores.database.transaction(workspace) as tx:
            wanted = list(_wanted(tx, settings, summarizer.writer))
            known = summaries.live_hashes(tx)
            unsaid = summaries.unsaid_hashes(tx)
            gone = sorted(known.keys() - {item.summary_id for item in wanted})
            summaries.retire_summaries(tx, gone, at=now)
        asked = known | unsaid
        changed = [item for item in wanted if asked.get(item.summary_id) != item.membership_hash]
        on_progress(0, total=len(changed))
        writer = _Writer(workspace, version, stores, summarizer, report, now)
        for item in changed:
            writer.write(item)
            on_progress(1)
    silent = sum(unsaid.get(item.summary_id) == item.membership_hash for item in wanted)
    report.seen = len(wanted)
    report.deleted += len(gone)
    report.unchanged = len(wanted) - len(changed) - silent
    report.count_unsaid(silent)
    return report


def _wanted(tx: Transaction, settings: ConsolidationSettings, writer: str) -> Iterator[_Wanted]:
    members = summaries.grouped_members(tx)
    for kind in (clusters.TOPIC, clusters.ENTITY):
        for cluster in clusters.living_clusters(tx, kind):
            by_id = {item.observed.observation_id: item for item in members.get(cluster.cluster_id, ())}
            for window in _windows(cluster, by_id, settings):
                inside = tuple(by_id[key] for key in window.members)
                yield _Wanted(
                    summary_id=summary_id(cluster.cluster_id, window.start.isoformat()),
                    cluster=cluster,
                    window=window,
                    members=inside,
                    membership_hash=membership_hash(((key, by_id[key].content_hash) for key in window.members), writer),
                )


def _windows(
    cluster: ClusterRow, members: Mapping[ObservationId, GroupedMember], settings: ConsolidationSettings
) -> list[Window]:
    observed = [item.observed for item in members.values()]
    if cluster.window_start is None or cluster.window_end is None:
        return topic_windows(observed, settings)
    return [Window(cluster.window_start, cluster.window_end, tuple(members))] if members else []


@dataclass(frozen=True, slots=True)
class _Writer:
    """Writes one summary after the other, and counts."""

    workspace: WorkspaceId
    version: EmbeddingVersion
    stores: Stores
    summarizer: Summarizer
    report: SummariesReport
    now: datetime

    def write(self, item: _Wanted) -> None:
        with self.stores.database.transaction(self.workspace) as tx:
            rows = summaries.evidence_rows(tx, [member.observed.observation_id for member in item.members])
        urls = {row.observation_id: row.url for row in rows}
        everything = [_evidence(row) for row in rows]
        read = set(_chosen(item.members))
        draft = self.summarizer.summarize(
            item.cluster.label, [evidence for evidence in everything if evidence.observation_id in read]
        )
        self.report.tokens += draft.billed_tokens
        self.report.unsupported += draft.unsupported
        self.report.notes += [note for note in draft.notes if note not in self.report.notes]
        if draft.summary is not None:
            covered = coverage(everything, cited=draft.summary.evidence)
            is_new = self._keep(item, draft, draft.summary, covered)
            cited = tuple(Cited(key, urls[key]) for key in draft.summary.evidence)
            title, text = item.cluster.label, draft.summary.text
            self._show(Written(item.summary_id, title, text, cited, covered, is_new))
            return
        self.report.count_unsaid(1)
        with self.stores.database.transaction(self.workspace) as tx:
            summaries.write_summary(tx, {**self._row(item, draft), **_UNSAID, "superseded_at": self.now})

    def _keep(self, item: _Wanted, draft: Draft, summary: Summary, covered: Coverage) -> bool:
        row = {
            **self._row(item, draft),
            "text": summary.text,
            "coverage_json": covered.spelled(),
            "evidence": list(summary.evidence),
            "sentences": [
                {"text": sentence.text, "observation_ids": list(sentence.observation_ids)}
                for sentence in summary.sentences
            ],
        }
        with self.stores.database.transaction(self.workspace) as tx:
            is_new = summaries.write_summary(tx, row)
        self.report.written += 1
        return is_new

    def _row(self, item: _Wanted, draft: Draft) -> dict[str, Any]:
        return {
            "summary_id": item.summary_id,
            "window_json": _spelled_window(item),
            "embedding_model": self.version.model,
            "embedding_version": self.version.name,
            "occurred_at": item.members[-1].observed.occurred_at,
            "cluster_id": item.cluster.cluster_id,
            "title": item.cluster.label,
            "membership_hash": item.membership_hash,
            "written_by": draft.writer,
            "unsupported": draft.unsupported,
        }

    def _show(self, written: Written) -> None:
        if len(self.report.written_now) < _MOST_SHOWN:
            self.report.written_now.append(written)


def _evidence(row: EvidenceRow) -> Evidence:
    values = asdict(row)
    del values["url"]  # no reader of the evidence needs it
    return Evidence(**values)


def _chosen(members: Sequence[GroupedMember]) -> list[ObservationId]:
    """Choose what a summarizer reads of a large cluster: what is decided, the most important, the most typical."""
    if len(members) <= _MOST_EVIDENCE:
        return [member.observed.observation_id for member in members]

    def rank(member: GroupedMember) -> tuple[float, float, str]:
        typical = member.similarity_cosine or 0.0
        settled = not SETTLED_TAGS.isdisjoint(member.tags)
        return (-(member.importance + typical + settled), -typical, member.observed.observation_id)

    return [member.observed.observation_id for member in sorted(members, key=rank)[:_MOST_EVIDENCE]]


def _spelled_window(item: _Wanted) -> dict[str, Any]:
    about = {"entity": item.cluster.entity_id} if item.cluster.entity_id else {"topic": item.cluster.cluster_id}
    return {**about, "start": item.window.start.isoformat(), "end": item.window.end.isoformat()}

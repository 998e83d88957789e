"""What each lifecycle job does in one workspace: it calls a step, and tells what came of it as rows of a table.

Dagster is not known here; which workspaces and what to do about failures is `lifecycle_jobs.py`'s part.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from neural_memory_pipelines.defs.lifecycle_configs import (
    ArchiveConfig,
    ChosenConfig,
    ModelConfig,
    PromoteConfig,
    ProposeConfig,
    RollbackConfig,
    VersionConfig,
)
from neural_memory_pipelines.defs.standings import kept_version
from neural_memory_pipelines.domain.ids import WorkspaceId
from neural_memory_pipelines.local.session import Session
from neural_memory_pipelines.steps.report import ExampleRow
from neural_memory_pipelines.steps.versions import archive as archiving
from neural_memory_pipelines.steps.versions import promote as promoting
from neural_memory_pipelines.steps.versions.estimate import estimate_build
from neural_memory_pipelines.steps.versions.propose import propose_version
from neural_memory_pipelines.steps.versions.quality import compare as compare_quality
from neural_memory_pipelines.steps.versions.rebuild import rebuild_index


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was done in a workspace; `version` is the one that it was about, `details` are rows of a second table."""

    workspace: WorkspaceId
    version: str
    row: ExampleRow
    details: Sequence[ExampleRow] = ()


def propose(session: Session, workspace: WorkspaceId, config: ProposeConfig) -> list[Outcome]:
    """Register the version that would follow the active one."""
    decision = config.decision()
    version = session.successor(workspace, model=config.model, dim=config.dim, topology=config.topology)
    status = propose_version(
        workspace, version, stores=session.stores, decided_by=decision.decided_by, reason=decision.reason
    )
    return [Outcome(workspace, version.name, {"status": str(status)})]


def estimate(session: Session, workspace: WorkspaceId, config: ModelConfig) -> list[Outcome]:
    """Count what building the version that would follow the active one takes; nothing is registered or spent."""
    version = session.successor(workspace, model=config.model, dim=config.dim, topology=config.topology)
    found = estimate_build(
        workspace,
        version,
        stores=session.stores,
        load_embedder=partial(session.embedder, version),
        price=session.price(version.model),
    )
    row: ExampleRow = {
        "vectors": found.vectors,
        "texts": found.texts,
        "texts_embedded_already": found.texts_embedded_already,
        "tokens": found.tokens,
        "dollars": round(found.dollars, 6),
        "seconds": round(found.seconds, 1),
    }
    return [Outcome(workspace, version.name, row)]


def compare(session: Session, workspace: WorkspaceId, config: VersionConfig) -> list[Outcome]:
    """Ask the workspace's questions at a version and at the one that is served; the gate's record stays as it is."""
    version, served = kept_version(session, workspace, config.version), session.active_version(workspace)
    found = compare_quality(workspace, version, served, stores=session.stores, load_embedder=session.embedder)
    row: ExampleRow = {
        "served": served.name,
        "questions": found.candidate.questions,
        "asked": "its own" if found.are_own else "titles",
        "recall_at_10": round(found.candidate.recall_at_10, 4),
        "served_recall_at_10": round(found.served.recall_at_10, 4),
        "ndcg_at_10": round(found.candidate.ndcg_at_10, 4),
        "served_ndcg_at_10": round(found.served.ndcg_at_10, 4),
        "worse": len(found.worse),
    }
    details: list[ExampleRow] = [
        # Not the question itself: it may be private, and what a run shows stays.
        {
            "workspace": workspace,
            "question": change.question_id,
            "place": change.place or "none",
            "served_place": change.place_before or "none",
        }
        for change in found.worse
    ]
    return [Outcome(workspace, version.name, row, details)]


def promote(session: Session, workspace: WorkspaceId, config: PromoteConfig) -> list[Outcome]:
    """Serve the workspace at a version whose gate has passed."""
    decision = config.decision(force=config.force)
    before = promoting.promote(workspace, session.version(config.version), stores=session.stores, decision=decision)
    return [Outcome(workspace, config.version, {"served_before": before})]


def rollback(session: Session, workspace: WorkspaceId, config: RollbackConfig) -> list[Outcome]:
    """Serve the workspace at the version before, if it is served at the one that is to be left."""
    decision = config.decision(force=config.force)
    served = session.active_version(workspace).name
    if served != config.version:
        return [Outcome(workspace, served, {"served_before": served})]
    before, now = promoting.rollback(workspace, stores=session.stores, decision=decision)
    return [Outcome(workspace, now, {"served_before": before})]


def archive(session: Session, workspace: WorkspaceId, config: ArchiveConfig) -> list[Outcome]:
    """Take a version that is not served out of the indexes."""
    decision = config.decision()
    return [_archive(session, workspace, config.version, decision=decision, drop_vectors=config.drop_vectors)]


def archive_due(session: Session, workspace: WorkspaceId, config: ChosenConfig) -> list[Outcome]:  # noqa: ARG001 - as all acts
    """Archive the versions that were replaced longer ago than NEURAL_MEMORY_ARCHIVE_GRACE_DAYS."""
    grace_days = session.settings.archive_grace_days
    due = archiving.due_for_archive(workspace, stores=session.stores, grace_days=grace_days)
    decision = promoting.Decision("neural-memory", f"it was replaced over {grace_days:g} days ago")
    return [_archive(session, workspace, name, decision=decision) for name in due]


def rebuild(session: Session, workspace: WorkspaceId, config: VersionConfig) -> list[Outcome]:
    """Drop what a version has in indexes, and write it again from the kept vectors; no model is called."""
    version = kept_version(session, workspace, config.version)
    reports = rebuild_index(workspace, version, stores=session.stores)
    row: ExampleRow = {
        "dropped": sum(report.deleted for report in reports.values()),
        "written": sum(report.written for report in reports.values()),
        "without_a_vector": sum(report.failed for report in reports.values()),
    }
    details: list[ExampleRow] = [
        {"workspace": workspace, "family": str(family), "written": report.written, "seconds": round(report.seconds, 2)}
        for family, report in reports.items()
    ]
    return [Outcome(workspace, version.name, row, details)]


def _archive(
    session: Session,
    workspace: WorkspaceId,
    version_name: str,
    *,
    decision: promoting.Decision,
    drop_vectors: bool = False,
) -> Outcome:
    report = archiving.archive(
        workspace,
        session.version(version_name),
        stores=session.stores,
        decided_by=decision.decided_by,
        reason=decision.reason,
        drop_vectors=drop_vectors,
    )
    row: ExampleRow = {
        "namespaces": report.seen,
        "vectors_deleted": report.deleted,
        "durable_vectors": "; ".join(report.notes) or "kept",
    }
    return Outcome(workspace, version_name, row)

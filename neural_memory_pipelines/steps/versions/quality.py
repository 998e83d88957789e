"""Asks a workspace's questions at two embedding versions, as every evaluation does, and keeps both runs.

What the difference is worth is judged in `gate.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from neural_memory_pipelines.domain.evaluation import EvalRun, Suite
from neural_memory_pipelines.domain.evaluation_compare import Change, compare_runs
from neural_memory_pipelines.domain.evaluation_settings import EvaluationSettings
from neural_memory_pipelines.domain.ids import WorkspaceId
from neural_memory_pipelines.domain.questions import Quality, quality_of
from neural_memory_pipelines.domain.versions import EmbeddingVersion
from neural_memory_pipelines.models.embedders.protocol import Embedder
from neural_memory_pipelines.steps.evaluation.ask import Respondent, take_run
from neural_memory_pipelines.steps.evaluation.keep import judge_run, keep_run
from neural_memory_pipelines.steps.evaluation.run import new_run_id
from neural_memory_pipelines.steps.evaluation.suites import questions_of
from neural_memory_pipelines.stores.bundle import Stores
from neural_memory_pipelines.stores.postgres.evaluation_settings import read_settings

LoadEmbedder = Callable[[EmbeddingVersion], Embedder]


@dataclass(frozen=True, slots=True)
class VersionsCompared:
    """Two versions by the same questions."""

    candidate_run: EvalRun
    served_run: EvalRun

    @property
    def candidate(self) -> Quality:
        """How well the one that may be promoted answered."""
        return quality_of(self.candidate_run.results)

    @property
    def served(self) -> Quality:
        """How well the other one answered."""
        return quality_of(self.served_run.results)

    @property
    def are_own(self) -> bool:
        """Whether the questions are the workspace's; else titles stood in."""
        return self.candidate_run.are_own

    @property
    def worse(self) -> tuple[Change, ...]:
        """Questions that the candidate answers later, worst first."""
        compared = compare_runs(self.candidate_run, self.served_run)
        return compared.worse if compared else ()


def compare(
    workspace: WorkspaceId,
    candidate: EmbeddingVersion,
    served: EmbeddingVersion,
    *,
    stores: Stores,
    load_embedder: LoadEmbedder,
    at: datetime | None = None,
) -> VersionsCompared:
    """Ask the same questions at two versions; nothing is kept.

    Args:
        workspace: whose questions.
        candidate: the version that may be promoted.
        served: the one to compare it with.
        stores: where they are.
        load_embedder: loads the embedder of each.
        at: when it begins (aware); None for now.
    """
    began_at = at or datetime.now(UTC)
    questions = questions_of(Suite.CANARY, workspace, stores)

    def take(version: EmbeddingVersion) -> EvalRun:
        respondent = Respondent(workspace, version, stores, load_embedder(version))
        run_id = new_run_id(workspace, Suite.CANARY, version.name, began_at)
        return take_run(Suite.CANARY, respondent, questions, run_id=run_id, at=began_at)

    return VersionsCompared(take(candidate), take(served))


def keep_comparison(
    compared: VersionsCompared, workspace: WorkspaceId, *, stores: Stores, allowed: EvaluationSettings, report: bool
) -> tuple[str, ...]:
    """Keep both runs: the served one held against the accepted run, the candidate's against the served one.

    Args:
        compared: the runs.
        workspace: whose they are.
        stores: where they are kept.
        allowed: how much worse the candidate may be.
        report: whether others are to be told of them.

    Returns:
        What the candidate does worse beyond that, a sentence each.
    """
    with stores.database.transaction(workspace) as tx:
        served, candidate = compared.served_run, compared.candidate_run
        keep_run(tx, served, judge_run(tx, served, read_settings(tx)), report=report)
        verdict = judge_run(tx, candidate, allowed, against=served)
        keep_run(tx, candidate, verdict, report=report)
    return verdict.regressions

"""The group `evaluation`: one asset per suite of questions, all made from the same data.

What is asked, and when an answer counts as worse, is decided in `steps/evaluation/`.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import dagster as dg
from dagster._core.storage.tags import RETRY_NUMBER_TAG, ROOT_RUN_ID_TAG
from pydantic import Field

from neural_memory_pipelines.defs.evaluation_metadata import evaluation_metadata
from neural_memory_pipelines.defs.failures import mapped_failures
from neural_memory_pipelines.defs.families import FAMILY_ASSETS
from neural_memory_pipelines.defs.metadata import OWNERS, table_metadata
from neural_memory_pipelines.defs.partitions import (
    workspace_version_key,
    workspace_version_partitions,
    workspace_versions_of,
)
from neural_memory_pipelines.defs.resources import MemoryResource, progress_of
from neural_memory_pipelines.domain.evaluation import Suite
from neural_memory_pipelines.domain.ids import WorkspaceId, hash_json
from neural_memory_pipelines.local.session import Session
from neural_memory_pipelines.steps.evaluation.ask import Respondent
from neural_memory_pipelines.steps.evaluation.run import Evaluated, Order, run_suite


@dataclass(frozen=True, slots=True)
class SuiteAssets:
    """The asset of a suite, the job that materializes it alone, and what it tells."""

    suite: Suite
    asset: str
    job: str
    description: str


SUITE_ASSETS = (
    SuiteAssets(
        Suite.POST_INGEST,
        "post_ingest_regression",
        "evaluate_post_ingest",
        "What the memory answers after documents were persisted: is still found what was found before?",
    ),
    SuiteAssets(
        Suite.NIGHTLY,
        "nightly_evaluation",
        "evaluate_nightly",
        "What the memory answers after a night has consolidated: topics, summaries and profiles take part.",
    ),
    SuiteAssets(
        Suite.CANARY,
        "canary_evaluation",
        "evaluate_canary",
        "What a version that may be promoted answers, beside the one that is served. The gate of `canary` keeps its "
        "runs here too; this asks again, at any time.",
    ),
    SuiteAssets(
        Suite.SMOKE,
        "smoke_evaluation",
        "evaluate_smoke",
        "Does the memory answer at all? A few questions: those tagged `smoke`, else the five that weigh most.",
    ),
)


class EvaluationConfig(dg.Config):
    """Whether events alone ask for the run."""

    only_if_waiting: bool = Field(
        default=False, description="Ask nothing if no event of the suite waits any more; else the questions are asked."
    )


def only_if_waiting(named: SuiteAssets) -> dict[str, Any]:
    """Spell the run config of a suite's job that asks nothing unless events wait."""
    return {"ops": {named.asset: {"config": {"only_if_waiting": True}}}}


def _evaluation_asset(named: SuiteAssets) -> dg.AssetsDefinition:
    @dg.asset(
        name=named.asset,
        partitions_def=workspace_version_partitions,
        deps=[family.index for family in FAMILY_ASSETS],
        description=named.description,
        group_name="evaluation",
        kinds={"postgres", "python"},
        owners=OWNERS,
        code_version="1",
        metadata=table_metadata("eval_runs"),
        pool="embedder",
    )
    def evaluation(
        context: dg.AssetExecutionContext, config: EvaluationConfig, memory: MemoryResource
    ) -> dg.MaterializeResult[None]:
        with mapped_failures(context):
            for workspace, version_name in workspace_versions_of(context.partition_keys):
                evaluated = _evaluate(context, config, memory, named=named, place=(workspace, version_name))
                metadata = _metadata(memory.session, workspace, evaluated)
                key = workspace_version_key(workspace, version_name)
                context.add_asset_metadata(metadata, partition_key=key)
        return dg.MaterializeResult()

    return evaluation


def _evaluate(
    context: dg.AssetExecutionContext,
    config: EvaluationConfig,
    memory: MemoryResource,
    *,
    named: SuiteAssets,
    place: tuple[WorkspaceId, str],
) -> Evaluated:
    session, (workspace, version_name) = memory.session, place
    version = session.version(version_name)
    return run_suite(
        named.suite,
        Respondent(
            workspace,
            version,
            stores=session.stores,
            embedder=session.embedder(version),
            reranker=session.reranker(),
        ),
        Order(
            run_id=_run_id(context, named.suite, version_name),
            at=datetime.now(UTC),
            only_if_waiting=config.only_if_waiting,
            report=session.settings.braintrust_api_key is not None,
        ),
        on_progress=progress_of(context, named.asset),
    )


def _run_id(context: dg.AssetExecutionContext, suite: Suite, version_name: str) -> str:
    """Name the evaluation after the Dagster run: the daemon's retry of a run that was lost is the same evaluation."""
    run = context.run
    began_as = run.tags.get(ROOT_RUN_ID_TAG, run.run_id) if RETRY_NUMBER_TAG in run.tags else run.run_id
    return f"run_{hash_json([began_as, str(suite), version_name])[:32]}"


def _metadata(session: Session, workspace: WorkspaceId, evaluated: Evaluated) -> dict[str, Any]:
    notes = (
        {"notes": dg.MetadataValue.md("\n".join(f"- {note}" for note in evaluated.notes))} if evaluated.notes else {}
    )
    if evaluated.run is None:
        return notes
    with session.stores.database.transaction(workspace) as tx:
        return evaluation_metadata(tx, evaluated.run.run_id) | notes


evaluation_assets = [_evaluation_asset(named) for named in SUITE_ASSETS]

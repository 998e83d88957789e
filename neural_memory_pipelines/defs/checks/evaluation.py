"""The checks on evaluations, one per suite: has the latest run got worse beyond what the workspace allows?

They block nothing. What a run is compared with was decided when it was kept, in `steps/evaluation/`.
"""

import dagster as dg

from neural_memory_pipelines.defs.assets.evaluation import SUITE_ASSETS, SuiteAssets
from neural_memory_pipelines.defs.evaluation_metadata import ShownRun, read_run, told_regression, worst_questions
from neural_memory_pipelines.defs.failures import mapped_failures
from neural_memory_pipelines.defs.metadata import table_of
from neural_memory_pipelines.defs.partitions import workspace_version_partitions, workspace_versions_of
from neural_memory_pipelines.defs.resources import MemoryResource
from neural_memory_pipelines.stores.postgres import eval_runs


def _check_of(named: SuiteAssets) -> dg.AssetChecksDefinition:
    @dg.asset_check(
        name="no_regression",
        asset=named.asset,
        description="Are the questions answered as well as in the run that was accepted last? "
        "`neural-memory evaluation accept RUN_ID` accepts what got worse.",
        partitions_def=workspace_version_partitions,
        blocking=False,
    )
    def no_regression(context: dg.AssetCheckExecutionContext, memory: MemoryResource) -> dg.AssetCheckResult:
        latest: list[ShownRun] = []
        with mapped_failures(context):
            for workspace, version_name in workspace_versions_of(context.partition_keys):
                with memory.session.stores.database.transaction(workspace) as tx:
                    row = eval_runs.latest(tx, named.suite, version_name)
                    latest += [read_run(tx, row.run_id)] if row else []
        return _judge(latest)

    return no_regression


def _judge(latest: list[ShownRun]) -> dg.AssetCheckResult:
    worse = [shown for shown in latest if not shown.is_good]
    rows = [row for shown in worse for row in worst_questions(shown, only_worse=True)]
    return dg.AssetCheckResult(
        passed=not worse,
        severity=dg.AssetCheckSeverity.ERROR,
        description="; ".join(map(told_regression, worse)) or _good(latest),
        metadata={
            "questions_that_got_worse": sum(len(shown.row.worse) for shown in latest),
            **({"questions": table_of(rows)} if rows else {}),
        },
    )


def _good(latest: list[ShownRun]) -> str:
    if not latest:
        return "nothing was asked yet"
    (shown, *_) = latest
    if not shown.row.passed:
        return f"what got worse was accepted by {shown.row.accepted_by}: {told_regression(shown)}"
    if shown.comparison is None:
        return f"{len(shown.run.results)} questions were asked, and there is no run to compare with"
    return f"no worse than {shown.comparison.baseline_id} beyond what is allowed"


evaluation_checks = [_check_of(named) for named in SUITE_ASSETS]

"""Checks on embeddings and indexes: do the stores agree with Postgres?

Each check asks one question of `steps/verify.py`. They are partitioned as the assets are.
"""

from collections.abc import Callable
from datetime import UTC, datetime

import dagster as dg

from neural_memory_pipelines.defs.assets.embeddings import EMBEDDING_OF
from neural_memory_pipelines.defs.assets.indexes import INDEX_OF
from neural_memory_pipelines.defs.failures import mapped_failures
from neural_memory_pipelines.defs.partitions import workspace_version_partitions, workspace_versions_of
from neural_memory_pipelines.defs.resources import MemoryResource
from neural_memory_pipelines.domain.versions import Family
from neural_memory_pipelines.steps.verify import (
    Scope,
    Verdict,
    every_live_row_embedded,
    index_parity,
    metadata_size,
    moved_since,
    no_superseded_indexed,
)

Question = Callable[[Scope], Verdict]


def _check(asset: str, family: Family, question: Question) -> dg.AssetChecksDefinition:
    @dg.asset_check(
        asset=asset,
        name=question.__name__,
        description=question.__doc__,
        partitions_def=workspace_version_partitions,
    )
    def check(context: dg.AssetCheckExecutionContext, memory: MemoryResource) -> dg.AssetCheckResult:
        with mapped_failures(context):
            return _judge(context, memory, family, question)

    return check


def _judge(
    context: dg.AssetCheckExecutionContext, memory: MemoryResource, family: Family, question: Question
) -> dg.AssetCheckResult:
    session = memory.session
    scopes = [
        Scope(workspace, session.version(version), family, session.stores)
        for workspace, version in workspace_versions_of(context.partition_keys)
    ]
    verdicts = [question(scope) for scope in scopes]
    failed = [(scope, verdict) for scope, verdict in zip(scopes, verdicts, strict=True) if not verdict.passed]
    started = (
        context.instance.get_run_stats(context.op_execution_context.run_id).start_time or datetime.now(UTC).timestamp()
    )
    moved = bool(failed) and all(moved_since(scope, datetime.fromtimestamp(started, UTC)) for scope, _ in failed)
    sentence = "; ".join(verdict.sentence for verdict in verdicts)
    return dg.AssetCheckResult(
        passed=not failed,
        severity=dg.AssetCheckSeverity.WARN if moved else dg.AssetCheckSeverity.ERROR,
        description=sentence + (" (events arrived during this run: the next one brings them in)" if moved else ""),
        metadata={
            **{name: sum(verdict.numbers[name] for verdict in verdicts) for name in verdicts[0].numbers},
            "ids": ", ".join(vector for verdict in verdicts for vector in verdict.ids),
        },
    )


memory_checks = [
    *(_check(asset, family, every_live_row_embedded) for family, asset in EMBEDDING_OF.items()),
    *(
        _check(asset, family, question)
        for family, asset in INDEX_OF.items()
        for question in (index_parity, metadata_size, no_superseded_indexed)
    ),
]

"""Checks on embeddings and indexes: do the stores agree with Postgres?

Each check asks one question of `steps/verify.py`. They are partitioned as the assets are.
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime

import dagster as dg

from neural_memory_pipelines.defs.failures import mapped_failures
from neural_memory_pipelines.defs.families import FAMILY_ASSETS
from neural_memory_pipelines.defs.partitions import workspace_version_partitions, workspace_versions_of
from neural_memory_pipelines.defs.resources import MemoryResource
from neural_memory_pipelines.domain.versions import Family
from neural_memory_pipelines.steps.scope import Scope
from neural_memory_pipelines.steps.verify import (
    Verdict,
    every_live_row_embedded,
    index_parity,
    metadata_size,
    moved_since,
    no_superseded_indexed,
)

Question = Callable[[Scope], Verdict]


def _checks_of(asset: str, family: Family, questions: Sequence[Question]) -> dg.AssetChecksDefinition:
    """Put all questions about an asset into one step: a step costs more than a question."""
    by_name = {question.__name__: question for question in questions}

    @dg.multi_asset_check(
        name=f"{asset}_checks",
        can_subset=True,
        specs=[
            dg.AssetCheckSpec(
                name, asset=asset, description=question.__doc__, partitions_def=workspace_version_partitions
            )
            for name, question in by_name.items()
        ],
    )
    def checks(context: dg.AssetCheckExecutionContext, memory: MemoryResource) -> Iterator[dg.AssetCheckResult]:
        with mapped_failures(context):
            for key in sorted(context.selected_asset_check_keys, key=lambda key: key.name):
                yield _judge(context, memory, key=key, family=family, question=by_name[key.name])

    return checks


def _judge(
    context: dg.AssetCheckExecutionContext,
    memory: MemoryResource,
    *,
    key: dg.AssetCheckKey,
    family: Family,
    question: Question,
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
    ids = ", ".join(vector for verdict in verdicts for vector in verdict.ids)
    return dg.AssetCheckResult(
        asset_key=key.asset_key,
        check_name=key.name,
        passed=not failed,
        severity=dg.AssetCheckSeverity.WARN if moved else dg.AssetCheckSeverity.ERROR,
        description=sentence + (" (events arrived during this run: the next one brings them in)" if moved else ""),
        metadata={
            **{name: sum(verdict.numbers[name] for verdict in verdicts) for name in verdicts[0].numbers},
            **({"ids": ids} if ids else {}),
        },
    )


memory_checks = [
    *(
        _checks_of(named.embeddings, named.family, [every_live_row_embedded])
        for named in FAMILY_ASSETS
        if named.has_texts
    ),
    *(
        _checks_of(named.index, named.family, [index_parity, metadata_size, no_superseded_indexed])
        for named in FAMILY_ASSETS
    ),
]

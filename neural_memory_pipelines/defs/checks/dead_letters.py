"""The check on dead letters: it fails, and stops nothing, while there are events that could not be processed.

Listing and replaying them is up to the command.
"""

from typing import Any

import dagster as dg

from neural_memory_pipelines.defs.failures import mapped_failures
from neural_memory_pipelines.defs.metadata import table_of
from neural_memory_pipelines.defs.partitions import workspace_partitions, workspaces_of
from neural_memory_pipelines.defs.resources import MemoryResource
from neural_memory_pipelines.domain.text import clip
from neural_memory_pipelines.stores.postgres.dead_letters import DeathCause, count_causes

_CAUSES_SHOWN = 25
_REASON_CHARS = 300


@dg.asset_check(
    name="no_dead_letters",
    asset="documents",
    description="Could every event be processed? `neural-memory dead-letters list` shows those that could not.",
    partitions_def=workspace_partitions,
    blocking=False,
)
def no_dead_letters(context: dg.AssetCheckExecutionContext, memory: MemoryResource) -> dg.AssetCheckResult:
    """Look at the list of dead letters."""
    with mapped_failures(context):
        causes: list[DeathCause] = []
        for workspace in workspaces_of(context.partition_keys):
            with memory.session.stores.database.transaction(workspace) as tx:
                causes += count_causes(tx)
    return _judge(causes)


def _judge(causes: list[DeathCause]) -> dg.AssetCheckResult:
    letters = sum(cause.letters for cause in causes)
    metadata: dict[str, Any] = {"dead_letters": letters}
    if causes:
        rows: list[dict[str, str | int | float]] = [
            {"reason": clip(cause.reason, _REASON_CHARS), "events": cause.letters} for cause in causes[:_CAUSES_SHOWN]
        ]
        metadata["reasons"] = table_of(rows)
    return dg.AssetCheckResult(
        passed=not letters,
        severity=dg.AssetCheckSeverity.WARN,
        description=f"{letters:,} events could not be processed" if letters else "every event could be processed",
        metadata=metadata,
    )

"""Checks on what consolidation makes. They warn and block nothing: a person decides what a drift means."""

import dagster as dg

from neural_memory_pipelines.defs.failures import mapped_failures
from neural_memory_pipelines.defs.metadata import table_of
from neural_memory_pipelines.defs.partitions import workspace_version_partitions, workspace_versions_of
from neural_memory_pipelines.defs.resources import MemoryResource
from neural_memory_pipelines.stores.postgres.consolidation_settings import read_settings
from neural_memory_pipelines.stores.postgres.profiles import drifted_profiles


@dg.asset_check(asset="profiles", partitions_def=workspace_version_partitions)
def no_profile_drifted(context: dg.AssetCheckExecutionContext, memory: MemoryResource) -> dg.AssetCheckResult:
    """Look for profiles that are farther from the one that was accepted last than the workspace's settings allow."""
    rows: list[dict[str, str | int | float]] = []
    with mapped_failures(context):
        for workspace, version_name in workspace_versions_of(context.partition_keys):
            version = memory.session.version(version_name)
            with memory.session.stores.database.transaction(workspace) as tx:
                most = read_settings(tx).drift_cosine
                drifted = drifted_profiles(tx, version, above_cosine=most)
            rows += [
                {"workspace": workspace, "entity": item.name, "kind": item.kind, "drift": round(item.drift_cosine, 4)}
                for item in drifted
            ]
    named = ", ".join(str(row["entity"]) for row in rows)
    return dg.AssetCheckResult(
        passed=not rows,
        severity=dg.AssetCheckSeverity.WARN,
        description=f"{len(rows)} profiles drifted: {named}" if rows else "no profile drifted",
        metadata={"drifted": len(rows), **({"profiles": table_of(rows)} if rows else {})},
    )

"""The partitions: workspaces, embedding versions, and their product.

Both dimensions are dynamic. Which keys are added is decided by sensors, jobs and the command.
"""

from collections.abc import Iterable, Sequence

import dagster as dg
from dagster._core.storage.tags import (
    ASSET_PARTITION_RANGE_END_TAG,
    ASSET_PARTITION_RANGE_START_TAG,
    PARTITION_NAME_TAG,
)

from neural_memory_pipelines.domain.ids import WorkspaceId
from neural_memory_pipelines.errors import NotFoundError

WORKSPACE = "workspace"
EMBEDDING_VERSION = "embedding_version"

workspace_partitions = dg.DynamicPartitionsDefinition(name=WORKSPACE)
version_partitions = dg.DynamicPartitionsDefinition(name=EMBEDDING_VERSION)
workspace_version_partitions = dg.MultiPartitionsDefinition(
    {WORKSPACE: workspace_partitions, EMBEDDING_VERSION: version_partitions}
)

to_workspace = dg.MultiToSingleDimensionPartitionMapping(partition_dimension_name=WORKSPACE)
"""From workspace and version up to the workspace alone."""


def add_partitions(instance: dg.DagsterInstance, workspaces: Iterable[WorkspaceId], versions: Iterable[str]) -> None:
    """Add the partitions of workspaces and embedding versions; known ones stay."""
    instance.add_dynamic_partitions(WORKSPACE, sorted(set(workspaces)))
    instance.add_dynamic_partitions(EMBEDDING_VERSION, sorted(set(versions)))


def workspace_version_key(workspace: WorkspaceId, version_name: str) -> dg.MultiPartitionKey:
    """Build the key of one workspace at one embedding version."""
    return dg.MultiPartitionKey({WORKSPACE: workspace, EMBEDDING_VERSION: version_name})


def keys_of_run(run: dg.DagsterRun, definition: dg.PartitionsDefinition, instance: dg.DagsterInstance) -> Sequence[str]:
    """Read which partition a run was about, or in a backfill which range of them.

    Raises:
        NotFoundError: some are none any more. An error of Dagster's own would stop a sensor at this run for ever.
    """
    start, end = run.tags.get(ASSET_PARTITION_RANGE_START_TAG), run.tags.get(ASSET_PARTITION_RANGE_END_TAG)
    if start is None or end is None:
        return [run.tags[PARTITION_NAME_TAG]]
    try:
        with dg.partition_loading_context(dynamic_partitions_store=instance):
            return definition.get_partition_keys_in_range(dg.PartitionKeyRange(start, end))
    except dg.DagsterInvalidInvocationError as error:
        raise NotFoundError(f"run {run.run_id} was about {start} to {end}, which are no partitions any more") from error


def workspaces_of(partition_keys: Sequence[str]) -> list[WorkspaceId]:
    """Read the workspaces of a run, which is one partition, or a range of them in a backfill."""
    return [WorkspaceId(key) for key in partition_keys]


def workspace_versions_of(partition_keys: Sequence[str]) -> list[tuple[WorkspaceId, str]]:
    """Read the pairs of workspace and embedding version of a run."""
    keys = [workspace_version_partitions.get_partition_key_from_str(key) for key in partition_keys]
    return [(WorkspaceId(k.keys_by_dimension[WORKSPACE]), k.keys_by_dimension[EMBEDDING_VERSION]) for k in keys]

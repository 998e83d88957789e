"""Asks for backfills that build an embedding version, so that the UI shows them and the backfill daemon runs them.

No run is started here, and what a build does is decided by the assets.
"""

from collections.abc import Sequence

import dagster as dg
from dagster._core.definitions.assets.graph.asset_graph_subset import AssetGraphSubset
from dagster._core.execution.backfill import PartitionBackfill
from dagster._core.utils import make_new_backfill_id
from dagster._time import get_current_timestamp

from neural_memory_pipelines.defs.jobs import BUILT_PER_VERSION
from neural_memory_pipelines.defs.partitions import (
    add_partitions,
    workspace_version_key,
    workspace_version_partitions,
)
from neural_memory_pipelines.domain.ids import WorkspaceId
from neural_memory_pipelines.errors import NotFoundError

_AFTER_NEW_EVENTS = {"dagster/priority": "-1"}


def request_backfill(instance: dg.DagsterInstance, version_name: str, workspaces: Sequence[WorkspaceId]) -> str:
    """Ask for a backfill of everything that building an embedding version makes, in these workspaces.

    It is one of Dagster's own: a row of its backfill page with progress by partition, which can be stopped and resumed
    there. The daemon runs it; nothing has been done when this returns. Asked for twice, the second finds no work.

    Args:
        instance: where Dagster keeps its runs.
        version_name: proposed to the workspaces before.
        workspaces: which ones; their partitions are added where they are missing.

    Returns:
        The id of the backfill.

    Raises:
        NotFoundError: there is no workspace to build it for.
    """
    if not workspaces:
        raise NotFoundError(f"there is no workspace to build the embedding version {version_name} for")
    add_partitions(instance, workspaces, [version_name])
    keys = [workspace_version_key(workspace, version_name) for workspace in workspaces]
    subset = workspace_version_partitions.subset_with_partition_keys(keys)
    # Dagster has no public call for this but GraphQL, which wants a web server; a sensor's tick and the button
    # "re-execute" of the page come down to the same two calls.
    backfill_id: str = make_new_backfill_id()
    backfill = PartitionBackfill.from_asset_graph_subset(
        backfill_id=backfill_id,
        backfill_timestamp=get_current_timestamp(),
        tags=_AFTER_NEW_EVENTS,
        dynamic_partitions_store=instance,
        # mypy reads the decorator of this class as another class.
        asset_graph_subset=AssetGraphSubset(dict.fromkeys(BUILT_PER_VERSION, subset)),  # type: ignore[call-arg]
        title=f"build {version_name}",
        description=f"Embeds and indexes {len(keys)} workspaces at {version_name}, and judges the result.",
        run_config=None,
    )
    instance.add_backfill(backfill)
    return backfill_id

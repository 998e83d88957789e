"""Puts the raw artifacts of a workspace back into its inbox: the way to rebuild everything after Postgres was lost.

What the ledger knows is not done again, so replaying into a whole database changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator

from neural_memory_pipelines.domain.ids import WorkspaceId
from neural_memory_pipelines.steps.inbox import put_lines
from neural_memory_pipelines.steps.report import Progress, no_progress
from neural_memory_pipelines.stores.objects.protocol import ObjectStore

_OBJECTS_PER_READ = 256


def replay_raw_artifacts(workspace: WorkspaceId, *, objects: ObjectStore, on_progress: Progress = no_progress) -> int:
    """Put every raw artifact of a workspace into its inbox again.

    Returns:
        How many events were put.
    """
    return put_lines(objects, workspace, _raw_lines(workspace, objects, on_progress))


def _raw_lines(workspace: WorkspaceId, objects: ObjectStore, on_progress: Progress) -> Iterator[bytes]:
    keys = [info.key for info in objects.list(f"workspaces/{workspace}/knowledge/")]
    on_progress(0, total=len(keys))
    for start in range(0, len(keys), _OBJECTS_PER_READ):
        part = objects.get_many(keys[start : start + _OBJECTS_PER_READ])
        on_progress(len(part))
        yield from part.values()

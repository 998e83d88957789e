"""Builds workspaces and sums up what came of it. That it is Dagster which does the work is known to `runs.py` alone."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from neural_memory_pipelines.cli.build_result import BuildResult
from neural_memory_pipelines.cli.opening import Ready, built_version, opened
from neural_memory_pipelines.cli.output import err, progress_bars
from neural_memory_pipelines.domain.ids import WorkspaceId
from neural_memory_pipelines.local.session import Session
from neural_memory_pipelines.steps.inbox import REJECTED, list_inbox, route_unsorted
from neural_memory_pipelines.stores.postgres.workspaces import list_workspaces


def build_all(ready: Ready, workspace: WorkspaceId | None) -> list[BuildResult]:
    """Build one workspace, or all that are known or have something waiting, with progress bars.

    Raises:
        NotFoundError: there is no such workspace.
        TransientError: Postgres went away.
    """
    with opened(ready) as session:
        objects = session.stores.objects
        _routed, rejected = route_unsorted(objects, list_inbox(objects).unsorted)
        if rejected:
            err.print(f"note: {rejected} waiting events name no workspace; they lie under {REJECTED} in the objects")
        waiting = list_inbox(objects).by_workspace
        names = {workspace} if workspace else {*waiting, *list_workspaces(session.stores.database)}
        if workspace and not waiting.get(workspace):
            built_version(session, workspace)  # says so if there is no such workspace
        if not names:
            return []

        from neural_memory_pipelines.cli.runs import build_workspace, opened_instance  # noqa: PLC0415 - takes a second

        results = []
        with opened_instance(ready) as instance, progress_bars() as bars:
            for name in sorted(names):
                result = BuildResult(name)
                build_workspace(result, session=session, instance=instance, reporter=bars)
                results.append(result)
        return results


def consolidate_at_all_versions(
    ready: Ready, session: Session, workspace: WorkspaceId, *, full: bool = False
) -> BuildResult:
    """Run a night of a workspace at each version that is kept, with progress bars.

    Args:
        ready: the stores.
        session: a session on them.
        workspace: which one.
        full: whether to find all topics anew.

    Raises:
        TransientError: Postgres went away.
    """
    from neural_memory_pipelines.cli.runs import consolidate_workspace, opened_instance  # noqa: PLC0415 - takes a second

    result = BuildResult(workspace)
    with opened_instance(ready) as instance, progress_bars() as bars:
        consolidate_workspace(result, session=session, instance=instance, reporter=bars, full=full)
    return result


def evaluate_what_waits(ready: Ready, session: Session, workspace: WorkspaceId) -> BuildResult:
    """Ask a workspace's own questions if something gave reason to, with progress bars.

    Raises:
        TransientError: Postgres went away.
    """
    from neural_memory_pipelines.cli.runs import evaluate_workspace, opened_instance  # noqa: PLC0415 - takes a second

    result = BuildResult(workspace)
    with opened_instance(ready) as instance, progress_bars() as bars:
        evaluate_workspace(result, session=session, instance=instance, reporter=bars)
    return result


def last_build_times(ready: Ready, workspaces: Sequence[str]) -> dict[str, datetime]:
    """When each workspace was last made searchable, by `build` or by the daemon; unknown ones are left out."""
    if not workspaces:
        return {}
    from neural_memory_pipelines.cli.runs import last_index_times, opened_instance  # noqa: PLC0415 - takes a second

    with opened_instance(ready) as instance:
        return last_index_times(instance, workspaces)


def close_runs_of_an_earlier_up(ready: Ready) -> None:
    """Mark what an earlier `up` left running when it was killed as failed."""
    from neural_memory_pipelines.cli.runs import close_lost_runs  # noqa: PLC0415 - takes a second

    close_lost_runs(ready)

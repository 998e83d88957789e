"""`neural-memory embeddings promote`, `rollback` and `archive`: which version serves a workspace, and which is let go.

Each workspace is its own transaction; what is allowed is decided in `steps/versions/`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from neural_memory_pipelines.cli.embeddings_choices import (
    AsJson,
    By,
    Chosen,
    Everywhere,
    Force,
    Reason,
    VersionArgument,
    Workspaces,
    chosen_version,
    chosen_workspaces,
    who,
)
from neural_memory_pipelines.cli.embeddings_outcomes import Outcome, each_workspace, exit_if_refused, print_outcomes
from neural_memory_pipelines.cli.opening import ready_session
from neural_memory_pipelines.cli.output import out
from neural_memory_pipelines.domain.ids import WorkspaceId
from neural_memory_pipelines.domain.lifecycle import VersionStatus
from neural_memory_pipelines.domain.versions import EmbeddingVersion
from neural_memory_pipelines.errors import PermanentError
from neural_memory_pipelines.local.session import Session
from neural_memory_pipelines.steps.versions import archive as archiving
from neural_memory_pipelines.steps.versions import promote as promoting
from neural_memory_pipelines.stores.postgres.lifecycles import standing
from neural_memory_pipelines.stores.postgres.workspaces import list_workspaces

_DUE = "its grace period is over"


def promote(
    version: VersionArgument,
    *,
    workspace: Workspaces = None,
    everywhere: Everywhere = False,
    force: Force = False,
    reason: Reason = None,
    by: By = None,
    json: AsJson = False,
) -> None:
    """Serve workspaces at a version that was built, and whose gate has passed. Searches see it at once."""
    decision = who(by, reason, force=force)
    with ready_session() as session:
        chosen = chosen_version(session, version, workspace, everywhere=everywhere)

        def act(name: WorkspaceId) -> Mapping[str, Any]:
            before = promoting.promote(name, chosen.version, stores=session.stores, decision=decision)
            is_news = before != chosen.version.name
            return {
                "outcome": "promoted" if is_news else "was served already",
                "version": chosen.version.name,
                "served_before": before if is_news else "",
            }

        outcomes = each_workspace(chosen.workspaces, act)
    print_outcomes(f"promote {chosen.version.name}", outcomes, json=json)
    exit_if_refused(outcomes)


def rollback(
    *,
    workspace: Workspaces = None,
    everywhere: Everywhere = False,
    force: Force = False,
    reason: Reason = None,
    by: By = None,
    json: AsJson = False,
) -> None:
    """Serve workspaces again at the version that they were served at before."""
    decision = who(by, reason, force=force)
    with ready_session() as session:

        def act(name: WorkspaceId) -> Mapping[str, Any]:
            before, now = promoting.rollback(name, stores=session.stores, decision=decision)
            return {"outcome": "rolled back", "version": now, "served_before": before}

        outcomes = each_workspace(chosen_workspaces(session, workspace, everywhere=everywhere), act)
    print_outcomes("rollback", outcomes, json=json)
    exit_if_refused(outcomes)


def archive(
    version: Annotated[
        str | None, typer.Argument(metavar="VERSION", help="A version's name, or its beginning; or else --due.")
    ] = None,
    *,
    workspace: Workspaces = None,
    everywhere: Everywhere = False,
    due: Annotated[
        bool, typer.Option("--due", help="All versions whose grace period is over, of all workspaces if none is named.")
    ] = False,
    drop_vectors: Annotated[
        bool, typer.Option("--drop-vectors", help="Also the kept vectors: to build it again is to pay again.")
    ] = False,
    reason: Reason = None,
    by: By = None,
    json: AsJson = False,
) -> None:
    """Take a version that is not served out of the indexes. Asked twice, it is harmless."""
    if (version is None) != due:
        raise PermanentError("give the name of a version, or --due, and not both")
    decided = who(by, reason or (_DUE if due else None))
    with ready_session() as session:
        if version is not None:
            chosen = [chosen_version(session, version, workspace, everywhere=everywhere)]
        else:
            chosen = _due(session, workspace, everywhere=everywhere)
        outcomes = [
            outcome
            for each in chosen
            for outcome in _archived(session, each, decided=decided, drop_vectors=drop_vectors)
        ]
    if outcomes or json:
        print_outcomes("archive", outcomes, json=json)
    else:
        out.print("nothing is due")
    exit_if_refused(outcomes)


def _archived(session: Session, chosen: Chosen, *, decided: promoting.Decision, drop_vectors: bool) -> list[Outcome]:
    def act(name: WorkspaceId) -> Mapping[str, Any]:
        was_archived = _is_archived(session, name, chosen.version)
        report = archiving.archive(
            name,
            chosen.version,
            stores=session.stores,
            decided_by=decided.decided_by,
            reason=decided.reason,
            drop_vectors=drop_vectors,
        )
        return {
            "outcome": "was archived already" if was_archived else "archived",
            "version": chosen.version.name,
            "namespaces": report.seen,
            "vectors": report.deleted,
            "note": "; ".join(report.notes),
        }

    return each_workspace(chosen.workspaces, act)


def _due(session: Session, names: list[str] | None, *, everywhere: bool) -> list[Chosen]:
    if names:
        workspaces = chosen_workspaces(session, names, everywhere=everywhere)
    else:
        workspaces = list_workspaces(session.stores.database)
    grace_days = session.settings.archive_grace_days
    return [
        Chosen(session.version(name), [workspace])
        for workspace in workspaces
        for name in archiving.due_for_archive(workspace, stores=session.stores, grace_days=grace_days)
    ]


def _is_archived(session: Session, workspace: WorkspaceId, version: EmbeddingVersion) -> bool:
    with session.stores.database.transaction(workspace) as tx:
        known = standing(tx, version.name)
    return known is not None and known.status is VersionStatus.ARCHIVED

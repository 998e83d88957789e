"""`neural-memory ingest` and `replay`: put documents and events into the inbox.

Reading and validating is `steps/ingest.py`'s part.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from neural_memory_pipelines.cli.ingest_exports import AsJson, Workspace, github_export, slack_export
from neural_memory_pipelines.cli.ingest_report import EXIT_CODES, finish
from neural_memory_pipelines.cli.opening import ready_session
from neural_memory_pipelines.cli.output import err, out, progress_bars
from neural_memory_pipelines.domain.ids import WorkspaceId
from neural_memory_pipelines.errors import NotFoundError, PermanentError
from neural_memory_pipelines.local.session import Session
from neural_memory_pipelines.sources.envelope import workspace_id
from neural_memory_pipelines.sources.registry import SOURCES
from neural_memory_pipelines.steps.git_history import HistoryReport, ingest_git_history
from neural_memory_pipelines.steps.inbox import inbox_prefix
from neural_memory_pipelines.steps.ingest import IngestReport, KnownPaths, ingest_docs
from neural_memory_pipelines.steps.ingest_events import ingest_events
from neural_memory_pipelines.steps.replay import replay_raw_artifacts
from neural_memory_pipelines.steps.report import Progress
from neural_memory_pipelines.stores.postgres.docs_stores import live_paths
from neural_memory_pipelines.stores.postgres.workspaces import list_workspaces

app = typer.Typer(help="Put documents, events and exports into the inbox.", no_args_is_help=True)
app.command("github-export", epilog=EXIT_CODES)(github_export)
app.command("slack-export", epilog=EXIT_CODES)(slack_export)

_BARE_SOURCES = sorted(name for name, known in SOURCES.items() if known.envelope_fields)


@app.command(epilog=EXIT_CODES)
def docs(
    path: Annotated[Path, typer.Argument(help="A git work tree, a folder of one, or a plain folder.")],
    workspace: Workspace,
    store: Annotated[str | None, typer.Option(help="The store's name; else lightfast.yml, else the folder.")] = None,
    full: Annotated[bool, typer.Option("--full", help="Put every file, also those that did not change.")] = False,
    since: Annotated[
        str | None,
        typer.Option(
            metavar="REV",
            help="Ingest the history after this commit, tag or branch, push by push; `root` for all of it.",
        ),
    ] = None,
    json: AsJson = False,
) -> None:
    """Ingest a folder of documents: what was added, modified or removed since the last time.

    Of a git work tree: tracked files, and untracked ones that are not ignored. Of a plain folder: everything outside
    of folders whose name begins with a dot. Symbolic links are not followed. Which of these files count is said by
    `include` in the lightfast.yml at the folder's root, a list of globs such as docs/**/*.md; else all markdown and
    text does.

    With --since, what was committed is ingested instead, not what lies in the folder: a push for each commit of the
    branch that is checked out, with its versions, times and authors.
    """
    name = workspace_id(workspace)
    if full and since is not None:
        raise PermanentError("--full puts the files of a folder, and --since a history: give one of them")
    # The lock makes a second ingestion of the workspace wait, so that it compares with what the first one wrote.
    with (
        ready_session() as session,
        session.stores.database.lock(name, "ingest-docs"),
        progress_bars() as bars,
    ):
        if since is not None:
            history = _history(path, session, name, since=since, store=store, on_progress=bars("commits"))
        else:
            report = _folder(path, session, name, full=full, store=store, on_progress=bars("files"))
    if since is not None:
        _finish_history(history, path, json=json)
    else:
        said = (
            f"{report.put:,} added or changed, {report.removed:,} removed, {report.unchanged:,} unchanged, "
            f"{len(report.faults):,} refused"
        )
        finish(report, said=said, nothing=f"{path}: no file with text is included here", json=json)


def _folder(
    path: Path, session: Session, workspace: WorkspaceId, *, full: bool, store: str | None, on_progress: Progress
) -> IngestReport:
    return ingest_docs(
        path,
        workspace=workspace,
        organization_id=session.settings.organization_id,
        objects=session.stores.objects,
        store=store,
        full=full or _is_unknown(session, workspace),
        known_paths=_known_paths(session, workspace),
        on_progress=on_progress,
    )


def _history(
    path: Path, session: Session, workspace: WorkspaceId, *, since: str, store: str | None, on_progress: Progress
) -> HistoryReport:
    return ingest_git_history(
        path,
        since=since,
        workspace=workspace,
        organization_id=session.settings.organization_id,
        objects=session.stores.objects,
        store=store,
        known_paths=_known_paths(session, workspace),
        on_progress=on_progress,
    )


def _finish_history(report: HistoryReport, path: Path, *, json: bool) -> None:
    said = (
        f"{report.commits:,} commits walked, {report.put:,} pushes put into the inbox, with {report.files:,} files; "
        f"{len(report.faults):,} refused"
    )
    nothing = f"{path}: no commit holds a file with text that is included here"
    finish(report, said=said, nothing=nothing, json=json, more={"commits": report.commits, "files": report.files})


def _known_paths(session: Session, workspace: WorkspaceId) -> KnownPaths:
    def known_paths(store: str) -> Sequence[str]:
        with session.stores.database.transaction(workspace) as tx:
            return live_paths(tx, store)

    return known_paths


@app.command(epilog=EXIT_CODES)
def events(
    files: Annotated[list[Path], typer.Argument(help="JSON lines, a JSON object or array; gzipped or not.")],
    workspace: Annotated[
        str | None, typer.Option("--workspace", "-w", help="Overrides the workspace of the envelopes.")
    ] = None,
    source: Annotated[
        str | None,
        typer.Option(
            help=f"The files hold bare payloads of this source ({', '.join(_BARE_SOURCES)}), as the system sends them."
        ),
    ] = None,
    json: AsJson = False,
) -> None:
    """Ingest files of events: the good ones go in, each bad one is named with its file and line."""
    name = workspace_id(workspace) if workspace is not None else None
    _check_source(source, name)
    total = IngestReport()
    with ready_session() as session, progress_bars() as bars:
        for file in files:
            report = _events_of(file, session, workspace=name, source=source, on_progress=bars(file.name))
            total.faults += report.faults
            for into, count in report.put_by_workspace.items():
                total.count_put(WorkspaceId(into), count)
    into = ", ".join(f"{count:,} for {into}" for into, count in sorted(total.put_by_workspace.items()))
    said = f"{total.put:,} put into the inbox{f' ({into})' if into else ''}, {len(total.faults):,} refused"
    nothing = "there is no event in these files" if not total.faults else "no event is usable"
    finish(total, said=said, nothing=nothing, json=json)


def _check_source(source: str | None, workspace: WorkspaceId | None) -> None:
    if source is not None and source not in _BARE_SOURCES:
        raise PermanentError(f"--source {source}: expected one of {', '.join(_BARE_SOURCES)}")
    if source is not None and workspace is None:
        raise PermanentError("--source: bare payloads name no workspace, so --workspace is needed too")


def _events_of(
    file: Path, session: Session, *, workspace: WorkspaceId | None, source: str | None, on_progress: Progress
) -> IngestReport:
    try:
        return ingest_events(
            file,
            workspace=workspace,
            organization_id=session.settings.organization_id,
            objects=session.stores.objects,
            source=source,
            on_progress=on_progress,
        )
    except PermanentError as error:
        return IngestReport(faults=[str(error)])


def _is_unknown(session: Session, workspace: WorkspaceId) -> bool:
    """Tell whether the database was lost since the last time: then the manifest in the object store proves nothing."""
    waits = next(session.stores.objects.list(inbox_prefix(workspace), limit=1), None) is not None
    return not waits and workspace not in list_workspaces(session.stores.database)


def replay(
    workspace: Annotated[str, typer.Option("--workspace", "-w", help="Whose raw artifacts.")],
) -> None:
    """Put a workspace's raw artifacts into its inbox again: what rebuilds it after Postgres was lost.

    What the database knows already is not done again. Build afterwards.
    """
    name = workspace_id(workspace)
    with ready_session() as session, progress_bars() as bars:
        put = replay_raw_artifacts(name, objects=session.stores.objects, on_progress=bars("raw artifacts"))
    if not put:
        raise NotFoundError(f"workspace {name!r} has no raw artifacts")
    out.print(f"{put:,} events put into the inbox")
    err.print(f"next: neural-memory build --workspace {name}")

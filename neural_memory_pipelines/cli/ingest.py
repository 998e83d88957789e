"""`neural-memory ingest` and `replay`: put documents and events into the inbox.

Reading and validating is `steps/ingest.py`'s part.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from neural_memory_pipelines.cli.opening import ready_session
from neural_memory_pipelines.cli.output import err, out, plain, print_error, print_json, progress_bars
from neural_memory_pipelines.domain.ids import WorkspaceId
from neural_memory_pipelines.errors import NotFoundError, PermanentError
from neural_memory_pipelines.local.session import Session
from neural_memory_pipelines.sources.envelope import workspace_id
from neural_memory_pipelines.sources.registry import SOURCES
from neural_memory_pipelines.steps.inbox import inbox_prefix
from neural_memory_pipelines.steps.ingest import IngestReport, ingest_docs
from neural_memory_pipelines.steps.ingest_events import ingest_events
from neural_memory_pipelines.steps.replay import replay_raw_artifacts
from neural_memory_pipelines.steps.report import Progress
from neural_memory_pipelines.stores.postgres.docs_stores import live_paths
from neural_memory_pipelines.stores.postgres.workspaces import list_workspaces

app = typer.Typer(help="Put documents and events into the inbox.", no_args_is_help=True)

_FAULTS_SHOWN = 50
_EXIT_CODES = """Exit codes: 0 all went in; 1 something was refused, the rest went in; 2 nothing usable was found,
or wrong usage or settings; 3 a store does not answer."""


@app.command(epilog=_EXIT_CODES)
def docs(
    path: Annotated[Path, typer.Argument(help="A git work tree, a folder of one, or a plain folder.")],
    workspace: Annotated[str, typer.Option("--workspace", "-w", help="The workspace to ingest into.")],
    store: Annotated[str | None, typer.Option(help="The store's name; else lightfast.yml, else the folder.")] = None,
    full: Annotated[bool, typer.Option("--full", help="Put every file, also those that did not change.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Ingest a folder of documents: what was added, modified or removed since the last time.

    Of a git work tree: tracked files, and untracked ones that are not ignored. Of a plain folder: everything outside
    of folders whose name begins with a dot. Symbolic links are not followed. Which of these files count is said by
    `include` in the lightfast.yml at the folder's root, a list of globs such as docs/**/*.md; else all markdown and
    text does.
    """
    name = workspace_id(workspace)

    def known_paths(of_store: str) -> Sequence[str]:
        with session.stores.database.transaction(name) as tx:
            return live_paths(tx, of_store)

    # The lock makes a second ingestion of the workspace wait, so that it compares with what the first one wrote.
    with (
        ready_session() as session,
        session.stores.database.lock(name, "ingest-docs"),
        progress_bars() as bars,
    ):
        report = ingest_docs(
            path,
            workspace=name,
            organization_id=session.settings.organization_id,
            objects=session.stores.objects,
            store=store,
            full=full or _is_unknown(session, name),
            known_paths=known_paths,
            on_progress=bars("files"),
        )
    if not json:
        out.print(
            f"{report.put:,} added or changed, {report.removed:,} removed, {report.unchanged:,} unchanged, "
            f"{len(report.faults):,} refused"
        )
    _finish(report, json=json, nothing=f"{path}: no file with text is included here")


@app.command(epilog=_EXIT_CODES)
def events(
    files: Annotated[list[Path], typer.Argument(help="JSON lines, a JSON object or array; gzipped or not.")],
    workspace: Annotated[
        str | None, typer.Option("--workspace", "-w", help="Overrides the workspace of the envelopes.")
    ] = None,
    source: Annotated[
        str | None, typer.Option(help="The files hold bare payloads of this source (github), as a webhook sends them.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
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
    if not json:
        into = ", ".join(f"{count:,} for {into}" for into, count in sorted(total.put_by_workspace.items()))
        out.print(f"{total.put:,} put into the inbox{f' ({into})' if into else ''}, {len(total.faults):,} refused")
    _finish(total, json=json, nothing="there is no event in these files" if not total.faults else "no event is usable")


def _check_source(source: str | None, workspace: WorkspaceId | None) -> None:
    bare = sorted(name for name, known in SOURCES.items() if known.envelope_fields)
    if source is not None and source not in bare:
        raise PermanentError(f"--source {source}: expected one of {', '.join(bare)}")
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


def _finish(report: IngestReport, *, json: bool, nothing: str) -> None:
    if json:
        print_json(
            {
                "put": report.put,
                "put_by_workspace": report.put_by_workspace,
                "removed": report.removed,
                "unchanged": report.unchanged,
                "faults": report.faults,
                "notes": report.notes,
            }
        )
    for note in report.notes:
        err.print(plain(f"note: {note}"), markup=False)
    for fault in report.faults[:_FAULTS_SHOWN]:
        err.print(plain(f"refused: {fault}"), markup=False)
    if len(report.faults) > _FAULTS_SHOWN:
        err.print(f"... and {len(report.faults) - _FAULTS_SHOWN:,} more; --json lists all")
    if report.is_empty:
        print_error(nothing)
        raise typer.Exit(2)
    if not json and (report.put or report.removed):
        out.print("next: neural-memory build", markup=False)
    if report.faults:
        raise typer.Exit(1)


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

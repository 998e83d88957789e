"""`neural-memory ingest`: put documents and events into the inbox."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from neural_memory_pipelines.cli.opening import ready_session
from neural_memory_pipelines.cli.output import err, out, print_json, progress_bars
from neural_memory_pipelines.errors import NotFoundError, PermanentError
from neural_memory_pipelines.sources.envelope import workspace_id
from neural_memory_pipelines.steps.ingest import IngestReport, ingest_docs, ingest_events

app = typer.Typer(help="Put documents and events into the inbox.", no_args_is_help=True)

_FAULTS_SHOWN = 50


@app.command()
def docs(
    path: Annotated[Path, typer.Argument(help="A git work tree or a plain folder.")],
    workspace: Annotated[str, typer.Option(help="The workspace to ingest into.")],
    store: Annotated[str | None, typer.Option(help="The store's name; else lightfast.yml, else the folder.")] = None,
    full: Annotated[bool, typer.Option("--full", help="Put every file, also those that did not change.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Ingest a folder of documents: what was added, modified or removed since the last time."""
    name = workspace_id(workspace)
    with ready_session() as session, progress_bars() as bars:
        report = ingest_docs(
            path,
            workspace=name,
            organization_id=session.settings.organization_id,
            objects=session.stores.objects,
            store=store,
            full=full,
            on_progress=bars("files"),
        )
    _finish(report, json=json)


@app.command()
def events(
    files: Annotated[list[Path], typer.Argument(help="JSON or JSON lines, gzipped or not.")],
    workspace: Annotated[str | None, typer.Option(help="Overrides the workspace of the envelopes.")] = None,
    source: Annotated[str | None, typer.Option(help="The files hold bare payloads of this source.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Ingest files of events: the good ones go in, each bad one is named with its file and line."""
    name = workspace_id(workspace) if workspace else None
    if source and name is None:
        raise PermanentError("--source: bare payloads name no workspace, so --workspace is needed too")
    total = IngestReport()
    with ready_session() as session:
        for file in files:
            try:
                report = ingest_events(
                    file,
                    workspace=name,
                    organization_id=session.settings.organization_id,
                    objects=session.stores.objects,
                    source=source,
                )
            except NotFoundError as error:
                report = IngestReport(faults=[str(error)])
            total.put += report.put
            total.faults += report.faults
    _finish(total, json=json)


def _finish(report: IngestReport, *, json: bool) -> None:
    if json:
        print_json(
            {"put": report.put, "removed": report.removed, "unchanged": report.unchanged, "faults": report.faults}
        )
    else:
        for fault in report.faults[:_FAULTS_SHOWN]:
            err.print(fault, markup=False)
        if len(report.faults) > _FAULTS_SHOWN:
            err.print(f"... and {len(report.faults) - _FAULTS_SHOWN} more")
        out.print(
            f"{report.put} put into the inbox, {report.removed} removed, {report.unchanged} unchanged, "
            f"{len(report.faults)} refused"
        )
    if report.faults:
        raise typer.Exit(1)

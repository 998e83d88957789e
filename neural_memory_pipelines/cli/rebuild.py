"""`neural-memory rebuild`: makes again what is derived, from what is kept.

How it is done is `steps/versions/rebuild.py`'s part.
"""

from __future__ import annotations

from typing import Annotated

import typer

from neural_memory_pipelines.cli.embeddings_choices import AsJson, version_in
from neural_memory_pipelines.cli.opening import built_version, ready_session
from neural_memory_pipelines.cli.output import err, print_json, print_table, progress_bars
from neural_memory_pipelines.sources.envelope import workspace_id
from neural_memory_pipelines.steps.versions.rebuild import rebuild_index

app = typer.Typer(help="Make again what is derived, from what is kept.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Keep `index` a command of its own, though it is the only one."""


@app.command()
def index(
    workspace: Annotated[str, typer.Option("--workspace", "-w", help="Whose index.")],
    version: Annotated[
        str | None, typer.Option("--version", help="A version's name, or its beginning; else the active one.")
    ] = None,
    json: AsJson = False,
) -> None:
    """Drop a workspace's vectors from the index and write them again from the kept ones: no model is asked.

    Searches at this version find less until it is done. Exits 1 if vectors were not kept of all texts.
    """
    name = workspace_id(workspace)
    with ready_session() as session, progress_bars() as bars:
        active = built_version(session, name)
        chosen = active if version is None else version_in(session, name, version)
        reports = rebuild_index(name, chosen, stores=session.stores, on_progress=bars("vectors"))
    rows = [
        {
            "family": str(family),
            "dropped": report.deleted,
            "written": report.written,
            "without a kept vector": report.failed,
            "seconds": report.seconds,
        }
        for family, report in reports.items()
    ]
    if json:
        print_json({"workspace": name, "version": chosen.name, "families": rows})
    else:
        print_table(f"index of {name} at {chosen.name}", rows)
    if any(report.failed for report in reports.values()):
        err.print(f"next: neural-memory build --workspace {name}, which embeds what has no vector")
        raise typer.Exit(1)

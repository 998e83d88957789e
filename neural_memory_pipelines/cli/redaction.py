"""`neural-memory redaction`: what is taken out of a workspace's texts before anything is kept of them.

The rules are in `domain/redaction/`.
"""

from __future__ import annotations

from typing import Annotated

import typer

from neural_memory_pipelines.cli.opening import built_version, ready_session
from neural_memory_pipelines.cli.output import err, out
from neural_memory_pipelines.domain.redaction import RedactionPolicy
from neural_memory_pipelines.sources.envelope import workspace_id
from neural_memory_pipelines.steps.reread import change_redaction
from neural_memory_pipelines.stores.postgres.workspaces import redaction_policy

app = typer.Typer(help="What is redacted in a workspace: show or set it.", no_args_is_help=True)

_Workspace = Annotated[str, typer.Option("--workspace", "-w", help="The workspace.")]


@app.command()
def show(workspace: _Workspace) -> None:
    """Tell what is redacted in a workspace."""
    name = workspace_id(workspace)
    with ready_session() as session:
        built_version(session, name)
        with session.stores.database.transaction(name) as tx:
            out.print(redaction_policy(tx))


@app.command("set")
def set_(
    policy: Annotated[RedactionPolicy, typer.Argument(help="off, tokens (secrets only), or all (also personal data).")],
    workspace: _Workspace,
) -> None:
    """Choose what is redacted, also in what is there: that is forgotten now, and derived anew by the next build."""
    name = workspace_id(workspace)
    with ready_session() as session:
        built_version(session, name)
        count = change_redaction(name, policy, stores=session.stores)
    if not count:
        out.print(f"redaction of {name} is {policy}: nothing needs to be read again")
        return
    out.print(f"redaction of {name} is {policy} now; {count:,} events will be read again")
    err.print(f"next: neural-memory build --workspace {name}")
    err.print("what earlier runs showed of the old texts stays in the history of Dagster: delete those runs there")

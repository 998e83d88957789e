"""`neural-memory embeddings`: the embedding versions of workspaces, and what became of each.

Each step of a version's life has its command in a module beside this one.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any

import typer

from neural_memory_pipelines.cli.embeddings_build import build
from neural_memory_pipelines.cli.embeddings_choices import AsJson, chosen_workspaces
from neural_memory_pipelines.cli.embeddings_compare import compare
from neural_memory_pipelines.cli.embeddings_propose import estimate, propose
from neural_memory_pipelines.cli.embeddings_serve import archive, promote, rollback
from neural_memory_pipelines.cli.opening import ready_session
from neural_memory_pipelines.cli.output import out, print_json, print_table
from neural_memory_pipelines.domain.ids import WorkspaceId
from neural_memory_pipelines.local.session import Session
from neural_memory_pipelines.stores.postgres import lifecycles
from neural_memory_pipelines.stores.postgres.lifecycles import Standing
from neural_memory_pipelines.stores.postgres.status import vector_counts
from neural_memory_pipelines.stores.postgres.workspaces import list_workspaces

app = typer.Typer(
    help="Embedding versions: change the model while search goes on. propose, build, compare, promote; rollback.",
    no_args_is_help=True,
)

_GATE = {True: "passed", False: "not passed", None: "not asked"}


@app.command("list")
def list_(
    workspace: Annotated[
        list[str] | None, typer.Option("--workspace", "-w", help="A workspace, or several; else all.")
    ] = None,
    history: Annotated[bool, typer.Option("--history", help="Also show every step: who took it, when, why.")] = False,
    json: AsJson = False,
) -> None:
    """List the embedding versions of workspaces: where each stands, and what its gate said."""
    with ready_session() as session:
        if workspace:
            names = chosen_workspaces(session, workspace, everywhere=False)
        else:
            names = list_workspaces(session.stores.database)
        told = [_told(session, name, history=history) for name in names]
    if json:
        print_json(told)
        return
    if not told:
        out.print("no workspace yet: ingest something first")
    for value in told:
        versions = [_row(version) for version in value["versions"]]
        print_table(f"embedding versions of {value['workspace']}", versions, whole=["name"])
        if history:
            steps = [_step(step) for step in value["history"]]
            print_table(f"history of {value['workspace']}", steps, whole=["version"])


for _command in (propose, estimate, build, compare, promote, rollback, archive):
    app.command()(_command)


def _told(session: Session, workspace: WorkspaceId, *, history: bool) -> dict[str, Any]:
    with session.stores.database.transaction(workspace) as tx:
        vectors: Counter[str] = Counter()
        for counted in vector_counts(tx):
            vectors[counted.embedding_version] += counted.vectors
        versions = [_version(standing, vectors[standing.name]) for standing in lifecycles.standings(tx)]
        steps = [asdict(step) for step in lifecycles.transitions(tx)] if history else []
    return {"workspace": workspace, "versions": versions} | ({"history": steps} if history else {})


def _version(standing: Standing, vectors: int) -> dict[str, Any]:
    return asdict(standing) | {"gate": dict(standing.gate) if standing.gate else None, "vectors": vectors}


def _row(version: dict[str, Any]) -> dict[str, Any]:
    return {
        **{name: version[name] for name in ("name", "model", "dim", "topology", "status")},
        "since": _minute(version["since"]),
        "gate": _GATE[version["gate_passed"]],
        "vectors": version["vectors"],
    }


def _step(step: dict[str, Any]) -> dict[str, Any]:
    return {
        "at": _minute(step["at"]),
        "version": step["embedding_version"],
        "from": step["from_status"] or "",
        "to": step["to_status"],
        "by": step["decided_by"],
        "forced": step["forced"],
        "reason": step["reason"],
    }


def _minute(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M}"

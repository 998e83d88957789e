"""`neural-memory persons`: who is known by which accounts, and the decisions that join or part them.

Which accounts are one person by rule is decided in `domain/identity.py`.
"""

from __future__ import annotations

import getpass
from dataclasses import asdict
from typing import Annotated

import typer

from neural_memory_pipelines.cli.opening import built_version, ready_session
from neural_memory_pipelines.cli.output import out, plain, print_json, print_table
from neural_memory_pipelines.sources.envelope import workspace_id
from neural_memory_pipelines.steps.identities import DecisionKind, decide_identity
from neural_memory_pipelines.stores.postgres.claims import list_audit
from neural_memory_pipelines.stores.postgres.entities import list_persons

app = typer.Typer(help="Persons and their accounts: list, merge and split them.", no_args_is_help=True)

_Workspace = Annotated[str, typer.Option("--workspace", "-w", help="Whose persons. They are never joined across.")]
_Account = Annotated[str, typer.Argument(help="github:583231, github-login:ada, or a name that is clear.")]
_Why = Annotated[str, typer.Option("--reason", help="Why, for whoever reads the audit.")]
_By = Annotated[str | None, typer.Option("--by", help="Who decides; else the user of this machine.")]


@app.command("list")
def list_(workspace: _Workspace, json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """List persons with their accounts, and why these are taken for one."""
    name = workspace_id(workspace)
    with ready_session() as session:
        built_version(session, name)
        with session.stores.database.transaction(name) as tx:
            persons = list_persons(tx)
    if json:
        print_json([asdict(person) for person in persons])
    elif not persons:
        out.print("no persons yet")
    else:
        rows = [
            {
                "person": person.name,
                "accounts": "\n".join(
                    f"{account} ({why})" if why else account for account, why in person.accounts.items()
                ),
                "documents": person.documents,
            }
            for person in persons
        ]
        print_table(f"persons of {name}", rows)


@app.command()
def merge(first: _Account, second: _Account, workspace: _Workspace, reason: _Why, by: _By = None) -> None:
    """Say that two accounts are one person."""
    _decide(workspace, "merge", first=first, second=second, reason=reason, by=by)


@app.command()
def split(first: _Account, second: _Account, workspace: _Workspace, reason: _Why, by: _By = None) -> None:
    """Say that two accounts are not one person, whatever they have in common."""
    _decide(workspace, "split", first=first, second=second, reason=reason, by=by)


@app.command()
def audit(workspace: _Workspace, json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """List all decisions: who joined or parted which accounts, when and why."""
    name = workspace_id(workspace)
    with ready_session() as session:
        built_version(session, name)
        with session.stores.database.transaction(name) as tx:
            rows = [asdict(row) for row in list_audit(tx)]
    if json:
        print_json(rows)
    elif rows:
        print_table(f"identity decisions of {name}", rows)
    else:
        out.print("no decisions")


def _decide(workspace: str, kind: DecisionKind, *, first: str, second: str, reason: str, by: str | None) -> None:
    name = workspace_id(workspace)
    with ready_session() as session:
        built_version(session, name)
        decision = decide_identity(
            name,
            kind,
            names=(first, second),
            decided_by=by or getpass.getuser(),
            reason=reason,
            stores=session.stores,
        )
    verb = "are one person now" if kind == "merge" else "are not one person now"
    out.print(plain(f"{decision.first} and {decision.second} {verb} ({decision.decision_id})"), markup=False)

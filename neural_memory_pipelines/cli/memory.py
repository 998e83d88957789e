"""`neural-memory build` and `status`: make the memory, and see what it holds.

The work itself is done by Dagster's runs.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

import typer

from neural_memory_pipelines.cli.build_result import print_build
from neural_memory_pipelines.cli.building import build_all, last_build_times
from neural_memory_pipelines.cli.opening import built_version, opened, ready_stores
from neural_memory_pipelines.cli.output import err, out, plain, print_json, print_table
from neural_memory_pipelines.cli.store_kinds import told
from neural_memory_pipelines.domain.ids import WorkspaceId
from neural_memory_pipelines.local.session import Session
from neural_memory_pipelines.sources.envelope import workspace_id
from neural_memory_pipelines.steps.inbox import list_inbox
from neural_memory_pipelines.stores.postgres.lifecycles import standings
from neural_memory_pipelines.stores.postgres.status import workspace_status
from neural_memory_pipelines.stores.postgres.workspaces import list_workspaces


def build(
    workspace: Annotated[
        str | None, typer.Option("--workspace", "-w", help="The workspace; else all that have something.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Materialize what is pending, to the end. Exits 1 if a check or an asset failed."""
    name = workspace_id(workspace) if workspace is not None else None
    try:
        results = build_all(ready_stores(), name)
    except KeyboardInterrupt:
        err.print("interrupted: what is done stays, the next build goes on from there")
        raise typer.Exit(130) from None
    if json:
        print_json([asdict(result) | {"succeeded": result.succeeded} for result in results])
    for result in results if not json else ():
        print_build(result)
    if not results and not json:
        out.print("nothing to build: the inbox is empty and there is no workspace yet")
    if not all(result.succeeded for result in results):
        raise typer.Exit(1)


def status(
    workspace: Annotated[str | None, typer.Option("--workspace", "-w", help="The workspace; else all.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Tell what each workspace holds and what waits."""
    only = workspace_id(workspace) if workspace is not None else None
    ready = ready_stores()
    with opened(ready) as session:
        known = list_workspaces(session.stores.database)
        waiting = {name: len(found) for name, found in list_inbox(session.stores.objects).by_workspace.items()}
        if only is not None and only not in {*known, *waiting}:
            built_version(session, only)  # says that there is no such workspace
        names = [only] if only is not None else sorted({*known, *waiting})
        values = [_status_of(session, name, waiting.get(name, 0)) for name in names]
    last_builds = last_build_times(ready, [name for name in names if name in known])
    for value in values:
        value["last_build_at"] = last_builds.get(value["workspace"])
    if json:
        print_json(values)
        return
    if not values:
        out.print("no workspace yet: ingest something first")
    for value in values:
        _print_status(value)
    out.print(plain(f"stores: {told(ready.settings)}"), markup=False)


def _status_of(session: Session, workspace: WorkspaceId, waiting: int) -> dict[str, Any]:
    with session.stores.database.transaction(workspace) as tx:
        held = asdict(workspace_status(tx))
        versions = [
            {"name": known.name, "status": str(known.status), "since": known.since, "gate_passed": known.gate_passed}
            for known in standings(tx)
        ]
    return {**held, "waiting_inbox_objects": waiting, "versions": versions}


def _print_status(value: dict[str, Any]) -> None:
    vectors = {f"vectors: {v['family']} at {v['embedding_version']}": v["vectors"] for v in value["vectors"]}
    lists = {"workspace", "vectors", "events", "versions"}
    shown = {name: number for name, number in value.items() if name not in lists}
    events = {f"events: {_outcome(event)}": event["events"] for event in value["events"]}
    others = [known for known in value["versions"] if known["name"] != value["active_embedding_version"]]
    versions = {f"other version: {known['name']}": _standing(known) for known in others}
    shown |= vectors | versions | events
    rows = [{"what": name.replace("_", " "), "value": _spell(number)} for name, number in shown.items()]
    print_table(f"workspace {value['workspace']}", rows)


def _standing(known: dict[str, Any]) -> str:
    gate = {True: ", its gate has passed", False: ", its gate has not passed", None: ""}[known["gate_passed"]]
    return f"{known['status']} since {known['since']:%Y-%m-%d %H:%M}{gate}"


def _outcome(event: dict[str, Any]) -> str:
    reason = f" ({event['reason']})" if event["reason"] else ""
    return f"{event['source']} {event['status']}{reason}"


def _spell(value: Any) -> str:
    if value is None:
        return "never"
    return f"{value:,}" if isinstance(value, int) else str(value)

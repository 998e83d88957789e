"""What came of something that is done to several workspaces, each by itself: a table, and the exit code.

What is done is up to the commands.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import typer
from rich.markup import escape

from neural_memory_pipelines.cli.output import err, plain, print_json, print_table
from neural_memory_pipelines.domain.ids import WorkspaceId
from neural_memory_pipelines.errors import NeuralMemoryError, TransientError

Act = Callable[[WorkspaceId], Mapping[str, Any]]

_REFUSED = 1
_NO_ANSWER = 3


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of it in one workspace: a row of a table, or why it was refused."""

    workspace: WorkspaceId
    row: Mapping[str, Any] = field(default_factory=dict)
    refusal: NeuralMemoryError | None = None


def each_workspace(workspaces: Sequence[WorkspaceId], act: Act) -> list[Outcome]:
    """Do something to workspaces, one after the other; one that is refused does not stop the others."""
    outcomes = []
    for workspace in workspaces:
        try:
            outcomes.append(Outcome(workspace, act(workspace)))
        except NeuralMemoryError as error:
            outcomes.append(Outcome(workspace, refusal=error))
    return outcomes


def print_outcomes(title: str, outcomes: Sequence[Outcome], *, json: bool) -> None:
    """Show what came of it in each workspace; a refusal is also a line of its own."""
    if json:
        print_json(json_rows(outcomes))
        return
    columns = {"outcome": ""} | dict.fromkeys((name for it in outcomes for name in it.row), "")
    refused = {"outcome": "refused"}
    rows = [{"workspace": it.workspace, **columns, **(refused if it.refusal else it.row)} for it in outcomes]
    print_table(
        title, [{name.replace("_", " "): value for name, value in row.items()} for row in rows], whole=["version"]
    )
    print_refusals(outcomes)


def json_rows(outcomes: Sequence[Outcome]) -> list[dict[str, Any]]:
    """Write outcomes for a program; `refused` is why, or null."""
    return [
        {"workspace": it.workspace, **it.row, "refused": str(it.refusal) if it.refusal else None} for it in outcomes
    ]


def print_refusals(outcomes: Sequence[Outcome]) -> None:
    """Show why something was refused, a line for each workspace."""
    for outcome in outcomes:
        if outcome.refusal is not None:
            err.print(f"[red]error:[/red] {escape(plain(f'{outcome.workspace}: {outcome.refusal}'))}")


def exit_if_refused(outcomes: Sequence[Outcome]) -> None:
    """End the command with 1 if anything was refused, with 3 if a service did not answer.

    Raises:
        typer.Exit: something was refused.
    """
    refusals = [outcome.refusal for outcome in outcomes if outcome.refusal is not None]
    if refusals:
        raise typer.Exit(_NO_ANSWER if any(isinstance(it, TransientError) for it in refusals) else _REFUSED)

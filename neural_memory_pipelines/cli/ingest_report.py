"""How the `ingest` commands end: what was put, what was refused, and the exit code that says so.

Putting things into the inbox is up to the steps.
"""

from __future__ import annotations

from typing import Any

import typer

from neural_memory_pipelines.cli.output import err, out, plain, print_error, print_json
from neural_memory_pipelines.steps.ingest import IngestReport

EXIT_CODES = """Exit codes: 0 all went in; 1 something was refused, the rest went in; 2 nothing usable was found,
or wrong usage or settings; 3 a store does not answer."""

_FAULTS_SHOWN = 50


def finish(report: IngestReport, *, said: str, nothing: str, json: bool, more: dict[str, Any] | None = None) -> None:
    """Print a report and end the command.

    Args:
        report: what was done.
        said: it in one line, for people.
        nothing: what to say if nothing usable was found.
        json: print it for a program instead.
        more: what a program is told besides.
    """
    if json:
        print_json(_fields(report) | (more or {}))
    else:
        out.print(plain(said), markup=False)
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


def _fields(report: IngestReport) -> dict[str, Any]:
    return {
        "put": report.put,
        "put_by_workspace": report.put_by_workspace,
        "removed": report.removed,
        "unchanged": report.unchanged,
        "faults": report.faults,
        "notes": report.notes,
    }

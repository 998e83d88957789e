"""`neural-memory evaluation reports` and `send`: what Braintrust was told of evaluations, and telling it now.

How a report is sent, and when it is tried again, is decided in `steps/evaluation/report.py`.
"""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from neural_memory_pipelines.cli.embeddings_choices import AsJson
from neural_memory_pipelines.cli.opening import built_version, ready_session
from neural_memory_pipelines.cli.output import err, out, plain, print_json, print_table
from neural_memory_pipelines.domain.ids import WorkspaceId
from neural_memory_pipelines.domain.text import clip
from neural_memory_pipelines.errors import ConfigurationError
from neural_memory_pipelines.local.reports import open_report_destination
from neural_memory_pipelines.local.session import Session
from neural_memory_pipelines.sources.envelope import workspace_id
from neural_memory_pipelines.steps.evaluation.report import send_reports
from neural_memory_pipelines.steps.report import StepReport
from neural_memory_pipelines.stores.postgres.eval_reports import Report, hasten, list_reports
from neural_memory_pipelines.stores.postgres.workspaces import list_workspaces

_Workspace = Annotated[str | None, typer.Option("--workspace", "-w", help="Whose reports; else those of all.")]
_MOST_SENT = 10_000


def reports(
    workspace: _Workspace = None,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, help="Most rows of a workspace.")] = 20,
    json: AsJson = False,
) -> None:
    """List the reports of evaluations to Braintrust: those that wait or failed first, then those that were sent."""
    now = datetime.now(UTC)
    found: list[tuple[WorkspaceId, Report]] = []
    with ready_session() as session:
        for name in _chosen(session, workspace):
            with session.stores.database.transaction(name) as tx:
                found += [(name, report) for report in list_reports(tx, now=now, limit=limit)]
    if json:
        print_json([{"workspace": name, **asdict(report)} for name, report in found])
    elif not found:
        out.print("no reports: runs of evaluation leave one where BRAINTRUST_API_KEY is set")
    else:
        print_table("reports to Braintrust", [_row(name, report) for name, report in found], whole=["run", "state"])


def send(workspace: _Workspace = None, json: AsJson = False) -> None:
    """Send what waits now, also what failed or was refused before. Exits 1 if something could not be sent."""
    told: dict[WorkspaceId, StepReport] = {}
    with ready_session() as session:
        destination = open_report_destination(session.settings)
        if destination is None:
            raise ConfigurationError("BRAINTRUST_API_KEY is not set: there is nobody to send reports to")
        for name in _chosen(session, workspace):
            with session.stores.database.transaction(name) as tx:
                hasten(tx, destination=destination.name)
            told[name] = send_reports(
                name, stores=session.stores, destination=destination, now=datetime.now(UTC), limit=_MOST_SENT
            )
            if _is_away(told[name]):
                break  # as it would be for the other workspaces
    _show(told, as_json=json)
    if any(report.failed for report in told.values()):
        raise typer.Exit(1)


def _chosen(session: Session, workspace: str | None) -> list[WorkspaceId]:
    if workspace is None:
        return list_workspaces(session.stores.database)
    name = workspace_id(workspace)
    built_version(session, name)
    return [name]


def _is_away(report: StepReport) -> bool:
    return report.failed > report.reasons.get("refused", 0)


def _show(told: dict[WorkspaceId, StepReport], *, as_json: bool) -> None:
    rows: list[dict[str, Any]] = [
        {"workspace": name, "sent": report.written, "failed": report.failed}
        for name, report in told.items()
        if report.seen
    ]
    if as_json:
        print_json([{**row, "notes": told[row["workspace"]].notes} for row in rows])
        return
    if not rows:
        out.print("nothing waits")
        return
    print_table("reports to Braintrust", rows, whole=["workspace"])
    for report in told.values():
        for note in report.notes:
            err.print(plain(note), markup=False)


def _row(workspace: WorkspaceId, report: Report) -> dict[str, str]:
    said = report.url or report.error or ""
    if report.error and report.retry_at:
        said = f"tried again at {report.retry_at.astimezone(UTC):%Y-%m-%d %H:%M} UTC: {said}"
    return {
        "workspace": workspace,
        "run": report.run_id,
        "suite": report.suite or "",
        "state": report.state.value,
        "attempts": f"{report.attempts}",
        "at": f"{report.sent_at or report.created_at:%Y-%m-%d %H:%M}",
        "": said if report.url else clip(said, 160),
    }

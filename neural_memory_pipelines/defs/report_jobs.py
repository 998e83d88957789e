"""The job that tells others of evaluations, and the sensor that asks for it while something waits to be told.

Never part of a run that evaluates: who is told may be away or slow, and that must delay nothing else.
"""

from datetime import UTC, datetime
from typing import Any

import dagster as dg

from neural_memory_pipelines.defs.failures import mapped_failures
from neural_memory_pipelines.defs.jobs import IN_PROCESS
from neural_memory_pipelines.defs.metadata import table_of
from neural_memory_pipelines.defs.resources import MemoryResource
from neural_memory_pipelines.domain.ids import WorkspaceId
from neural_memory_pipelines.errors import ConfigurationError
from neural_memory_pipelines.local.reports import open_report_destination
from neural_memory_pipelines.steps.evaluation.report import send_reports
from neural_memory_pipelines.steps.report import ExampleRow, StepReport
from neural_memory_pipelines.stores.postgres.eval_reports import waiting

SENDER_TAG = {"neural-memory/reports": "braintrust"}
"""Marks the runs that tell others, so that they can be limited apart from all that do work."""

_LAST_OF_ALL = {"dagster/priority": "-2"}
_INTERVAL_SECONDS = 60
_UNDER_WAY = [
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
]


@dg.op(
    description="Send the runs of evaluation that wait to Braintrust, workspace by workspace. Where it is away, they "
    "wait on, and the run succeeds: its metadata says what waits and why.",
    out=dg.Out(dg.Nothing),
    pool="evaluation_reports",
)
def send(context: dg.OpExecutionContext, memory: MemoryResource) -> None:
    """Send what waits, until all is sent or the destination is away."""
    with mapped_failures(context):
        session = memory.session
        destination = open_report_destination(session.settings)
        if destination is None:
            raise ConfigurationError("BRAINTRUST_API_KEY is not set: there is nobody to tell of evaluations")
        reports: dict[WorkspaceId, StepReport] = {}
        for found in waiting(session.stores.database, now=datetime.now(UTC)):
            report = send_reports(
                found.workspace, stores=session.stores, destination=destination, now=datetime.now(UTC)
            )
            reports[found.workspace] = report
            context.log.info(f"{found.workspace}: {report.written} sent, {report.failed} not")
            if report.failed > report.reasons.get("refused", 0):
                break  # it is away, or refuses us: as it would for all other workspaces
    context.add_output_metadata(_metadata(reports))


def _metadata(reports: dict[WorkspaceId, StepReport]) -> dict[str, Any]:
    metadata: dict[str, Any] = {
        "sent": sum(report.written for report in reports.values()),
        "not_sent": sum(report.failed for report in reports.values()),
    }
    sent: list[ExampleRow] = [{"workspace": name, **row} for name, report in reports.items() for row in report.examples]
    why: list[ExampleRow] = [
        {"workspace": name, "what": note} for name, report in reports.items() for note in report.notes
    ]
    return metadata | ({"runs": table_of(sent)} if sent else {}) | ({"why_not_sent": table_of(why)} if why else {})


@dg.job(
    description="Tell Braintrust of the evaluations that wait to be told.",
    executor_def=IN_PROCESS,
    tags={**SENDER_TAG, **_LAST_OF_ALL},
)
def send_evaluation_reports() -> None:
    """Send what waits."""
    send()


@dg.sensor(
    job=send_evaluation_reports,
    name="reports_waiting",
    minimum_interval_seconds=_INTERVAL_SECONDS,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Asks for one run that tells Braintrust of evaluations, while some wait and their time has come; one "
    "at a time. Does nothing where BRAINTRUST_API_KEY is not set.",
)
def reports_waiting(context: dg.SensorEvaluationContext, memory: MemoryResource) -> dg.RunRequest | dg.SkipReason:
    """Look whether anything waits, over all workspaces in one query."""
    session, now = memory.session, datetime.now(UTC)
    if session.settings.braintrust_api_key is None:
        return dg.SkipReason("BRAINTRUST_API_KEY is not set: nobody is told of evaluations")
    found = waiting(session.stores.database, now=now)
    if not found:
        return dg.SkipReason("nothing waits to be sent")
    if context.instance.get_runs(dg.RunsFilter(job_name=send_evaluation_reports.name, statuses=_UNDER_WAY), limit=1):
        return dg.SkipReason(f"a run is under way; reports of {len(found)} workspaces wait")
    # A minute has one run, however often its tick is repeated; rows whose turn has not come again ask for none.
    return dg.RunRequest(run_key=f"reports-{int(now.timestamp()) // _INTERVAL_SECONDS}")

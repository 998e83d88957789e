"""The job and sensor that tell others of evaluations: apart from all work, and patient when nobody listens."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from sqlalchemy import text

from neural_memory_pipelines.defs import report_jobs
from neural_memory_pipelines.defs.build import build_definitions
from neural_memory_pipelines.defs.partitions import add_partitions, workspace_version_key
from neural_memory_pipelines.defs.report_jobs import SENDER_TAG, reports_waiting
from neural_memory_pipelines.defs.resources import MemoryResource
from neural_memory_pipelines.domain.evaluation import EvalRun
from neural_memory_pipelines.domain.ids import WorkspaceId
from neural_memory_pipelines.errors import NeuralMemoryError, PermanentError, TransientError
from neural_memory_pipelines.local.session import Session
from neural_memory_pipelines.stores.postgres.engine import Database
from neural_memory_pipelines.stores.postgres.eval_reports import BRAINTRUST, WaitingReports, waiting
from tests.defs.running import failure_of, run_job
from tests.defs.versions import served_workspace

_KEY = "sk-of-the-tests"
_NO_RUN_ASKED = "BRAINTRUST_API_KEY is not set: nobody is told of evaluations"


@dataclass
class Listener:
    """A destination that takes down who it was told of, or raises what it is given."""

    raises: NeuralMemoryError | None = None
    told: list[tuple[WorkspaceId, str]] = field(default_factory=list)
    name: str = BRAINTRUST

    def send(self, workspace: WorkspaceId, run: EvalRun) -> str:
        self.told.append((workspace, run.run_id))
        if self.raises:
            raise self.raises
        return f"https://reports.example/{run.run_id}"

    def check(self) -> str:
        return "a listener"


@pytest.fixture
def evaluated(
    session: Session, workspace: WorkspaceId, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[WorkspaceId], WorkspaceId]:
    """Makes workspaces with an evaluation that waits to be told of; ticks and runs see these alone."""

    def only_these(database: Database, *, now: datetime) -> list[WaitingReports]:
        return [found for found in waiting(database, now=now) if found.workspace.startswith(workspace)]

    monkeypatch.setattr(report_jobs, "waiting", only_these)
    monkeypatch.setenv("BRAINTRUST_API_KEY", _KEY)

    def evaluate(name: WorkspaceId) -> WorkspaceId:
        version = served_workspace(session, name, tmp_path / name).name
        with dg.DagsterInstance.ephemeral() as instance:
            add_partitions(instance, [name], [version])
            assert run_job("evaluate_smoke", instance, key=workspace_version_key(name, version)).success
        return name

    return evaluate


def _listen(monkeypatch: pytest.MonkeyPatch, raises: NeuralMemoryError | None = None) -> Listener:
    listener = Listener(raises)
    monkeypatch.setattr(report_jobs, "open_report_destination", lambda _: listener)
    return listener


def _send(instance: dg.DagsterInstance) -> tuple[dg.ExecuteInProcessResult, dict[str, Any]]:
    result = run_job("send_evaluation_reports", instance)
    outputs = [event for event in result.all_events if event.event_type is dg.DagsterEventType.STEP_OUTPUT]
    shown = {name: value.value for event in outputs for name, value in event.step_output_data.metadata.items()}
    return result, shown


def _tick(instance: dg.DagsterInstance) -> tuple[list[dg.RunRequest], str | None]:
    with dg.build_sensor_context(
        instance=instance,
        instance_ref=instance.get_ref(),
        repository_def=build_definitions().get_repository_def(),
        resources={"memory": MemoryResource()},
    ) as context:
        done = reports_waiting.evaluate_tick(context)
    return list(done.run_requests or []), done.skip_message


def test_without_a_key_nobody_is_told_and_nothing_is_kept_for_them(
    session: Session,
    workspace: WorkspaceId,
    evaluated: Callable[[WorkspaceId], WorkspaceId],
    stored_instance: dg.DagsterInstance,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("BRAINTRUST_API_KEY")
    evaluated(workspace)
    assert _tick(stored_instance) == ([], _NO_RUN_ASKED)
    with session.stores.database.transaction(workspace) as tx:
        assert tx.connection.scalar(text("SELECT count(*) FROM eval_reports")) == 0
    result, _ = _send(stored_instance)
    assert "BRAINTRUST_API_KEY is not set" in str(failure_of(result))


def test_what_waits_is_sent_once_and_shown(
    workspace: WorkspaceId,
    evaluated: Callable[[WorkspaceId], WorkspaceId],
    stored_instance: dg.DagsterInstance,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    listener = _listen(monkeypatch)
    assert _tick(stored_instance) == ([], "nothing waits to be sent")
    evaluated(workspace)
    (request,) = _tick(stored_instance)[0]
    assert str(request.run_key).startswith("reports-")
    result, shown = _send(stored_instance)
    assert result.success
    ((told, run_id),) = listener.told
    assert (told, shown["sent"], shown["not_sent"]) == (workspace, 1, 0)
    (row,) = [dict(record.data) for record in shown["runs"].records]
    assert (row["workspace"], row["url"]) == (workspace, f"https://reports.example/{run_id}")
    assert _tick(stored_instance) == ([], "nothing waits to be sent")
    assert _send(stored_instance)[1] == {"sent": 0, "not_sent": 0}


def test_where_it_is_away_the_run_succeeds_and_tries_no_other_workspace(
    workspace: WorkspaceId,
    evaluated: Callable[[WorkspaceId], WorkspaceId],
    stored_instance: dg.DagsterInstance,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    listener = _listen(monkeypatch, TransientError("Braintrust does not answer"))
    first, second = evaluated(workspace), evaluated(WorkspaceId(f"{workspace}-b"))
    result, shown = _send(stored_instance)
    assert result.success
    assert [name for name, _ in listener.told] == [first]
    assert (shown["sent"], shown["not_sent"]) == (0, 1)
    (row,) = [dict(record.data) for record in shown["why_not_sent"].records]
    assert row["workspace"] == first
    assert "Braintrust does not answer; waits until " in row["what"]
    listener.raises = None
    assert _send(stored_instance)[1]["sent"] == 1
    assert [name for name, _ in listener.told] == [first, second], "the first waits until its time has come"


def test_one_that_is_refused_stops_no_other(
    workspace: WorkspaceId,
    evaluated: Callable[[WorkspaceId], WorkspaceId],
    stored_instance: dg.DagsterInstance,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    listener = _listen(monkeypatch, PermanentError("it is too large"))
    names = [evaluated(workspace), evaluated(WorkspaceId(f"{workspace}-b"))]
    result, shown = _send(stored_instance)
    assert result.success
    assert sorted(name for name, _ in listener.told) == names
    assert shown["not_sent"] == 2
    assert _tick(stored_instance) == ([], "nothing waits to be sent")


def test_one_run_at_a_time_is_asked_for(
    workspace: WorkspaceId, evaluated: Callable[[WorkspaceId], WorkspaceId], stored_instance: dg.DagsterInstance
) -> None:
    evaluated(workspace)
    job = build_definitions().resolve_job_def("send_evaluation_reports")
    run = stored_instance.create_run_for_job(job, status=dg.DagsterRunStatus.STARTED)
    assert _tick(stored_instance) == ([], "a run is under way; reports of 1 workspaces wait")
    stored_instance.delete_run(run.run_id)
    assert len(_tick(stored_instance)[0]) == 1


def test_senders_are_marked_and_come_after_all_work(definitions: dg.Definitions) -> None:
    tags = definitions.resolve_job_def("send_evaluation_reports").tags
    assert SENDER_TAG.items() <= tags.items()
    assert int(tags["dagster/priority"]) < -1
    for job in definitions.get_repository_def().get_all_jobs():
        if job.name != "send_evaluation_reports":
            assert not any(node.name == "send" for node in job.nodes), f"{job.name} would wait for Braintrust"

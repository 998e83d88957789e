"""What waits is sent once its time has come, whatever happens to the destination or to the sender."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest
from sqlalchemy import text

from neural_memory_pipelines.domain.evaluation import EvalRun
from neural_memory_pipelines.domain.ids import WorkspaceId
from neural_memory_pipelines.errors import (
    ConfigurationError,
    ContractError,
    NeuralMemoryError,
    PermanentError,
    TransientError,
)
from neural_memory_pipelines.local.session import Session
from neural_memory_pipelines.steps.evaluation.report import LEASE_SECONDS, send_reports, wait_seconds
from neural_memory_pipelines.steps.report import StepReport
from neural_memory_pipelines.stores.bundle import Stores
from neural_memory_pipelines.stores.postgres.eval_reports import (
    Report,
    ReportState,
    hasten,
    list_reports,
    put_report,
    waiting,
)
from neural_memory_pipelines.stores.reports.braintrust import BraintrustReports
from tests.steps.killing import was_killed

from .braintrust_server import BraintrustServer, Fault
from .braintrust_server.faults import rate_limited
from .runs import keep, made_run


@dataclass
class Scripted:
    """A destination that does what a test wants of each run, and remembers what it was sent."""

    meets: Callable[[EvalRun], None] = lambda _: None
    sent: list[str] = field(default_factory=list)
    name: str = "braintrust"

    def send(self, workspace: WorkspaceId, run: EvalRun) -> str:
        self.meets(run)
        self.sent.append(run.run_id)
        return f"https://reports.example/{workspace}/{run.run_id}"

    def check(self) -> str:
        return "scripted"


@pytest.fixture
def now(stores: Stores) -> datetime:
    """The time of the database, at which rows of the test are made, and a little more."""
    with stores.database.catalog() as connection:
        at: datetime = connection.execute(text("SELECT now()")).scalar_one()
    return at + timedelta(minutes=1)


def rows_of(stores: Stores, workspace: WorkspaceId, now: datetime) -> dict[str, Report]:
    with stores.database.transaction(workspace) as tx:
        return {report.run_id: report for report in list_reports(tx, now=now, limit=100)}


def raising(error: NeuralMemoryError, *runs: str) -> Callable[[EvalRun], None]:
    def meet(run: EvalRun) -> None:
        if not runs or run.run_id in runs:
            raise error

    return meet


def test_reports_are_sent_oldest_first_and_once(stores: Stores, workspace: WorkspaceId, now: datetime) -> None:
    keep(stores, workspace, made_run("b"), made_run("a"), made_run("c"))
    destination = Scripted()
    report = send_reports(workspace, stores=stores, destination=destination, now=now, limit=2)
    assert (report.seen, report.written, report.failed) == (2, 2, 0)
    assert destination.sent == ["b", "a"]
    send_reports(workspace, stores=stores, destination=destination, now=now)
    assert send_reports(workspace, stores=stores, destination=destination, now=now).seen == 0
    assert destination.sent == ["b", "a", "c"]
    rows = rows_of(stores, workspace, now)
    assert {row.state for row in rows.values()} == {ReportState.SENT}
    assert rows["a"].url == f"https://reports.example/{workspace}/a"
    assert rows["a"].suite == "post-ingest-regression"


def test_a_run_that_is_kept_twice_waits_once(stores: Stores, workspace: WorkspaceId, now: datetime) -> None:
    keep(stores, workspace, made_run("a"))
    send_reports(workspace, stores=stores, destination=Scripted(), now=now)
    with stores.database.transaction(workspace) as tx:
        put_report(tx, "a")
    assert rows_of(stores, workspace, now)["a"].state is ReportState.SENT


def test_braintrust_gets_what_is_kept(
    stores: Stores, workspace: WorkspaceId, now: datetime, braintrust: BraintrustServer, destination: BraintrustReports
) -> None:
    run = made_run("a", questions=12)
    keep(stores, workspace, run)
    assert send_reports(workspace, stores=stores, destination=destination, now=now).written == 1
    ((_, rows),) = braintrust.experiments.items()
    assert [row["metadata"]["question_id"] for row in rows.values()] == [it.question_id for it in run.results]
    assert rows_of(stores, workspace, now)["a"].url == next(iter(braintrust_pages(braintrust)))


def braintrust_pages(server: BraintrustServer) -> list[str]:
    return [server.account.summary(it, app_url=server.url)["experiment_url"] for it in server.account.experiments]


FAULTS = {
    "out of order": Fault(status=500, message="oops"),
    "asked too often": rate_limited("600"),
    "cut off": Fault(cut=True),
    "rows forgotten": Fault(forgets_rows=2),
    "key refused": Fault(status=401, message="Invalid API key"),
}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS.keys())
def test_what_braintrust_does_not_take_waits_and_is_sent_later(
    stores: Stores,
    workspace: WorkspaceId,
    now: datetime,
    braintrust: BraintrustServer,
    destination: BraintrustReports,
    fault: Fault,
) -> None:
    keep(stores, workspace, made_run("a"), made_run("b"))
    braintrust.faults.at(fault, "/insert")
    report = send_reports(workspace, stores=stores, destination=destination, now=now)
    assert (report.seen, report.written, report.failed) == (1, 0, 1)
    rows = rows_of(stores, workspace, now)
    assert (rows["a"].state, rows["b"].state) == (ReportState.WAITING, ReportState.WAITING)
    assert rows["a"].error is not None
    assert rows["a"].error.startswith("Braintrust at 127.0.0.1")
    assert destination._access.api_key not in rows["a"].error
    braintrust.faults.clear()
    assert send_reports(workspace, stores=stores, destination=destination, now=now).written == 1  # b: a has to wait
    later = now + timedelta(seconds=610)
    assert send_reports(workspace, stores=stores, destination=destination, now=later).written == 1
    assert {len(found) for found in braintrust.experiments.values()} == {3}
    assert len(braintrust.experiments) == 2


def test_waits_double_up_to_an_hour_or_are_what_was_asked_for_up_to_a_day() -> None:
    assert [wait_seconds(attempt, None) for attempt in range(1, 9)] == [60, 120, 240, 480, 960, 1920, 3600, 3600]
    assert wait_seconds(10_000, None) == 3600
    assert [wait_seconds(1, asked) for asked in (5, 600, 7_200, 1e18)] == [60, 600, 7_200, 86_400]


@pytest.mark.parametrize("error", [TransientError("away", retry_after_seconds=900), ContractError("odd")])
def test_a_report_waits_longer_from_failure_to_failure(
    stores: Stores, workspace: WorkspaceId, now: datetime, error: NeuralMemoryError
) -> None:
    keep(stores, workspace, made_run("a"))
    destination = Scripted(raising(error))
    waits = []
    for _ in range(7):
        send_reports(workspace, stores=stores, destination=destination, now=now)
        row = rows_of(stores, workspace, now)["a"]
        assert row.retry_at is not None
        waits.append(round((row.retry_at - now).total_seconds() / 60))
        assert send_reports(workspace, stores=stores, destination=destination, now=now).seen == 0
        now = row.retry_at
    asked = 15 if isinstance(error, TransientError) else 0
    assert waits == [max(wait, asked) for wait in (1, 2, 4, 8, 16, 32, 60)]
    assert rows_of(stores, workspace, now)["a"].attempts == 7


def test_one_that_is_refused_holds_up_no_other_and_waits_for_a_person(
    stores: Stores, workspace: WorkspaceId, now: datetime
) -> None:
    keep(stores, workspace, made_run("bad"), made_run("good"))
    destination = Scripted(raising(PermanentError("too long"), "bad"))
    report = send_reports(workspace, stores=stores, destination=destination, now=now)
    assert (report.written, report.failed, report.reasons) == (1, 1, {"refused": 1})
    far = now + timedelta(days=30)
    assert rows_of(stores, workspace, far)["bad"].state is ReportState.REFUSED
    assert send_reports(workspace, stores=stores, destination=destination, now=far).seen == 0
    with stores.database.transaction(workspace) as tx:
        assert hasten(tx) == 1
    destination.meets = lambda _: None
    assert send_reports(workspace, stores=stores, destination=destination, now=now).written == 1
    assert rows_of(stores, workspace, now)["bad"].error is None


def test_a_key_that_is_refused_refuses_no_report(stores: Stores, workspace: WorkspaceId, now: datetime) -> None:
    keep(stores, workspace, made_run("a"), made_run("b"))
    report = send_reports(workspace, stores=stores, destination=Scripted(raising(ConfigurationError("key"))), now=now)
    assert (report.seen, report.reasons) == (1, {"ConfigurationError": 1})
    assert {row.state for row in rows_of(stores, workspace, now).values()} == {ReportState.WAITING}


def test_a_report_whose_run_is_gone_is_put_aside(stores: Stores, workspace: WorkspaceId, now: datetime) -> None:
    with stores.database.transaction(workspace) as tx:
        put_report(tx, "gone")
    keep(stores, workspace, made_run("a"))
    report = send_reports(workspace, stores=stores, destination=Scripted(), now=now)
    assert (report.written, report.failed) == (1, 1)
    row = rows_of(stores, workspace, now)["gone"]
    assert (row.state, row.suite) == (ReportState.REFUSED, None)


def test_two_senders_never_send_one_report_at_once(stores: Stores, workspace: WorkspaceId, now: datetime) -> None:
    keep(stores, workspace, *(made_run(f"run-{number}") for number in range(6)))
    together = threading.Barrier(2, timeout=30)
    first = Scripted(lambda _: void(together.wait()))
    second = Scripted(lambda _: void(together.wait()))
    reports: list[StepReport] = []

    def send(destination: Scripted) -> None:
        reports.append(send_reports(workspace, stores=stores, destination=destination, now=now, limit=3))

    threads = [threading.Thread(target=send, args=(it,)) for it in (first, second)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(first.sent + second.sent) == [f"run-{number}" for number in range(6)]
    assert [report.written for report in reports] == [3, 3]


def void(_: object) -> None:
    """Drop a value."""


def test_no_transaction_is_open_while_a_report_is_sent(stores: Stores, workspace: WorkspaceId, now: datetime) -> None:
    keep(stores, workspace, made_run("a"))
    states: list[str] = []

    def look(run: EvalRun) -> None:
        states.append(rows_of(stores, workspace, now)[run.run_id].state)
        assert stores.database.engine.pool.checkedout() == before  # type: ignore[attr-defined]  # of QueuePool

    before = stores.database.engine.pool.checkedout()  # type: ignore[attr-defined]  # of QueuePool
    send_reports(workspace, stores=stores, destination=Scripted(look), now=now)
    assert states == [ReportState.SENDING]


def test_a_sender_killed_after_sending_sends_again_and_nothing_doubles(
    session: Session,
    workspace: WorkspaceId,
    now: datetime,
    braintrust: BraintrustServer,
    destination: BraintrustReports,
) -> None:
    stores = session.stores
    keep(stores, workspace, made_run("a"))

    class Killing:
        name = "braintrust"

        def send(self, workspace: WorkspaceId, run: EvalRun) -> str:
            destination.send(workspace, run)
            os.kill(os.getpid(), signal.SIGKILL)
            return ""

        def check(self) -> str:
            return ""

    def send() -> None:
        own = Session(session.settings, session.endpoints)
        send_reports(workspace, stores=own.stores, destination=Killing(), now=now)

    assert was_killed(send)
    before = {name: dict(rows) for name, rows in braintrust.experiments.items()}
    assert [len(rows) for rows in before.values()] == [3]

    assert rows_of(stores, workspace, now)["a"].state is ReportState.SENDING
    assert send_reports(workspace, stores=stores, destination=destination, now=now).seen == 0
    later = now + timedelta(seconds=LEASE_SECONDS + 1)
    assert send_reports(workspace, stores=stores, destination=destination, now=later).written == 1
    assert {name: set(rows) for name, rows in braintrust.experiments.items()} == {
        name: set(rows) for name, rows in before.items()
    }


def test_a_slow_sender_does_not_undo_what_the_next_one_did(
    stores: Stores, workspace: WorkspaceId, now: datetime
) -> None:
    keep(stores, workspace, made_run("a"))
    later = now + timedelta(seconds=LEASE_SECONDS + 1)

    def outlived(_: EvalRun) -> None:
        send_reports(workspace, stores=stores, destination=Scripted(), now=later)
        raise TransientError("too late")

    send_reports(workspace, stores=stores, destination=Scripted(outlived), now=now)
    row = rows_of(stores, workspace, later)["a"]
    assert (row.state, row.error, row.attempts) == (ReportState.SENT, None, 2)


def test_all_workspaces_are_looked_at_in_one_query(stores: Stores, workspace: WorkspaceId, now: datetime) -> None:
    other, idle = WorkspaceId(f"{workspace}-other"), WorkspaceId(f"{workspace}-idle")
    keep(stores, workspace, made_run("a"), made_run("b"))
    keep(stores, other, made_run("a"))
    keep(stores, idle, made_run("a"))
    send_reports(idle, stores=stores, destination=Scripted(), now=now)

    def counts(at: datetime) -> dict[str, int]:
        return {
            it.workspace: it.reports for it in waiting(stores.database, now=at) if it.workspace.startswith(workspace)
        }

    assert counts(now) == {workspace: 2, other: 1}
    send_reports(other, stores=stores, destination=Scripted(raising(TransientError("away"))), now=now)
    assert counts(now) == {workspace: 2}
    assert counts(now + timedelta(minutes=2)) == {workspace: 2, other: 1}
    first = waiting(stores.database, now=now)[0]
    assert first.oldest_at.tzinfo is not None

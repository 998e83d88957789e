"""What evaluates never waits for who is told: it leaves a row, and that is sent by others, later."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from neural_memory_pipelines.domain.evaluation import Suite
from neural_memory_pipelines.domain.ids import WorkspaceId
from neural_memory_pipelines.domain.versions import EmbeddingVersion
from neural_memory_pipelines.local.session import Session
from neural_memory_pipelines.models.embedders.protocol import Embedder
from neural_memory_pipelines.steps.evaluation.ask import Respondent
from neural_memory_pipelines.steps.evaluation.report import send_reports
from neural_memory_pipelines.steps.evaluation.run import Order, run_suite
from neural_memory_pipelines.stores.postgres.eval_reports import ReportState, list_reports
from neural_memory_pipelines.stores.reports.braintrust import BraintrustReports
from tests.steps.pipeline import ingest_folder, run_path

from .braintrust_server import BraintrustServer, Fault
from .conftest import Chosen
from .fixtures import access_to


def test_a_run_is_kept_while_braintrust_hangs_and_sent_when_it_is_back(
    session: Session,
    workspace: WorkspaceId,
    version: EmbeddingVersion,
    embedder: Embedder,
    tmp_path: Path,
    braintrust_chosen: Chosen,
) -> None:
    server = braintrust_chosen()
    server.faults.at(Fault(hangs=True))
    for name in ("lighthouse", "harbour"):
        (tmp_path / f"{name}.md").write_text(f"# The {name} of the north\n\nIt was painted red in spring.\n")
    ingest_folder(session, workspace, tmp_path)
    run_path(session, workspace)
    respondent = Respondent(workspace, version, session.stores, embedder)
    order = Order("run-1", datetime.now(UTC), report=True)
    run = run_suite(Suite.POST_INGEST, respondent, order).run
    assert run is not None
    assert run.results
    assert server.requests == []

    quick = BraintrustReports(access_to(server), timeout_seconds=0.3)
    now = datetime.now(UTC)
    assert send_reports(workspace, stores=session.stores, destination=quick, now=now).failed == 1
    assert server.requests
    with session.stores.database.transaction(workspace) as tx:
        (row,) = list_reports(tx, now=now, limit=10)
    assert (row.state, row.suite) == (ReportState.WAITING, "post-ingest-regression")
    assert row.retry_at is not None

    server.faults.clear()
    assert send_reports(workspace, stores=session.stores, destination=quick, now=row.retry_at).written == 1
    assert server_rows(server) == {f"run-1:{it.question_id}" for it in run.results}


def test_a_run_leaves_no_row_where_nobody_is_told(
    session: Session, workspace: WorkspaceId, version: EmbeddingVersion, embedder: Embedder, tmp_path: Path
) -> None:
    (tmp_path / "lighthouse.md").write_text("# The lighthouse of the north\n\nIt was painted red in spring.\n")
    ingest_folder(session, workspace, tmp_path)
    run_path(session, workspace)
    respondent = Respondent(workspace, version, session.stores, embedder)
    run_suite(Suite.POST_INGEST, respondent, Order("run-1", datetime.now(UTC)))
    with session.stores.database.transaction(workspace) as tx:
        assert list_reports(tx, now=datetime.now(UTC), limit=10) == []


def server_rows(server: BraintrustServer) -> set[str]:
    return {row_id for rows in server.experiments.values() for row_id in rows}

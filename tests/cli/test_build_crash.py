"""A build that is killed, interrupted, or loses its Postgres: the next one repairs it."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import dagster as dg
import psutil
import psycopg2
import pytest

from neural_memory_pipelines.cli.opening import ready_stores
from neural_memory_pipelines.cli.runs import close_lost_runs, opened_instance
from neural_memory_pipelines.defs.build import build_definitions
from neural_memory_pipelines.local.stack import EmbeddedStack
from tests.cli.conftest import Run, envelope, start_program, write_lines

PAGES = 120


def page(number: int) -> str:
    return f"# Page {number}\n\n" + " ".join(f"word{number}-{place}" for place in range(300))


@pytest.fixture(scope="module")
def ready_home(run: Run, home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A home of its own, for the commands in this process too, with three workspaces that wait to be built."""
    folder = tmp_path_factory.mktemp("events")
    files = []
    for workspace in ("killed", "interrupted", "cut"):
        pages = [envelope(workspace, number, text=page(number)) for number in range(PAGES)]
        files.append(str(write_lines(folder / f"{workspace}.jsonl", *pages)))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NEURAL_MEMORY_HOME", str(home))
        assert run("ingest", "events", *files).code == 0
        yield home


def build_until(home: Path, workspace: str, output: Path, reached: Callable[[], bool]) -> subprocess.Popen[bytes]:
    """Start a build and return in the middle of it."""
    process = start_program("build", "-w", workspace, home=home, output=output)
    deadline = time.monotonic() + 60
    while not reached():
        assert process.poll() is None, output.read_text()
        assert time.monotonic() < deadline, "the build does not come to the point where it is to be stopped"
        time.sleep(0.02)
    return process


def inbox_is_empty(home: Path, workspace: str) -> bool:
    """The run has begun, its first asset is done, and the others are not."""
    return not list((home / "objects" / "inbox" / workspace).glob("*"))


def run_statuses(home: Path) -> list[str]:
    """The status of each run in Dagster's storage, oldest first."""
    url = EmbeddedStack(home).endpoints().dagster_postgres_url.replace("+psycopg2", "")
    connection = psycopg2.connect(url)
    with connection, connection.cursor() as cursor:
        cursor.execute("SELECT status FROM runs ORDER BY id")
        rows = cursor.fetchall()
    connection.close()
    return [row[0] for row in rows]


def assert_whole(run: Run, workspace: str) -> None:
    outcome = run("build", "-w", workspace)
    assert outcome.code == 0, outcome.err
    (value,) = run("status", "-w", workspace, "--json").json
    assert (value["documents"], value["pending_events"], value["dead_letters"]) == (PAGES, 0, 0)
    assert value["chunks"] > PAGES
    assert {entry["family"]: entry["vectors"] for entry in value["vectors"]}["chunks"] == value["chunks"]


def test_after_a_kill_the_next_build_works_and_the_lost_run_is_closed(
    run: Run, ready_home: Path, tmp_path: Path
) -> None:
    process = build_until(ready_home, "killed", tmp_path / "out", lambda: inbox_is_empty(ready_home, "killed"))
    process.kill()
    process.wait()
    assert run_statuses(ready_home)[-1] == "STARTED"
    assert_whole(run, "killed")
    assert run_statuses(ready_home) == ["FAILURE", "SUCCESS", "SUCCESS"]


def test_ctrl_c_ends_a_build_in_order(run: Run, ready_home: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    process = build_until(ready_home, "interrupted", out, lambda: inbox_is_empty(ready_home, "interrupted"))
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=30) == 130
    assert out.read_text() == "interrupted: what is done stays, the next build goes on from there\n"
    assert run_statuses(ready_home)[-1] in {"FAILURE", "CANCELED"}
    assert_whole(run, "interrupted")


def test_postgres_that_dies_in_the_middle_is_one_line_and_exit_3(run: Run, ready_home: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    process = build_until(ready_home, "cut", out, lambda: inbox_is_empty(ready_home, "cut"))
    (postgres,) = (service for service in EmbeddedStack(ready_home).services() if service.name == "postgres")
    assert postgres.pid is not None
    psutil.Process(postgres.pid).send_signal(signal.SIGQUIT)
    assert process.wait(timeout=120) in {1, 3}
    said = out.read_text()
    assert "Traceback" not in said
    assert len([line for line in said.splitlines() if line.startswith("error: ")]) == 1, said
    assert_whole(run, "cut")


def test_runs_of_a_killed_up_are_closed_by_the_next_one(ready_home: Path) -> None:
    ready = ready_stores()
    with opened_instance(ready) as instance:
        left = instance.create_run_for_job(build_definitions().resolve_job_def("ingest_workspace"))
        instance.report_dagster_event(
            dg.DagsterEvent(dg.DagsterEventType.PIPELINE_START.value, "ingest_workspace"), left.run_id
        )
        assert instance.get_run_by_id(left.run_id).status is dg.DagsterRunStatus.STARTED
    close_lost_runs(ready)
    with opened_instance(ready) as instance:
        assert instance.get_run_by_id(left.run_id).status is dg.DagsterRunStatus.FAILURE

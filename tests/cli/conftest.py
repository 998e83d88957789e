"""Runs the command: in this process on the stack of the session, or as a program on a home of its own."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from neural_memory_pipelines.cli.main import main
from neural_memory_pipelines.local.stack import EmbeddedStack

PROGRAM = [sys.executable, "-m", "neural_memory_pipelines.cli.main"]


@dataclass(frozen=True)
class Outcome:
    """What a command said, and how it ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Run = Callable[..., Outcome]


@pytest.fixture(scope="session")
def run(stack: EmbeddedStack) -> Run:
    """Run a command in this process, on the running stack of the session."""

    def run_command(*arguments: object) -> Outcome:
        out, err = io.StringIO(), io.StringIO()
        code: object = 0
        with redirect_stdout(out), redirect_stderr(err), pytest.MonkeyPatch.context() as patch:
            patch.setattr(sys, "argv", ["neural-memory", *map(str, arguments)])
            try:
                main()
            except SystemExit as exit_:
                code = exit_.code
        assert isinstance(code, int | None)
        return Outcome(code or 0, out.getvalue(), err.getvalue())

    return run_command


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A home for one module's programs, reset at the end."""
    path = tmp_path_factory.mktemp("cli") / "home"
    yield path
    run_program("reset", "--yes", home=path)


def environment_of(home: Path, more: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment of a program: nothing of the session's stack but the embedder."""
    return os.environ | {"NEURAL_MEMORY_HOME": str(home)} | dict(more or {})


def run_program(*arguments: str, home: Path, env: Mapping[str, str] | None = None, timeout: float = 120) -> Outcome:
    """Run a command as a program of its own."""
    done = subprocess.run(
        [*PROGRAM, *arguments],
        capture_output=True,
        text=True,
        env=environment_of(home, env),
        timeout=timeout,
        check=False,
    )
    return Outcome(done.returncode, done.stdout, done.stderr)


def start_program(
    *arguments: str, home: Path, output: Path, env: Mapping[str, str] | None = None
) -> subprocess.Popen[bytes]:
    """Start a command as a program, its output in a file."""
    with output.open("wb") as stream:
        return subprocess.Popen(
            [*PROGRAM, *arguments], stdout=stream, stderr=subprocess.STDOUT, env=environment_of(home, env)
        )


def envelope(workspace: str, number: int, *, text: str = "", **changes: Any) -> dict[str, Any]:
    """An event about a document."""
    return {
        "workspaceId": workspace,
        "organizationId": "org",
        "source": "docs",
        "action": "docs.upserted",
        "occurredAt": "2026-01-02T03:04:05Z",
        "idempotencyKey": f"key-{number}",
        "payload": {
            "store": "s",
            "path": f"{number}.md",
            "content": text or f"# Page {number}\n\nThe lighthouse number {number} is painted.\n",
            "changedAt": "2026-01-02T03:04:05Z",
        },
    } | changes


def write_lines(path: Path, *items: Any) -> Path:
    """Write JSON lines; a text goes in as it is."""
    path.write_text("".join((item if isinstance(item, str) else json.dumps(item)) + "\n" for item in items))
    return path

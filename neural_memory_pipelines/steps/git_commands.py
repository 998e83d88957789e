"""Runs git on a repository: one command, a stream of fields, or a reader of many objects.

Runs no program that the repository's configuration names, and asks no network. What the answers mean is up to
`git_tree.py` and `git_log.py`.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from neural_memory_pipelines.errors import PermanentError

_SAFE_OPTIONS = (
    *("-c", "core.fsmonitor=false", "-c", "log.showSignature=false", "-c", "color.ui=false"),
    *("-c", f"core.hooksPath={os.devnull}", "-c", "advice.graftFileDeprecated=false"),
)
# A hook of a repository sets these for its own commands; they would point us at that repository.
_REPOSITORY_VARIABLES = (
    *("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX", "GIT_COMMON_DIR", "GIT_NAMESPACE"),
    *("GIT_OBJECT_DIRECTORY", "GIT_ALTERNATE_OBJECT_DIRECTORIES", "GIT_LITERAL_PATHSPECS", "GIT_EXTERNAL_DIFF"),
)
_ENVIRONMENT = {
    "LC_ALL": "C",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_TERMINAL_PROMPT": "0",
    # An object that a partial clone lacks would be fetched by the programs that its remote names.
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_ALLOW_PROTOCOL": "",
    # History as it was committed, not as somebody replaced it in this one clone.
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_GRAFT_FILE": os.devnull,
}
_INCOMPLETE = "the repository is damaged, or a partial clone, which `git fetch --refetch --no-filter` makes whole"
_READ_BYTES = 256 * 1024


def has_git() -> bool:
    """Tell whether there is a git program."""
    return shutil.which("git") is not None


def run_git(folder: Path, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    """Run a git command in a folder and wait for it. Whether it failed is up to the caller."""
    return subprocess.run(
        _command(folder, arguments), capture_output=True, check=False, stdin=subprocess.DEVNULL, env=_environment()
    )


@contextmanager
def git_fields(folder: Path, *arguments: str) -> Iterator[Iterator[bytes]]:
    """Run a git command that ends each field with NUL, and read its fields as they come.

    Raises:
        PermanentError: git failed, which is known once all fields were read; says what git said.
    """
    with (
        tempfile.TemporaryFile() as said,
        subprocess.Popen(
            _command(folder, arguments),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=said,
            env=_environment(),
        ) as process,
    ):
        assert process.stdout is not None, "it was asked for"
        try:
            yield _split(process.stdout)
        except BaseException:
            process.kill()  # nobody reads on
            raise
        process.stdout.close()
        if process.wait() != 0:
            said.seek(0)
            raise PermanentError(f"{folder}: git {arguments[0]} failed: {_explained(said.read())}")


class ObjectReader:
    """Reads objects of a repository by one process of git, which is asked for one at a time."""

    def __init__(self, process: subprocess.Popen[bytes], folder: Path) -> None:
        assert process.stdin is not None and process.stdout is not None, "they were asked for"  # noqa: PT018
        self._asked: IO[bytes] = process.stdin
        self._answers: IO[bytes] = process.stdout
        self._folder = folder

    def read(self, object_hash: str, *, limit_bytes: int) -> tuple[bytes, int]:
        """Read an object.

        Args:
            object_hash: its whole hash.
            limit_bytes: of a larger object no more than its first `limit_bytes` bytes are given.

        Returns:
            The bytes as they were committed, and how many the object has.

        Raises:
            PermanentError: the repository does not have it.
        """
        self._asked.write(f"{object_hash}\n".encode())
        self._asked.flush()
        header = self._answers.readline().split()  # "<hash> <type> <size>", or "<hash> missing"
        if len(header) != 3:
            raise PermanentError(f"{self._folder}: object {object_hash} is missing: {_INCOMPLETE}")
        size_bytes = int(header[2])
        data = self._answers.read(min(size_bytes, limit_bytes))
        self._skip(size_bytes - len(data) + 1)
        return data, size_bytes

    def _skip(self, count_bytes: int) -> None:
        while count_bytes > 0 and (skipped := len(self._answers.read(min(count_bytes, _READ_BYTES)))):
            count_bytes -= skipped


@contextmanager
def git_objects(folder: Path) -> Iterator[ObjectReader]:
    """Open a repository's objects. No filter and no conversion is applied to what is read."""
    with subprocess.Popen(
        _command(folder, ("cat-file", "--batch")),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=_environment(),
    ) as process:
        try:
            yield ObjectReader(process, folder)
        finally:
            process.kill()


def first_fault(output: bytes) -> str:
    """Read what git said was wrong: its first line that says so, for hints and warnings may stand in front."""
    lines = output.decode(errors="replace").strip().split("\n")
    return next((line for line in lines if line.startswith(("fatal: ", "error: "))), lines[0])


def _explained(output: bytes) -> str:
    fault = first_fault(output) or "it said nothing"
    is_incomplete = any(words in output for words in (b"unable to read", b"missing", b"promisor"))
    return f"{fault}: {_INCOMPLETE}" if is_incomplete else fault


def _command(folder: Path, arguments: tuple[str, ...]) -> list[str]:
    return ["git", *_SAFE_OPTIONS, "-C", str(folder), *arguments]


def _environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name not in _REPOSITORY_VARIABLES} | _ENVIRONMENT


def _split(stream: IO[bytes]) -> Iterator[bytes]:
    rest = b""
    while chunk := stream.read(_READ_BYTES):
        *whole, rest = (rest + chunk).split(b"\0")
        yield from whole
    if rest:
        yield rest

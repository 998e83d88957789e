"""What git knows of a folder: which files belong to it, and when each was last committed.

Only asks git. Reads no file, changes nothing, and runs no program that the repository's configuration names.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

_COMMIT_MARK = "\x01"
_SAFE_OPTIONS = ("-c", "core.fsmonitor=false", "-c", "log.showSignature=false", "-c", "color.ui=false")
# A hook of a repository sets these for its own commands; they would point us at that repository.
_REPOSITORY_VARIABLES = (
    *("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX", "GIT_COMMON_DIR", "GIT_NAMESPACE"),
    *("GIT_OBJECT_DIRECTORY", "GIT_ALTERNATE_OBJECT_DIRECTORIES", "GIT_LITERAL_PATHSPECS", "GIT_EXTERNAL_DIFF"),
)


@dataclass(frozen=True, slots=True)
class GitTree:
    """A folder in a git work tree.

    Attributes:
        paths: tracked files and untracked ones that are not ignored, relative to the folder; some may not be on disk.
        committed_at: the last commit (aware UTC) of each tracked file that was not modified since.
    """

    paths: tuple[str, ...]
    committed_at: dict[str, datetime]


@dataclass(frozen=True, slots=True)
class PlainFolder:
    """A folder that git says nothing about. `note` tells the user why, where that is not plain to see."""

    note: str | None = None


def look(folder: Path) -> GitTree | PlainFolder:
    """Ask git about a folder. One that the work tree around it ignores counts as a plain folder."""
    if shutil.which("git") is None:
        is_work_tree = any((parent / ".git").exists() for parent in (folder.resolve(), *folder.resolve().parents))
        return PlainFolder(_unread(folder, "there is no git program here") if is_work_tree else None)
    inside = _git(folder, "rev-parse", "--is-inside-work-tree")
    if inside.returncode != 0 and b"not a git repository" not in inside.stderr:
        return PlainFolder(_unread(folder, _first_line(inside.stderr)))
    if inside.stdout.strip() != b"true" or _git(folder, "check-ignore", "-q", ".").returncode == 0:
        return PlainFolder()
    listed = _git(folder, "ls-files", "-z", "--cached", "--others", "--exclude-standard")
    if listed.returncode != 0:
        return PlainFolder(_unread(folder, _first_line(listed.stderr)))
    return GitTree(paths=tuple(dict.fromkeys(_split(listed.stdout))), committed_at=_commit_times(folder))


def _commit_times(folder: Path) -> dict[str, datetime]:
    # -c shows of a merge what differs from all its parents: a conflict that was solved there.
    options = ("-z", "-c", "--no-renames", "--no-ext-diff", "--relative", "--name-only", f"--format={_COMMIT_MARK}%ct")
    log = _git(folder, "log", *options, "--", ".")
    if log.returncode != 0:  # no commit yet
        return {}
    times: dict[str, datetime] = {}
    moment = datetime.fromtimestamp(0, UTC)
    for item in _split(log.stdout):
        if item.startswith(_COMMIT_MARK):
            moment = datetime.fromtimestamp(int(item.removeprefix(_COMMIT_MARK)), UTC)
        else:
            times.setdefault(item.removeprefix("\n"), moment)  # git parts a commit's line from its files by a newline
    changed = _git(
        folder, "diff", "--no-ext-diff", "--no-renames", "--relative", "--name-only", "-z", "HEAD", "--", "."
    )
    for path in _split(changed.stdout):
        times.pop(path, None)
    return times


def _git(folder: Path, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    environment = {name: value for name, value in os.environ.items() if name not in _REPOSITORY_VARIABLES}
    return subprocess.run(
        ["git", *_SAFE_OPTIONS, "-C", str(folder), *arguments],  # noqa: S607 - the user's git
        capture_output=True,
        check=False,
        stdin=subprocess.DEVNULL,
        env=environment | {"LC_ALL": "C", "GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0"},
    )


def _split(output: bytes) -> list[str]:
    return [os.fsdecode(item) for item in output.split(b"\0") if item]


def _first_line(output: bytes) -> str:
    return output.decode(errors="replace").strip().split("\n", 1)[0]


def _unread(folder: Path, reason: str) -> str:
    return (
        f"{folder} is read as a plain folder, with the files that git ignores and without commit times, "
        f"because git cannot be asked: {reason}"
    )

"""What git knows of a folder: which files belong to it, and when each was last committed.

Only asks git. Reads no file, changes nothing, and runs no program that the repository's configuration names.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from neural_memory_pipelines.steps.git_commands import first_fault, has_git, run_git

_COMMIT_MARK = "\x01"


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
    if not has_git():
        is_work_tree = any((parent / ".git").exists() for parent in (folder.resolve(), *folder.resolve().parents))
        return PlainFolder(_unread(folder, "there is no git program here") if is_work_tree else None)
    inside = run_git(folder, "rev-parse", "--is-inside-work-tree")
    if inside.returncode != 0 and b"not a git repository" not in inside.stderr:
        return PlainFolder(_unread(folder, first_fault(inside.stderr)))
    if inside.stdout.strip() != b"true" or run_git(folder, "check-ignore", "-q", ".").returncode == 0:
        return PlainFolder()
    listed = run_git(folder, "ls-files", "-z", "--cached", "--others", "--exclude-standard")
    if listed.returncode != 0:
        return PlainFolder(_unread(folder, first_fault(listed.stderr)))
    return GitTree(paths=tuple(dict.fromkeys(_split(listed.stdout))), committed_at=_commit_times(folder))


def _commit_times(folder: Path) -> dict[str, datetime]:
    # -c shows of a merge what differs from all its parents: a conflict that was solved there.
    options = ("-z", "-c", "--no-renames", "--no-ext-diff", "--relative", "--name-only", f"--format={_COMMIT_MARK}%ct")
    log = run_git(folder, "log", *options, "--", ".")
    if log.returncode != 0:  # no commit yet
        return {}
    times: dict[str, datetime] = {}
    moment = datetime.fromtimestamp(0, UTC)
    for item in _split(log.stdout):
        if item.startswith(_COMMIT_MARK):
            moment = datetime.fromtimestamp(int(item.removeprefix(_COMMIT_MARK)), UTC)
        else:
            times.setdefault(item.removeprefix("\n"), moment)  # git parts a commit's line from its files by a newline
    changed = run_git(
        folder, "diff", "--no-ext-diff", "--no-renames", "--relative", "--name-only", "-z", "HEAD", "--", "."
    )
    for path in _split(changed.stdout):
        times.pop(path, None)
    return times


def _split(output: bytes) -> list[str]:
    return [os.fsdecode(item) for item in output.split(b"\0") if item]


def _unread(folder: Path, reason: str) -> str:
    return (
        f"{folder} is read as a plain folder, with the files that git ignores and without commit times, "
        f"because git cannot be asked: {reason}"
    )

"""Reads a folder of documents as it lies on disk: which files, their text, and when each last changed.

A git work tree gives the times of its commits; a plain folder those of its files.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import Any

import pathspec
import yaml

from neural_memory_pipelines.domain.ids import ContentHash, hash_bytes
from neural_memory_pipelines.errors import NotFoundError, PermanentError

CONFIG_NAME = "lightfast.yml"
DEFAULT_INCLUDE = ("**/*.md", "**/*.mdx", "**/*.markdown", "**/*.txt")

_COMMIT_MARK = "\x01"
_TEXT_LIMIT_BYTES = 10 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class FolderConfig:
    """What a folder's `lightfast.yml` says: the store's name and which files belong to it."""

    store: str
    include: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FileOnDisk:
    """A file to ingest. `path` is relative to the folder, with slashes; `changed_at` is aware UTC."""

    path: str
    text: str
    content_hash: ContentHash
    changed_at: datetime


def folder_config(folder: Path, *, store: str | None = None) -> FolderConfig:
    """Read a folder's configuration; without one, all markdown and text belongs to a store named like the folder.

    Raises:
        NotFoundError: there is no such folder.
        PermanentError: `lightfast.yml` cannot be read; names the key.
    """
    if not folder.is_dir():
        raise NotFoundError(f"{folder}: no such folder")
    path = folder / CONFIG_NAME
    if not path.is_file():
        return FolderConfig(store=store or folder.resolve().name, include=DEFAULT_INCLUDE)
    try:
        value: Any = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise PermanentError(f"{path}: not YAML: {error}") from error
    if not isinstance(value, dict):
        raise PermanentError(f"{path}: expected keys such as `store` and `include`, got {type(value).__name__}")
    include = value.get("include", list(DEFAULT_INCLUDE))
    if not (isinstance(include, list) and all(isinstance(glob, str) for glob in include)):
        raise PermanentError(f"{path}: include: expected a list of globs")
    name = store or value.get("store") or folder.resolve().name
    if not isinstance(name, str):
        raise PermanentError(f"{path}: store: expected a name")
    return FolderConfig(store=name, include=tuple(include))


def included_files(folder: Path, include: Sequence[str]) -> list[str]:
    """List the files of a folder that the globs include, sorted; what git ignores is left out."""
    spec = pathspec.GitIgnoreSpec.from_lines(include)
    listed = _git(folder, "ls-files", "-z", "--cached", "--others", "--exclude-standard")
    if listed is None:
        paths = (path.relative_to(folder).as_posix() for path in folder.rglob("*") if ".git" not in path.parts)
    else:
        paths = (path for path in listed.split("\0") if path)
    return sorted(
        path
        for path in dict.fromkeys(paths)
        if spec.match_file(path) and (folder / path).is_file() and not (folder / path).is_symlink()
    )


def read_files(folder: Path, paths: Sequence[str]) -> Iterator[FileOnDisk | tuple[str, str]]:
    """Read files; one that cannot be ingested is given as its path and the reason."""
    committed_at = _commit_times(folder)
    for path in paths:
        file = folder / path
        stat = file.stat()
        if stat.st_size > _TEXT_LIMIT_BYTES:
            yield path, f"{stat.st_size} bytes are more than {_TEXT_LIMIT_BYTES}"
            continue
        data = file.read_bytes()
        changed_at = committed_at.get(path) or datetime.fromtimestamp(stat.st_mtime, UTC).replace(microsecond=0)
        yield FileOnDisk(path, data.decode("utf-8-sig", errors="replace"), hash_bytes(data), changed_at)


def _commit_times(folder: Path) -> dict[str, datetime]:
    """When each unchanged tracked file was last committed; files changed since then are left out."""
    log = _git(folder, "log", "--relative", "--name-only", "--no-renames", f"--format={_COMMIT_MARK}%ct", "--", ".")
    if log is None:
        return {}
    times: dict[str, datetime] = {}
    moment = datetime.fromtimestamp(0, UTC)
    for line in log.splitlines():
        if line.startswith(_COMMIT_MARK):
            moment = datetime.fromtimestamp(int(line.removeprefix(_COMMIT_MARK)), UTC)
        elif line:
            times.setdefault(str(PurePosixPath(line)), moment)
    changed = _git(folder, "diff", "--relative", "--name-only", "-z", "HEAD", "--", ".") or ""
    for path in changed.split("\0"):
        times.pop(path, None)
    return times


def _git(folder: Path, *arguments: str) -> str | None:
    """Run git in a folder; None if it is no work tree, or there is no git."""
    try:
        done = subprocess.run(
            ["git", "-c", "core.quotepath=off", "-C", str(folder), *arguments],  # noqa: S607 - the user's git
            capture_output=True,
            check=False,
        )
    except FileNotFoundError:
        return None
    return done.stdout.decode("utf-8", errors="surrogateescape") if done.returncode == 0 else None

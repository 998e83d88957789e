"""Reads a folder of documents as it lies on disk: which files, their text, and when each last changed.

A git work tree gives the times of its commits; a plain folder those of its files.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml

from neural_memory_pipelines.domain.codeowners import CODEOWNERS_PLACES
from neural_memory_pipelines.domain.ids import ContentHash, hash_bytes
from neural_memory_pipelines.errors import NotFoundError, PermanentError
from neural_memory_pipelines.steps.file_text import TEXT_LIMIT_BYTES, decode_text, name_fault, text_fault
from neural_memory_pipelines.steps.git_tree import GitTree, PlainFolder, look
from neural_memory_pipelines.steps.globs import compile_globs

CONFIG_NAME = "lightfast.yml"
DEFAULT_INCLUDE = ("**/*.md", "**/*.mdx", "**/*.markdown", "**/*.rst", "**/*.txt")


@dataclass(frozen=True, slots=True)
class FolderConfig:
    """What a folder's `lightfast.yml` says: the store's name and which files belong to it.

    `is_named` is False for a store that merely took the folder's name.
    """

    store: str
    include: tuple[str, ...]
    is_named: bool


@dataclass(frozen=True, slots=True)
class Listing:
    """The files of a folder that were chosen, sorted, relative to it and with slashes.

    Attributes:
        paths: what to read.
        committed_at: aware UTC, of those that are as they were committed.
        refused: path and reason of what was chosen and cannot be read.
        notes: what the user should know.
    """

    paths: tuple[str, ...]
    committed_at: dict[str, datetime]
    refused: dict[str, str]
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FileOnDisk:
    """A file to ingest. `path` is relative to the folder, with slashes; `changed_at` is aware UTC."""

    path: str
    text: str
    content_hash: ContentHash
    changed_at: datetime


@dataclass(frozen=True, slots=True)
class RefusedFile:
    """A file that cannot be ingested, and why."""

    path: str
    reason: str


def folder_config(folder: Path, *, store: str | None = None) -> FolderConfig:
    """Read a folder's configuration; without one, all markdown and text belongs to a store named like the folder.

    Raises:
        NotFoundError: there is no such folder.
        PermanentError: `lightfast.yml` cannot be read, or the store's name is not legal; names the key.
    """
    if not folder.is_dir():
        raise NotFoundError(f"{folder}: {'this is a file, expected a folder' if folder.exists() else 'no such folder'}")
    path = folder / CONFIG_NAME
    return read_config(_config_bytes(path), place=str(path), folder=folder, store=store)


def read_config(data: bytes | None, *, place: str, folder: Path, store: str | None) -> FolderConfig:
    """Read the bytes of a `lightfast.yml`, if there are any.

    Args:
        data: the bytes.
        place: where they come from, for messages.
        folder: whose name the store has if nothing else names it.
        store: overrides what the bytes say.

    Raises:
        PermanentError: they cannot be read, or the store's name is not legal; names the key.
    """
    value = _parse_config(data, place) if data is not None else {}
    include = value.get("include", list(DEFAULT_INCLUDE))
    if not (isinstance(include, list) and include and all(isinstance(glob, str) for glob in include)):
        raise PermanentError(f"{place}: include: expected a list of globs such as docs/**/*.md")
    configured = value.get("store")
    if configured is not None and not isinstance(configured, str):
        raise PermanentError(f"{place}: store: expected a name in quotes, got {configured!r}")
    named = store if store is not None else configured
    name = named if named is not None else folder.resolve().name
    if not name.strip() or "/" in name or not name.isprintable():
        raise PermanentError(f"store {name!r}: expected a name without slashes; give one with --store")
    return FolderConfig(store=name, include=tuple(include), is_named=named is not None)


def list_files(folder: Path, include: Sequence[str]) -> Listing:
    """List the files of a folder that the globs include, and with them the CODEOWNERS files at GitHub's places.

    Those say who owns the others, whatever the globs choose. Of a git work tree: tracked files, and untracked ones
    that are not ignored. Of a plain folder: all but what lies in folders whose name begins with a dot. Symbolic links
    are never followed.

    Raises:
        PermanentError: a glob cannot be read.
    """
    is_chosen = compile_globs(include)
    tree = look(folder)
    times = tree.committed_at if isinstance(tree, GitTree) else {}
    notes = [tree.note] if isinstance(tree, PlainFolder) and tree.note else []
    refused: dict[str, str] = {}
    chosen: list[str] = []
    folders: list[str] = []
    ownership: list[str] = []
    for path in sorted(tree.paths if isinstance(tree, GitTree) else _walk(folder, refused)):
        if os.path.islink(folder / path):  # noqa: PTH114 - a path may hold what Path would normalize
            continue
        if (folder / path).is_dir():
            folders.append(path.rstrip("/"))
        elif is_chosen(path):
            _sort_in(folder, path, chosen=chosen, refused=refused)
        elif path in CODEOWNERS_PLACES and (folder / path).is_file():
            chosen.append(path)
            ownership.append(path)
    if ownership:
        notes.append(f"{', '.join(ownership)}: read as well, because it says who owns the other files")
    if folders:
        notes.append(f"{', '.join(folders)}: a git repository of its own, left out; ingest it by itself")
    return Listing(tuple(chosen), times, refused, tuple(notes))


def read_files(folder: Path, listing: Listing) -> Iterator[FileOnDisk | RefusedFile]:
    """Read the files of a listing, one at a time. A file that is gone by now is left out."""
    for path in listing.paths:
        try:
            yield _read_file(folder, path, listing.committed_at.get(path))
        except FileNotFoundError:
            continue
        except OSError as error:
            yield RefusedFile(path, f"cannot be read: {error.strerror}")


def _read_file(folder: Path, path: str, committed_at: datetime | None) -> FileOnDisk | RefusedFile:
    with (folder / path).open("rb") as stream:
        stat = os.fstat(stream.fileno())
        data = stream.read(TEXT_LIMIT_BYTES + 1)
    if fault := text_fault(data, size_bytes=max(stat.st_size, len(data))):
        return RefusedFile(path, fault)
    changed_at = committed_at or datetime.fromtimestamp(stat.st_mtime, UTC).replace(microsecond=0)
    return FileOnDisk(path, decode_text(data), hash_bytes(data), changed_at)


def _sort_in(folder: Path, path: str, *, chosen: list[str], refused: dict[str, str]) -> None:
    """Put a path where it belongs: to read, refused, or nowhere if it is not on disk."""
    if fault := name_fault(path):
        refused[path] = fault
        return
    if (folder / path).is_file():
        chosen.append(path)


def _walk(folder: Path, refused: dict[str, str]) -> list[str]:
    """List all files below a plain folder; what cannot be listed is added to `refused`."""

    def refuse(error: OSError) -> None:
        refused[Path(error.filename).relative_to(folder).as_posix()] = f"cannot be listed: {error.strerror}"

    paths: list[str] = []
    for current, folders, names in os.walk(folder, onerror=refuse):
        folders[:] = [name for name in folders if not name.startswith(".")]
        paths += [(Path(current) / name).relative_to(folder).as_posix() for name in names]
    return [*paths, *_hidden_codeowners(folder)]


def _hidden_codeowners(folder: Path) -> list[str]:
    """Find CODEOWNERS where its place is a folder whose name begins with a dot."""
    hidden = [path for path in CODEOWNERS_PLACES if path.startswith(".")]
    return [path for path in hidden if (folder / path).is_file() and not (folder / path).parent.is_symlink()]


def _config_bytes(path: Path) -> bytes | None:
    try:
        return path.read_bytes() if path.is_file() else None
    except OSError as error:
        raise PermanentError(f"{path}: cannot be read: {error.strerror}") from error


def _parse_config(data: bytes, place: str) -> dict[str, Any]:
    try:
        value: Any = yaml.safe_load(data.decode("utf-8-sig"))
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise PermanentError(f"{place}: not YAML: {error}") from error
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise PermanentError(f"{place}: expected keys such as `store` and `include`, got {type(value).__name__}")
    return value

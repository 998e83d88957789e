"""Finds the files of a GitHub metadata backup and reads their JSON, each issue's together with what lies beside it.

What the JSON holds is up to `github_objects.py`.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from neural_memory_pipelines.errors import InvalidEventError, NotFoundError, PermanentError
from neural_memory_pipelines.steps.event_files import BROKEN_GZIP, Fault, open_file
from neural_memory_pipelines.steps.github_objects import array_name
from neural_memory_pipelines.steps.lines import read_json

_FILE_LIMIT_BYTES = 128 * 1024 * 1024
_JSON_NAME = re.compile(r"(?P<stem>.+)\.json(?:\.gz)?", re.IGNORECASE)
_PART_NAME = re.compile(r"(?P<main>.*[0-9])[-_.](?P<array>[a-z_-]+)", re.IGNORECASE)
"""An array beside the file of its issue, such as 12-comments.json beside 12.json."""


@dataclass(slots=True)
class BackupFiles:
    """The JSON files of a backup.

    Attributes:
        mains: the files to read, sorted by folder.
        parts: arrays that belong to one of them: their name and file.
        repositories: git clones among the folders, which were left out.
        faults: what cannot be listed.
    """

    mains: list[Path] = field(default_factory=list)
    parts: dict[Path, list[tuple[str, Path]]] = field(default_factory=dict)
    repositories: list[Path] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)


def find_files(folder: Path) -> BackupFiles:
    """List the JSON files of a backup, gzipped or not, in its folders too. Links are not followed.

    Raises:
        NotFoundError: there is no such folder.
    """
    if not folder.is_dir():
        raise NotFoundError(f"{folder}: {'this is a file, expected a folder' if folder.exists() else 'no such folder'}")
    found = BackupFiles()

    def refuse(error: OSError) -> None:
        found.faults.append(Fault(str(error.filename), f"cannot be listed: {error.strerror}"))

    for current, folders, names in os.walk(folder, onerror=refuse):
        here = Path(current)
        if here != folder and (".git" in folders or {"objects", "refs"} <= set(folders)):
            found.repositories.append(here)
            folders.clear()
            continue
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        _sort_in(found, here, sorted(names))
    return found


def read_backup_file(path: Path, parts: list[tuple[str, Path]]) -> tuple[list[Any], list[Fault]]:
    """Read the JSON of a file and of its parts, which are put where they would be if the file held them itself.

    Returns:
        The value, if it can be read, and what is wrong with which file.
    """
    faults: list[Fault] = []
    values = _read(path, faults)
    for name, part in parts:
        for array in _read(part, faults):
            items = array.get(name) if isinstance(array, dict) else array
            if not isinstance(items, list):
                faults.append(Fault(str(part), f"expected an array of {name}"))
            for value in values:
                if isinstance(items, list) and isinstance(value, dict):
                    # Under its plain name the API has the number of comments.
                    value[name if name.endswith("_data") else f"{name}_data"] = items
    return values, faults


def _sort_in(found: BackupFiles, folder: Path, names: list[str]) -> None:
    stems = {name: match["stem"] for name in names if (match := _JSON_NAME.fullmatch(name))}
    by_stem = {stem: name for name, stem in reversed(stems.items())}
    for name, stem in stems.items():
        path = folder / name
        if path.is_symlink() or not path.is_file():
            continue
        part = _PART_NAME.fullmatch(stem)
        array = array_name(part["array"]) if part else None
        main = by_stem.get(part["main"]) if part else None
        if array is not None and main is not None:
            found.parts.setdefault(folder / main, []).append((array, path))
        else:
            found.mains.append(path)


def _read(path: Path, faults: list[Fault]) -> list[Any]:
    """Read the one value of a file; none if it cannot be read, which is told in `faults`."""
    try:
        with open_file(path) as stream:
            data = stream.read(_FILE_LIMIT_BYTES + 1)
        if len(data) <= _FILE_LIMIT_BYTES:
            return [read_json(data)]
        reason = f"more than {_FILE_LIMIT_BYTES:,} bytes"
    except InvalidEventError as error:
        reason = str(error)
    except BROKEN_GZIP as error:
        reason = f"broken gzip data: {error}"
    except PermanentError as error:
        reason = str(error).removeprefix(f"{path}: ")
    faults.append(Fault(str(path), reason))
    return []

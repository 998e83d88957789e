"""Payloads of docs events, checked field by field.

What the files say is read in `pages.py`.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Self

from pydantic import AfterValidator, BeforeValidator, Field, PlainValidator, model_validator

from neural_memory_pipelines.sources.models import Model, OptionalTime, Text, Time, unix_lines
from neural_memory_pipelines.sources.reading import fault_below

_NO_COMMIT = frozenset("0")


class FileStatus(StrEnum):
    """What a push did to a file."""

    ADDED = "added"
    MODIFIED = "modified"
    REMOVED = "removed"
    RENAMED = "renamed"


def _relative_path(value: str) -> str:
    if value.startswith("/") or "\0" in value or {"", ".", ".."} & set(value.split("/")):
        raise ValueError("a path relative to the store, such as guides/install.md")
    return value


def _commit_before(value: object) -> object:
    # git spells "there was none" with forty zeros.
    return None if isinstance(value, str) and value and set(value) == _NO_COMMIT else value


def _status(value: object) -> FileStatus:
    if isinstance(value, str) and value in {*FileStatus}:
        return FileStatus(value)
    raise ValueError(f"one of {', '.join(FileStatus)}")


_Path = Annotated[str, AfterValidator(_relative_path)]
_Sha = Annotated[str, Field(pattern=r"^[0-9A-Fa-f]{7,64}$")]
_Repository = Annotated[str, Field(pattern=r"^[^/\s]+/[^/\s]+$")]
_Store = Annotated[str, Field(pattern=r"^[^/]+$")]


class GitAuthor(Model):
    """Whom a commit names as its author. Nobody has checked the address."""

    name: str | None = None
    email: str | None = None


class File(Model):
    """What every event about one file says: which file it is."""

    store: _Store
    path: _Path
    revision: int | None = Field(default=None, ge=0)

    @property
    def source_id(self) -> str:
        """Name the document."""
        return f"{self.store}/{self.path}"


class FileContent(File):
    """A file as it is now."""

    content: Text
    changed_at: Time = Field(alias="changedAt")
    commit: str | None = None
    url: str | None = None
    repository: _Repository | None = None
    author: GitAuthor | None = None
    authors: tuple[GitAuthor, ...] = Field(default=(), strict=False)


class PushedFile(Model):
    """What a push did to a file. `content` is None for one that is removed or is no text."""

    status: Annotated[FileStatus, PlainValidator(_status)]
    path: _Path
    previous_path: _Path | None = Field(default=None, alias="previousPath")
    content: Annotated[str, AfterValidator(unix_lines)] | None = None
    changed_at: OptionalTime = Field(default=None, alias="changedAt")
    commit: str | None = None
    url: str | None = None
    author: GitAuthor | None = None
    authors: tuple[GitAuthor, ...] = Field(default=(), strict=False)

    @model_validator(mode="after")
    def _whole(self) -> Self:
        """Check what the status asks for. A file without content must say so, lest a lost field empty a document."""
        if self.status is FileStatus.REMOVED:
            return self
        if self.status is FileStatus.RENAMED and self.previous_path is None:
            raise fault_below("previousPath", "required of a renamed file")
        if "content" not in self.model_fields_set:
            raise fault_below("content", "required, null for a file that is no text")
        if self.changed_at is None:
            raise fault_below("changedAt", "required, but missing")
        return self


class Push(Model):
    """A push of a store: the files that changed between two commits."""

    store: _Store
    ref: str | None = None
    before: Annotated[_Sha | None, BeforeValidator(_commit_before)] = None
    after: _Sha
    delivery_id: str | None = Field(default=None, alias="deliveryId")
    forced: bool = False
    repository: _Repository | None = None
    files: tuple[PushedFile, ...] = Field(strict=False)

    @model_validator(mode="after")
    def _each_path_once(self) -> Self:
        seen: set[str] = set()
        for number, file in enumerate(self.files):
            if file.status is FileStatus.REMOVED:
                continue
            if file.path in seen:
                raise fault_below(f"files[{number}].path", f"the push describes {file.path!r} twice")
            seen.add(file.path)
        return self

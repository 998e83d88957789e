"""Payloads of docs events, checked field by field.

What the files say is read in `pages.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Self, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainValidator,
    ValidationError,
    model_validator,
)

from neural_memory_pipelines.errors import InvalidEventError
from neural_memory_pipelines.sources.times import utc_time

_NO_COMMIT = frozenset("0")


class FileStatus(StrEnum):
    """What a push did to a file."""

    ADDED = "added"
    MODIFIED = "modified"
    REMOVED = "removed"
    RENAMED = "renamed"


def _relative_path(value: str) -> str:
    if value.startswith("/") or "\0" in value or {"", ".", ".."} & set(value.split("/")):
        raise ValueError("expected a path relative to the store, such as guides/install.md")
    return value


def _plain_text(value: object) -> object:
    # A checkout on Windows is no other text; no database stores NUL in a text.
    return value.replace("\r\n", "\n").replace("\0", "\ufffd") if isinstance(value, str) else value


def _line_ends(value: object) -> object:
    return value.replace("\r\n", "\n") if isinstance(value, str) else value


def _utc(value: object) -> datetime:
    moment = utc_time(value)
    if moment is None:
        raise ValueError("expected an ISO 8601 time with an offset")
    return moment


def _commit_before(value: object) -> object:
    # git spells "there was none" with forty zeros.
    return None if isinstance(value, str) and value and set(value) == _NO_COMMIT else value


def _status(value: object) -> FileStatus:
    if isinstance(value, str) and value in {*FileStatus}:
        return FileStatus(value)
    raise ValueError(f"expected one of {', '.join(FileStatus)}")


_Path = Annotated[str, AfterValidator(_relative_path)]
_Time = Annotated[datetime, PlainValidator(_utc)]
_Sha = Annotated[str, Field(pattern=r"^[0-9A-Fa-f]{7,64}$")]
_Repository = Annotated[str, Field(pattern=r"^[^/\s]+/[^/\s]+$")]
_Store = Annotated[str, Field(pattern=r"^[^/]+$")]


class _Model(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True, strict=True, hide_input_in_errors=True)


class GitAuthor(_Model):
    """Whom a commit names as its author. Nobody has checked the address."""

    name: str | None = None
    email: str | None = None


class File(_Model):
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

    content: Annotated[str, BeforeValidator(_plain_text)]
    changed_at: _Time = Field(alias="changedAt")
    commit: str | None = None
    url: str | None = None
    repository: _Repository | None = None
    author: GitAuthor | None = None
    authors: tuple[GitAuthor, ...] = Field(default=(), strict=False)


class PushedFile(_Model):
    """What a push did to a file. `content` is None for one that is removed or is no text."""

    status: Annotated[FileStatus, PlainValidator(_status)]
    path: _Path
    previous_path: _Path | None = Field(default=None, alias="previousPath")
    content: Annotated[str | None, BeforeValidator(_line_ends)] = None
    changed_at: _Time | None = Field(default=None, alias="changedAt")
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
            raise ValueError("previousPath: required of a renamed file")
        if "content" not in self.model_fields_set:
            raise ValueError("content: required, null for a file that is no text")
        if self.changed_at is None:
            raise ValueError("changedAt: required")
        return self


class Push(_Model):
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
                raise ValueError(f"files[{number}].path: the push describes {file.path!r} twice")
            seen.add(file.path)
        return self


_ModelT = TypeVar("_ModelT", bound=BaseModel)


def read_payload(model: type[_ModelT], payload: Mapping[str, Any]) -> _ModelT:
    """Read a payload.

    Raises:
        InvalidEventError: a field is missing or wrong; gives the path of each.
    """
    try:
        return model.model_validate(dict(payload))
    except ValidationError as error:
        faults = error.errors(include_input=False, include_url=False)
        raise InvalidEventError("; ".join(f"{_where(fault)}{_said(fault['msg'])}" for fault in faults)) from None


def _where(fault: Any) -> str:
    """Spell the path of a field: payload.files[3].path. A check of a whole object names the field itself."""
    path = "payload"
    for part in fault["loc"]:
        path += f"[{part}]" if isinstance(part, int) else f".{part}"
    return f"{path}." if fault["type"] == "value_error" and _names_field(fault["msg"]) else f"{path}: "


def _names_field(message: str) -> bool:
    return _said(message).split(":")[0].split("[")[0] in {"previousPath", "content", "changedAt", "files"}


def _said(message: str) -> str:
    return message.removeprefix("Value error, ")

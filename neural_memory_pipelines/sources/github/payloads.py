"""The objects of GitHub's webhooks and REST API, as typed models of what the memory wants of them.

Choosing the model for a payload, and saying what is wrong with one, happens in `reading.py`.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainValidator

from neural_memory_pipelines.sources.times import utc_time

OWNER_AND_NAME = r"[A-Za-z0-9_.-]{1,100}/[A-Za-z0-9_.-]{1,100}"


def time_of(value: object) -> datetime:
    """Read an ISO 8601 time with an offset, as UTC.

    Raises:
        ValueError: it is something else; the message says what was expected.
    """
    moment = utc_time(value)
    if moment is None:
        raise ValueError("an ISO 8601 time with an offset")
    return moment


def _optional_time(value: object) -> datetime | None:
    return None if value is None else time_of(value)


def _text(value: object) -> object:
    # GitHub's web editor sends CRLF; no database stores NUL in a text.
    return value.replace("\r\n", "\n").replace("\0", "\ufffd") if isinstance(value, str) else value


Time = Annotated[datetime, PlainValidator(time_of)]
OptionalTime = Annotated[datetime | None, PlainValidator(_optional_time)]
Text = Annotated[str, BeforeValidator(_text)]


class _Model(BaseModel):
    model_config = ConfigDict(extra="ignore", strict=True, frozen=True, hide_input_in_errors=True)


class User(_Model):
    """An account. The account that wrote something is null once it has been deleted."""

    login: str = Field(min_length=1)
    id: int
    type: str | None = None

    @property
    def is_bot(self) -> bool:
        """Tell apps and bots from people."""
        return self.type == "Bot" or self.login.endswith("[bot]")


class Label(_Model):
    """A label. Old servers send its name alone."""

    name: str | None = None


class Milestone(_Model):
    """A milestone, of which only the title matters."""

    title: str


class Ref(_Model):
    """One end of a pull request."""

    ref: str


class PullRequestLink(_Model):
    """What an issue object says of the pull request that it stands for."""

    merged_at: OptionalTime = None


class Repository(_Model):
    """The repository that a webhook speaks of."""

    full_name: str = Field(pattern=rf"^{OWNER_AND_NAME}$")


def _label(value: object) -> object:
    return {"name": value} if isinstance(value, str) else value


class Issue(_Model):
    """An issue, or a pull request as GitHub's issue endpoints show it (then `pull_request` is set)."""

    number: int = Field(ge=1)
    title: Text = Field(min_length=1)
    body: Text | None = None
    state: Literal["open", "closed"]
    state_reason: str | None = None
    draft: bool | None = None
    html_url: str
    url: str | None = None
    repository_url: str | None = None
    user: User | None
    labels: list[Annotated[Label, BeforeValidator(_label)]] = Field(default_factory=list)
    assignees: list[User | None] | None = None
    milestone: Milestone | None = None
    comments: int = Field(default=0, ge=0)
    created_at: Time
    updated_at: Time
    closed_at: OptionalTime = None
    pull_request: PullRequestLink | None = None

    @property
    def kind(self) -> Literal["issue", "pull_request"]:
        """Tell pull requests from issues."""
        return "issue" if self.pull_request is None else "pull_request"

    @property
    def merge_time(self) -> datetime | None:
        """When it was merged, if it is known to be."""
        return self.pull_request.merged_at if self.pull_request else None


class PullRequest(Issue):
    """A pull request, whole."""

    base: Ref
    head: Ref
    merged_at: OptionalTime = None

    @property
    def kind(self) -> Literal["issue", "pull_request"]:
        """Tell pull requests from issues."""
        return "pull_request"

    @property
    def merge_time(self) -> datetime | None:
        """When it was merged, if it was."""
        return self.merged_at


class Comment(_Model):
    """A comment on an issue or on the conversation of a pull request."""

    id: int = Field(ge=1)
    body: Text | None = None
    html_url: str
    issue_url: str | None = None
    user: User | None
    created_at: Time
    updated_at: Time


class Transfer(_Model):
    """Where an issue went. `new_issue` is read on its own, for it may be cut short."""

    new_issue: dict[str, Any] | None = None
    new_repository: Repository | None = None

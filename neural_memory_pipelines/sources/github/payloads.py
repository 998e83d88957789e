"""The objects of GitHub's conversations, as typed models of what the memory wants of them: issues to comments.

Those of code and of repositories are in `code_payloads.py`. Choosing the model for a payload happens in
the modules of the events.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from neural_memory_pipelines.sources.models import Model, OptionalTime, Text, Time

OWNER_AND_NAME = r"[A-Za-z0-9_.-]{1,100}/[A-Za-z0-9_.-]{1,100}"
# What fits into a database's integer: no id of GitHub's comes near.
_ID_LIMIT = 2**63
_NUMBER_LIMIT = 10**9


def _count(value: object) -> object:
    # Exports put the comments themselves where the API puts their number.
    return len(value) if isinstance(value, list) else value


Id = Annotated[int, Field(ge=0, lt=_ID_LIMIT)]
Number = Annotated[int, Field(ge=1, lt=_NUMBER_LIMIT)]
Count = Annotated[int, BeforeValidator(_count), Field(ge=0, lt=_ID_LIMIT)]


class User(Model):
    """An account. The account that wrote something is null once it has been deleted."""

    login: str = Field(min_length=1)
    id: Id
    type: str | None = None


class Label(Model):
    """A label. Old servers send its name alone."""

    name: str | None = None


class Milestone(Model):
    """A milestone, of which only the title matters."""

    title: str


class Repository(Model):
    """The repository that a webhook speaks of."""

    full_name: str = Field(pattern=rf"^{OWNER_AND_NAME}$")


class BaseRepository(Model):
    """The repository at one end of a pull request; a fork may be gone."""

    default_branch: str | None = None


class Ref(Model):
    """One end of a pull request."""

    ref: str
    repo: BaseRepository | None = None


class PullRequestLink(Model):
    """What an issue object says of the pull request that it stands for."""

    merged_at: OptionalTime = None


def _label(value: object) -> object:
    return {"name": value} if isinstance(value, str) else value


class Thread(Model):
    """What an issue, a pull request and a discussion have in common."""

    number: Number
    title: Text = Field(min_length=1)
    body: Text | None = None
    html_url: str
    url: str | None = None
    repository_url: str | None = None
    user: User | None
    labels: list[Annotated[Label, BeforeValidator(_label)]] = Field(default_factory=list)
    comments: Count = 0
    created_at: Time
    updated_at: Time

    @property
    def headline(self) -> str:
        """The title on one line."""
        return " ".join(self.title.split())

    @property
    def label_names(self) -> list[str]:
        """The names of the labels, as they come."""
        return [label.name for label in self.labels if label.name]

    @property
    def involved(self) -> list[User]:
        """The accounts that the object names, its author first."""
        return [self.user] if self.user else []

    @property
    def voices(self) -> int:
        """How many comments there are, of any kind."""
        return self.comments


class Issue(Thread):
    """An issue, or a pull request as GitHub's issue endpoints show it (then `pull_request` is set)."""

    state: Literal["open", "closed"]
    state_reason: str | None = None
    draft: bool | None = None
    assignees: list[User | None] | None = None
    milestone: Milestone | None = None
    closed_at: OptionalTime = None
    closed_by: User | None = None
    pull_request: PullRequestLink | None = None
    parent_issue_url: str | None = None

    @property
    def kind(self) -> Literal["issue", "pull_request"]:
        """Tell pull requests from issues."""
        return "issue" if self.pull_request is None else "pull_request"

    @property
    def merge_time(self) -> datetime | None:
        """When it was merged, if it is known to be."""
        return self.pull_request.merged_at if self.pull_request else None

    @property
    def involved(self) -> list[User]:
        """The accounts that the object names, its author first."""
        return [user for user in (self.user, *(self.assignees or ()), self.closed_by) if user]


class PullRequest(Issue):
    """A pull request, whole."""

    base: Ref
    head: Ref
    merged_at: OptionalTime = None
    merged_by: User | None = None
    requested_reviewers: list[User | None] | None = None
    review_comments: Count = 0

    @property
    def kind(self) -> Literal["issue", "pull_request"]:
        """Tell pull requests from issues."""
        return "pull_request"

    @property
    def merge_time(self) -> datetime | None:
        """When it was merged, if it was."""
        return self.merged_at

    @property
    def involved(self) -> list[User]:
        """The accounts that the object names, its author first."""
        named = (self.user, *(self.assignees or ()), *(self.requested_reviewers or ()), self.merged_by, self.closed_by)
        return [user for user in named if user]

    @property
    def voices(self) -> int:
        """How many comments there are, of any kind."""
        return self.comments + self.review_comments


class Category(Model):
    """Where a discussion stands."""

    name: str


class Discussion(Thread):
    """A discussion. Its number is from the same series as those of issues."""

    state: str = "open"
    category: Category | None = None
    answer_html_url: str | None = None
    answer_chosen_at: OptionalTime = None
    answer_chosen_by: User | None = None

    @property
    def involved(self) -> list[User]:
        """The accounts that the object names, its author first."""
        return [user for user in (self.user, self.answer_chosen_by) if user]


class Message(Model):
    """What all kinds of comments have in common."""

    id: Id
    body: Text | None = None
    html_url: str
    user: User | None
    created_at: Time
    updated_at: Time


class Comment(Message):
    """A comment on an issue or on the conversation of a pull request."""

    issue_url: str | None = None


class ReviewComment(Message):
    """A comment on a line of a pull request."""

    pull_request_url: str | None = None
    path: str | None = None


class DiscussionComment(Message):
    """A comment on a discussion, or an answer to one."""


class Review(Model):
    """A verdict on a pull request. `state` is in lower case in webhooks and in upper case in the REST API."""

    id: Id
    body: Text | None = None
    html_url: str
    pull_request_url: str | None = None
    state: str
    user: User | None
    submitted_at: OptionalTime = None
    updated_at: OptionalTime = None

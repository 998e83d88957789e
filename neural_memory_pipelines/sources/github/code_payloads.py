"""The objects of GitHub's code and repositories, as typed models: pushes, commits, releases, renames.

Those of conversations are in `payloads.py`. What becomes of them is decided in the modules of their events.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import BeforeValidator, Field

from neural_memory_pipelines.sources.github.payloads import Id, Repository, User
from neural_memory_pipelines.sources.models import Model, OptionalTime, Text, Time

_SHA = r"^[0-9a-f]{40}(?:[0-9a-f]{24})?$"


class GitAuthor(Model):
    """Who a commit says that wrote it. `username` is GitHub's own finding: the account that owns the address."""

    name: str | None = None
    email: str | None = None
    username: str | None = None


class PushedCommit(Model):
    """A commit as a push shows it."""

    id: str = Field(pattern=_SHA)
    message: Text
    timestamp: Time
    url: str
    author: GitAuthor
    added: list[str] = Field(default_factory=list)
    removed: list[str] = Field(default_factory=list)
    modified: list[str] = Field(default_factory=list)


class PushedRepository(Repository):
    """The repository of a push."""

    default_branch: str = Field(min_length=1)


class Push(Model):
    """Commits that arrived on a branch. `before` is the commit that the branch pointed at until then."""

    ref: str
    before: str = Field(pattern=_SHA)
    created: bool = False
    deleted: bool = False
    forced: bool = False
    repository: PushedRepository
    commits: list[PushedCommit] = Field(default_factory=list)
    head_commit: PushedCommit | None = None


class CommitAuthor(GitAuthor):
    """Who a commit says that wrote it, and when."""

    date: Time


class CommitCore(Model):
    """What git itself knows of a commit."""

    message: Text
    author: CommitAuthor | None = None
    committer: CommitAuthor | None = None


class ChangedFile(Model):
    """A file that a commit changed."""

    filename: str


def _known_user(value: object) -> object:
    # The REST API puts an empty object where an address belongs to nobody.
    return None if value == {} else value


class Commit(Model):
    """A commit as the REST API shows it."""

    sha: str = Field(pattern=_SHA)
    html_url: str
    url: str | None = None
    commit: CommitCore
    author: Annotated[User | None, BeforeValidator(_known_user)] = None
    files: list[ChangedFile] | None = None


class Release(Model):
    """A release. Old servers do not say when it was last changed."""

    id: Id
    tag_name: str = Field(min_length=1, max_length=255)
    name: Text | None = None
    body: Text | None = None
    draft: bool = False
    prerelease: bool = False
    html_url: str
    url: str | None = None
    author: User | None = None
    created_at: OptionalTime = None
    published_at: OptionalTime = None
    updated_at: OptionalTime = None
    discussion_url: str | None = None


class RepositoryEvent(Model):
    """A repository to which something happened."""

    repository: Repository


class _Name(Model):
    from_: str = Field(alias="from", pattern=r"^[A-Za-z0-9_.-]{1,100}$")


class _Renamed(Model):
    name: _Name


class RepositoryRename(Model):
    """The `changes` of a renamed repository."""

    repository: _Renamed


class _Owner(Model):
    login: str = Field(pattern=r"^[A-Za-z0-9_.-]{1,100}$")


class _FormerOwner(Model):
    user: _Owner | None = None
    organization: _Owner | None = None


class _Owned(Model):
    from_: _FormerOwner = Field(alias="from")


class RepositoryTransfer(Model):
    """The `changes` of a repository that went to another owner."""

    owner: _Owned

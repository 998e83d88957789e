"""Commits: those that pushes bring to the default branch, and single ones as the REST API shows them.

Commits of other branches are not documents: their pull request tells what they are for, and they may vanish with it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from neural_memory_pipelines.domain.accounts import Account
from neural_memory_pipelines.domain.documents import Changes, Deletion, ObservationDraft, Skip, SourceDraft
from neural_memory_pipelines.domain.events import SkipReason, SourceEvent
from neural_memory_pipelines.domain.graph import EdgeType, LinkDraft
from neural_memory_pipelines.domain.importance import ImportanceSignals
from neural_memory_pipelines.domain.tags import LINKED_TAGS, concerns_everyone, tags_of
from neural_memory_pipelines.errors import InvalidEventError
from neural_memory_pipelines.sources.github.accounts import git_author
from neural_memory_pipelines.sources.github.code_payloads import Commit, Push, PushedCommit
from neural_memory_pipelines.sources.github.components import touched_components
from neural_memory_pipelines.sources.github.documents import headed
from neural_memory_pipelines.sources.github.links import Text, component_links, repository_link, text_links
from neural_memory_pipelines.sources.github.observations import Told, observe
from neural_memory_pipelines.sources.github.reading import SOURCE, repository_of
from neural_memory_pipelines.sources.reading import read_model

_MERGE = re.compile(r"Merge (?:pull request #\d+ from |branch |branches |remote-tracking branch |tag |commit )")
_NO_COMMIT = re.compile(r"0+$")


@dataclass(frozen=True, slots=True)
class CommitFacts:
    """A commit, from wherever it is known. `as_of` is when it was known to be there."""

    repository: str
    sha: str
    message: str
    url: str
    author: Account | None
    committed_at: datetime
    as_of: datetime
    paths: Sequence[str]

    @property
    def source_id(self) -> str:
        """The commit: owner/repo@sha."""
        return f"{self.repository}@{self.sha}"

    @property
    def title(self) -> str:
        """The first line of its message."""
        return " ".join(self.message.strip().partition("\n")[0].split())

    @property
    def body(self) -> str:
        """The rest of its message."""
        return self.message.strip().partition("\n")[2]

    @property
    def is_trivial(self) -> bool:
        """Whether it is a merge that says no more than what was merged; GitHub adds the title of the pull request."""
        lines = [line for line in self.body.split("\n") if line.strip()]
        return not self.title or (_MERGE.match(self.title) is not None and len(lines) <= 1)


@dataclass(frozen=True, slots=True)
class PushReading:
    """A push."""

    push: Push

    @property
    def source_id(self) -> None:
        """A push is about no document of its own: it may bring many."""
        return

    def changes(self, event: SourceEvent, verb: str) -> Changes | Skip:  # noqa: ARG002 - pushes have no verb
        """Describe the commits that it brings to the default branch, and let go of what it overwrote."""
        push = self.push
        if push.deleted or push.ref != f"refs/heads/{push.repository.default_branch}":
            return Skip(SkipReason.NOT_DEFAULT_BRANCH, push.ref)
        found = push.commits or ([push.head_commit] if push.head_commit else [])
        commits = [_pushed(commit, push, event.occurred_at) for commit in found]
        drafts = tuple(commit_draft(commit) for commit in commits if not commit.is_trivial)
        left = self._overwritten(event)
        if not drafts:
            reason = SkipReason.TRIVIAL if commits else SkipReason.EMPTY
            return Skip(reason, f"{len(commits)} commits", gone=left)
        return Changes(drafts=drafts, deletions=left)

    def _overwritten(self, event: SourceEvent) -> tuple[Deletion, ...]:
        """Name the commit that a forced push threw off the branch. Of those below it, the payload says nothing."""
        push = self.push
        brought = {commit.id for commit in push.commits}
        if not push.forced or push.created or _NO_COMMIT.match(push.before) or push.before in brought:
            return ()
        source_id = f"{push.repository.full_name}@{push.before}"
        return (Deletion(SOURCE, source_id, as_of=event.occurred_at, reason="overwritten by a forced push"),)


@dataclass(frozen=True, slots=True)
class CommitReading:
    """A commit that came alone."""

    commit: CommitFacts

    @property
    def source_id(self) -> str:
        """The commit."""
        return self.commit.source_id

    def changes(self, event: SourceEvent, verb: str) -> Changes | Skip:  # noqa: ARG002 - a commit never changes
        """Describe it."""
        if self.commit.is_trivial:
            return Skip(SkipReason.TRIVIAL, self.commit.title)
        return Changes(drafts=(commit_draft(self.commit),))


def read_push(payload: Mapping[str, Any]) -> PushReading:
    """Read the payload of a push."""
    return PushReading(read_model(Push, payload, "payload"))


def read_commit(payload: Mapping[str, Any]) -> CommitReading:
    """Read a commit as the REST API shows it."""
    commit = read_model(Commit, payload, "payload")
    made_by = commit.commit.author or commit.commit.committer
    if made_by is None:
        raise InvalidEventError("payload.commit.author: required, but null, and so is committer")
    moment = (commit.commit.committer or made_by).date
    facts = CommitFacts(
        repository=repository_of(payload, (commit.html_url, commit.url), path="payload"),
        sha=commit.sha,
        message=commit.commit.message,
        url=commit.html_url,
        author=git_author(made_by, commit.author),
        committed_at=moment,
        as_of=moment,
        paths=[file.filename for file in commit.files or ()],
    )
    return CommitReading(facts)


def commit_draft(commit: CommitFacts) -> SourceDraft:
    """Describe a commit."""
    title, author = commit.title, commit.author
    head = headed(title, commit.body)
    text = Text(
        head.text,
        commit.source_id,
        commit.repository,
        url=commit.url,
        author=author,
        closes_from=head.title_start,
        can_implement=True,
    )
    named = list(component_links(title, (), title_start=head.title_start))
    known = {link.target.handle for link in named if link.target}
    touched = [node for node in touched_components(commit.paths) if node.handle not in known]
    return SourceDraft(
        source=SOURCE,
        source_id=commit.source_id,
        type="commit",
        title=title,
        body=head.text,
        occurred_at=commit.committed_at,
        as_of=commit.as_of,
        url=commit.url,
        author=author,
        links=(
            *text_links(text),
            *named,
            *(LinkDraft(EdgeType.TOUCHES_COMPONENT, node, field="files") for node in touched),
            repository_link(commit.repository),
        ),
        metadata={"repository": commit.repository, "sha": commit.sha},
        observations=() if author and author.is_bot else (_observation(commit),),
    )


def _observation(commit: CommitFacts) -> ObservationDraft:
    tags = tags_of(commit.title, ())
    told = Told(commit.title, commit.body, commit.source_id, commit.repository, commit.url, commit.committed_at)
    signals = ImportanceSignals(
        labels=tags,
        participants=1,
        linked_incident_or_release=bool(tags & LINKED_TAGS),
        org_impact=concerns_everyone(commit.title, ()),
    )
    return observe(told, kind="commit", tags=tags, signals=signals)


def _pushed(commit: PushedCommit, push: Push, pushed_at: datetime) -> CommitFacts:
    # The same commit may come back after a forced push had thrown it away: it is there as of the latest push.
    return CommitFacts(
        repository=push.repository.full_name,
        sha=commit.id,
        message=commit.message,
        url=commit.url,
        author=git_author(commit.author),
        committed_at=commit.timestamp,
        as_of=max(commit.timestamp, pushed_at),
        paths=[*commit.added, *commit.removed, *commit.modified],
    )

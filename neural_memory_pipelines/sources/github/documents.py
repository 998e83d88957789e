"""Drafts of documents: an issue, a pull request, a comment.

What is worth remembering of their text is decided in `observations.py`.
"""

from __future__ import annotations

from datetime import datetime

from neural_memory_pipelines.domain.accounts import Account
from neural_memory_pipelines.domain.documents import SourceDraft
from neural_memory_pipelines.domain.ids import Json
from neural_memory_pipelines.sources.github.observations import observe_comment, observe_issue
from neural_memory_pipelines.sources.github.payloads import Comment, Issue, PullRequest, User
from neural_memory_pipelines.sources.github.reading import Reading

SOURCE = "github"


def issue_draft(issue: Issue, reading: Reading) -> SourceDraft:
    """Describe an issue or a pull request. One by a bot is a document without observations."""
    title = " ".join(issue.title.split())
    body = (issue.body or "").strip("\n")
    state = _state(issue)
    author = _author(issue.user)
    return SourceDraft(
        source=SOURCE,
        source_id=reading.reference,
        type=issue.kind,
        title=title,
        body=f"# {title}\n\n{body}" if body.strip() else title,
        occurred_at=issue.updated_at,
        as_of=issue.updated_at,
        state=state,
        url=issue.html_url,
        author=author,
        metadata=_issue_metadata(issue, reading),
        observations=() if author and author.is_bot else observe_issue(issue, reading, state=state),
    )


def comment_draft(comment: Comment, reading: Reading) -> SourceDraft:
    """Describe a comment."""
    about = f"{reading.reference}: {' '.join(reading.issue.title.split())}" if reading.issue else reading.reference
    return SourceDraft(
        source=SOURCE,
        source_id=comment_source_id(comment, reading),
        type="comment",
        title=f"Comment on {about}",
        body=comment.body or "",
        occurred_at=comment.updated_at,
        as_of=comment.updated_at,
        url=comment.html_url,
        author=_author(comment.user),
        metadata={"repository": reading.repository, "number": reading.number, "parent": reading.reference},
        observations=observe_comment(comment, reading, about=about, source_id=comment_source_id(comment, reading)),
    )


def comment_source_id(comment: Comment, reading: Reading) -> str:
    """Name a comment: owner/repo#N/comment/ID."""
    return f"{reading.reference}/comment/{comment.id}"


def _author(user: User | None) -> Account | None:
    return Account(f"github:{user.id}", user.login, user.is_bot, handle=user.login) if user else None


def _state(issue: Issue) -> str:
    if issue.merge_time:
        return "merged"
    if issue.state == "closed":
        return "not_planned" if issue.state_reason == "not_planned" else "closed"
    return "draft" if issue.kind == "pull_request" and issue.draft else "open"


def _issue_metadata(issue: Issue, reading: Reading) -> dict[str, Json]:
    """Gather what makes a new version when it changes; what is not known is left out."""
    branches = (issue.base.ref, issue.head.ref) if isinstance(issue, PullRequest) else (None, None)
    metadata: dict[str, Json] = {
        "repository": reading.repository,
        "number": reading.number,
        "labels": sorted(label.name for label in issue.labels if label.name),
        "assignees": sorted(user.login for user in issue.assignees or () if user),
        "milestone": issue.milestone.title if issue.milestone else None,
        "base_ref": branches[0],
        "head_ref": branches[1],
        "merged_at": _spelled(issue.merge_time),
        "closed_at": _spelled(issue.closed_at),
    }
    return {key: value for key, value in metadata.items() if value is not None}


def _spelled(moment: datetime | None) -> str | None:
    return moment.isoformat().replace("+00:00", "Z") if moment else None

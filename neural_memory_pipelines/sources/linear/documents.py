"""Drafts of issues and comments. Those of projects and their updates are in `projects.py`.

What is worth remembering of their text is decided in `observations.py`, what they link to in `links.py`.
"""

from __future__ import annotations

from collections.abc import Iterable

from neural_memory_pipelines.domain.documents import SourceDraft
from neural_memory_pipelines.domain.graph import EdgeType, LinkDraft
from neural_memory_pipelines.domain.ids import Json
from neural_memory_pipelines.domain.importance import ImportanceSignals
from neural_memory_pipelines.sources.linear.accounts import (
    SYSTEM,
    bot_account,
    comment_author,
    issue_author,
    others,
    user_account,
)
from neural_memory_pipelines.sources.linear.links import issue_links, text_links
from neural_memory_pipelines.sources.linear.neighbours import Bot, Team
from neural_memory_pipelines.sources.linear.observations import Subject, issue_signals, observe_comment, observe_issue
from neural_memory_pipelines.sources.linear.pages import own_handles, page, privacy_of, spelled
from neural_memory_pipelines.sources.linear.payloads import Comment, Issue
from neural_memory_pipelines.sources.linear.places import Place, comment_handles, issue_handles
from neural_memory_pipelines.sources.linear.priorities import priority_name
from neural_memory_pipelines.sources.linear.reading import Reading


def issue_draft(issue: Issue, reading: Reading) -> SourceDraft:
    """Describe an issue. One by a bot is a document without observations."""
    title = " ".join(issue.title.split())
    body = page(title, issue.description)
    author = issue_author(issue)
    assignee = user_account(issue.assignee) if issue.assignee else None
    delegate = bot_account(Bot(id=issue.delegate.id, name=issue.delegate.name)) if issue.delegate else None
    handles, privacy = issue_handles(issue), privacy_of([issue.team])
    subject = Subject(issue.identifier, (), issue_signals(issue), issue.updated_at, privacy)
    return SourceDraft(
        source=SYSTEM,
        source_id=issue.identifier,
        type="issue",
        title=title,
        body=body,
        occurred_at=issue.updated_at,
        as_of=reading.holds_at(issue.updated_at),
        state=issue.state.type if issue.state else None,
        url=issue.url,
        author=author,
        accounts=others(author, assignee, delegate, *reading.accounts),
        handles=handles,
        links=(*issue_links(issue), *text_links(body, own=own_handles(issue.identifier, issue.url, handles))),
        privacy=privacy,
        metadata=_metadata(issue),
        observations=() if author and author.is_bot else observe_issue(issue, subject),
    )


def comment_draft(
    comment: Comment,
    place: Place,
    reading: Reading,
    *,
    teams: Iterable[Team | None] = (),
    signals: ImportanceSignals | None = None,
) -> SourceDraft:
    """Describe a comment.

    Args:
        comment: the comment.
        place: what it is on.
        reading: the event that it came with.
        teams: those that what it is on belongs to, as far as is known.
        signals: those of the issue that it came with.
    """
    source_id, url = place.comment_id(comment), comment.url or reading.url
    body = f"{_quote(comment.quoted_text or '')}{comment.body}"
    author = comment_author(comment)
    handles, privacy = comment_handles(comment, place), privacy_of(teams)
    said_at = comment.edited_at or comment.created_at or comment.updated_at
    part_of = [LinkDraft(EdgeType.PART_OF, place.node, field=place.field)] if place.node else []
    words = text_links(body, own=own_handles(source_id, url, handles), start=len(body) - len(comment.body))
    heard = signals or ImportanceSignals(participants=1)
    return SourceDraft(
        source=SYSTEM,
        source_id=source_id,
        type="comment",
        title=f"Comment on {place.about}",
        body=body,
        occurred_at=said_at,
        as_of=reading.holds_at(comment.updated_at),
        url=url,
        author=author,
        accounts=others(author, *reading.accounts),
        parent=place.parent,
        handles=handles,
        links=(*part_of, *words),
        privacy=privacy,
        metadata={"in_reply_to": comment.parent_id} if comment.parent_id else {},
        observations=observe_comment(comment, place, Subject(source_id, place.refs, heard, said_at, privacy)),
    )


def _quote(text: str) -> str:
    lines = text.strip().split("\n") if text.strip() else []
    return "".join(f"> {line}\n" for line in lines) + "\n" if lines else ""


def _metadata(issue: Issue) -> dict[str, Json]:
    """Gather what makes a new version when it changes; what is not known is left out."""
    metadata: dict[str, Json] = {
        "team": issue.team_key,
        "state": issue.state.name if issue.state else None,
        "priority": priority_name(issue.priority),
        "labels": sorted({label.name for label in issue.labels}),
        "assignee": issue.assignee.name if issue.assignee else None,
        "project": issue.project.name if issue.project else None,
        "milestone": issue.project_milestone.name if issue.project_milestone else None,
        "due_date": issue.due_date,
        "completed_at": spelled(issue.completed_at),
        "canceled_at": spelled(issue.canceled_at),
    }
    return {key: value for key, value in metadata.items() if value is not None}

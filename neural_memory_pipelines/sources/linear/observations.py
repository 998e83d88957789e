"""What is worth remembering of issues, comments, projects and their updates.

The documents themselves are drafted in `documents.py`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from neural_memory_pipelines.domain.accounts import Account
from neural_memory_pipelines.domain.documents import ObservationDraft, Privacy
from neural_memory_pipelines.domain.importance import ImportanceSignals, importance_factors
from neural_memory_pipelines.domain.observing import TEXT_LIMIT_CHARS, within_limits
from neural_memory_pipelines.domain.statements import (
    as_sentence,
    closing_paragraph,
    lead,
    marked_statements,
    prose_blocks,
    without_html_comments,
)
from neural_memory_pipelines.domain.tags import LINKED_TAGS, tags_of
from neural_memory_pipelines.domain.text import clip_passage, first_paragraph
from neural_memory_pipelines.sources.linear.accounts import SYSTEM, comment_author, issue_author, user_account
from neural_memory_pipelines.sources.linear.links import named_documents
from neural_memory_pipelines.sources.linear.neighbours import State
from neural_memory_pipelines.sources.linear.payloads import Comment, Issue, Project
from neural_memory_pipelines.sources.linear.places import Place
from neural_memory_pipelines.sources.linear.priorities import priority_name

_SETTLED = {"completed": "completed", "canceled": "canceled", "duplicate": "duplicate"}
"""The types of states and statuses that end something, and the tags that they earn."""

_FINAL_NOTE_REACH = timedelta(hours=1)
"""How long before something is closed its last comment may stand to be the note that goes with the closing."""

_CLOSING_NOTE = re.compile(
    r"\W{0,4}(?:cancell?(?:ed|ing)|done|completed|clos(?:ed|ing)|fixed|shipped|resolved|superseded"
    r"|won['\u2019]?t (?:do|fix))\b(?:\W+\w+){5}",
    re.IGNORECASE,
)
"""How a comment begins that tells the end of something, with enough words after it to say why."""


@dataclass(frozen=True, slots=True)
class Subject:
    """What all observations of a document share.

    Attributes:
        source_id: the document's own.
        refs: source ids of what it belongs to.
        signals: how much people cared, as far as is known.
        occurred_at: when it last changed.
        privacy: who may see it.
    """

    source_id: str
    refs: tuple[str, ...]
    signals: ImportanceSignals
    occurred_at: datetime
    privacy: Privacy

    def observe(
        self,
        kind: str,
        *,
        title: str,
        text: str,
        summary: str,
        tags: Iterable[str],
        occurred_at: datetime | None = None,
    ) -> ObservationDraft:
        """Make an observation, within the limits of its parts."""
        return within_limits(
            ObservationDraft(
                text=text,
                occurred_at=occurred_at or self.occurred_at,
                title=title,
                summary=summary,
                importance_factors=importance_factors(SYSTEM, kind, self.signals),
                tags=tuple(sorted(set(tags))),
                subject_refs=(self.source_id, *self.refs, *named_documents(clip_passage(text, TEXT_LIMIT_CHARS))),
                privacy=self.privacy,
            )
        )


def issue_signals(issue: Issue) -> ImportanceSignals:
    """Read how much people care about an issue: priority, labels, and who is known to take part."""
    labels = [label.name for label in issue.labels]
    priority = priority_name(issue.priority)
    creator = issue_author(issue)
    assignee = user_account(issue.assignee) if issue.assignee else None
    writers = (comment_author(comment) for comment in issue.comments)
    return ImportanceSignals(
        labels=frozenset([*labels, *([priority] if priority else [])]),
        comments=len(issue.comments),
        participants=_count_persons((creator, assignee, *writers)),
        linked_incident_or_release=bool(tags_of(issue.title, labels) & LINKED_TAGS),
    )


def project_signals(project: Project) -> ImportanceSignals:
    """Read how much people care about a project: its priority and labels, and who takes part."""
    labels = [label.name for label in project.labels]
    priority = priority_name(project.priority)
    members = {*project.member_ids, *(user.id for user in project.members)}
    known = {user.id for user in (project.lead, project.creator) if user} | {project.lead_id, project.creator_id}
    return ImportanceSignals(
        labels=frozenset([*labels, *([priority] if priority else [])]),
        participants=len((members | known) - {None}),
        linked_incident_or_release=bool(tags_of(project.name, labels) & LINKED_TAGS),
    )


def observe_issue(issue: Issue, subject: Subject) -> tuple[ObservationDraft, ...]:
    """Remember what an issue is about, how it ended if it did, and what its text settles."""
    title, body = " ".join(issue.title.split()), without_html_comments(issue.description or "")
    about = f"{issue.identifier}: {title}"
    tags = tags_of(title, [label.name for label in issue.labels])
    ended = _SETTLED.get(issue.state.type or "") if issue.state else None
    first = _about(subject, "issue", title=title, body=body, tags=tags | ({ended} if ended else set()))
    closing: list[ObservationDraft] = []
    if ended and issue.state:
        note = _last_words(issue) or closing_paragraph(body)
        closed_at = issue.canceled_at if ended == "canceled" else issue.completed_at
        closing = [_ending(subject, issue.state, ended, title=title, note=note, at=closed_at, tags=tags)]
    return (first, *closing, *_statements(body, subject, about=about))


def observe_comment(comment: Comment, place: Place, subject: Subject) -> tuple[ObservationDraft, ...]:
    """Remember each decision, resolution and outcome that a comment states, or that it tells how something ended."""
    body = without_html_comments(comment.body)
    marked = tuple(_statements(body, subject, about=place.about))
    if marked or not _CLOSING_NOTE.match(first_paragraph(body)):
        return marked
    text = "\n\n".join(prose_blocks(body))
    title = f"Outcome on {place.about}"
    return (subject.observe("closing_note", title=title, text=text, summary=first_paragraph(body), tags=("outcome",)),)


def observe_project(project: Project, subject: Subject) -> tuple[ObservationDraft, ...]:
    """Remember the goal of a project, how it ended if it did, and what its page settles."""
    name, body = " ".join(project.name.split()), without_html_comments(project.content or "")
    tags = tags_of(name, [label.name for label in project.labels])
    goal = "\n\n".join(part for part in ((project.description or "").strip(), body) if part)
    ended = _SETTLED.get(project.status.type or "") if project.status else None
    first = _about(subject, "project", title=name, body=goal, tags=tags | {"goal"} | ({ended} if ended else set()))
    closing: list[ObservationDraft] = []
    if ended and project.status:
        closed_at = project.canceled_at if ended == "canceled" else project.completed_at
        note = closing_paragraph(body)
        closing = [_ending(subject, project.status, ended, title=name, note=note, at=closed_at, tags=tags)]
    return (first, *closing, *_statements(body, subject, about=name))


def observe_update(body: str, subject: Subject, *, title: str, health: str | None) -> tuple[ObservationDraft, ...]:
    """Remember what an update says of its project, and what it settles."""
    text = without_html_comments(body)
    first = _about(subject, "project_update", title=title, body=text, tags={"update", *([health] if health else [])})
    return (first, *_statements(text, subject, about=title))


def _about(subject: Subject, kind: str, *, title: str, body: str, tags: Iterable[str]) -> ObservationDraft:
    said = lead(body)
    text = "\n\n".join([as_sentence(title), *prose_blocks(said)])
    return subject.observe(kind, title=title, text=text, summary=first_paragraph(said), tags=tags)


def _ending(
    subject: Subject, state: State, ended: str, *, title: str, note: str, at: datetime | None, tags: Iterable[str]
) -> ObservationDraft:
    said = f"{state.name or ended.capitalize()}: {title}"
    text = "\n\n".join([as_sentence(said), *([note] if note else [])])
    return subject.observe(ended, title=said, text=text, summary=note, tags={*tags, ended}, occurred_at=at)


def _statements(body: str, subject: Subject, *, about: str) -> Iterator[ObservationDraft]:
    for statement in marked_statements(body):
        word = statement.kind.capitalize()
        yield subject.observe(
            statement.kind,
            title=f"{word} on {about}",
            text=f"{word}: {statement.text}",
            summary=first_paragraph(statement.text),
            tags=(statement.kind,),
        )


def _last_words(issue: Issue) -> str:
    """Find the last comment of a person, if it was made when the issue was closed or later."""
    closed_at = issue.completed_at or issue.canceled_at
    written = [
        (comment.created_at, comment.id, comment)
        for comment in issue.comments
        if comment.created_at and comment.archived_at is None and not _is_by_bot(comment)
    ]
    last = max(written, key=lambda one: one[:2], default=None)
    if closed_at is None or last is None or last[0] < closed_at - _FINAL_NOTE_REACH:
        return ""
    return first_paragraph(without_html_comments(last[2].body))


def _is_by_bot(comment: Comment) -> bool:
    author = comment_author(comment)
    return author is not None and author.is_bot


def _count_persons(accounts: Iterable[Account | None]) -> int:
    return len({account.provider_id for account in accounts if account and not account.is_bot})

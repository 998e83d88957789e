"""The events of conversations: issues, pull requests and discussions, and the comments on them.

Which event is which is decided in `__init__.py`; drafts are made in `documents.py` and `comments.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from neural_memory_pipelines.domain.documents import Changes, Deletion, Skip, SourceDraft
from neural_memory_pipelines.domain.events import SkipReason, SourceEvent
from neural_memory_pipelines.sources.github.comments import (
    COMMENT,
    DISCUSSION_COMMENT,
    Said,
    comment_draft,
    gone,
    said_in_message,
    worth_keeping,
)
from neural_memory_pipelines.sources.github.documents import Known, discussion_draft, issue_draft
from neural_memory_pipelines.sources.github.payloads import (
    Comment,
    Discussion,
    DiscussionComment,
    Issue,
    PullRequest,
)
from neural_memory_pipelines.sources.github.reading import (
    SOURCE,
    Place,
    array_items,
    is_bare,
    place_of,
    place_of_address,
    subject_of,
)
from neural_memory_pipelines.sources.github.timeline import read_timeline
from neural_memory_pipelines.sources.github.transfers import read_destination, read_origin
from neural_memory_pipelines.sources.reading import read_model

_TEXTLESS_VERBS = frozenset({"pinned", "unpinned"})
"""What happens to an issue without a change of it. These webhooks may carry it cut short."""


@dataclass(frozen=True, slots=True)
class IssueReading:
    """An issue or a pull request, with all that its payload holds."""

    place: Place
    issue: Issue
    payload: Mapping[str, Any]

    @property
    def source_id(self) -> str:
        """The issue or pull request."""
        return self.place.reference

    def changes(self, event: SourceEvent, verb: str) -> Changes | Skip:
        """Describe it, with what an export holds beside it; or say that it is gone."""
        issue = self.issue
        if verb == "deleted":
            return Changes(deletions=(_left(event, self.place, reason=event.action),))
        if verb == "transferred":
            arrived, reason = read_destination(self.payload, Issue, key="new_issue")
            former = Known(former=[(self.place.reference, issue.html_url)])
            drafts = (issue_draft(*arrived, known=former),) if arrived else ()
            return Changes(drafts=drafts, deletions=(_left(event, self.place, reason=reason),))
        if _is_seen_from_outside(issue) and not is_bare(self.payload):
            return Skip(SkipReason.UNSUPPORTED_EVENT, f"{event.action} of a pull request: its own event is whole")
        return self._opened(event) if verb == "opened" else self._described()

    def _opened(self, event: SourceEvent) -> Changes:
        origin = read_origin(self.payload)
        if origin is None or origin.source_id == self.place.reference:
            return self._described()
        draft = issue_draft(self.issue, self.place, known=Known(former=[(origin.source_id, origin.url)]))
        as_of = max(event.occurred_at, origin.updated_at or event.occurred_at)
        left = Deletion(SOURCE, origin.source_id, as_of=as_of, reason=f"transferred to {self.issue.html_url}")
        return Changes(drafts=(draft,), deletions=(left,))

    def _described(self) -> Changes:
        if not is_bare(self.payload):
            return Changes(drafts=(issue_draft(self.issue, self.place),))
        timeline = read_timeline(self.payload, self.place)
        known = Known(people=timeline.people, links=timeline.links)
        drafts = (issue_draft(self.issue, self.place, known=known), *worth_keeping(timeline.said))
        return Changes(drafts=drafts)


@dataclass(frozen=True, slots=True)
class DiscussionReading:
    """A discussion, with all that its payload holds."""

    place: Place
    discussion: Discussion
    payload: Mapping[str, Any]

    @property
    def source_id(self) -> str:
        """The discussion."""
        return self.place.reference

    def changes(self, event: SourceEvent, verb: str) -> Changes | Skip:
        """Describe it, with its answer if the payload shows it; or say that it is gone."""
        if verb == "deleted":
            return Changes(deletions=(_left(event, self.place, reason=event.action),))
        if verb == "transferred":
            arrived, reason = read_destination(self.payload, Discussion, key="new_discussion")
            former = Known(former=[(self.place.reference, self.discussion.html_url)])
            drafts = (discussion_draft(*arrived, known=former),) if arrived else ()
            return Changes(drafts=drafts, deletions=(_left(event, self.place, reason=reason),))
        said = self._said(event)
        people = [one.user for one in said if one.user]
        draft = discussion_draft(self.discussion, self.place, known=Known(people=people))
        return Changes(drafts=(draft, *worth_keeping(said)))

    def _said(self, event: SourceEvent) -> list[Said]:
        """Read the answer, what was the answer until now, or the comments of an export."""
        payload, discussion = self.payload, self.discussion
        if is_bare(payload):
            items = array_items(payload, "comments_data", "comments")
            return [_discussion_said(read_model(DiscussionComment, item, path), self.place) for item, path in items]
        said: list[Said] = []
        if payload.get("answer") is not None:
            answer = _discussion_said(read_model(DiscussionComment, payload["answer"], "payload.answer"), self.place)
            chosen_at = discussion.answer_chosen_at or event.occurred_at
            said.append(replace(answer, answers=True, as_of=max(answer.as_of, chosen_at)))
        if payload.get("old_answer") is not None:
            former = read_model(DiscussionComment, payload["old_answer"], "payload.old_answer")
            told = _discussion_said(former, self.place)
            said.append(replace(told, as_of=max(told.as_of, event.occurred_at, discussion.updated_at)))
        return said


@dataclass(frozen=True, slots=True)
class CommentReading:
    """A comment on an issue, a pull request or a discussion, with what it is on if that came with it."""

    said: Said

    @property
    def source_id(self) -> str:
        """The comment."""
        return self.said.source_id

    def changes(self, event: SourceEvent, verb: str) -> Changes | Skip:
        """Describe it and what it is on; or say that it is gone."""
        drafts = _thread_drafts(self.said.place)
        if verb == "deleted":
            return Changes(drafts=drafts, deletions=(gone(self.said, as_of=event.occurred_at, reason=event.action),))
        if self.said.is_by_bot and self.said.user:
            return Changes(drafts=drafts) if drafts else Skip(SkipReason.BOT_AUTHOR, self.said.user.login)
        if self.said.is_empty:
            emptied = gone(self.said, as_of=self.said.as_of, reason="emptied")
            if not drafts:
                return Skip(SkipReason.EMPTY, self.source_id, gone=(emptied,))
            return Changes(drafts=drafts, deletions=(emptied,))
        return Changes(drafts=(comment_draft(self.said), *drafts))


def read_issue(payload: Mapping[str, Any]) -> IssueReading:
    """Read the payload of an event of issues."""
    subject, path = subject_of(payload, "issue")
    issue = read_model(PullRequest if _is_whole_pull(subject) else Issue, subject, path)
    return IssueReading(place_of(payload, issue, path=path), issue, payload)


def read_pull_request(payload: Mapping[str, Any]) -> IssueReading:
    """Read the payload of an event of pull requests, or a pull request as GitHub's issue endpoints show it."""
    subject, path = subject_of(payload, "pull_request")
    is_issue = isinstance(subject, Mapping) and "pull_request" in subject and not _is_whole_pull(subject)
    issue = read_model(Issue if is_issue else PullRequest, subject, path)
    return IssueReading(place_of(payload, issue, path=path), issue, payload)


def read_discussion(payload: Mapping[str, Any]) -> DiscussionReading:
    """Read the payload of an event of discussions."""
    subject, path = subject_of(payload, "discussion")
    discussion = read_model(Discussion, subject, path)
    return DiscussionReading(place_of(payload, discussion, path=path), discussion, payload)


def read_comment(payload: Mapping[str, Any]) -> CommentReading:
    """Read the payload of an event of comments on issues."""
    subject, path = subject_of(payload, "comment")
    if is_bare(payload):
        comment = read_model(Comment, subject, path)
        addresses = (comment.issue_url, comment.html_url)
        place = place_of_address(addresses, path=f"{path}.issue_url", expected="an issue")
    else:
        place = read_issue(payload).place
        comment = read_model(Comment, subject, path)
    return CommentReading(said_in_message(comment, place, kind=COMMENT))


def read_discussion_comment(payload: Mapping[str, Any]) -> CommentReading:
    """Read the payload of an event of comments on discussions."""
    subject, path = subject_of(payload, "comment")
    if is_bare(payload):
        comment = read_model(DiscussionComment, subject, path)
        place = place_of_address([comment.html_url], path=f"{path}.html_url", expected="a discussion")
    else:
        place = read_discussion(payload).place
        comment = read_model(DiscussionComment, subject, path)
    return CommentReading(_discussion_said(comment, place))


def skips_unread(name: str, verb: str) -> bool:
    """Tell whether an event of conversations is to be skipped without reading it."""
    return name == "issues" and verb in _TEXTLESS_VERBS


def _discussion_said(comment: DiscussionComment, place: Place) -> Said:
    """Read a comment on a discussion: whether it is the answer is a fact of the discussion."""
    said = said_in_message(comment, place, kind=DISCUSSION_COMMENT)
    discussion = place.thread
    if not isinstance(discussion, Discussion) or discussion.answer_html_url != comment.html_url:
        return said
    return replace(said, answers=True, as_of=max(said.as_of, discussion.answer_chosen_at or said.as_of))


def _thread_drafts(place: Place) -> tuple[SourceDraft, ...]:
    """Describe what a comment is on, if the payload shows it whole."""
    if isinstance(place.thread, Discussion):
        return (discussion_draft(place.thread, place),)
    # A comment's webhook shows a pull request without its branches: that must not overwrite what its own event said.
    if isinstance(place.thread, Issue) and not _is_seen_from_outside(place.thread):
        return (issue_draft(place.thread, place),)
    return ()


def _left(event: SourceEvent, place: Place, *, reason: str) -> Deletion:
    assert place.thread is not None
    return Deletion(SOURCE, place.reference, as_of=max(event.occurred_at, place.thread.updated_at), reason=reason)


def _is_whole_pull(subject: object) -> bool:
    return isinstance(subject, Mapping) and "head" in subject


def _is_seen_from_outside(issue: Issue) -> bool:
    """Tell a pull request that an issue's object stands for, which lacks its branches."""
    return issue.kind == "pull_request" and not isinstance(issue, PullRequest)


READERS: Mapping[str, Callable[[Mapping[str, Any]], IssueReading | DiscussionReading | CommentReading]] = {
    "issues": read_issue,
    "pull_request": read_pull_request,
    "issue_comment": read_comment,
    "discussion": read_discussion,
    "discussion_comment": read_discussion_comment,
}

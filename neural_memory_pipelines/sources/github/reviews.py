"""The events of reviews: verdicts on pull requests, and comments on their lines.

The pull request itself is not described from here: what these payloads show of it lacks counts and its draft state.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from neural_memory_pipelines.domain.documents import Changes, Deletion, Skip
from neural_memory_pipelines.domain.events import SkipReason, SourceEvent
from neural_memory_pipelines.sources.github.accounts import accounts_of
from neural_memory_pipelines.sources.github.comments import (
    REVIEW_COMMENT,
    Said,
    comment_draft,
    gone,
    said_in_message,
    said_in_review,
)
from neural_memory_pipelines.sources.github.payloads import PullRequest, Review, ReviewComment
from neural_memory_pipelines.sources.github.reading import Place, is_bare, place_of, place_of_address, subject_of
from neural_memory_pipelines.sources.reading import read_model

_CHANGING_VERBS = frozenset({"edited", "dismissed"})


@dataclass(frozen=True, slots=True)
class ReviewReading:
    """A review and the pull request that it is of."""

    place: Place
    review: Review

    @property
    def source_id(self) -> str:
        """The review."""
        return self._said(datetime.min).source_id

    def changes(self, event: SourceEvent, verb: str) -> Changes | Skip:
        """Describe it, if it says something: a text, or a verdict, which need not have one."""
        known = self.review.updated_at or self.review.submitted_at
        # When a review was edited or dismissed, old servers do not say: the event does.
        moments = [moment for moment in (known, event.occurred_at if verb in _CHANGING_VERBS else None) if moment]
        said = self._said(max(moments, default=event.occurred_at))
        if said.state == "pending":
            return Skip(SkipReason.UNSUPPORTED_EVENT, "a review that is not submitted")
        emptied = gone(said, as_of=said.as_of, reason=event.action) if verb in _CHANGING_VERBS else None
        return _said_changes(said, emptied=emptied)

    def _said(self, as_of: datetime) -> Said:
        return said_in_review(self.review, self.place, as_of=as_of)


@dataclass(frozen=True, slots=True)
class ReviewCommentReading:
    """A comment on a line of a pull request."""

    said: Said

    @property
    def source_id(self) -> str:
        """The comment."""
        return self.said.source_id

    def changes(self, event: SourceEvent, verb: str) -> Changes | Skip:
        """Describe it; or say that it is gone."""
        if verb == "deleted":
            return Changes(deletions=(gone(self.said, as_of=event.occurred_at, reason=event.action),))
        return _said_changes(self.said, emptied=gone(self.said, as_of=self.said.as_of, reason="emptied"))


def read_review(payload: Mapping[str, Any]) -> ReviewReading:
    """Read the payload of an event of reviews."""
    subject, path = subject_of(payload, "review")
    review = read_model(Review, subject, path)
    return ReviewReading(_place(payload, review, path=path), review)


def read_review_comment(payload: Mapping[str, Any]) -> ReviewCommentReading:
    """Read the payload of an event of comments on lines."""
    subject, path = subject_of(payload, "comment")
    comment = read_model(ReviewComment, subject, path)
    return ReviewCommentReading(said_in_message(comment, _place(payload, comment, path=path), kind=REVIEW_COMMENT))


def _place(payload: Mapping[str, Any], said: Review | ReviewComment, *, path: str) -> Place:
    if is_bare(payload):
        addresses = (said.pull_request_url, said.html_url)
        return place_of_address(addresses, path=f"{path}.pull_request_url", expected="a pull request")
    subject, where = subject_of(payload, "pull_request")
    return place_of(payload, read_model(PullRequest, subject, where), path=where)


def _said_changes(said: Said, *, emptied: Deletion | None) -> Changes | Skip:
    if said.is_by_bot and said.user:
        return Skip(SkipReason.BOT_AUTHOR, said.user.login)
    if said.is_empty:
        return Skip(SkipReason.EMPTY, said.source_id, gone=(emptied,) if emptied else ())
    involved = said.place.thread.involved if said.place.thread else ()
    return Changes(drafts=(comment_draft(said),), accounts=accounts_of(involved))

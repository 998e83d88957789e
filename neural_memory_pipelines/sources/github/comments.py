"""Comments: on issues and pull requests, on lines of pull requests, on discussions; and reviews.

What they are about is drafted in `documents.py`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from neural_memory_pipelines.domain.documents import Deletion, SourceDraft
from neural_memory_pipelines.domain.graph import EdgeType, LinkDraft
from neural_memory_pipelines.domain.ids import Json
from neural_memory_pipelines.sources.github.accounts import account_of
from neural_memory_pipelines.sources.github.links import Text, document, reviewer_link, text_links
from neural_memory_pipelines.sources.github.observations import Told, observe_outcomes
from neural_memory_pipelines.sources.github.payloads import Message, Review, ReviewComment, User
from neural_memory_pipelines.sources.github.reading import SOURCE, Place

COMMENT = "comment"
REVIEW = "review"
REVIEW_COMMENT = "review-comment"
DISCUSSION_COMMENT = "discussion-comment"

_TITLES = {
    COMMENT: "Comment on",
    REVIEW: "Review of",
    REVIEW_COMMENT: "Review comment on",
    DISCUSSION_COMMENT: "Comment on",
}
_TYPES = {COMMENT: "comment", REVIEW: "review", REVIEW_COMMENT: "review_comment", DISCUSSION_COMMENT: "comment"}
_VERDICTS = frozenset({"approved", "changes_requested"})


@dataclass(frozen=True, slots=True)
class Said:
    """A comment or a review, and where it was said.

    Attributes:
        kind: the part of its source id that tells its kind.
        as_of: when this description of it held.
        answers: it was chosen as the answer of its discussion.
    """

    kind: str
    place: Place
    id: int
    body: str
    url: str
    user: User | None
    as_of: datetime
    occurred_at: datetime
    state: str | None = None
    path: str | None = None
    answers: bool = False

    @property
    def source_id(self) -> str:
        """Name it: owner/repo#N/comment/ID."""
        return f"{self.place.reference}/{self.kind}/{self.id}"

    @property
    def is_by_bot(self) -> bool:
        """Tell bots and services from people."""
        account = account_of(self.user)
        return account is not None and account.is_bot

    @property
    def is_empty(self) -> bool:
        """Whether it says nothing. A verdict says something without a word."""
        return not self.body.strip() and self.state not in _VERDICTS


def said_in_message(message: Message, place: Place, *, kind: str) -> Said:
    """Read a comment of any kind."""
    return Said(
        kind=kind,
        place=place,
        id=message.id,
        body=message.body or "",
        url=message.html_url,
        user=message.user,
        as_of=message.updated_at,
        occurred_at=message.updated_at,
        path=message.path if isinstance(message, ReviewComment) else None,
    )


def said_in_review(review: Review, place: Place, *, as_of: datetime) -> Said:
    """Read a review, as it was at a moment: reviews themselves may not tell when they were changed."""
    return Said(
        kind=REVIEW,
        place=place,
        id=review.id,
        body=review.body or "",
        url=review.html_url,
        user=review.user,
        as_of=as_of,
        occurred_at=review.submitted_at or as_of,
        state=review.state.lower(),
    )


def comment_draft(said: Said) -> SourceDraft:
    """Describe a comment or a review."""
    place, author = said.place, account_of(said.user)
    text = Text(said.body, said.source_id, place.repository, url=said.url, author=author, subject=place.reference)
    told = Told(
        f"{_TITLES[said.kind]} {place.about}", said.body, said.source_id, place.repository, said.url, said.occurred_at
    )
    return SourceDraft(
        source=SOURCE,
        source_id=said.source_id,
        type=_TYPES[said.kind],
        title=told.title,
        body=said.body,
        occurred_at=said.occurred_at,
        as_of=said.as_of,
        state=said.state,
        url=said.url,
        author=author,
        parent=place.reference,
        links=(*text_links(text), *_field_links(said)),
        metadata=_metadata(said),
        observations=() if said.is_by_bot else observe_outcomes(told, place, author=said.user, answers=said.answers),
    )


def gone(said: Said, *, as_of: datetime, reason: str) -> Deletion:
    """Say that a comment or review is no more; never as of a time before it was last changed."""
    return Deletion(SOURCE, said.source_id, as_of=max(as_of, said.as_of), reason=reason)


def worth_keeping(said: Iterable[Said]) -> tuple[SourceDraft, ...]:
    """Describe those of people who say something."""
    return tuple(comment_draft(one) for one in said if not one.is_by_bot and not one.is_empty)


def _field_links(said: Said) -> list[LinkDraft]:
    thread = said.place.thread
    author = thread.user if thread else None
    if said.kind in {REVIEW, REVIEW_COMMENT}:
        # Authors comment on their own pull requests, but never approve them.
        if thread is None and said.state not in _VERDICTS:
            return []
        return list(reviewer_link(said.place.reference, said.user, author=author, field="user"))
    if said.answers:
        return [LinkDraft(EdgeType.RESOLVES, document(said.place.reference), field="answer_html_url")]
    return []


def _metadata(said: Said) -> Mapping[str, Json]:
    place = said.place
    metadata: dict[str, Json] = {"repository": place.repository, "number": place.number, "parent": place.reference}
    if said.path is not None:
        metadata["path"] = said.path
    return metadata

"""Timelines: what an exported issue or pull request holds beside itself, in the arrays of GitHub's REST API.

Comments and reviews in them become documents of their own; of the events, those that tie it to something else count.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from neural_memory_pipelines.domain.graph import EdgeType, LinkDraft
from neural_memory_pipelines.sources.github.accounts import account_of
from neural_memory_pipelines.sources.github.comments import (
    COMMENT,
    REVIEW_COMMENT,
    Said,
    said_in_message,
    said_in_review,
)
from neural_memory_pipelines.sources.github.links import document
from neural_memory_pipelines.sources.github.payloads import (
    OWNER_AND_NAME,
    Comment,
    Number,
    PullRequestLink,
    Repository,
    Review,
    ReviewComment,
    User,
)
from neural_memory_pipelines.sources.github.reading import Place, array_items, repository_named_by
from neural_memory_pipelines.sources.models import Model
from neural_memory_pipelines.sources.reading import read_model, read_object

_COMMIT_ADDRESS = re.compile(rf"https?://[^\s/]+/(?:api/v3/)?(?:repos/)?({OWNER_AND_NAME})/commits?/[0-9a-f]+$")
_WHOLE_KEYS = frozenset({"id", "html_url", "user"})
_CHANGED_KEYS = frozenset({"updated_at", "submitted_at"})
_SHA = re.compile(r"[0-9a-f]{40}$")


class _SourceIssue(Model):
    number: Number | None = None
    html_url: str | None = None
    url: str | None = None
    repository_url: str | None = None
    repository: Repository | None = None
    pull_request: PullRequestLink | None = None


class _EventSource(Model):
    issue: _SourceIssue | None = None


class _Event(Model):
    """An event of a timeline; each kind has some of these fields."""

    event: str | None = None
    actor: User | None = None
    assignee: User | None = None
    commit_id: str | None = None
    commit_url: str | None = None
    source: _EventSource | None = None


@dataclass(slots=True)
class Timeline:
    """What the arrays of an export tell: comments and reviews, who took part, and links of the conversation."""

    said: list[Said] = field(default_factory=list)
    people: list[User] = field(default_factory=list)
    links: list[LinkDraft] = field(default_factory=list)


def read_timeline(payload: Mapping[str, Any], place: Place) -> Timeline:
    """Read the arrays that an issue or pull request came with; those of a webhook are none.

    Raises:
        InvalidEventError: a field of an item is missing or wrong; the message gives its path.
    """
    timeline = Timeline()
    for item, path in array_items(payload, "comments_data", "comments"):
        _add_comment(timeline, item, path, place)
    for item, path in array_items(payload, "review_comments_data", "review_comments"):
        _add_review_comment(timeline, item, path, place)
    for item, path in array_items(payload, "reviews_data", "reviews"):
        _add_review(timeline, item, path, place)
    events = array_items(payload, "timeline_data", "timeline") or array_items(payload, "events_data", "events")
    links: dict[tuple[EdgeType, str], LinkDraft] = {}
    for item, path in events:
        _add_event(timeline, links, item, path, place)
    timeline.links = list(links.values())
    seen = {one.source_id: one for one in timeline.said}  # a comment may stand in its own array and in the timeline
    timeline.said = list(seen.values())
    timeline.people += [one.user for one in timeline.said if one.user]
    return timeline


def _add_comment(timeline: Timeline, item: object, path: str, place: Place) -> None:
    timeline.said.append(said_in_message(read_model(Comment, item, path), place, kind=COMMENT))


def _add_review_comment(timeline: Timeline, item: object, path: str, place: Place) -> None:
    timeline.said.append(said_in_message(read_model(ReviewComment, item, path), place, kind=REVIEW_COMMENT))


def _add_review(timeline: Timeline, item: object, path: str, place: Place) -> None:
    review = read_model(Review, item, path)
    moment = review.updated_at or review.submitted_at
    if moment is not None:  # one without is not submitted yet: nobody but its author sees it
        timeline.said.append(said_in_review(review, place, as_of=moment))


_CARRIERS = {"commented": _add_comment, "line-commented": _add_review_comment, "reviewed": _add_review}


def _add_event(
    timeline: Timeline, links: dict[tuple[EdgeType, str], LinkDraft], item: object, path: str, place: Place
) -> None:
    event = read_model(_Event, item, path)
    timeline.people += [user for user in (event.assignee,) if user and account_of(user)]
    if carrier := _CARRIERS.get(event.event or ""):
        for part, where in _carried(read_object(item, path), path):
            carrier(timeline, part, where, place)
        return
    if kinds := _UNDOES.get(event.event or ""):
        named = _source_id(event)
        for key in [key for key in links if key[0] in kinds and named in {None, key[1]}]:
            del links[key]
    for link, source_id in _links(event, place):
        links.setdefault((link.type, source_id), link)


def _carried(item: Mapping[str, Any], path: str) -> Iterator[tuple[object, str]]:
    """Find the comments or the review that an event carries; exports may cut it short, and then it carries none."""
    if isinstance(inner := item.get("comments"), list):
        yield from ((part, f"{path}.comments[{at}]") for at, part in enumerate(inner))
    elif item.keys() >= _WHOLE_KEYS and not item.keys().isdisjoint(_CHANGED_KEYS):
        yield item, path


_UNDOES: Mapping[str, frozenset[EdgeType]] = {
    "reopened": frozenset({EdgeType.RESOLVES}),
    "disconnected": frozenset({EdgeType.RESOLVES}),
    "unmarked_as_duplicate": frozenset({EdgeType.DUPLICATES}),
}
"""Events that take back what others said: of the thing that they name, or of all, if they name none."""


def _links(event: _Event, place: Place) -> Iterator[tuple[LinkDraft, str]]:
    """Read the links that an event states, each with the source id of what it ties this conversation to."""
    commit = _commit_id(event, place)
    if commit and event.event in {"closed", "referenced"}:
        kind = EdgeType.RESOLVES if event.event == "closed" else EdgeType.REFERENCES
        yield LinkDraft(kind, None, document(commit), field="timeline"), commit
    other = _source_id(event)
    if other is None or other == place.reference:
        return
    if event.event == "cross-referenced":
        yield LinkDraft(EdgeType.REFERENCES, None, document(other), field="timeline"), other
    elif event.event == "connected":
        is_pull = event.source is not None and event.source.issue is not None and event.source.issue.pull_request
        # Connected are a pull request and the issue that it will close, and either of them says so.
        origin, target = (document(other), None) if is_pull else (None, document(other))
        yield LinkDraft(EdgeType.RESOLVES, target, origin, field="timeline"), other
    elif event.event == "marked_as_duplicate":
        yield LinkDraft(EdgeType.DUPLICATES, document(other), field="timeline"), other


def _commit_id(event: _Event, place: Place) -> str | None:
    if event.commit_id is None or not _SHA.match(event.commit_id):
        return None
    found = _COMMIT_ADDRESS.match(event.commit_url or "")
    return f"{found[1] if found else place.repository}@{event.commit_id}"


def _source_id(event: _Event) -> str | None:
    issue = event.source.issue if event.source else None
    if issue is None or issue.number is None:
        return None
    addresses = (issue.html_url, issue.url, issue.repository_url)
    named = issue.repository.full_name if issue.repository else repository_named_by(addresses)
    return f"{named}#{issue.number}" if named else None

"""Drafts of what all of GitHub's documents have in common: headed bodies, issues, pull requests and discussions.

What is worth remembering of their text is decided in `observations.py`, what it links in `links.py`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from neural_memory_pipelines.domain.documents import SourceDraft
from neural_memory_pipelines.domain.graph import EdgeType, LinkDraft
from neural_memory_pipelines.domain.handles import document_handle, url_handle
from neural_memory_pipelines.domain.ids import Json
from neural_memory_pipelines.sources.github.accounts import account_of, accounts_of, is_bot
from neural_memory_pipelines.sources.github.links import (
    Text,
    assignee_links,
    component_links,
    document,
    repository_link,
    text_links,
)
from neural_memory_pipelines.sources.github.observations import observe_thread
from neural_memory_pipelines.sources.github.payloads import Discussion, Issue, PullRequest, Thread, User
from neural_memory_pipelines.sources.github.reading import SOURCE, Place, place_of_address

_THREAD_ADDRESS = re.compile(r"(https?://[^\s/]+/[^\s/]+/[^\s/]+)/(?:issues|pull|discussions)/([0-9]+)$")
_PARENT_ADDRESS = re.compile(r"https?://\S+/issues/[1-9][0-9]{0,8}$")


@dataclass(frozen=True, slots=True)
class Headed:
    """The body of a document below its title, and where the two begin in it; `body_start` is None without a body."""

    text: str
    title_start: int
    body_start: int | None


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a conversation beside its own object: from an export, or from the event that brought it.

    Attributes:
        people: who took part.
        links: what others say of it.
        former: the conversations that it was before it came here, as (source id, address).
    """

    people: Sequence[User] = ()
    links: Sequence[LinkDraft] = ()
    former: Sequence[tuple[str, str]] = ()


NOTHING_ELSE = Known()


@dataclass(frozen=True, slots=True)
class _Details:
    """What issues, pull requests and discussions differ in."""

    kind: str
    state: str
    metadata: dict[str, Json]
    links: tuple[LinkDraft, ...] = ()
    closes: bool = False
    can_implement: bool = False
    alternatives: tuple[str, ...] = field(default=())


def headed(title: str, body: str | None) -> Headed:
    """Put a text below its title, as markdown."""
    said = (body or "").strip("\n")
    if not said.strip():
        return Headed(title, 0, None)
    return Headed(f"# {title}\n\n{said}", 2, len(title) + 4)


def spelled(moment: datetime | None) -> str | None:
    """Spell a time for metadata."""
    return moment.isoformat().replace("+00:00", "Z") if moment else None


def issue_draft(issue: Issue, place: Place, *, known: Known = NOTHING_ELSE) -> SourceDraft:
    """Describe an issue or a pull request. One by a bot is a document without observations."""
    is_pull = issue.kind == "pull_request"
    details = _Details(
        kind=issue.kind,
        state=_state(issue),
        metadata=_issue_metadata(issue),
        links=(*assignee_links(issue.assignees or ()), *_parent_links(issue)),
        closes=is_pull and _targets_default_branch(issue),
        can_implement=is_pull,
        alternatives=("issues",) if is_pull else ("pull",),
    )
    return _thread_draft(issue, place, details, known)


def discussion_draft(discussion: Discussion, place: Place, *, known: Known = NOTHING_ELSE) -> SourceDraft:
    """Describe a discussion."""
    answered = discussion.answer_html_url is not None or discussion.answer_chosen_at is not None
    details = _Details(
        kind="discussion",
        state="answered" if answered else "closed" if discussion.state == "closed" else "open",
        metadata={"category": discussion.category.name if discussion.category else None},
        alternatives=("issues",),
    )
    return _thread_draft(discussion, place, details, known)


def _thread_draft(thread: Thread, place: Place, details: _Details, known: Known) -> SourceDraft:
    head = headed(thread.headline, thread.body)
    author = account_of(thread.user)
    text = Text(
        head.text,
        place.reference,
        place.repository,
        url=thread.html_url,
        author=author,
        closes_from=head.body_start if details.closes else None,
        can_implement=details.can_implement,
    )
    people = frozenset(user.id for user in known.people if not is_bot(user))
    return SourceDraft(
        source=SOURCE,
        source_id=place.reference,
        type=details.kind,
        title=thread.headline,
        body=head.text,
        occurred_at=thread.updated_at,
        as_of=thread.updated_at,
        state=details.state,
        url=thread.html_url,
        author=author,
        accounts=tuple(one for one in accounts_of((*thread.involved, *known.people)) if one != author),
        handles=tuple(_handles(thread, details.alternatives, known.former)),
        links=(
            *text_links(text),
            *details.links,
            *component_links(thread.headline, thread.label_names, title_start=head.title_start),
            repository_link(place.repository),
            *known.links,
        ),
        metadata=_metadata(thread, place, details),
        observations=()
        if author and author.is_bot
        else observe_thread(thread, place, kind=details.kind, state=details.state, people=people),
    )


def _handles(thread: Thread, alternatives: tuple[str, ...], former: Sequence[tuple[str, str]]) -> Iterator[str]:
    """Name what else leads here: GitHub sends `/issues/5` to `/pull/5` and back, and old addresses to new ones."""
    if found := _THREAD_ADDRESS.match(thread.html_url):
        for folder in alternatives:
            yield url_handle(f"{found[1]}/{folder}/{found[2]}") or ""
    for source_id, address in former:
        yield document_handle(SOURCE, source_id)
        if handle := url_handle(address):
            yield handle


def _metadata(thread: Thread, place: Place, details: _Details) -> dict[str, Json]:
    """Gather what makes a new version when it changes; what is not known is left out."""
    metadata: dict[str, Json] = {
        "repository": place.repository,
        "number": place.number,
        "labels": sorted(thread.label_names),
        **details.metadata,
    }
    return {key: value for key, value in metadata.items() if value is not None}


def _issue_metadata(issue: Issue) -> dict[str, Json]:
    branches = (issue.base.ref, issue.head.ref) if isinstance(issue, PullRequest) else (None, None)
    return {
        "assignees": sorted(user.login for user in issue.assignees or () if user),
        "milestone": issue.milestone.title if issue.milestone else None,
        "base_ref": branches[0],
        "head_ref": branches[1],
        "merged_at": spelled(issue.merge_time),
        "closed_at": spelled(issue.closed_at),
    }


def _state(issue: Issue) -> str:
    if issue.merge_time:
        return "merged"
    if issue.state == "closed":
        return "not_planned" if issue.state_reason == "not_planned" else "closed"
    return "draft" if issue.kind == "pull_request" and issue.draft else "open"


def _targets_default_branch(issue: Issue) -> bool:
    """Tell whether closing keywords apply; where the branches are not shown, they are taken to.

    Source: "Linking a pull request to an issue": keywords are ignored if the base is any other branch.
    """
    base = issue.base if isinstance(issue, PullRequest) else None
    return base is None or base.repo is None or base.repo.default_branch in {None, base.ref}


def _parent_links(issue: Issue) -> Iterator[LinkDraft]:
    if issue.parent_issue_url and _PARENT_ADDRESS.match(issue.parent_issue_url):
        parent = place_of_address([issue.parent_issue_url], path="payload.parent_issue_url", expected="an issue")
        yield LinkDraft(EdgeType.PART_OF, document(parent.reference), field="parent_issue_url")

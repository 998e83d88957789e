"""What the documents of Linear are called: source ids, and the other names that they answer to.

An issue is called by its identifier, as people do, and everything else by its uuid. Which issue, project or update a
comment belongs to is found here too.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from neural_memory_pipelines.domain.documents import Rename
from neural_memory_pipelines.domain.graph import NodeKind, NodeRef
from neural_memory_pipelines.domain.handles import document_handle, url_handle
from neural_memory_pipelines.sources.linear.accounts import SYSTEM, provider_id
from neural_memory_pipelines.sources.linear.neighbours import IssueRef
from neural_memory_pipelines.sources.linear.payloads import CommentKey, Issue, IssueKey, Key

_ISSUE_URL = re.compile(r"(https?://linear\.app/[^/\s]{1,100}/issue/([A-Za-z0-9]{1,32}-[0-9]{1,10}))(?![^/?#])")
_COMMENT_DIGITS = 8

_ISSUE_HANDLE = re.compile(
    r"url:linear\.app/[^/]+/issue/([a-z0-9]+-[0-9]+)(?:/[^/#]*)?(?:#(comment-[0-9a-f]{8})[^/]*)?$"
)
_PROJECT_HANDLE = re.compile(r"url:linear\.app/[^/]+/project/(?:[^/#]*-)?([0-9a-f]{12})(?:[/#].*)?$")
_PROFILE_HANDLE = re.compile(r"url:linear\.app/[^/]+/profiles/([^/#]+)$")


@dataclass(frozen=True, slots=True)
class Place:
    """What a comment is on.

    Attributes:
        prefix: of the comment's source id, without a slash at its end; empty if nothing is known.
        parent: the source id of the document that it belongs to, if one is kept under a known name.
        about: what people call it.
        node: what it is part of, where `parent` cannot say so.
        field: the field of the payload that says so.
    """

    prefix: str
    about: str
    parent: str | None = None
    node: NodeRef | None = None
    field: str = ""

    @property
    def refs(self) -> tuple[str, ...]:
        """The source ids that statements made there are about."""
        return (self.parent,) if self.parent else ()

    def comment_id(self, comment: Key) -> str:
        """Name a comment there: HAR-12/comment/<uuid>."""
        return f"{self.prefix}/comment/{comment.id}".removeprefix("/")


def issue_handle(uuid: str) -> str:
    """Spell the handle of an issue by its uuid."""
    return document_handle(SYSTEM, f"issue/{uuid}")


def issue_node(issue_id: str) -> NodeRef:
    """Point at an issue by its uuid, which moving it to another team does not change."""
    return NodeRef(NodeKind.DOCUMENT, issue_handle(issue_id))


def project_node(project_id: str, name: str = "") -> NodeRef:
    """Point at a project, which others are part of."""
    return NodeRef(NodeKind.PROJECT, f"{SYSTEM}:{project_id}".lower(), name)


def goal_node(initiative_id: str, name: str = "") -> NodeRef:
    """Point at an initiative."""
    return NodeRef(NodeKind.GOAL, f"{SYSTEM}:{initiative_id}".lower(), name)


def person_node(user_id: str, name: str = "") -> NodeRef:
    """Point at a member of the workspace."""
    return NodeRef(NodeKind.PERSON, provider_id(user_id), name)


def project_source_id(project_id: str) -> str:
    """Name the document of a project."""
    return f"project/{project_id}"


def update_source_id(update_id: str) -> str:
    """Name a project update."""
    return f"project-update/{update_id}"


def issue_handles(issue: Issue) -> tuple[str, ...]:
    """List what an issue answers to beside its identifier: uuid, earlier identifiers, address without the title."""
    found = _ISSUE_URL.match(issue.url or "")
    short = url_handle(found[1]) if found else None
    earlier = (document_handle(SYSTEM, name) for name in earlier_identifiers(issue))
    return tuple(dict.fromkeys((issue_handle(issue.id), *earlier, *([short] if short else []))))


def earlier_identifiers(issue: IssueKey) -> list[str]:
    """List the identifiers that an issue had in other teams; one that moved back may list its own."""
    return [name for name in dict.fromkeys(issue.previous_identifiers) if name != issue.identifier]


def renames(issue: IssueKey) -> Iterator[Rename]:
    """Tell that an issue and all that belongs to it had other names before it moved between teams."""
    if issue.updated_at is not None:
        for name in earlier_identifiers(issue):
            yield Rename(SYSTEM, name, issue.identifier, issue.updated_at)


def comment_handles(comment: CommentKey, place: Place) -> tuple[str, ...]:
    """List the names of a comment beside its source id: its uuid, and what its address comes down to."""
    short = f"{place.prefix}#comment-{comment.id[:_COMMENT_DIGITS]}" if place.parent else None
    return tuple(document_handle(SYSTEM, name) for name in (f"comment/{comment.id}", short) if name)


def canonical_handle(handle: str) -> str:
    """Turn the handle of one of Linear's addresses into that of its document: titles within addresses change."""
    if issue := _ISSUE_HANDLE.match(handle):
        return document_handle(SYSTEM, f"{issue[1]}#{issue[2]}" if issue[2] else issue[1])
    if project := _PROJECT_HANDLE.match(handle):
        return document_handle(SYSTEM, f"project/{project[1]}")
    return handle


def profile_name(handle: str) -> str | None:
    """Give the name of the person whose profile an address shows; None if it is no such address."""
    found = _PROFILE_HANDLE.match(handle)
    return found[1] if found else None


def place_in(issue: Issue) -> Place:
    """Say what the comments are on that came with their issue."""
    return Place(issue.identifier, f"{issue.identifier}: {' '.join(issue.title.split())}", parent=issue.identifier)


def place_of(comment: CommentKey, *, url: str | None) -> Place:
    """Find what a comment is on.

    Args:
        comment: the comment.
        url: its address, as far as it or the payload around it says: an issue's identifier stands in it.
    """
    content = comment.document_content
    issue = comment.issue or (content.issue if content else None)
    if issue is not None or comment.issue_id is not None:
        return _place_on_issue(issue, comment.issue_id, url=comment.url or url)
    if comment.project_update is not None or comment.project_update_id is not None:
        update = comment.project_update
        uuid = update.id if update else comment.project_update_id
        named = update.project.name if update and update.project else None
        source_id = f"project-update/{uuid}"
        return Place(source_id, f"an update on {named}" if named else "a project update", parent=source_id)
    project = comment.project or (content.project if content else None)
    if project is not None or comment.project_id is not None:
        source_id = f"project/{project.id if project else comment.project_id}"
        return Place(source_id, (project.name if project else None) or "a project", parent=source_id)
    return _place_elsewhere(comment)


def _place_on_issue(issue: IssueRef | None, uuid: str | None, *, url: str | None) -> Place:
    found = _ISSUE_URL.match(url or "")
    identifier = (issue.identifier if issue else None) or (found[2] if found else None)
    title = " ".join((issue.title or "").split()) if issue else ""
    if identifier is not None:
        return Place(identifier, f"{identifier}: {title}" if title else identifier, parent=identifier)
    known = issue.id if issue else uuid
    assert known is not None, "an issue has an id, or the comment has that of its issue"
    return Place(f"issue/{known}", title or "an issue", node=issue_node(known), field="issueId")


def _place_elsewhere(comment: CommentKey) -> Place:
    """Place a comment on something that is kept as no document here: an initiative, or a document of Linear."""
    document = comment.document_content.document if comment.document_content else None
    if document is not None:
        return Place(f"document/{document.id}", document.name or "a document")
    if comment.initiative_id is not None:
        node = goal_node(comment.initiative_id)
        return Place(f"initiative/{comment.initiative_id}", "an initiative", node=node, field="initiativeId")
    if comment.initiative_update_id is not None:
        return Place(f"initiative-update/{comment.initiative_update_id}", "an initiative update")
    if comment.document_content_id is not None:
        return Place(f"document-content/{comment.document_content_id}", "a document")
    return Place("", "something unnamed")

"""What the objects of Linear say of each other: links by fields, and links by the words of a text.

Which node a handle means is resolved elsewhere, when all is known.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from neural_memory_pipelines.domain.accounts import login_id
from neural_memory_pipelines.domain.graph import EdgeType, LinkDraft, NodeKind, NodeRef
from neural_memory_pipelines.domain.handles import url_handle
from neural_memory_pipelines.domain.prose import read_prose
from neural_memory_pipelines.domain.references import Reference, find_references
from neural_memory_pipelines.domain.relations import (
    REFERENCES_LIMIT,
    RELATION_WORDS,
    Relation,
    document_node,
    reference_links,
    relation_of,
)
from neural_memory_pipelines.sources.linear.accounts import SYSTEM, user_account
from neural_memory_pipelines.sources.linear.neighbours import IssueRelation, Named, Team, User
from neural_memory_pipelines.sources.linear.payloads import Issue, Project
from neural_memory_pipelines.sources.linear.places import (
    canonical_handle,
    goal_node,
    issue_node,
    person_node,
    profile_name,
    project_node,
)

MENTIONS_LIMIT = 200
"""How many persons one text can mention."""

STATED_CONFIDENCE = 0.9
"""How sure a relation is that words state, and no field: they may tell of the past, or of a wish."""

NAMED_CONFIDENCE = 0.8
"""How sure a mention by name is: an address of a profile is a mention, a name after an @ may be anything."""

_KEYWORD_REACH_CHARS = 48
_OPENING = r"[ \t]*:?[ \t]*(?:the[ \t]+)?[\[(<]?\Z"
_NOT_DENIED = r"(?<!\bnot )(?<!\blonger )(?<!\bnever )(?<!n't )"
# To "implement" something is a plan; what "implements" it is more.
_KEYWORD = re.compile(rf"{_NOT_DENIED}\b(?!implement\b)(?:{RELATION_WORDS}){_OPENING}", re.IGNORECASE)
_AT_NAME = re.compile(r"(?<![\w@/.:-])@([A-Za-z](?:[\w.-]{0,62}\w)?)(?![\w@/:-])")
_GROUPS = frozenset({"all", "channel", "everyone", "here", "team"})

_BLOCKED_BY_THIS = re.compile(
    r"[\])>]?[ \t]+(?:is|are|stays?|remains?)[ \t]+blocked[ \t]+by[ \t]+this\b", re.IGNORECASE
)
_NEXT_OF_LIST = re.compile(r"[\])>]?[ \t]*(?:,|&|and\b|,[ \t]*and\b)[ \t]*[\[(<]?|\]\(")

_RELATIONS = {"blocks": EdgeType.BLOCKED_BY, "related": EdgeType.RELATES_TO, "duplicate": EdgeType.DUPLICATES}
"""The types of relations. "similar" is left out: it is a guess of Linear's, which nobody confirmed."""


class _Spoken(NamedTuple):
    relation: Relation
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class _Named:
    """A reference, with the canonical handle of what it names."""

    at: Reference
    handle: str


def issue_links(issue: Issue) -> list[LinkDraft]:
    """List what the fields of an issue say."""
    team = issue.team or Team(key=issue.team_key)
    return [
        *_person(issue.assignee, issue.assignee_id, EdgeType.ASSIGNED_TO, "assignee"),
        *_parent(issue),
        *part_of_project(issue.project, issue.project_id),
        LinkDraft(EdgeType.PART_OF, _team_node(team, team.key or issue.team_key), field="team"),
        *(LinkDraft(EdgeType.PART_OF, None, issue_node(child.id), field="children") for child in issue.children),
        *_relations(issue.relations, "relations"),
        *_relations(issue.inverse_relations, "inverseRelations"),
        *_attachments(issue),
    ]


def project_links(project: Project) -> list[LinkDraft]:
    """List what the fields of a project say. Its page is part of the project, as its issues are."""
    return [
        *part_of_project(Named(id=project.id, name=project.name), None, field="id"),
        *_person(project.lead, project.lead_id, EdgeType.OWNED_BY, "lead"),
        *(LinkDraft(EdgeType.PART_OF, _team_node(team, team.key), field="teams") for team in project.teams if team.key),
        *(
            LinkDraft(EdgeType.ALIGNS_WITH_GOAL, goal_node(goal.id, goal.name or ""), field="initiatives")
            for goal in project.initiatives or ()
        ),
    ]


def part_of_project(project: Named | None, project_id: str | None, field: str = "project") -> Iterator[LinkDraft]:
    """Say which project something is part of."""
    known = project.id if project else project_id
    if known is not None:
        name = (project.name if project else None) or ""
        yield LinkDraft(EdgeType.PART_OF, project_node(known, name), field=field)


def text_links(body: str, *, own: Iterable[str], start: int = 0) -> list[LinkDraft]:
    """List what the words of a text say: references, mentions, and relations stated before or after a reference.

    Args:
        body: the draft's body.
        own: handles of the document itself, which are no references.
        start: where its own words begin; what it quotes above says nothing.
    """
    found = [
        _Named(reference, canonical_handle(reference.handle))
        for reference in find_references(body)
        if reference.start >= start
    ]
    prose = read_prose(body).own
    own_handles = {canonical_handle(handle) for handle in own}
    documents = [named for named in found if named.handle not in own_handles and not profile_name(named.handle)]
    places = ((named.handle, named.at.start, named.at.end) for named in documents)
    return [*reference_links(places), *_stated(prose, documents), *_mentions(prose, found, start=start)]


def named_documents(text: str) -> list[str]:
    """List the source ids of documents that a text names, each once, in order; addresses without one are left out."""
    found: dict[str, None] = {}
    for reference in find_references(text):
        if reference.source_id:
            is_ticket = reference.handle.startswith(f"{SYSTEM}:")
            found[reference.source_id.upper() if is_ticket else reference.source_id] = None
    return list(found)


def _person(user: User | None, user_id: str | None, type_: EdgeType, field: str) -> Iterator[LinkDraft]:
    known = user.id if user else user_id
    if known is not None and not (user and user_account(user).is_bot):
        yield LinkDraft(type_, person_node(known, (user.name if user else None) or ""), field=field)


def _parent(issue: Issue) -> Iterator[LinkDraft]:
    parent = issue.parent.id if issue.parent else issue.parent_id
    if parent is not None:
        yield LinkDraft(EdgeType.PART_OF, issue_node(parent), field="parent")


def _team_node(team: Team, key: str | None) -> NodeRef:
    return NodeRef(NodeKind.TEAM, f"{SYSTEM}:{key}".lower(), team.name or key or "")


def _relations(relations: Iterable[IssueRelation], field: str) -> Iterator[LinkDraft]:
    """Read relations; the side that is this issue itself may be left out or shown, and is the same either way."""
    inverse = field == "inverseRelations"
    for relation in relations:
        other = relation.issue if inverse else relation.related_issue
        type_ = _RELATIONS.get(relation.type)
        if type_ is None or other is None or relation.archived_at is not None:
            continue
        # What blocks stands first in the relation and last in the edge.
        leads_here = inverse != (type_ is EdgeType.BLOCKED_BY)
        node = issue_node(other.id)
        yield LinkDraft(type_, None if leads_here else node, node if leads_here else None, field=field)


def _attachments(issue: Issue) -> Iterator[LinkDraft]:
    for attachment in issue.attachments[:REFERENCES_LIMIT]:
        named = next(iter(find_references(attachment.url)), None)
        handle = named.handle if named else url_handle(attachment.url)
        if handle is not None:
            target = document_node(canonical_handle(handle))
            yield LinkDraft(EdgeType.REFERENCES, target, field="attachments")


def _stated(prose: str, documents: list[_Named]) -> Iterator[LinkDraft]:
    """Read relations such as "blocked by HAR-1 and HAR-2", and "HAR-1 is blocked by this", each once."""
    seen: set[tuple[Relation, str]] = set()
    before: Relation | None = None
    last_end = 0
    for named in documents:
        at = named.at
        goes_on = before is not None and _NEXT_OF_LIST.fullmatch(prose, last_end, at.start) is not None
        span = _spoken(prose, at, before=before if goes_on else None)
        before, last_end = (span.relation if span and span.end == at.end else None), at.end
        if span is None or (span.relation, named.handle) in seen or len(seen) >= REFERENCES_LIMIT:
            continue
        seen.add((span.relation, named.handle))
        node = document_node(named.handle)
        target, origin = (None, node) if span.relation.is_reversed else (node, None)
        yield LinkDraft(span.relation.type, target, origin, span.start, span.end, confidence=STATED_CONFIDENCE)


def _spoken(prose: str, at: Reference, *, before: Relation | None) -> _Spoken | None:
    """Find what the words around a reference state, and their span; `before` is what the list that it ends states."""
    found = _KEYWORD.search(prose, max(0, at.start - _KEYWORD_REACH_CHARS), at.start)
    if found:
        return _Spoken(relation_of(found), found.start(), at.end)
    if before:
        return _Spoken(before, at.start, at.end)
    after = _BLOCKED_BY_THIS.match(prose, at.end, at.end + _KEYWORD_REACH_CHARS)
    return _Spoken(Relation(EdgeType.BLOCKED_BY, is_reversed=True), at.start, after.end()) if after else None


def _mentions(prose: str, found: list[_Named], *, start: int) -> Iterator[LinkDraft]:
    """Read mentions of persons: addresses of their profiles, and names after an @, as the API spells mentions.

    Source: https://github.com/linear/linear/issues/351, the comment of 2025-03-12.
    """
    first: dict[str, tuple[int, int, float]] = {}
    for named in found:
        name = profile_name(named.handle)
        if name is not None:
            first.setdefault(login_id(SYSTEM, name), (named.at.start, named.at.end, 1.0))
    for match in _AT_NAME.finditer(prose, start):
        if match[1].lower() not in _GROUPS:
            first.setdefault(login_id(SYSTEM, match[1]), (*match.span(), NAMED_CONFIDENCE))
    for handle, (begin, end, confidence) in list(first.items())[:MENTIONS_LIMIT]:
        yield LinkDraft(
            EdgeType.MENTIONS, NodeRef(NodeKind.PERSON, handle), start=begin, end=end, confidence=confidence
        )

"""The links of a page: what its properties, its mentions and its words say of people, goals and other documents.

Who wrote a page is no link here: it follows from the draft's author.
Source of the names of built-in relations: https://www.notion.com/help/tasks-and-dependencies
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from neural_memory_pipelines.domain.accounts import Account
from neural_memory_pipelines.domain.blocks import Kind, heading_text, scan_blocks
from neural_memory_pipelines.domain.graph import EdgeType, LinkDraft, NodeKind, NodeRef
from neural_memory_pipelines.domain.handles import document_handle
from neural_memory_pipelines.domain.references import find_references
from neural_memory_pipelines.domain.relations import REFERENCES_LIMIT, document_node, reference_links
from neural_memory_pipelines.sources.notion.accounts import is_group, provider_id
from neural_memory_pipelines.sources.notion.payloads import Parent, User
from neural_memory_pipelines.sources.notion.properties import Properties
from neural_memory_pipelines.sources.notion.rich_text import Mark

SOURCE = "notion"
MENTIONS_LIMIT = 200

_ASSIGNEE = re.compile(r"\bassign(?:ee|ees|ed)\b", re.IGNORECASE)
_OWNER = re.compile(r"\b(?:owner|owners|owned|dri|responsible|maintainers?)\b", re.IGNORECASE)
_GOAL_WORDS = r"(?:goals?|objectives?|okrs?|initiatives?)"
_GOAL = re.compile(rf"\b{_GOAL_WORDS}\b", re.IGNORECASE)
_GOAL_HEADING = re.compile(rf"(?:our |the )?{_GOAL_WORDS}\W*", re.IGNORECASE)
_GOAL_LABEL = re.compile(rf"[\s>*_+\[\]x-]{{0,40}}{_GOAL_WORDS}[*_]{{0,3}}:", re.IGNORECASE)
_LABEL_REACH_CHARS = 500
_HEADED_GOAL_CONFIDENCE = 0.8

_BUILT_IN: Mapping[str, tuple[EdgeType, bool]] = {
    "parent item": (EdgeType.PART_OF, False),
    "parent task": (EdgeType.PART_OF, False),
    "sub-item": (EdgeType.PART_OF, True),
    "sub-items": (EdgeType.PART_OF, True),
    "sub-task": (EdgeType.PART_OF, True),
    "sub-tasks": (EdgeType.PART_OF, True),
    "blocked by": (EdgeType.BLOCKED_BY, False),
    "blocking": (EdgeType.BLOCKED_BY, True),
    "is blocking": (EdgeType.BLOCKED_BY, True),
}
"""Relations that Notion itself offers, by their default names: the edge, and whether it leads from there to here."""


@dataclass(frozen=True, slots=True)
class Told:
    """What of a document links are read from. `body` is the draft's, `marks` the mentions in it."""

    source_id: str
    body: str
    marks: Sequence[Mark] = ()
    parent: Parent | None = None
    properties: Properties | None = None


def page_handle(page_id: str) -> str:
    """Spell the handle of a page, database or data source."""
    return document_handle(SOURCE, page_id)


def read_links(told: Told, accounts: Mapping[str, Account]) -> tuple[LinkDraft, ...]:
    """Read all links of a document, those of fields first.

    Args:
        told: the document.
        accounts: by user id, all that the payload tells of its users: bots are neither owners nor mentioned.
    """
    properties = told.properties or Properties()
    links = [
        *_place_links(told),
        *_people_links(properties, accounts),
        *_relation_links(properties, told.source_id),
        *_goal_mentions(told),
        *_mention_links(told.marks, accounts),
        *_reference_links(told),
    ]
    return tuple(links)


def _place_links(told: Told) -> Iterator[LinkDraft]:
    parent = told.parent
    if parent is None:
        return
    above = {"page_id": parent.page, "data_source_id": parent.data_source_id, "database_id": parent.database_id}
    for field, page_id in above.items():
        if page_id and page_id != told.source_id:
            yield LinkDraft(EdgeType.PART_OF, _document(page_id), field=f"parent.{field}")


def _people_links(properties: Properties, accounts: Mapping[str, Account]) -> Iterator[LinkDraft]:
    for name, users in properties.people.items():
        edge = _edge_of_people(name)
        people = {user.id: user for user in users}
        for user in people.values() if edge else ():
            node = _person_or_team(user, accounts)
            if node and edge:
                yield LinkDraft(edge, node, field=f"properties.{name}")


def _edge_of_people(name: str) -> EdgeType | None:
    if _ASSIGNEE.search(name):
        return EdgeType.ASSIGNED_TO
    return EdgeType.OWNED_BY if _OWNER.search(name) else None


def _person_or_team(user: User, accounts: Mapping[str, Account]) -> NodeRef | None:
    if is_group(user):
        return NodeRef(NodeKind.TEAM, provider_id(user.id), user.name or "")
    account = accounts.get(user.id)
    is_bot = user.is_bot or bool(account and account.is_bot)
    return None if is_bot else NodeRef(NodeKind.PERSON, provider_id(user.id), account.name if account else "")


def _relation_links(properties: Properties, source_id: str) -> Iterator[LinkDraft]:
    for name, page_ids in properties.relations.items():
        edge, leads_here = _BUILT_IN.get(name.strip().lower(), (EdgeType.RELATES_TO, False))
        for page_id in dict.fromkeys(page_ids):
            field = f"properties.{name}"
            if page_id == source_id:
                continue
            if _GOAL.search(name):
                yield LinkDraft(EdgeType.ALIGNS_WITH_GOAL, _goal(page_id), field=field)
            elif leads_here:
                yield LinkDraft(edge, None, _document(page_id), field=field)
            else:
                yield LinkDraft(edge, _document(page_id), field=field)


def _goal_mentions(told: Told) -> Iterator[LinkDraft]:
    """Find the mentions of pages behind "Goal:" on a line, and those below a heading that says just that."""
    pages = [mark for mark in told.marks if mark.page_id and mark.page_id != told.source_id]
    headed = list(_goal_sections(told.body)) if pages else []
    seen: set[str] = set()
    for mark in pages:
        line_start = told.body.rfind("\n", 0, mark.start) + 1
        before = told.body[max(line_start, mark.start - _LABEL_REACH_CHARS) : mark.start]
        is_labelled = _GOAL_LABEL.match(before) is not None
        if mark.page_id in seen or not (is_labelled or any(start <= mark.start < end for start, end in headed)):
            continue
        seen.add(str(mark.page_id))
        confidence = 1.0 if is_labelled else _HEADED_GOAL_CONFIDENCE
        goal = _goal(str(mark.page_id))
        yield LinkDraft(EdgeType.ALIGNS_WITH_GOAL, goal, start=mark.start, end=mark.end, confidence=confidence)


def _goal_sections(body: str) -> Iterator[tuple[int, int]]:
    start: int | None = None
    for block in scan_blocks(body):
        if block.kind is not Kind.HEADING:
            continue
        if start is not None:
            yield start, block.start
        words = heading_text(body[block.start : block.content_end])
        start = block.end if _GOAL_HEADING.fullmatch(words) else None
    if start is not None:
        yield start, len(body)


def _mention_links(marks: Iterable[Mark], accounts: Mapping[str, Account]) -> Iterator[LinkDraft]:
    seen: set[str] = set()
    for mark in marks:
        if mark.user is None or mark.user.id in seen or len(seen) >= MENTIONS_LIMIT:
            continue
        seen.add(mark.user.id)
        node = _person_or_team(mark.user, accounts)
        if node:
            yield LinkDraft(EdgeType.MENTIONS, node, start=mark.start, end=mark.end)


def _reference_links(told: Told) -> list[LinkDraft]:
    """Link each document that is named to the first place that names it, in the text before the properties."""
    places = [
        *((page_handle(mark.page_id), mark.start, mark.end) for mark in told.marks if mark.page_id),
        *((found.handle, found.start, found.end) for found in find_references(told.body)),
    ]
    links = reference_links(sorted(places, key=lambda place: place[1]), own={page_handle(told.source_id)})
    known = {link.target for link in links} | {_document(told.source_id)}
    for name, text in told.properties.texts.items() if told.properties else ():
        for found in find_references(text):
            node = document_node(found.handle)
            if node not in known:
                known.add(node)
                links.append(LinkDraft(EdgeType.REFERENCES, node, field=f"properties.{name}"))
    return links[:REFERENCES_LIMIT]


def _document(page_id: str) -> NodeRef:
    return document_node(page_handle(page_id))


def _goal(page_id: str) -> NodeRef:
    return NodeRef(NodeKind.GOAL, provider_id(page_id))

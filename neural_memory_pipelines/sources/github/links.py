"""Links: what the words and fields of GitHub's objects say about other documents, people and parts of the system.

Finding references and mentions is done elsewhere; here it is decided which edge each of them is.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from neural_memory_pipelines.domain.accounts import Account, login_id
from neural_memory_pipelines.domain.graph import EdgeType, LinkDraft, NodeKind, NodeRef
from neural_memory_pipelines.domain.handles import document_handle, url_handle
from neural_memory_pipelines.domain.references import Reference, find_references
from neural_memory_pipelines.domain.relations import REFERENCES_LIMIT, Relation, document_node
from neural_memory_pipelines.sources.github.accounts import SYSTEM, accounts_of, person
from neural_memory_pipelines.sources.github.components import labelled_components, scoped_components
from neural_memory_pipelines.sources.github.mentions import find_mentions
from neural_memory_pipelines.sources.github.payloads import User
from neural_memory_pipelines.sources.github.relations import relations


@dataclass(frozen=True, slots=True)
class Text:
    """The body of a document, and what its words can state.

    Attributes:
        body: the draft's body.
        source_id: the document's own.
        repository: owner/repo, that bare numbers belong to.
        url: the document's own address.
        author: who wrote it: nobody mentions himself.
        subject: the source id of what its relations are about: for a comment the issue, else the document itself.
        closes_from: from which character on closing keywords close; None where they do not: GitHub applies them in
            descriptions of pull requests and in commit messages alone.
        can_implement: whether it can be the implementation of what it names: code, and no talk about code.
        can_relate: whether words such as "blocked by" count.
    """

    body: str
    source_id: str
    repository: str
    url: str | None = None
    author: Account | None = None
    subject: str | None = None
    closes_from: int | None = None
    can_implement: bool = False
    can_relate: bool = True


def document(source_id: str) -> NodeRef:
    """Name a document of GitHub."""
    return document_node(document_handle(SYSTEM, source_id))


def text_links(text: Text) -> Iterator[LinkDraft]:
    """Link a document to what its words name: one link for each thing named and what is said of it.

    A reference whose words say more than that it refers is that link alone; at most 200 references, each document once.
    """
    yield from _reference_links(text)
    own_login = login_id(SYSTEM, text.author.handle) if text.author and text.author.handle else None
    for node, start, end in find_mentions(text.body, owner=text.repository.partition("/")[0]):
        if node.handle != own_login:
            yield LinkDraft(EdgeType.MENTIONS, node, start=start, end=end)


def _reference_links(text: Text) -> Iterator[LinkDraft]:
    itself = {document_handle(SYSTEM, text.source_id), url_handle(text.url or "")}
    found = find_references(text.body, repository=text.repository)
    stated: dict[tuple[str, Relation], LinkDraft] = {}
    plain: dict[str, LinkDraft] = {}
    for reference, words in relations(text.body, found):
        if reference.handle in itself:
            continue
        relation = _relation(text, reference, words)
        if relation is None and reference.handle not in plain:
            plain[reference.handle] = _link(text, reference, Relation(EdgeType.REFERENCES))
        elif relation is not None and (reference.handle, relation) not in stated:
            stated[reference.handle, relation] = _link(text, reference, relation)
    told = {handle for handle, _ in stated}
    links = [*stated.values(), *(link for handle, link in plain.items() if handle not in told)]
    yield from sorted(links, key=lambda link: link.start)[:REFERENCES_LIMIT]


def _relation(text: Text, reference: Reference, words: Relation | None) -> Relation | None:
    if reference.closes and text.closes_from is not None and reference.start >= text.closes_from:
        return Relation(EdgeType.RESOLVES)
    if words is None or not text.can_relate or (words.type is EdgeType.IMPLEMENTS and not text.can_implement):
        return None
    # "Duplicate of #5", said in #5 itself, would make it its own duplicate.
    return None if text.subject and reference.handle == document_handle(SYSTEM, text.subject) else words


def _link(text: Text, reference: Reference, relation: Relation) -> LinkDraft:
    named = document_node(reference.handle)
    is_of_subject = relation.type not in {EdgeType.REFERENCES, EdgeType.RESOLVES, EdgeType.IMPLEMENTS}
    subject = document(text.subject) if text.subject and is_of_subject else None
    origin, target = (named, subject) if relation.is_reversed else (subject, named)
    return LinkDraft(relation.type, target, origin, reference.start, reference.end)


def repository_link(repository: str) -> LinkDraft:
    """Link a document to its repository."""
    node = NodeRef(NodeKind.REPOSITORY, f"{SYSTEM}:{repository.lower()}", name=repository)
    return LinkDraft(EdgeType.PART_OF, node, field="repository")


def assignee_links(assignees: Iterable[User | None]) -> Iterator[LinkDraft]:
    """Link a document to the people it is assigned to."""
    for account in accounts_of(assignees):
        if node := person(account):
            yield LinkDraft(EdgeType.ASSIGNED_TO, node, field="assignees")


def reviewer_link(reviewed: str, reviewer: User | None, *, author: User | None, field: str) -> Iterator[LinkDraft]:
    """Link a pull request to somebody else than its author who reviewed it."""
    is_author = reviewer is not None and author is not None and reviewer.id == author.id
    for account in () if is_author else accounts_of([reviewer]):
        if node := person(account):
            yield LinkDraft(EdgeType.REVIEWED_BY, node, document(reviewed), field=field)


def component_links(title: str, labels: Iterable[str], *, title_start: int) -> Iterator[LinkDraft]:
    """Link a document to the components that its labels and the scope of its title name, each once.

    Args:
        title: on one line.
        labels: their names.
        title_start: where the title stands in the document's body.
    """
    found = [LinkDraft(EdgeType.TOUCHES_COMPONENT, node, field="labels") for node in labelled_components(labels)]
    for node, start, end in scoped_components(title):
        found.append(LinkDraft(EdgeType.TOUCHES_COMPONENT, node, start=title_start + start, end=title_start + end))
    seen: set[str] = set()
    for link in found:
        assert link.target is not None
        if link.target.handle not in seen:
            seen.add(link.target.handle)
            yield link

"""The links of a document: what its front matter states, and what its text names.

How names are spelled as handles is settled in `names.py`, where they stand in the text in `mentions.py`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice

from neural_memory_pipelines.domain.accounts import Account, login_id
from neural_memory_pipelines.domain.graph import EdgeType, LinkDraft, NodeKind, NodeRef
from neural_memory_pipelines.domain.references import find_references
from neural_memory_pipelines.domain.relations import REFERENCES_LIMIT, document_node, reference_links
from neural_memory_pipelines.sources.docs.front_matter import FrontMatter
from neural_memory_pipelines.sources.docs.mentions import Mention, find_logins, find_mentions, find_relations
from neural_memory_pipelines.sources.docs.names import Place
from neural_memory_pipelines.sources.docs.people import account_named, split_names, team_named

MENTIONS_LIMIT = 200
FIELD_VALUES_LIMIT = 100

_FIELDS: Mapping[str, tuple[EdgeType, bool]] = {
    "superseded_by": (EdgeType.SUPERSEDES, True),
    "replaced_by": (EdgeType.SUPERSEDES, True),
    "obsoleted_by": (EdgeType.SUPERSEDES, True),
    "supersedes": (EdgeType.SUPERSEDES, False),
    "replaces": (EdgeType.SUPERSEDES, False),
    "obsoletes": (EdgeType.SUPERSEDES, False),
    "requires": (EdgeType.REQUIRES, False),
    "depends_on": (EdgeType.REQUIRES, False),
    "related": (EdgeType.RELATES_TO, False),
    "relates_to": (EdgeType.RELATES_TO, False),
    "see_also": (EdgeType.RELATES_TO, False),
    "implements": (EdgeType.IMPLEMENTS, False),
    "discussions_to": (EdgeType.REFERENCES, False),
    "resolution": (EdgeType.REFERENCES, False),
}
"""What a key of the front matter states of the documents that it names; True if they are the origin of the link."""

_OWNER_KEYS = ("owner", "owners", "team", "teams")
_MENTION_CONFIDENCE = 0.5
_COMPONENT_KEYS = ("component", "components")
_NUMBER = re.compile(r"#?(\d{1,6})\Z")
_NUMBERED = re.compile(r"([A-Za-z]{2,12})[\s_-]?#?(\d{1,6})(?![\w.])(?::.*)?\Z", re.DOTALL)
_MARKDOWN_LINK = re.compile(r"\[[^\[\]]{0,300}\]\(([^()\s]{1,1000})\)\Z")
# White space, an address, or the placeholder of one.
_NO_PATH = re.compile(r"[\s@\[]")
_BETWEEN = re.compile(r"[,;\n]|\sand\s")


@dataclass(frozen=True, slots=True)
class Linking:
    """What is needed to find the links of a document.

    Attributes:
        place: where the file is.
        own: handles that mean the document itself.
        repository: owner/repo that a `#12` in a field belongs to, if known.
    """

    place: Place
    own: frozenset[str]
    repository: str | None = None


def body_links(body: str, linking: Linking, *, prose: str) -> list[LinkDraft]:
    """Find the links to documents that words of the body carry: references, and what supersedes what.

    Args:
        body: the document's.
        linking: where the document is.
        prose: the prose of the body (`read_prose`), which is as long.
    """
    mentions = [
        mention for mention in find_mentions(body, linking.place, prose=prose) if mention.handle not in linking.own
    ]
    links = reference_links((mention.handle, mention.start, mention.end) for mention in mentions)
    return [*links, *_relations(prose, mentions)]


def mentioned_people(prose: str) -> list[LinkDraft]:
    """Find the people whom prose names as `@login`. Nobody is told of it in a file, so it may be another's name."""
    first: dict[str, LinkDraft] = {}
    for login, start, end in find_logins(prose):
        person = NodeRef(NodeKind.PERSON, login_id("github", login))
        link = LinkDraft(EdgeType.MENTIONS, person, start=start, end=end, confidence=_MENTION_CONFIDENCE)
        first.setdefault(person.handle, link)
        if len(first) == MENTIONS_LIMIT:
            break
    return [*first.values()]


def front_matter_links(front: FrontMatter, linking: Linking) -> list[LinkDraft]:
    """Find the links that fields at the top of the file state."""
    links = [*_stated(front, linking), *_owned(front), *_components(front)]
    return [*dict.fromkeys(links)]


def author_links(coauthors: Iterable[Account], *, field: str) -> list[LinkDraft]:
    """Say of all authors but the first that they wrote the document too."""
    return [
        LinkDraft(EdgeType.AUTHORED_BY, NodeRef(_kind(account), account.provider_id), field=field)
        for account in coauthors
    ]


def stated_handles(text: str, linking: Linking) -> Iterator[str]:
    """Read the documents that a value names: a number of the series, "PEP 8", a path, an address, or a list of them."""
    for piece in _BETWEEN.split(text):
        yield from _handles(piece.strip(), linking)


def _relations(prose: str, mentions: list[Mention]) -> Iterator[LinkDraft]:
    stated: set[tuple[str, bool]] = set()
    for relation in islice(find_relations(prose, mentions), REFERENCES_LIMIT):
        if (relation.handle, relation.reverse) not in stated:
            stated.add((relation.handle, relation.reverse))
            span = (relation.start, relation.end)
            yield _link(relation.type, relation.handle, reverse=relation.reverse, span=span)


def _stated(front: FrontMatter, linking: Linking) -> Iterator[LinkDraft]:
    for key, (kind, reverse) in _FIELDS.items():
        for value in front.texts(key)[:FIELD_VALUES_LIMIT]:
            for handle in stated_handles(value, linking):
                if handle not in linking.own:
                    yield _link(kind, handle, reverse=reverse, field=_field(key))
    status = front.word("status") or ""
    mentions = find_mentions(status, linking.place, prose=status)
    for relation in find_relations(status, mentions):
        if relation.handle not in linking.own:
            yield _link(relation.type, relation.handle, reverse=relation.reverse, field=_field("status"))


def _handles(piece: str, linking: Linking) -> Iterator[str]:
    number = _NUMBER.match(piece)
    series = linking.place.series
    if number and series and not (piece.startswith("#") and linking.repository):
        yield linking.place.handle(series.sibling(int(number[1])))
        return
    named = _NUMBERED.match(piece)
    handle = linking.place.numbered(named[1], int(named[2])) if named else None
    if handle is None:
        link = _MARKDOWN_LINK.match(piece)
        target = link[1] if link else piece
        found = find_references(target, repository=linking.repository)
        if found:
            yield from (reference.handle for reference in found)
            return
        is_path = not number and bool(target) and not _NO_PATH.search(target)
        handle = linking.place.linked(target) if is_path else None
    if handle is not None:
        yield handle


def _owned(front: FrontMatter) -> Iterator[LinkDraft]:
    for key in _OWNER_KEYS:
        for value in front.texts(key)[:FIELD_VALUES_LIMIT]:
            for name in split_names(value):
                team = team_named(name) or (_team(name) if key.startswith("team") else None)
                owner = None if team else account_named(name)
                target = team or (NodeRef(_kind(owner), owner.provider_id) if owner else None)
                if target:
                    yield LinkDraft(EdgeType.OWNED_BY, target, field=_field(key))


def _team(name: str) -> NodeRef:
    bare = name.removeprefix("@")
    return NodeRef(NodeKind.TEAM, f"docs:{bare}".lower(), name=bare)


def _components(front: FrontMatter) -> Iterator[LinkDraft]:
    for key in _COMPONENT_KEYS:
        for value in front.texts(key)[:FIELD_VALUES_LIMIT]:
            for name in (piece.strip() for piece in value.split(",")):
                if name:
                    target = NodeRef(NodeKind.COMPONENT, f"component:{name}".lower(), name=name)
                    yield LinkDraft(EdgeType.TOUCHES_COMPONENT, target, field=_field(key))


def _link(kind: EdgeType, handle: str, *, reverse: bool, span: tuple[int, int] = (0, 0), field: str = "") -> LinkDraft:
    target, origin = (None, document_node(handle)) if reverse else (document_node(handle), None)
    return LinkDraft(kind, target, origin, span[0], span[1], field)


def _kind(account: Account) -> NodeKind:
    return NodeKind.BOT if account.is_bot else NodeKind.PERSON


def _field(key: str) -> str:
    return f"frontmatter.{key}"

"""The graph as sources describe it: nodes by the names that texts use, and links with the words that carry them.

Which node a name means, and which links make an edge, is resolved in `steps/graph.py` when all is known.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from neural_memory_pipelines.domain.ids import ContentHash, Json, hash_json


class NodeKind(StrEnum):
    """The kinds of nodes. All but documents are entities."""

    DOCUMENT = "document"
    PERSON = "person"
    BOT = "bot"
    TEAM = "team"
    REPOSITORY = "repository"
    COMPONENT = "component"
    PROJECT = "project"
    GOAL = "goal"


class EdgeType(StrEnum):
    """The types of edges, read from origin to target. The list is fixed: a new type is a code change."""

    AUTHORED_BY = "AUTHORED_BY"
    ASSIGNED_TO = "ASSIGNED_TO"
    OWNED_BY = "OWNED_BY"
    REVIEWED_BY = "REVIEWED_BY"
    MENTIONS = "MENTIONS"
    RESOLVES = "RESOLVES"
    REFERENCES = "REFERENCES"
    IMPLEMENTS = "IMPLEMENTS"
    TOUCHES_COMPONENT = "TOUCHES_COMPONENT"
    BLOCKED_BY = "BLOCKED_BY"
    RELATES_TO = "RELATES_TO"
    DUPLICATES = "DUPLICATES"
    PART_OF = "PART_OF"
    ALIGNS_WITH_GOAL = "ALIGNS_WITH_GOAL"
    SUPERSEDES = "SUPERSEDES"
    REQUIRES = "REQUIRES"


@dataclass(frozen=True, slots=True)
class NodeRef:
    """A node by a name that it answers to.

    Attributes:
        kind: what it is.
        handle: for a document, one of its handles (see `handles.py`); for a person, a provider id or
            "email:<hash>"; for another entity its key, "<system>:<name>", in lower case.
        name: what people read, for an entity that this reference alone may bring into being.
    """

    kind: NodeKind
    handle: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class LinkDraft:
    """A link that a document states, with the words or the field that state it.

    Attributes:
        type: read from origin to target.
        target: None for the document itself.
        origin: None for the document itself. At most one of the two is None.
        start, end: the span of the words in the document's `body`, in characters; both 0 when a field states it.
        field: the field of the payload that states it, such as "assignees"; "" when words do.
        confidence: 0..1. 1.0 for what the source states in a field or with a keyword of its own.
    """

    type: EdgeType
    target: NodeRef | None
    origin: NodeRef | None = None
    start: int = 0
    end: int = 0
    field: str = ""
    confidence: float = 1.0

    def content_hash(self, words: str) -> ContentHash:
        """Hash what the link says and by which words: two links of a document with the same hash are one.

        All that is kept of a link counts, so that no link is kept as the first of several descriptions had it.
        """
        ends: list[Json] = [*_spelled(self.origin), *_spelled(self.target)]
        return hash_json([self.type, *ends, self.field, words, round(self.confidence, 6)])


def _spelled(node: NodeRef | None) -> list[Json]:
    if node is None:
        return [None, None, None]
    # That an account is a bot may be learned later: it is the same account.
    kind = NodeKind.PERSON if node.kind is NodeKind.BOT else node.kind
    return [kind, node.handle, node.name]

"""Relations between documents that texts state: the words for them, and plain references as links.

Where a text may state a relation, and whom it links, is up to the sources; references are found in `references.py`.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from neural_memory_pipelines.domain.graph import EdgeType, LinkDraft, NodeKind, NodeRef

REFERENCES_LIMIT = 200
"""How many other documents one text can point at."""


@dataclass(frozen=True, slots=True)
class Relation:
    """What a reference is to the text's subject; `is_reversed` if it leads from what is named to the subject."""

    type: EdgeType
    is_reversed: bool = False


_VOCABULARY: tuple[tuple[str, Relation], ...] = (
    (r"(?:duplicate|dupe?)\s+of|duplicates", Relation(EdgeType.DUPLICATES)),
    (r"blocked\s+(?:by|on)", Relation(EdgeType.BLOCKED_BY)),
    (r"block(?:s|ing)", Relation(EdgeType.BLOCKED_BY, is_reversed=True)),
    (r"depend(?:s|ing|ent)?\s+(?:up)?on|requires", Relation(EdgeType.REQUIRES)),
    (
        r"(?:superseded|replaced|obsoleted)\s+by|clos(?:ed|es|ing|e)\s+in\s+favou?r\s+of",
        Relation(EdgeType.SUPERSEDES, is_reversed=True),
    ),
    (r"supersed(?:es|ing|e)|replac(?:es|ing)|obsoletes", Relation(EdgeType.SUPERSEDES)),
    (r"implement(?:s|ed|ing)?|implementation\s+of", Relation(EdgeType.IMPLEMENTS)),
)
_RELATION_OF_GROUP = {f"k{at}": relation for at, (_, relation) in enumerate(_VOCABULARY)}

RELATION_WORDS = "|".join(rf"(?P<k{at}>{words})" for at, (words, _) in enumerate(_VOCABULARY))
"""The words that stand before a reference and say what it is: alternatives of a regular expression that ignores case.

What matched is told by `relation_of`; a pattern that holds these words has no other named group that can end last.
"""


def relation_of(found: re.Match[str]) -> Relation:
    """Tell which relation the words state that a pattern with `RELATION_WORDS` matched."""
    return _RELATION_OF_GROUP[found.lastgroup or ""]


def document_node(handle: str) -> NodeRef:
    """Point at a document by a handle of it."""
    return NodeRef(NodeKind.DOCUMENT, handle)


def reference_links(places: Iterable[tuple[str, int, int]], *, own: Collection[str] = ()) -> list[LinkDraft]:
    """Link a document to what its text names: each other document once, at the first place, `REFERENCES_LIMIT` at most.

    Args:
        places: the handle of what is named, and the span of the words that name it, in order of the text.
        own: handles of the document itself, which are no references.
    """
    first: dict[str, LinkDraft] = {}
    for handle, start, end in places:
        if handle not in own and handle not in first:
            first[handle] = LinkDraft(EdgeType.REFERENCES, document_node(handle), start=start, end=end)
            if len(first) == REFERENCES_LIMIT:
                break
    return list(first.values())

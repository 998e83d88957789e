"""Relations: what the words in front of a reference make of it, such as "Blocked by #12".

Knows words and references; whom a relation links, and which texts may state it, is decided in `links.py`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from neural_memory_pipelines.domain.graph import EdgeType
from neural_memory_pipelines.domain.prose import read_prose
from neural_memory_pipelines.domain.references import Reference
from neural_memory_pipelines.domain.relations import RELATION_WORDS, Relation, relation_of

_REACH_CHARS = 240


# Between the keyword and the reference: a colon, emphasis, "PR", the text of a link, the first mark of a list.
_GLUE = (
    r"\s{0,3}[*_]{0,2}:?[*_]{0,2}\s{0,4}(?:[-*+]\s{1,3}(?:\[[ xX]\]\s{1,3})?)?"
    r"(?:(?:the\s+)?(?:issue|PR|pull\s+request|discussion|ticket)s?:?\s+)?"
)
_LINK_TEXT = r"(?:\[(?:[^\[\]]{0,120}\]\(\s?<?)?|<)?"
_KEYWORD = re.compile(rf"(?<!\w)(?<!-)(?:{RELATION_WORDS}){_GLUE}{_LINK_TEXT}\Z", re.IGNORECASE)
_KEYWORD_HINT = re.compile(
    r"dup|block|depend|requires|super|replac|obsolete|fav|implement|rfc|adr|spec|design|proposal", re.IGNORECASE
)
_NEGATION = re.compile(r"(?:\b(?:not|never|no longer|without)|n't)\b[ \w]{0,16}\Z", re.IGNORECASE)
_LIST_GAP = re.compile(
    r"[ \t]{0,3}(?:,|;|&|\+|and|or|,\s?and)?[ \t]{0,3}(?:\n[ \t]{0,8}[-*+][ \t]{1,3}(?:\[[ xX]\][ \t]+)?)?\[?\Z"
)
_DESIGN_WORD = r"(?:RFC|ADR|PEP|spec(?:ification)?|design(?:\s+doc(?:ument)?)?|proposal)"
# "RFC: <link>" on a line of its own, and "Implements the queue of [RFC 5](<link>)".
_DESIGN_LINE = re.compile(
    rf"^[ \t]{{0,8}}(?:[-*+][ \t]+)?[*_]{{0,2}}{_DESIGN_WORD}[*_]{{0,2}}:[*_]{{0,2}}\s{{0,3}}{_LINK_TEXT}\Z",
    re.IGNORECASE | re.MULTILINE,
)
_IMPLEMENTS_SOME = re.compile(
    r"\bimplement(?:s|ed|ing)?\b[^.!?\n\[\]]{0,80}\[(?P<text>[^\[\]]{0,120})\]\(\s?<?\Z", re.IGNORECASE
)
_NAMES_A_DESIGN = re.compile(rf"(?<![A-Za-z]){_DESIGN_WORD}s?(?![A-Za-z])", re.IGNORECASE)


def relations(markdown: str, references: Sequence[Reference]) -> Iterator[tuple[Reference, Relation | None]]:
    """Tell for each reference of a text what the words in front of it say; None where they say nothing.

    "Depends on #1, #2 and #3" and the items of a list below "Depends on:" hold for each. Quoted lines say nothing, and
    neither do negations. Takes time that grows with the number of references.
    """
    own = read_prose(markdown).own
    previous: Relation | None = None
    end = 0
    for reference in references:
        gap = own[max(end, reference.start - _REACH_CHARS) : reference.start]
        # The address behind "[#5](" is the same place once more.
        goes_on = previous is not None and (gap == "](" or _LIST_GAP.fullmatch(own, end, reference.start) is not None)
        relation = previous if goes_on else _stated(gap, markdown[reference.start : reference.end])
        yield reference, relation
        previous, end = relation, reference.end
        if own.startswith(")", end):
            end += 1


def _stated(gap: str, named: str) -> Relation | None:
    if not _KEYWORD_HINT.search(gap):
        return None
    if found := _KEYWORD.search(gap):
        is_denied = _NEGATION.search(gap, 0, found.start()) is not None
        return None if is_denied else relation_of(found)
    if _DESIGN_LINE.search(gap):
        return Relation(EdgeType.IMPLEMENTS)
    found = _IMPLEMENTS_SOME.search(gap)
    if found and (_NAMES_A_DESIGN.search(found["text"]) or _NAMES_A_DESIGN.search(named)):
        return Relation(EdgeType.IMPLEMENTS)
    return None

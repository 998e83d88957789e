"""Identifiers in a query: the spellings by which people name one document, found by rule.

Texts of documents are read by `references.py`, whose rules hold here too; which documents are meant, the stores know.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from neural_memory_pipelines.domain.references import Reference, find_references

_LONGEST_WORD_CHARS = 2_100
_LONGEST_NAME_CHARS = 300
_SHA_CHARS = 40
# No repository is called so: what a text does not say of which repository it is.
_ANY = "*"
# Marks that would make code of an identifier, where prose is read; a query has no code.
_NO_CODE = str.maketrans("`<>\\", ",,,,")
_PART = re.compile(r"[^,;()\[\]{}|\"'\u2018\u2019]+")
_OUTER = ".:!?*_"
_OWNER = r"[A-Za-z0-9][A-Za-z0-9_-]*"
_NAME = r"[A-Za-z0-9_.-]+"
_PLACE = rf"(?:{_OWNER}/)?{_NAME}"
_COMMIT = re.compile(rf"(?:(?P<place>{_PLACE})@)?(?P<sha>[0-9a-f]{{7,40}})", re.IGNORECASE)
_RELEASE = re.compile(rf"(?P<place>{_OWNER}/{_NAME})@(?P<tag>[A-Za-z0-9][A-Za-z0-9._+-]*)")
_NUMBER = re.compile(rf"(?P<place>{_NAME})#(?P<number>[1-9][0-9]{{0,8}})")
_PATH = re.compile(rf"(?:(?P<place>{_PLACE}):)?\.?/?(?P<path>(?:[^/:#?@]+/)*[^/:#?@]+)(?:\#\S*|(?::[0-9]+){{1,2}})?")
_FILE_NAME = re.compile(r"\w[^/]*\.[A-Za-z][A-Za-z0-9]{0,9}$")
_PAGE_NAME = re.compile(r"\.(?:adoc|mdx?|rst|txt)$", re.IGNORECASE)
_TICKET = re.compile(r"[a-z][a-z0-9]{1,9}-[1-9][0-9]{0,6}")
# "PR#98" is a number of any repository.
_KIND_WORDS = frozenset({"discussion", "gh", "issue", "mr", "pr", "pull", "ticket"})


class IdentifierKind(StrEnum):
    """What an identifier is."""

    NUMBER = "number"
    TICKET = "ticket"
    COMMIT = "commit"
    RELEASE = "release"
    ADDRESS = "address"
    PATH = "path"


@dataclass(frozen=True, slots=True)
class Identifier:
    """A name of one document.

    Attributes:
        kind: what it is.
        spelled: as it stands in the query.
        name: the number, the ticket, the digits of the commit (7 to 40), the tag, the path; for an address its handle,
            see `handles.py`.
        place: the repository or store, with or without its owner; "" where the query does not say.
    """

    kind: IdentifierKind
    spelled: str
    name: str
    place: str = ""


def find_identifiers(word: str) -> list[tuple[int, int, Identifier]]:
    """Find the identifiers within one word of a query, in order, as (start, end, identifier).

    Found are, beside what `find_references` finds, `repo#12`, `PR#12`, commits of 7 digits or more (bare ones only if
    they have a digit and a lower-case letter), `owner/repo@tag`, tickets in lower case, and files: `repo:path`,
    `docs/setup.md`, `setup.md`. They may name nothing at all: whether there is such a document is up to the stores.

    Args:
        word: without white space; one of over 2,100 characters holds none.
    """
    if len(word) > _LONGEST_WORD_CHARS:
        return []
    text = word.translate(_NO_CODE).replace("~~~", ",,,")
    found = [(one.start, one.end, _of_reference(one, text)) for one in find_references(text, repository=_ANY)]
    gaps = zip([0, *(end for _, end, _ in found)], [*(start for start, _, _ in found), len(text)], strict=True)
    for start, end in list(gaps):
        found += _in_gap(text, start, end)
    return sorted(found, key=lambda one: one[:2])


def _of_reference(reference: Reference, text: str) -> Identifier:
    spelled = text[reference.start : reference.end]
    system, _, name = reference.handle.partition(":")
    if "://" in spelled:
        return Identifier(IdentifierKind.ADDRESS, spelled, reference.handle)
    if system == "linear":
        return Identifier(IdentifierKind.TICKET, spelled, spelled)
    mark = "@" if "@" in name else "#"
    place, _, name = name.rpartition(mark)
    kind = IdentifierKind.COMMIT if mark == "@" else IdentifierKind.NUMBER
    return Identifier(kind, spelled, name, "" if place == _ANY else place)


def _in_gap(text: str, start: int, end: int) -> Iterator[tuple[int, int, Identifier]]:
    for part in _PART.finditer(text, start, end):
        # What touches a reference on its left is the rest of it: the "/comment/7" of "a/b#1/comment/7".
        if part.start() == start and start > 0:
            continue
        bare = part[0].rstrip(_OUTER)
        skipped = len(bare) - len(bare.lstrip(_OUTER[1:]))
        bare = bare[skipped:]
        identifier = _of_name(bare) if 0 < len(bare) <= _LONGEST_NAME_CHARS else None
        if identifier is not None:
            at = part.start() + skipped
            yield at, at + len(bare), identifier


def _of_name(bare: str) -> Identifier | None:
    if found := _NUMBER.fullmatch(bare):
        place = "" if found["place"].lower() in _KIND_WORDS else found["place"]
        return None if _FILE_NAME.match(place) else Identifier(IdentifierKind.NUMBER, bare, found["number"], place)
    if (found := _COMMIT.fullmatch(bare)) and _is_commit(found["sha"], has_place=found["place"] is not None):
        return Identifier(IdentifierKind.COMMIT, bare, found["sha"].lower(), found["place"] or "")
    if found := _RELEASE.fullmatch(bare):
        return Identifier(IdentifierKind.RELEASE, bare, found["tag"], found["place"])
    if _TICKET.fullmatch(bare):
        return _of_lower_ticket(bare)
    return _of_path(bare)


def _is_commit(sha: str, *, has_place: bool) -> bool:
    return has_place or len(sha) == _SHA_CHARS or (sha.islower() and not sha.isalpha())


def _of_lower_ticket(bare: str) -> Identifier | None:
    references = find_references(bare.upper(), repository=_ANY)
    if not references:
        return None
    found = _of_reference(references[0], bare.upper())
    return Identifier(found.kind, bare, found.name)


def _of_path(bare: str) -> Identifier | None:
    found = _PATH.fullmatch(bare)
    if not found:
        return None
    place, path = found["place"] or "", found["path"]
    is_below = "/" in path
    is_file = _FILE_NAME.match(path.rpartition("/")[2]) is not None
    # "doi:10.1/a", "3:4/5" and the like are none.
    is_plain = is_below and not path[0].isdigit()
    is_path = (is_plain or is_file) if place else is_file and (is_below or _PAGE_NAME.search(path) is not None)
    return Identifier(IdentifierKind.PATH, bare, path, place) if is_path else None

"""What the cells of a table of ownership name: components and owners, or nothing that is plain.

Which columns and tables are about ownership is decided in `ownership_tables.py`.
"""

from __future__ import annotations

import re

from neural_memory_pipelines.domain.accounts import login_id
from neural_memory_pipelines.domain.graph import NodeKind, NodeRef
from neural_memory_pipelines.sources.docs.people import split_names, team_named

CELL_LIMIT_CHARS = 500
"""A longer cell says more than names."""

_BREAK = re.compile(r"<br ?/?>", re.IGNORECASE)
_PLACEHOLDER = re.compile(r"\s*[<(]?\[redacted:[\w-]{1,40}\][>)]?")
_PROFILE = re.compile(r"\[[^\[\]]{1,200}\]\(https://github\.com/(?P<login>[A-Za-z0-9-]{1,39})/?\)")
_LINK = re.compile(r"\[(?P<words>[^\[\]]{1,200})\]\([^()\s]{1,1000}\)")
_MARKED = re.compile(r"(?P<mark>\*{1,3}|_{1,3}|`)(?P<words>.{1,300})(?P=mark)")
_ESCAPE = re.compile(r"\\([_*\[\]<>#.-])")
_COMPONENT = re.compile(r"@?\w[\w .&+/:'\u2019-]{0,79}")
_FULL_REPOSITORY = re.compile(r"[\w-]{1,100}/[\w.-]{1,100}")
_NO_COMPONENTS = re.compile(
    r"(?:all|and|any|each|etc|every|everything|except|former|formerly|including|misc|n/a|na|new|nil|no|none|old|"
    r"or|other|others|rest|same|see|tba|tbc|tbd|the|this|todo|total|unknown|various)(?!\S)",
    re.IGNORECASE,
)
_COMPONENT_LIMIT_WORDS = 5
# "@ada", or "Ada Lovelace (@ada)".
_LOGIN = re.compile(
    r"(?:(?P<name>[^\W\d_][\w.'\u2019 -]{0,100}) \(@|@)(?P<login>[A-Za-z0-9][A-Za-z0-9-]{0,38})(?(name)\))"
)
_TEAM_OF = re.compile(r"\w[\w&-]*(?: [\w&-]+){0,3}[ -](?:team|squad|guild|chapter)", re.IGNORECASE)
_WORD = re.compile(r"[^\W\d_][\w.'\u2019-]*")
_NAME_WORDS = range(2, 6)
_PARTICLE_LIMIT_CHARS = 4
# Words of which groups, roles and excuses are made: who bears them is none that can be told.
_NO_NAMES = re.compile(
    r"\b(?:above|all|ask|assigned|board|call|channel|cloud|committee|community|company|contributors|council|"
    r"customer|data|decided|department|design|dev|developer|developers|development|devops|director|engineer|"
    r"engineering|engineers|everybody|everyone|experience|external|finance|former|formerly|group|here|hr|inc|"
    r"infra|infrastructure|interim|internal|it|lead|leads|legal|ltd|maintainers|management|manager|marketing|"
    r"networking|nobody|none|not|office|on|oncall|open|operations|ops|org|owner|partner|partners|people|"
    r"platform|platforms|product|program|project|qa|reliability|research|rotating|rotation|sales|same|security|"
    r"see|services|site|software|sre|staff|support|systems|tba|tbc|tbd|team|teams|tech|technology|the|then|"
    r"unassigned|unknown|until|us|vacant|vendor|was|web|wg)\b",
    re.IGNORECASE,
)
_NO_TEAMS = re.compile(
    r"(?:all|another|any|each|entire|every|former|no|other|our|same|some|that|the|their|this|whole|your)(?!\S)",
    re.IGNORECASE,
)


def components_of(cell: str, *, are_repositories: bool) -> list[NodeRef]:
    """Read the components of a cell, parted by commas; none if it says anything else.

    Args:
        cell: markdown.
        are_repositories: whether "acme/shop" is the repository of this name.
    """
    if len(cell) > CELL_LIMIT_CHARS:
        return []
    names = [plain_words(piece) for piece in _BREAK.sub(",", cell).split(",")]
    if not all(map(_is_component, names)):
        return []
    return [*dict.fromkeys(_part(name, are_repositories=are_repositories) for name in names)]


def _is_component(name: str) -> bool:
    return (
        _COMPONENT.fullmatch(name) is not None
        and any(map(str.isalpha, name))
        and len(name.split()) <= _COMPONENT_LIMIT_WORDS
        and not _NO_COMPONENTS.match(name)
    )


def _part(name: str, *, are_repositories: bool) -> NodeRef:
    if are_repositories and _FULL_REPOSITORY.fullmatch(name):
        return NodeRef(NodeKind.REPOSITORY, f"github:{name}".lower(), name=name)
    return NodeRef(NodeKind.COMPONENT, f"component:{name}".lower(), name=name)


def owners_of(cell: str) -> list[NodeRef]:
    """Read the owners of a cell; none if it says anything else.

    An owner is plain as "@login", "@organization/team", "Payments team", "Ada Lovelace" or "Ada (@login)". A single
    word without an @ may be a person, a team or a department.
    """
    if len(cell) > CELL_LIMIT_CHARS:
        return []
    plain = _PLACEHOLDER.sub("", _LINK.sub(r"\g<words>", _PROFILE.sub(r"@\g<login>", cell)))
    owners = [_owner(plain_words(piece)) for piece in split_names(_BREAK.sub("\n", plain))]
    known = [owner for owner in owners if owner is not None]
    return [*dict.fromkeys(known)] if len(known) == len(owners) else []


def _owner(text: str) -> NodeRef | None:
    found = _LOGIN.fullmatch(text)
    if found:
        name, login = found["name"] or found["login"], found["login"]
        is_plain = not _is_group(text) and (_WORD.fullmatch(name) or name == login or _is_full_name(name))
        return NodeRef(NodeKind.PERSON, login_id("github", login), name=name) if is_plain else None
    if text.startswith("@") or (_TEAM_OF.fullmatch(text) and not _NO_TEAMS.match(text)):
        return team_named(text)
    return NodeRef(NodeKind.PERSON, login_id("docs", text), name=text) if _is_full_name(text) else None


def _is_full_name(text: str) -> bool:
    """Tell "Sanne de Vries" from a word that may be anything, and from a group."""
    words = text.split()
    if len(words) not in _NAME_WORDS or not all(map(_WORD.fullmatch, words)) or _is_group(text):
        return False
    inner = all(not word[0].islower() or len(word) <= _PARTICLE_LIMIT_CHARS for word in words[1:-1])
    return inner and not words[0][0].islower() and not words[-1][0].islower()


def _is_group(text: str) -> bool:
    return _NO_NAMES.search(text) is not None


def plain_words(cell: str) -> str:
    """Reduce a cell to the words that a reader sees."""
    text = " ".join(_LINK.sub(r"\g<words>", cell).split())
    while marked := _MARKED.fullmatch(text):
        text = marked["words"].strip()
    return _ESCAPE.sub(r"\1", text)

"""Mentions: the people and teams that a text addresses with `@`.

Knows GitHub's spelling of names; whether a name belongs to anybody is found out elsewhere.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from neural_memory_pipelines.domain.accounts import login_id
from neural_memory_pipelines.domain.graph import NodeKind, NodeRef
from neural_memory_pipelines.domain.prose import BLANK, read_prose
from neural_memory_pipelines.sources.github.accounts import SYSTEM, is_bot_login

MENTIONS_LIMIT = 100

# No address, no path, no scope of a package with its version: "ada@corp.example", "medium.com/@ada", "x@1.2".
_MENTION = re.compile(
    rf"(?<![\w/@.+=&:#$%{BLANK}-])@(?P<login>[A-Za-z0-9](?:[A-Za-z0-9]|-(?=[A-Za-z0-9])){{0,38}}(?:_[a-z0-9]{{2,8}})?)"
    r"(?:/(?P<team>[A-Za-z0-9_.-]{1,100}))?(?![\w@(=-]|\.[A-Za-z])"
)
# What programmers write with "@" in prose: nobody is meant.
_ANNOTATIONS = frozenset(
    {
        "all", "async", "cached", "channel", "charset", "classmethod", "component", "contextmanager", "coroutine",
        "dataclass", "deprecated", "everyone", "fixture", "font-face", "global", "here", "id", "ignore", "import",
        "include", "inject", "injectable", "inline", "keyframes", "latest", "layer", "link", "media", "mixin", "mock",
        "next", "nullable", "override", "page", "param", "private", "property", "pytest", "return", "returns", "see",
        "service", "since", "staticmethod", "supports", "tag", "task", "team", "test", "throws", "todo",
        "ts-expect-error", "ts-ignore", "type", "types",
    }
)  # fmt: skip


def find_mentions(markdown: str, *, owner: str) -> Iterator[tuple[NodeRef, int, int]]:
    """Find the people and teams that a text mentions, each once, with the span of the first place; at most 100.

    Args:
        markdown: the text; code and HTML comments mention nobody.
        owner: who owns the repository: GitHub knows the teams of the owner alone, and `@scope/name` with any other
            name is a package. Bots are not mentioned, they are called.
    """
    if "@" not in markdown:
        return
    seen: set[str] = set()
    for match in _MENTION.finditer(read_prose(markdown).text):
        node = _mentioned(match["login"], match["team"], owner=owner)
        if node and node.handle not in seen and len(seen) < MENTIONS_LIMIT:
            seen.add(node.handle)
            yield node, match.start(), match.end()


def _mentioned(login: str, team: str | None, *, owner: str) -> NodeRef | None:
    if team is not None:
        name = team.rstrip(".-_")
        if login.lower() != owner.lower() or not name:
            return None
        return NodeRef(NodeKind.TEAM, f"{SYSTEM}:{login}/{name}".lower(), name=f"{login}/{name}")
    if login.lower() in _ANNOTATIONS or is_bot_login(login):
        return None
    return NodeRef(NodeKind.PERSON, login_id(SYSTEM, login), name=login)

"""Components: the parts of a system that labels, titles and changed files name.

A data table of spellings and its reading; nothing else.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from neural_memory_pipelines.domain.graph import NodeKind, NodeRef

_LABEL = re.compile(
    r"(?:area|comp|component|module|package|pkg|service)\s{0,3}[:/]\s{0,3}(?P<name>\S.{0,79})$", re.IGNORECASE
)
_SCOPE = re.compile(
    r"(?:build|chore|ci|docs|feat|feature|fix|perf|refactor|revert|security|style|test)\((?P<scope>[^()\n]{1,80})\)!?:",
    re.IGNORECASE,
)
# Scopes that say what kind of work it is, and not on what.
_NO_COMPONENTS = frozenset({"deps", "deps-dev", "dev-deps", "release", "main", "master"})
_NAME = re.compile(r"@?[A-Za-z][\w./@ -]{0,79}$")
_FOLDERS = frozenset({"apps", "components", "crates", "libs", "modules", "packages", "services"})


def component(name: str) -> NodeRef:
    """Name a component: all sources share its key."""
    readable = " ".join(name.split())
    return NodeRef(NodeKind.COMPONENT, f"component:{readable.lower()}", name=readable)


def labelled_components(labels: Iterable[str]) -> tuple[NodeRef, ...]:
    """List the components that labels such as `area/cart` or `component: cart` name, each once."""
    found = (_LABEL.match(label.strip()) for label in labels)
    return tuple(dict.fromkeys(component(match["name"]) for match in found if match))


def scoped_components(title: str) -> tuple[tuple[NodeRef, int, int], ...]:
    """List the components in the scope of a conventional title, "fix(cart, api): ...", each with its span.

    Source: https://www.conventionalcommits.org/en/v1.0.0/
    """
    scope = _SCOPE.match(title)
    if scope is None:
        return ()
    found: list[tuple[NodeRef, int, int]] = []
    position = scope.start("scope")
    for part in scope["scope"].split(","):
        name = part.strip()
        start = position + len(part) - len(part.lstrip())
        if _NAME.match(name) and name.lower() not in _NO_COMPONENTS:
            found.append((component(name), start, start + len(name)))
        position += len(part) + 1
    return tuple(found)


def touched_components(paths: Iterable[str]) -> tuple[NodeRef, ...]:
    """List the components that hold changed files: the folders below `services/`, `packages/` and the like."""
    found: dict[NodeRef, None] = {}
    for path in paths:
        folder, *below = path.split("/")
        if folder in _FOLDERS and below and below[0].startswith("@"):
            below = below[1:]  # the scope of an npm package
        if folder in _FOLDERS and len(below) > 1 and _NAME.match(below[0]):
            found[component(below[0])] = None
    return tuple(found)

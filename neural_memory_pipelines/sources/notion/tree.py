"""Blocks as a tree: from nested ones, flat ones with the ids of their parents, and the API's list objects.

What a block looks like in markdown is decided in `rendering.py`. Nothing here recurses: pages nest blocks as deep as
their authors like.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic import TypeAdapter

from neural_memory_pipelines.errors import InvalidEventError
from neural_memory_pipelines.sources.notion.payloads import OptionalUuid
from neural_memory_pipelines.sources.reading import Spot, read_array, read_object, read_value

UNSUPPORTED = "unsupported"

_OPTIONAL_UUID: TypeAdapter[str | None] = TypeAdapter(OptionalUuid)
_OTHER_PAGES = frozenset({"child_page", "child_database"})
"""Blocks that stand for a page of their own: what is below them is that page's content, not this one's."""


@dataclass(slots=True, eq=False)
class Node:
    """A block with its children.

    `content` is what stands under the block's type. `is_cut` says that the block has children which did not come.
    """

    type: str
    content: Mapping[str, Any]
    spot: Spot
    id: str | None = None
    parent_id: str | None = None
    is_cut: bool = False
    children: list[Node] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Tree:
    """The blocks of a page in order; `is_cut` says that the list of those at the top goes on elsewhere."""

    roots: tuple[Node, ...] = ()
    is_cut: bool = False


def read_tree(blocks: object, spot: Spot) -> Tree:
    """Read blocks in whatever form they come. A block that occurs twice counts once; trashed ones are left out.

    Raises:
        InvalidEventError: something is no block; the message gives its path.
    """
    items, items_spot, is_cut = _listed(blocks, spot)
    roots: list[Node] = []
    nodes: dict[str, Node] = {}
    waiting: list[Iterator[tuple[object, Spot, list[Node]]]] = [_each(items, items_spot, roots)]
    while waiting:
        item, place, siblings = next(waiting[-1], (None, None, None))
        if place is None or siblings is None:
            waiting.pop()
            continue
        block = read_object(item, place)
        node = _node(block, place)
        if _is_gone(block) or (node.id is not None and node.id in nodes):
            continue
        if node.id is not None:
            nodes[node.id] = node
        siblings.append(node)
        if node.type not in _OTHER_PAGES:
            waiting.append(_children(block, node, place))
    return Tree(tuple(_planted(roots, nodes)), is_cut)


def _each(items: Sequence[object], spot: Spot, siblings: list[Node]) -> Iterator[tuple[object, Spot, list[Node]]]:
    return ((item, spot.at(index), siblings) for index, item in enumerate(items))


def _listed(blocks: object, spot: Spot) -> tuple[Sequence[object], Spot, bool]:
    """Unwrap the API's list object, which may be one page of several."""
    if isinstance(blocks, Mapping):
        results = spot.at("results")
        return read_array(blocks.get("results"), results), results, blocks.get("has_more") is True
    return read_array(blocks, spot), spot, False


def _node(block: Mapping[str, Any], spot: Spot) -> Node:
    kind = block.get("type")
    if kind is None and block.get("object") == "block" and "id" in block:
        kind = UNSUPPORTED  # all that an integration without access to a block is told of it
    if not isinstance(kind, str):
        raise InvalidEventError(f"{spot.at('type')}: expected the type of a block")
    content = block.get(kind)
    return Node(
        type=kind,
        content=read_object({} if content is None else content, spot.at(kind)),
        spot=spot.at(kind),
        id=read_value(_OPTIONAL_UUID, block.get("id"), spot.at("id")),
        parent_id=_parent_block(block, spot),
    )


def _parent_block(block: Mapping[str, Any], spot: Spot) -> str | None:
    parent = block.get("parent")
    if not isinstance(parent, Mapping) or parent.get("type") != "block_id":
        return None
    return read_value(_OPTIONAL_UUID, parent.get("block_id"), spot.at("parent").at("block_id"))


def _is_gone(block: Mapping[str, Any]) -> bool:
    return block.get("in_trash") is True or block.get("archived") is True


def _children(block: Mapping[str, Any], node: Node, spot: Spot) -> Iterator[tuple[object, Spot, list[Node]]]:
    """Find the children beside the block's type or, as in requests, below it."""
    children, place = block.get("children"), spot.at("children")
    if children is None:
        below = node.content.get("children")
        # A block of meeting notes keeps the ids of its parts under this name.
        is_ids = isinstance(below, Mapping) and "results" not in below
        children, place = None if is_ids else below, node.spot.at("children")
    if children is None:
        node.is_cut = block.get("has_children") is True
        return iter(())
    items, place, node.is_cut = _listed(children, place)
    return _each(items, place, node.children)


def _planted(roots: list[Node], nodes: Mapping[str, Node]) -> Iterator[Node]:
    """Hang flat blocks below their parents, and yield those that stay at the top."""
    tops: list[Node] = []
    for node in roots:
        parent = nodes.get(node.parent_id) if node.parent_id else None
        if parent is None or parent is node:
            tops.append(node)
        else:
            parent.children.append(node)
            parent.is_cut = False
    seen: set[int] = set()
    # Blocks that claim to be each other's parents hang nowhere: the first of them is taken for a top.
    for node in (*tops, *roots):
        if id(node) not in seen:
            _prune(node, seen)
            yield node


def _prune(top: Node, seen: set[int]) -> None:
    """Visit all blocks below one, and cut the branches that lead back to a block seen before."""
    seen.add(id(top))
    waiting = [top]
    while waiting:
        node = waiting.pop()
        kept = []
        for child in node.children:
            if id(child) not in seen:
                seen.add(id(child))
                kept.append(child)
        node.children = kept
        waiting.extend(kept)

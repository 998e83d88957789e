"""A page's blocks as markdown, every type that the API has, with the places of mentions.

What a single block holds is read in `content.py`. Nothing here recurses, however deep blocks nest.
Source: https://developers.notion.com/reference/block
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from neural_memory_pipelines.sources.notion.content import (
    block_text,
    caption_of,
    code_lines,
    equation_lines,
    media_lines,
    page_link,
    table_rows,
    title_line,
    unknown_text,
    unknown_type,
)
from neural_memory_pipelines.sources.notion.payloads import RichText
from neural_memory_pipelines.sources.notion.rich_text import Inline, Mark, inline_markdown
from neural_memory_pipelines.sources.notion.tree import Node, Tree
from neural_memory_pipelines.sources.notion.writing import MarkdownWriter

_PREFIX_LIMIT_CHARS = 40
"""Containers below this depth are written at it: nobody reads the indentation of the twentieth list in a list."""

_NUMBERED = "numbered_list_item"
_LIST_ITEMS = frozenset({"bulleted_list_item", _NUMBERED, "to_do", "toggle"})
_QUOTES = frozenset({"quote", "callout"})
_LIST_NUMBERS = range(1_000_000_000)
"""Markdown reads no longer numbers as those of a list."""


@dataclass(frozen=True, slots=True)
class Rendered:
    """A page's text.

    Attributes:
        text: markdown; it begins with the title as a heading, if there is one.
        content_start: where the text begins that is not the title.
        marks: the mentions in it.
        unsupported: how many blocks of each type had nothing to show that we could read.
        cut_blocks: how many blocks have children that did not come with the payload.
    """

    text: str
    content_start: int
    marks: tuple[Mark, ...]
    unsupported: Mapping[str, int]
    cut_blocks: int


@dataclass(slots=True)
class _Frame:
    """Siblings being written: into which container, which type came last, and how far their numbering is."""

    nodes: Iterator[Node]
    container: str
    is_in_item: bool = False
    last_type: str | None = None
    number: int = 0


@dataclass(slots=True)
class _Page:
    writer: MarkdownWriter = field(default_factory=MarkdownWriter)
    unsupported: Counter[str] = field(default_factory=Counter)
    cut_blocks: int = 0


def render_page(title: Sequence[RichText], tree: Tree) -> Rendered:
    """Write a page as markdown: the title as the heading of level 1, headings below it one level down.

    Raises:
        InvalidEventError: a block holds what its type cannot hold; the message gives the path.
    """
    page = _Page(cut_blocks=int(tree.is_cut))
    heading = inline_markdown(title)
    if heading.text.strip():
        page.writer.write_heading(heading, level=1, container="")
    content_start = len(page.writer.text)
    frames = [_Frame(iter(tree.roots), "")]
    while frames:
        frame = frames[-1]
        node = next(frame.nodes, None)
        if node is None:
            frames.pop()
            continue
        page.cut_blocks += node.is_cut
        below = _write(page, node, frame)
        frame.last_type = node.type
        if below is not None:
            frames.append(below)
    return Rendered(page.writer.text, content_start, tuple(page.writer.marks), dict(page.unsupported), page.cut_blocks)


def _write(page: _Page, node: Node, frame: _Frame) -> _Frame | None:
    """Write one block; its children are to be written next, unless it wrote them itself."""
    frame.number = _number(node, frame) if node.type == _NUMBERED else 0
    if node.type in _LIST_ITEMS:
        return _list_item(page, node, frame)
    if node.type in _QUOTES:
        return _quote(page, node, frame)
    _WRITERS.get(node.type, _other)(page, node, frame.container)
    return None if node.type in _WHOLE else _Frame(iter(node.children), frame.container, frame.is_in_item)


def _number(node: Node, frame: _Frame) -> int:
    if frame.last_type == _NUMBERED:
        return frame.number + 1
    start = node.content.get("list_start_index")
    return start if isinstance(start, int) and not isinstance(start, bool) and start in _LIST_NUMBERS else 1


def _list_item(page: _Page, node: Node, frame: _Frame) -> _Frame | None:
    text = block_text(node)
    if not text.text and not node.children:
        return None
    marker = f"{frame.number}. " if node.type == _NUMBERED else "- "
    box = ("[x] " if node.content.get("checked") is True else "[ ] ") if node.type == "to_do" else ""
    below = _deeper(frame.container, " " * len(marker))
    is_first_below = frame.is_in_item and frame.last_type is None
    page.writer.start_block(frame.container, is_tight=is_first_below or frame.last_type == node.type)
    page.writer.write_text(text, first=f"{frame.container}{marker}{box}", rest=below)
    return _Frame(iter(node.children), below, is_in_item=True)


def _quote(page: _Page, node: Node, frame: _Frame) -> _Frame:
    inside = _deeper(frame.container, "> ")
    text = block_text(node)
    if text.text:
        page.writer.start_block(frame.container)
        page.writer.write_text(text, first=inside, rest=inside)
    return _Frame(iter(node.children), inside)


def _deeper(container: str, indent: str) -> str:
    return container + indent if len(container) + len(indent) <= _PREFIX_LIMIT_CHARS else container


def _paragraph(page: _Page, node: Node, container: str) -> None:
    _write_text(page, block_text(node), container)


def _heading(page: _Page, node: Node, container: str) -> None:
    text = block_text(node)
    if text.text:
        page.writer.start_block(container)
        page.writer.write_heading(text, level=int(node.type.removeprefix("heading_")) + 1, container=container)


def _code(page: _Page, node: Node, container: str) -> None:
    _write_lines(page, code_lines(node), container)
    _write_text(page, caption_of(node), container)


def _divider(page: _Page, _node: Node, container: str) -> None:
    _write_lines(page, ["---"], container)


def _equation(page: _Page, node: Node, container: str) -> None:
    _write_lines(page, equation_lines(node), container)


def _table(page: _Page, node: Node, container: str) -> None:
    rows = table_rows(node)
    if rows:
        page.writer.start_block(container)
        page.writer.write_table(rows, container=container)


def _child_page(page: _Page, node: Node, container: str) -> None:
    _write_text(page, title_line(node), container)


def _link_to_page(page: _Page, node: Node, container: str) -> None:
    _write_text(page, page_link(node), container)


def _media(page: _Page, node: Node, container: str) -> None:
    for line in media_lines(node):
        _write_text(page, line, container)


def _nothing(_page: _Page, _node: Node, _container: str) -> None:
    """Leave no trace of what only arranges others, or repeats them."""


def _other(page: _Page, node: Node, container: str) -> None:
    """Write a block of a type that we do not know, as far as it has text; one with nothing to show is counted."""
    text = unknown_text(node)
    if text is not None:
        _write_text(page, text, container)
    elif not node.children:
        page.unsupported[unknown_type(node)] += 1


def _write_text(page: _Page, text: Inline, container: str) -> None:
    if text.text.strip():
        page.writer.start_block(container)
        page.writer.write_text(text, first=container, rest=container)


def _write_lines(page: _Page, lines: list[str], container: str) -> None:
    if lines:
        page.writer.start_block(container)
        page.writer.write_lines(lines, container=container)


_WRITERS: dict[str, Callable[[_Page, Node, str], None]] = {
    **dict.fromkeys(("paragraph", "template"), _paragraph),
    **dict.fromkeys(("heading_1", "heading_2", "heading_3", "heading_4"), _heading),
    "code": _code,
    "divider": _divider,
    "equation": _equation,
    "table": _table,
    **dict.fromkeys(("child_page", "child_database"), _child_page),
    "link_to_page": _link_to_page,
    **dict.fromkeys(("bookmark", "embed", "link_preview", "image", "file", "pdf", "video", "audio"), _media),
    **dict.fromkeys(("table_of_contents", "breadcrumb", "column_list", "column", "synced_block", "tab"), _nothing),
}
_WHOLE = frozenset({"table", "child_page", "child_database"})
"""Blocks that are written with all that is below them."""

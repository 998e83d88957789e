"""What a block holds, read into lines: its text, a table's cells, the words for a picture or a file.

Where the lines come to stand on the page is decided in `rendering.py`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from pydantic import TypeAdapter

from neural_memory_pipelines.domain.documents import storable
from neural_memory_pipelines.sources.notion.payloads import OptionalUuid, RichText
from neural_memory_pipelines.sources.notion.rich_text import (
    Inline,
    Mark,
    escape,
    inline_markdown,
    markdown_link,
    page_url,
    plain_text,
)
from neural_memory_pipelines.sources.notion.tree import UNSUPPORTED, Node
from neural_memory_pipelines.sources.reading import read_array, read_value

_TEXT: TypeAdapter[list[RichText]] = TypeAdapter(list[RichText])
_OPTIONAL_UUID: TypeAdapter[str | None] = TypeAdapter(OptionalUuid)
_WORDS: TypeAdapter[str | None] = TypeAdapter(str | None)

_TICKS = re.compile(r"`{3,}")
_LANGUAGE = re.compile(r"[A-Za-z0-9_+#./-]{1,40}")
_PLAIN_TEXT = "plain text"


def block_text(node: Node, key: str = "rich_text") -> Inline:
    """Read a block's text, without blank lines around it, which would tear a list item from its marker."""
    inline = inline_markdown(_rich_text(node, key))
    lead = len(inline.text) - len(inline.text.lstrip())
    marks = tuple(Mark(mark.start - lead, mark.end - lead, mark.page_id, mark.user) for mark in inline.marks)
    return Inline(inline.text.strip(), marks)


def unknown_text(node: Node) -> Inline | None:
    """Read the text of a block of a type that we do not know; None if it has none that can be told."""
    key = next((key for key in ("rich_text", "title") if isinstance(node.content.get(key), list)), None)
    return block_text(node, key) if key else None


def unknown_type(node: Node) -> str:
    """Name the type of a block that has nothing to show; newer versions of the API tell what they do not support."""
    told = node.content.get("block_type")
    return storable(told if node.type == UNSUPPORTED and isinstance(told, str) and told else node.type)


def code_lines(node: Node) -> list[str]:
    """Fence the text of a code block, with more backticks than it holds itself; none if it is blank."""
    text = plain_text(_rich_text(node, "rich_text"))
    longest = max((len(run[0]) for run in _TICKS.finditer(text)), default=2)
    language = (_words(node, "language") or _PLAIN_TEXT).lower()
    info = language if language != _PLAIN_TEXT and _LANGUAGE.fullmatch(language) else ""
    fence = "`" * (longest + 1)
    return [f"{fence}{info}", *text.split("\n"), fence] if text.strip() else []


def equation_lines(node: Node) -> list[str]:
    """Set a formula off; none if it is blank."""
    expression = (_words(node, "expression") or "").strip()
    return ["$$", *expression.split("\n"), "$$"] if expression else []


def table_rows(node: Node) -> list[list[Inline]]:
    """Read a table, every row as wide as the widest and the first one its header; none if it has no cells."""
    rows = [_cells(row) for row in node.children if row.type == "table_row"]
    width = max(map(len, rows), default=0)
    if not width:
        return []
    if node.content.get("has_column_header") is not True:
        rows.insert(0, [])
    return [[*row, *[Inline()] * (width - len(row))] for row in rows]


def title_line(node: Node) -> Inline:
    """Name the page or database that stands in the place of a block."""
    title = " ".join((_words(node, "title") or "").split())
    kind = "Page" if node.type == "child_page" else "Database"
    return Inline(f"{kind}: {escape(title)}" if title else "")


def page_link(node: Node) -> Inline:
    """Link to the page or database that a block leads to. A link to a comment names no document that we keep."""
    for key in ("page_id", "database_id"):
        page_id = read_value(_OPTIONAL_UUID, node.content.get(key), node.spot.at(key))
        if page_id:
            link = f"[Linked page]({page_url(page_id)})"
            return Inline(link, (Mark(0, len(link), page_id=page_id),))
    return Inline()


def media_lines(node: Node) -> tuple[Inline, ...]:
    """Read a bookmark, an embed, a picture or a file into a link and its caption.

    Addresses of files that Notion keeps expire within the hour, and are different each time: they are left out.
    """
    caption = _rich_text(node, "caption")
    name = " ".join((_words(node, "name") or "").split())
    address = _address(node)
    if not address:
        return Inline(escape(name)), inline_markdown(caption)
    if name:
        return Inline(markdown_link(name, address)), inline_markdown(caption)
    return (Inline(markdown_link(" ".join(plain_text(caption).split()) or address, address)),)


def caption_of(node: Node) -> Inline:
    """Read what stands below a block."""
    return block_text(node, "caption")


def _address(node: Node) -> str | None:
    external = node.content.get("external")
    if not isinstance(external, Mapping):
        return _words(node, "url")
    address = read_value(_WORDS, external.get("url"), node.spot.at("external").at("url"))
    return None if address is None else storable(address)


def _cells(row: Node) -> list[Inline]:
    spot = row.spot.at("cells")
    cells = read_array(row.content.get("cells", ()), spot)
    texts = [read_value(_TEXT, cell, spot.at(at)) for at, cell in enumerate(cells)]
    return [inline_markdown(text, in_table=True) for text in texts]


def _rich_text(node: Node, key: str) -> list[RichText]:
    value = node.content.get(key)
    return [] if value is None else read_value(_TEXT, value, node.spot.at(key))


def _words(node: Node, key: str) -> str | None:
    words = read_value(_WORDS, node.content.get(key), node.spot.at(key))
    return None if words is None else storable(words).replace("\r\n", "\n")

"""Blocks of a reStructuredText tree as markdown: sections, lists, code, tables, notes, footnotes.

The tree comes from `parsing.py`; what stands inside a line is rendered in `inline.py`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence

from docutils import nodes

from neural_memory_pipelines.sources.docs.rst.headers import field_key
from neural_memory_pipelines.sources.docs.rst.inline import Targets, code_span, guard_lines, inline_markdown
from neural_memory_pipelines.sources.docs.rst.tables import table_markdown

_DEEPEST_HEADING = 6
_ERROR_LEVEL = 3
_NOTES = (
    *(nodes.attention, nodes.caution, nodes.danger, nodes.error, nodes.hint, nodes.important, nodes.note),
    *(nodes.tip, nodes.warning),
)
_TICKS = re.compile(r"`{3,}")


def render(document: nodes.document) -> tuple[dict[str, str], str]:
    """Render a document as markdown.

    Returns:
        The fields of the list at the top of the document by key, and all the rest.
    """
    docinfo = _docinfo(document)
    fields = _fields(docinfo) if docinfo is not None else {}
    if docinfo is not None:
        docinfo.parent.remove(docinfo)
    return fields, _Renderer(Targets.of(document)).blocks(document.children)


def _docinfo(document: nodes.document) -> nodes.field_list | None:
    """Find the field list that stands first, or first below the one title of the document."""
    place: nodes.Element = document
    for _ in range(2):
        content = [node for node in place.children if not isinstance(node, nodes.comment | nodes.title | nodes.target)]
        first = content[0] if content else None
        if isinstance(first, nodes.field_list):
            return first
        if not isinstance(first, nodes.section) or len(content) > 1:
            return None
        place = first
    return None


def _fields(docinfo: nodes.field_list) -> dict[str, str]:
    fields: dict[str, str] = {}
    for field in docinfo.children:
        name, body = field.children[0], field.children[-1]
        fields[field_key(name.astext())] = body.astext().strip()
    return fields


class _Renderer:
    """Renders blocks, one method a kind of node; what it has no method for is rendered by its children."""

    def __init__(self, targets: Targets) -> None:
        self._targets = targets
        self._level = 0

    def blocks(self, children: Iterable[nodes.Node], *, tight: bool = False) -> str:
        """Render nodes one below the other, with a blank line between them unless they are to stand tight."""
        rendered = (self._block(child) for child in children)
        return ("\n" if tight else "\n\n").join(text for text in rendered if text.strip())

    def _block(self, node: nodes.Node) -> str:
        method: Callable[[nodes.Node], str] | None = getattr(self, f"render_{type(node).__name__}", None)
        if method is not None:
            return method(node)
        if isinstance(node, nodes.Invisible | nodes.title | nodes.raw | nodes.decoration | nodes.label):
            return ""
        if isinstance(node, _NOTES):
            return self._boxed(node, type(node).__name__.replace("_", " ").capitalize())
        if isinstance(node, nodes.TextElement | nodes.Text):
            return self.render_paragraph(node)
        return self.blocks(node.children)

    def render_section(self, node: nodes.section) -> str:
        self._level += 1
        marks = "#" * min(self._level, _DEEPEST_HEADING)
        titles = [f"{marks} {_line(self._inline(title))}" for title in node.children if isinstance(title, nodes.title)]
        content = self.blocks(node.children)
        self._level -= 1
        return "\n\n".join([*titles, content] if content else titles)

    def render_paragraph(self, node: nodes.Node) -> str:
        return guard_lines(node.astext() if isinstance(node, nodes.Text) else self._inline(node))

    def render_bullet_list(self, node: nodes.Element) -> str:
        return self._items(node, ["- "] * len(node.children))

    def render_enumerated_list(self, node: nodes.Element) -> str:
        start = node.get("start", 1)
        return self._items(node, [f"{number}. " for number in range(start, start + len(node.children))])

    def render_definition_list(self, node: nodes.Element) -> str:
        return self._items(node, ["- "] * len(node.children))

    render_field_list = render_option_list = render_definition_list

    def render_definition_list_item(self, node: nodes.Element) -> str:
        terms = [self._inline(part) for part in node.children if isinstance(part, nodes.term | nodes.classifier)]
        body = self.blocks(part for part in node.children if isinstance(part, nodes.definition))
        return _named(_line(" : ".join(terms)), body, mark="**")

    def render_field(self, node: nodes.Element) -> str:
        return _named(_line(self._inline(node.children[0])), self.blocks(node.children[1:]), mark="**")

    def render_option_list_item(self, node: nodes.Element) -> str:
        options = ", ".join(option.astext() for option in node.children[0].children)
        return _named(code_span(options), self.blocks(node.children[1:]), mark="")

    def render_literal_block(self, node: nodes.Element) -> str:
        classes = [name for name in node["classes"] if name != "code"]
        return _fence(node.astext(), node.get("language") or " ".join(classes[:1]))

    def render_doctest_block(self, node: nodes.Element) -> str:
        return _fence(node.astext(), "pycon")

    def render_math_block(self, node: nodes.Element) -> str:
        return _fence(node.astext(), "math")

    def render_line_block(self, node: nodes.Element) -> str:
        return self.blocks(node.children, tight=True)

    def render_line(self, node: nodes.Element) -> str:
        return self.render_paragraph(node)

    def render_block_quote(self, node: nodes.Element) -> str:
        return _quoted(self.blocks(node.children))

    def render_attribution(self, node: nodes.Element) -> str:
        return f"— {self._inline(node)}"

    def render_admonition(self, node: nodes.Element) -> str:
        title = node.next_node(nodes.title)
        return self._boxed(node, _line(self._inline(title)) if title is not None else "Note")

    render_topic = render_sidebar = render_admonition

    def _boxed(self, node: nodes.Element, title: str) -> str:
        return _quoted(_named(title, self.blocks(node.children), mark="**"))

    def render_rubric(self, node: nodes.Element) -> str:
        return f"**{_line(self._inline(node))}**"

    def render_transition(self, _: nodes.Element) -> str:
        return "---"

    def render_footnote(self, node: nodes.Element) -> str:
        label = node.next_node(nodes.label)
        body = self.blocks(node.children)
        return f"[^{label.astext() if label is not None else ''}]: {_indented(body, 4).lstrip()}"

    render_citation = render_footnote

    def render_image(self, node: nodes.Element) -> str:
        return inline_markdown(nodes.paragraph("", "", node.deepcopy()), self._targets)

    def render_table(self, node: nodes.table) -> str:
        title = node.next_node(nodes.title, descend=True)
        caption = f"**{_line(self._inline(title))}**\n\n" if isinstance(title, nodes.title) else ""
        return caption + table_markdown(node, lambda entry: self.blocks(entry.children))

    def render_system_message(self, node: nodes.system_message) -> str:
        # What docutils could not read is kept as it was written.
        sources = [part for part in node.children if isinstance(part, nodes.literal_block)]
        return self.blocks(sources) if node["level"] >= _ERROR_LEVEL else ""

    def _items(self, node: nodes.Element, marks: Sequence[str]) -> str:
        items = [(mark, self._item(item)) for mark, item in zip(marks, node.children, strict=True)]
        joint = "\n\n" if any("\n\n" in text for _, text in items) else "\n"
        return joint.join(mark + _indented(text, len(mark)).lstrip() for mark, text in items)

    def _item(self, item: nodes.Node) -> str:
        return self.blocks(item.children) if isinstance(item, nodes.list_item) else self._block(item)

    def _inline(self, node: nodes.Node) -> str:
        return inline_markdown(node, self._targets)


def _named(name: str, body: str, *, mark: str) -> str:
    """Put a name in front of a text: on its line if that is prose, else above it."""
    shown = f"{mark}{name}{mark}" if name else ""
    if not body or not name:
        return shown or body
    starts_block = body.startswith(("```", "- ", "> ", "|", "1. "))
    return f"{shown}\n\n{body}" if starts_block else f"{shown}: {body}"


def _fence(text: str, language: str) -> str:
    ticks = "`" * max(3, 1 + max(map(len, _TICKS.findall(text)), default=0))
    return f"{ticks}{language.replace('`', '')}\n{text}\n{ticks}" if text.strip() else ""


def _indented(text: str, width: int) -> str:
    margin = " " * width
    return "\n".join(margin + line if line else line for line in text.split("\n"))


def _quoted(text: str) -> str:
    return "\n".join(f"> {line}".rstrip() for line in text.split("\n")) if text else ""


def _line(text: str) -> str:
    return " ".join(text.split())

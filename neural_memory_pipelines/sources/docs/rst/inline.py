"""Inline nodes of a reStructuredText tree as markdown: emphasis, code, links, footnote marks.

Blocks are rendered in `blocks.py`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from docutils import nodes

_INDIRECTION_LIMIT = 10
_BACKTICKS = re.compile(r"`+")
# What would begin a block of another kind, did a line of a paragraph begin with it.
_BLOCK_MARK = re.compile(r"(?:\#{1,6}(?=\s|\Z)|[-+*](?=\s|\Z)|>|```|~~~|<!--|={1,}\s*\Z|-{1,}\s*\Z)")
_NUMBER_MARK = re.compile(r"(\d{1,9})([.)])(?=\s|\Z)")


@dataclass(frozen=True, slots=True)
class Targets:
    """What the names of a document's hyperlinks and substitutions stand for."""

    addresses: Mapping[str, str]
    aliases: Mapping[str, str]
    anonymous: Mapping[int, str]
    substitutions: Mapping[str, str]

    @classmethod
    def of(cls, document: nodes.document) -> Targets:
        """Gather them from a tree. Anonymous links (`text`__) and their targets are paired in order."""
        addresses: dict[str, str] = {}
        aliases: dict[str, str] = {}
        unnamed: list[str] = []
        for target in document.findall(nodes.target):
            names = [*target["names"], *target["dupnames"]]
            if target.get("anonymous"):
                unnamed.append(target.get("refuri", ""))
            elif "refuri" in target:
                addresses.update(dict.fromkeys(names, target["refuri"]))
            elif "refname" in target:
                aliases.update(dict.fromkeys(names, target["refname"]))
        asking = [node for node in document.findall(nodes.reference) if node.get("anonymous") and "refuri" not in node]
        anonymous = {id(node): address for node, address in zip(asking, unnamed, strict=False)}
        texts = {name: definition.astext() for name, definition in document.substitution_defs.items()}
        return cls(addresses, aliases, anonymous, texts)

    def address(self, reference: nodes.reference) -> str:
        """Find where a link leads; "" if nowhere outside this document."""
        if "refuri" in reference:
            return str(reference["refuri"])
        if id(reference) in self.anonymous:
            return self.anonymous[id(reference)]
        name = reference.get("refname", "")
        for _ in range(_INDIRECTION_LIMIT):
            if name in self.addresses:
                return self.addresses[name]
            name = self.aliases.get(name, "")
        return ""


def inline_markdown(node: nodes.Node, targets: Targets) -> str:
    """Render the inline children of a node as markdown."""
    return "".join(_inline(child, targets) for child in node.children)


def guard_lines(text: str) -> str:
    """Put a backslash before what would make a line of a paragraph a block of another kind."""
    return "\n".join(map(_guard_line, text.split("\n")))


def code_span(text: str) -> str:
    """Put a text on one line between as many backticks as it takes."""
    shown = " ".join(text.split())
    if "`" not in shown:
        return f"`{shown}`" if shown else ""
    marks = "`" * (1 + max(map(len, _BACKTICKS.findall(shown))))
    return f"{marks} {shown} {marks}"


def _guard_line(line: str) -> str:
    stripped = line.strip()
    if _BLOCK_MARK.match(stripped):
        return f"\\{stripped}"
    return _NUMBER_MARK.sub(r"\1\\\2", stripped, count=1) if stripped[:1].isdigit() else stripped


def _inline(node: nodes.Node, targets: Targets) -> str:
    for kind, render in _RENDERERS.items():
        if isinstance(node, kind):
            return render(node, targets)
    return inline_markdown(node, targets)


def _text(node: nodes.Node, _: Targets) -> str:
    return node.astext().replace("\x00", "")


def _emphasis(node: nodes.Node, targets: Targets) -> str:
    return _marked("*", inline_markdown(node, targets))


def _strong(node: nodes.Node, targets: Targets) -> str:
    return _marked("**", inline_markdown(node, targets))


def _marked(mark: str, text: str) -> str:
    return f"{mark}{text}{mark}" if text.strip() else text


def _literal(node: nodes.Node, _: Targets) -> str:
    return code_span(node.astext())


def _reference(node: nodes.Node, targets: Targets) -> str:
    assert isinstance(node, nodes.reference)
    text, address = inline_markdown(node, targets), targets.address(node)
    if not address or address.startswith("mailto:") or not text.strip():
        return text
    if text == address and "://" in address:
        return address
    safe = address.replace(" ", "%20").replace("(", "%28").replace(")", "%29").replace("\n", "")
    return f"[{text}]({safe})"


def _note_mark(node: nodes.Node, _: Targets) -> str:
    return f"[^{node.astext()}]"


def _image(node: nodes.Node, _: Targets) -> str:
    assert isinstance(node, nodes.image)
    alt = " ".join(str(node.get("alt", "")).split())
    return f"![{alt}]({str(node['uri']).replace(' ', '%20')})" if alt else ""


def _substitution(node: nodes.Node, targets: Targets) -> str:
    # The text of a definition, with what it refers to in turn left as it is: definitions may nest without end.
    assert isinstance(node, nodes.substitution_reference)
    name = str(node.get("refname", node.astext()))
    return targets.substitutions.get(name, node.astext())


def _nothing(_: nodes.Node, __: Targets) -> str:
    return ""


_RENDERERS: dict[type[nodes.Node], Callable[[nodes.Node, Targets], str]] = {
    nodes.Text: _text,
    nodes.literal: _literal,
    nodes.emphasis: _emphasis,
    nodes.strong: _strong,
    nodes.reference: _reference,
    nodes.footnote_reference: _note_mark,
    nodes.citation_reference: _note_mark,
    nodes.image: _image,
    nodes.substitution_reference: _substitution,
    nodes.raw: _nothing,
    nodes.system_message: _nothing,
}

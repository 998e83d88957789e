"""Inline markup of reStructuredText with a role (`:pep:`8``), read without docutils' table of roles.

That table belongs to the process: what one document defined there, the next would find. Here a role that nobody
knows keeps its text.
"""

from __future__ import annotations

import re
from types import SimpleNamespace

from docutils import nodes
from docutils.parsers.rst import states
from docutils.utils import unescape

from neural_memory_pipelines.sources.docs.rst.directives import words

_EXPLICIT = re.compile(r"(?P<title>[^<]*)<(?P<target>[^<>]*)>\s*\Z")
_NUMBER = re.compile(r"(?P<number>\d{1,6})(?:#.*)?\Z")

_MARK = re.compile(r"[`*|\[_]")
# docutils looks for the end of each mark to the end of the paragraph: characters times marks.
_SEARCH_LIMIT = 1_000_000
_SEARCH_FREE_CHARS = 1_000

_NUMBERED_ROLES = frozenset({"pep", "rfc"})
_PATH_ROLES = frozenset({"doc", "download"})
_CODE_ROLES = frozenset(
    words(
        """
        attr c class cmember code command const cpp data dfn envvar exc file func kbd keyword literal macro mailheader
        makevar manpage math member meth method mimetype mod module obj option program property regexp samp struct token
        type var
        """
    )
)
_MARKED_ROLES: dict[str, type[nodes.TextElement]] = {
    "": nodes.emphasis,
    "title-reference": nodes.emphasis,
    "title": nodes.emphasis,
    "t": nodes.emphasis,
    "emphasis": nodes.emphasis,
    "strong": nodes.strong,
}


def tolerant_inliner() -> states.Inliner:
    """Make a reader of inline markup that reads every role, known or not, by its name and text alone.

    A paragraph with so much markup that docutils would search it through again and again is left as it is.
    """
    inliner = states.Inliner()
    parse = inliner.parse

    def parse_bounded(
        text: str, lineno: int, memo: SimpleNamespace, parent: nodes.Element
    ) -> tuple[list[nodes.Node], list[nodes.system_message]]:
        if len(text) > _SEARCH_FREE_CHARS and len(text) * len(_MARK.findall(text)) > _SEARCH_LIMIT:
            return [nodes.Text(unescape(text))], []
        return parse(text, lineno, memo, parent)

    inliner.parse = parse_bounded  # type: ignore[method-assign]
    # Not a subclass: docutils gathers its patterns from the attributes of the very class.
    inliner.interpreted = _interpreted  # type: ignore[method-assign]
    return inliner


def _interpreted(
    rawsource: str,
    text: str,
    role: str,
    lineno: int,  # noqa: ARG001 - the signature is docutils'
) -> tuple[list[nodes.Node], list[nodes.system_message]]:
    return [role_node(role or "", unescape(text), rawsource)], []


def role_node(role: str, text: str, rawsource: str) -> nodes.Node:
    """Make the node of a text with a role: `:pep:`8`` reads PEP 8, `:doc:`guide <a/b>`` is a link."""
    name = role.lower().rpartition(":")[2]
    explicit = _EXPLICIT.match(text)
    title = explicit["title"].strip() if explicit else text
    target = explicit["target"] if explicit else text
    number = _NUMBER.match(target.strip()) if name in _NUMBERED_ROLES else None
    if number:
        named = f"{name.upper()} {int(number['number'])}"
        return nodes.Text(f"{title} ({named})" if explicit and title else named)
    if name in _PATH_ROLES:
        return nodes.reference(rawsource, title or target, refuri=target.strip())
    if role in _MARKED_ROLES:
        return _MARKED_ROLES[role](rawsource, text)
    shown = (title or target).removeprefix("!") if name in {"samp", "math"} else _shown(title or target, bool(explicit))
    return nodes.literal(rawsource, shown) if name in _CODE_ROLES else nodes.inline(rawsource, shown)


def _shown(text: str, is_title: bool) -> str:
    """Give what a reader sees of a name: "~os.path" is shown by its last part, "!name" without the mark."""
    if is_title or not text.startswith(("~", "!")):
        return text
    return text[1:].rpartition(".")[2] if text.startswith("~") else text[1:]

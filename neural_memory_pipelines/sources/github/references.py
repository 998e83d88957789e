"""Prose without code, and the issues and pull requests that it names.

Knows GitHub's markdown; knows no payload.
"""

from __future__ import annotations

import re

from neural_memory_pipelines.domain.blocks import Kind, scan_blocks

_PROSE_KINDS = frozenset({Kind.PARAGRAPH, Kind.ITEM, Kind.HEADING})
_INLINE_CODE = re.compile(r"(`+)[^`\n]*\1")
_NAME = r"[A-Za-z0-9_.-]{1,100}"
_REFERENCE = re.compile(
    rf"https?://(?P<host>[A-Za-z0-9.-]+)/(?P<address>{_NAME}/{_NAME})/(?:issues|pull)/(?P<at>[1-9][0-9]*)"
    rf"|(?<![\w/.&#-])(?P<repository>{_NAME}/{_NAME})?#(?P<number>[1-9][0-9]*)(?!\w)"
)
_CLOSING = re.compile(
    rf"\b(?:fix(?:e[sd])?|close[sd]?|resolve[sd]?)\b:?[ \t]+"
    rf"(?:https?://[^\s/]+/{_NAME}/{_NAME}/(?:issues|pull)/|(?:{_NAME}/{_NAME})?#)[1-9]",
    re.IGNORECASE,
)


def without_html_comments(markdown: str) -> str:
    """Drop what a reader never sees: the hints that templates leave behind."""
    kept: list[str] = []
    position = 0
    while (start := markdown.find("<!--", position)) >= 0 and (end := markdown.find("-->", start + 4)) >= 0:
        kept.append(markdown[position:start])
        position = end + 3
    return "".join([*kept, markdown[position:]])


def prose_blocks(markdown: str) -> list[str]:
    """List the paragraphs, list items and headings of a text, as written."""
    blocks = scan_blocks(markdown)
    return [markdown[block.start : block.content_end].strip() for block in blocks if block.kind in _PROSE_KINDS]


def without_inline_code(markdown: str) -> str:
    """Drop code within lines."""
    return _INLINE_CODE.sub(" ", markdown)


def closing_lines(blocks: list[str]) -> list[str]:
    """List the lines that say what is fixed, closed or resolved.

    Source: the keywords of https://docs.github.com/en/issues/tracking-your-work-with-issues, "Linking a pull request
    to an issue".
    """
    lines = (line.strip() for block in blocks for line in block.split("\n"))
    return [line for line in lines if _CLOSING.search(without_inline_code(line))]


def references(prose: str, *, repository: str, host: str = "github.com") -> tuple[str, ...]:
    """Name the issues and pull requests that a text refers to, as owner/repo#N, each once, in order.

    Args:
        prose: a text; what stands in inline code is passed over.
        repository: owner/repo, which a bare #N belongs to.
        host: the server whose addresses count, beside github.com.
    """
    hosts = {host, "github.com", "www.github.com"}
    found: dict[str, None] = {}
    for match in _REFERENCE.finditer(without_inline_code(prose)):
        if match["host"] is None:
            found[f"{_same(match['repository'], repository)}#{match['number']}"] = None
        elif match["host"] in hosts:
            found[f"{_same(match['address'], repository)}#{match['at']}"] = None
    return tuple(found)


def _same(named: str | None, repository: str) -> str:
    # GitHub does not tell cases apart in names; our ids do.
    return repository if named is None or named.lower() == repository.lower() else named

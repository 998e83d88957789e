"""The text of what has no blocks: a database told by its title, description and schema, and a comment.

Pages are written in `rendering.py`.
"""

from __future__ import annotations

from collections.abc import Sequence

from neural_memory_pipelines.domain.documents import storable
from neural_memory_pipelines.sources.notion.payloads import Collection, RichText
from neural_memory_pipelines.sources.notion.rich_text import Inline, Mark, escape, inline_markdown
from neural_memory_pipelines.sources.notion.writing import MarkdownWriter


def collection_text(collection: Collection) -> tuple[str, tuple[Mark, ...]]:
    """Write a database or data source as markdown, with the mentions in it."""
    writer = MarkdownWriter()
    writer.write_heading(inline_markdown(collection.title), level=1, container="")
    description = inline_markdown(collection.description)
    if description.text.strip():
        writer.start_block("")
        writer.write_text(description, first="", rest="")
    for lines in (_properties(collection), _data_sources(collection)):
        if lines:
            writer.start_block("")
            writer.write_lines(lines, container="")
    return writer.text, tuple(writer.marks)


def comment_text(items: Sequence[RichText]) -> Inline:
    """Write a comment as markdown."""
    writer = MarkdownWriter()
    writer.write_text(inline_markdown(items), first="", rest="")
    return Inline(writer.text, tuple(writer.marks))


def _properties(collection: Collection) -> list[str]:
    """List the properties by name: their order in JSON means nothing, and must make no new version."""
    lines = []
    for name, value in sorted((collection.properties or {}).items()):
        kind = value.get("type") if isinstance(value, dict) else None
        words = escape(_line(name))
        lines.append(f"- {words} ({escape(_line(kind))})" if isinstance(kind, str) else f"- {words}")
    return ["Properties:", "", *lines] if lines else []


def _data_sources(collection: Collection) -> list[str]:
    names = sorted({_line(source.name) for source in collection.data_sources or () if source.name})
    return [f"Data sources: {', '.join(escape(name) for name in names if name)}"] if any(names) else []


def _line(text: str) -> str:
    return " ".join(storable(text).split())

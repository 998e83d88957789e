"""A file's text, parted into front matter, body and sections, whatever it is written in.

What a page means (title, people, links, observations) is decided by the modules that read it.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePosixPath

from neural_memory_pipelines.domain.text import Section, sections
from neural_memory_pipelines.sources.docs.front_matter import FrontMatter, read_front_matter
from neural_memory_pipelines.sources.docs.rst import read_rst

_RST_SUFFIXES = frozenset({".rst", ".rest"})


@dataclass(frozen=True, slots=True)
class Page:
    """A file's text, parted. `body` is markdown or plain text; `note` says what went wrong in reading it."""

    front: FrontMatter
    body: str
    sections: tuple[Section, ...]
    note: str | None = None


def is_rst(path: str) -> bool:
    """Tell whether a file is reStructuredText, by its extension."""
    return PurePosixPath(path).suffix.lower() in _RST_SUFFIXES


def read_page(path: str, content: str) -> Page:
    """Read a file: reStructuredText by its extension, all else as markdown."""
    front, body = read_front_matter(content)
    note = None
    if is_rst(path):
        text = read_rst(body)
        body, note = text.body, text.error
        front = FrontMatter({**text.fields, **front.values}, front.error)
    body = body.strip("\n")
    return Page(front, body, tuple(sections(body)), note)

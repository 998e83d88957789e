"""References of GitHub's texts: the lines that close something, and their spelling as source ids.

Finding references is `domain/references.py`'s part; here is only what is GitHub's own.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from urllib.parse import urlsplit

from neural_memory_pipelines.domain.references import Reference

_THREAD_HANDLE = re.compile(
    r"url:(?P<host>[^/]+)/(?P<repository>[^/]+/[^/]+)/(?:issues|pull|discussions)/(?P<number>\d+)"
)


def closing_lines(markdown: str, references: Iterable[Reference]) -> Iterator[str]:
    """List the lines of a text in which a reference says what is fixed, closed or resolved, in order, each once."""
    end = 0
    for reference in references:
        if reference.closes and reference.start >= end:
            start = markdown.rfind("\n", 0, reference.start) + 1
            newline = markdown.find("\n", reference.end)
            end = newline if newline >= 0 else len(markdown)
            yield markdown[start:end].strip()


def source_ids(references: Iterable[Reference], *, repository: str, url: str) -> Iterator[str]:
    """Spell references to issues, pull requests, commits and tickets as source ids, in order.

    Args:
        references: addresses of which nothing is known but the address are left out.
        repository: owner/repo, whose spelling holds for it.
        url: an address on the server whose addresses count, beside github.com. A comment is named by its issue.
    """
    host = _host(url)
    for reference in references:
        found = _THREAD_HANDLE.match(reference.handle)
        if reference.source_id:
            yield re.sub(r"(#\d+)/.*", r"\1", reference.source_id)
        elif found and found["host"] == host:
            is_own = found["repository"] == repository.lower()
            yield f"{repository if is_own else found['repository']}#{found['number']}"


def _host(url: str) -> str | None:
    try:
        return urlsplit(url).hostname
    except ValueError:
        return None

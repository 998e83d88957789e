"""References: the places in a text that name another document, found by rule.

Only prose counts: what stands in code or in a comment that no reader sees names nothing.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from neural_memory_pipelines.domain.handles import document_handle, url_handle

_NAME = r"[A-Za-z0-9_.-]{1,100}"
_REFERENCE = re.compile(
    rf"(?P<url>https?://[^\s<>()\[\]\"'`|]+[^\s<>()\[\]\"'`|.,;:!?*_])"
    rf"|(?<![\w/.&#-])(?P<repository>{_NAME}/{_NAME})?#(?P<number>[1-9][0-9]*)(?!\w)"
    r"|(?<![\w/#-])(?P<ticket>[A-Z][A-Z0-9]{1,9}-[1-9][0-9]{0,6})(?![\w-])"
)


@dataclass(frozen=True, slots=True)
class Reference:
    """A place that names another document.

    Attributes:
        handle: of what is named, see `handles.py`; "linear:<ticket>" for ABC-12, which may name nothing at all.
        start, end: where it stands in the text, in characters, without the keyword.
        closes: it stands after a closing keyword, as GitHub defines them.
    """

    handle: str
    start: int
    end: int
    closes: bool = False


def find_references(markdown: str, *, repository: str | None = None) -> tuple[Reference, ...]:
    """Find the references of a text, in order.

    Args:
        markdown: the text; code, fences and HTML comments are passed over.
        repository: owner/repo that a bare #N belongs to; None where such a number names nothing.
    """
    found: list[Reference] = []
    for match in _REFERENCE.finditer(markdown):
        handle = _handle(match, repository)
        if handle is not None:
            found.append(Reference(handle, match.start(), match.end()))
    return tuple(found)


def _handle(match: re.Match[str], repository: str | None) -> str | None:
    if match["url"]:
        return url_handle(match["url"])
    if match["ticket"]:
        return document_handle("linear", match["ticket"])
    named = match["repository"] or repository
    return document_handle("github", f"{named}#{match['number']}") if named else None

"""reStructuredText, read into markdown: what chunks, headings and references need of it.

Pure, and safe on any input: a text that docutils cannot read stays as it is, with the reason.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from neural_memory_pipelines.domain.text import clip
from neural_memory_pipelines.sources.docs.rst.blocks import render
from neural_memory_pipelines.sources.docs.rst.headers import split_headers
from neural_memory_pipelines.sources.docs.rst.parsing import parse_rst

LIMIT_CHARS = 1_000_000
_ERROR_LIMIT_CHARS = 300
# docutils scans the edges of each cell of a drawn table: 100,000 cells take it minutes.
_CORNERS_LIMIT = 20_000


@dataclass(frozen=True, slots=True)
class RstText:
    """A file's text as markdown, and the fields at its top by key ("superseded_by").

    `error` says why the body is the text as it was, where it is.
    """

    body: str
    fields: Mapping[str, str] = field(default_factory=dict)
    error: str | None = None


def read_rst(text: str) -> RstText:
    """Read a reStructuredText file. Its fields are RFC 2822 headers or the field list at its top."""
    headers, rest = split_headers(text)
    if len(rest) > LIMIT_CHARS:
        return RstText(rest, headers, f"longer than {LIMIT_CHARS:,} characters: kept as plain text")
    if rest.count("+-") + rest.count("+=") > _CORNERS_LIMIT:
        return RstText(rest, headers, f"tables with more than {_CORNERS_LIMIT:,} corners: kept as plain text")
    try:
        fields, body = render(parse_rst(rest))
    except Exception as error:  # noqa: BLE001 - docutils raises whatever its parts raise; the note tells the user
        reason = clip(f"{type(error).__name__}: {error}", _ERROR_LIMIT_CHARS)
        return RstText(rest, headers, f"kept as plain text, because docutils failed: {reason}")
    if not body.strip() and rest.strip():
        return RstText(rest, headers, "kept as plain text, because docutils made nothing of it")
    return RstText(body, {**fields, **headers})

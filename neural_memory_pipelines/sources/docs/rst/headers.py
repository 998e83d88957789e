"""The fields at the top of a reStructuredText file: RFC 2822 headers, as Python's proposals have them.

What a field means to the document is decided where its front matter is read.
"""

from __future__ import annotations

import re

_FIELD = re.compile(r"(?P<key>[A-Za-z][A-Za-z0-9-]{0,63}):(?:[ \t]+(?P<value>.*))?\Z")
# A paragraph may begin with "Note: ..."; only a block that names the document in one of these ways is a header.
_TELLING_KEYS = frozenset({"title", "author", "authors", "status"})


def field_key(name: str) -> str:
    """Spell the name of a field as front matter does: "Superseded-By" is "superseded_by"."""
    return re.sub(r"[\s-]+", "_", name.strip().lower())


def split_headers(text: str) -> tuple[dict[str, str], str]:
    """Part a text into its leading RFC 2822 headers and the rest.

    Returns:
        The fields by key, continued lines joined by a newline, and the text below the blank line after them; no
        fields and the whole text if it does not begin with two fields or more, one of them a title, author or status.
    """
    lines = text.lstrip("\n\ufeff").split("\n")
    size = next((number for number, line in enumerate(lines) if not line.strip()), len(lines))
    fields: dict[str, str] = {}
    key = ""
    for line in lines[:size]:
        field = _FIELD.match(line)
        if field:
            key = field_key(field["key"])
            fields[key] = (field["value"] or "").strip()
        elif key and line[0] in " \t":
            fields[key] = f"{fields[key]}\n{line.strip()}".strip()
        else:
            return {}, text
    if len(fields) < 2 or not _TELLING_KEYS & fields.keys():
        return {}, text
    return fields, "\n".join(lines[size:])

"""Where a payload keeps what it is about, and which page a comment in it belongs to.

What the objects make of themselves is decided in `objects.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import TypeAdapter

from neural_memory_pipelines.sources.notion.payloads import OptionalUuid
from neural_memory_pipelines.sources.reading import PAYLOAD, Spot, read_value

PAGE = "page"
COMMENT = "comment"
DOCUMENT_KINDS = frozenset({PAGE, COMMENT, "database", "data_source"})

_IN_ORDER = (COMMENT, PAGE, "data_source", "database")
"""A payload may tell where its object stands: a comment comes with its page, a page with its database."""

_OPTIONAL_UUID: TypeAdapter[str | None] = TypeAdapter(OptionalUuid)


def located(payload: Mapping[str, Any]) -> tuple[str, object, Spot] | None:
    """Find the object that a payload is about: itself, or what it holds under the name of a kind.

    Returns:
        Its kind, the object, and its place; None if there is none, as in a webhook that came alone.
    """
    kind = payload.get("object")
    if isinstance(kind, str):
        return kind, payload, PAYLOAD
    held = next((kind for kind in _IN_ORDER if payload.get(kind) is not None), None)
    return (held, payload[held], PAYLOAD.at(held)) if held else None


def told_page(payload: Mapping[str, Any]) -> str | None:
    """Tell which page comments are on, where the payload says it beside them.

    Raises:
        InvalidEventError: what it says is no id.
    """
    for above, key in (("data", "page_id"), (None, "page_id"), (PAGE, "id")):
        holder, spot = (payload.get(above), PAYLOAD.at(above)) if above else (payload, PAYLOAD)
        page_id = read_value(_OPTIONAL_UUID, holder.get(key), spot.at(key)) if isinstance(holder, Mapping) else None
        if page_id:
            return page_id
    return None


def comment_page(comment: Mapping[str, Any], spot: Spot) -> str | None:
    """Tell which page a comment is on, as far as it says so itself: one on a block names the block alone.

    Raises:
        InvalidEventError: what it says is no id.
    """
    parent = comment.get("parent")
    page_id = parent.get("page_id") if isinstance(parent, Mapping) else None
    return read_value(_OPTIONAL_UUID, page_id, spot.at("parent").at("page_id"))

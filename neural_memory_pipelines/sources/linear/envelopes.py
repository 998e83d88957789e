"""What a payload that comes without an envelope is, and the fields of the envelope it needs.

Reading the payload itself happens in `reading.py`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from neural_memory_pipelines.domain.ids import ContentHash, hash_json
from neural_memory_pipelines.errors import InvalidEventError
from neural_memory_pipelines.sources.linear.reading import OBSERVED, is_bare
from neural_memory_pipelines.sources.protocol import EnvelopeFields
from neural_memory_pipelines.sources.reading import member, read_time

ISSUE = "Issue"
COMMENT = "Comment"
PROJECT = "Project"
PROJECT_UPDATE = "ProjectUpdate"

_SHAPES: tuple[tuple[frozenset[str], str], ...] = (
    # The more telling stand first: an issue has comments, an update has a body as a comment has.
    (frozenset({"identifier", "title"}), ISSUE),
    (frozenset({"body", "health", "project"}), PROJECT_UPDATE),
    (frozenset({"body", "health", "projectId"}), PROJECT_UPDATE),
    (frozenset({"body", "health"}), "InitiativeUpdate"),
    (frozenset({"body"}), COMMENT),
    (frozenset({"name", "slugId"}), PROJECT),
)
"""The keys that tell an object of the API that does not name its type."""

_PROJECT_URL = re.compile(r"https?://linear\.app/[^/\s]{1,100}/project/")
_WORD = re.compile(r"[A-Za-z]{1,64}")
_DELIVERY_KEYS = frozenset({"webhookId", "webhookTimestamp"})
"""What differs when the same event is sent again, or by two webhooks."""


def kind_of(payload: object) -> str | None:
    """Name the type of what a payload is about ("Issue", "Comment", ...); None if unknown."""
    if not isinstance(payload, Mapping):
        return None
    named = payload.get("__typename" if is_bare(payload) else "type")
    if isinstance(named, str):
        return named if _WORD.fullmatch(named) else None
    if not is_bare(payload):
        return None
    kind = next((kind for keys, kind in _SHAPES if keys <= payload.keys()), None)
    # An initiative has the keys of a project.
    is_project = isinstance(payload.get("url"), str) and _PROJECT_URL.match(payload["url"])
    return None if kind == PROJECT and not is_project else kind


def envelope_fields(payload: Mapping[str, Any]) -> EnvelopeFields:
    """Derive the envelope of a payload from the payload alone, so that wrapping it twice gives the same event.

    Raises:
        InvalidEventError: the payload is of no known kind, or has no time.
    """
    kind = kind_of(payload)
    if kind is None:
        raise InvalidEventError(
            "payload: expected a Linear webhook, which has a type, or an issue, comment, project or project update "
            "of its API; the keys of this one name neither"
        )
    verb = OBSERVED if is_bare(payload) else payload.get("action")
    if not isinstance(verb, str) or not _WORD.fullmatch(verb):
        raise InvalidEventError("payload.action: expected a word such as 'create'")
    return EnvelopeFields(
        action=f"{kind}.{verb}", occurred_at=_occurred_at(payload), idempotency_key=f"linear:{_hash(payload)}"
    )


def _occurred_at(payload: Mapping[str, Any]) -> datetime:
    """Take a webhook's own time; of an object the latest, for archiving need not touch the time of update."""
    if not is_bare(payload):
        return read_time(member(payload, "createdAt", "payload"), "payload.createdAt")
    names = [name for name in ("updatedAt", "archivedAt", "createdAt") if payload.get(name) is not None]
    if not names:
        raise InvalidEventError("payload.updatedAt: required, but missing")
    return max(read_time(payload[name], f"payload.{name}") for name in names)


def _hash(payload: Mapping[str, Any]) -> ContentHash:
    try:
        return hash_json({key: value for key, value in payload.items() if key not in _DELIVERY_KEYS})
    except (RecursionError, ValueError) as error:
        raise InvalidEventError(f"payload: cannot be spelled as JSON again: {type(error).__name__}") from error

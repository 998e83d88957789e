"""What a payload that comes without an envelope is, and the fields of the envelope it needs.

Reading the payload itself happens in `reading.py`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from neural_memory_pipelines.domain.ids import hash_json
from neural_memory_pipelines.errors import InvalidEventError
from neural_memory_pipelines.sources.github.reading import ISSUE_COMMENT, ISSUES, PULL_REQUEST, is_bare, read_time
from neural_memory_pipelines.sources.protocol import EnvelopeFields

_WEBHOOKS: tuple[tuple[frozenset[str], str, str], ...] = (
    # Those with more keys stand first: a review also carries its pull request.
    (frozenset({"comment", "issue"}), ISSUE_COMMENT, "comment"),
    (frozenset({"comment", "pull_request"}), "pull_request_review_comment", "comment"),
    (frozenset({"review", "pull_request"}), "pull_request_review", "review"),
    (frozenset({"thread", "pull_request"}), "pull_request_review_thread", "pull_request"),
    (frozenset({"comment", "discussion"}), "discussion_comment", "comment"),
    (frozenset({"discussion"}), "discussion", "discussion"),
    (frozenset({"release"}), "release", "release"),
    (frozenset({"pull_request"}), PULL_REQUEST, "pull_request"),
    (frozenset({"issue"}), ISSUES, "issue"),
)
"""The keys that tell a webhook's event, the event, and the key of the object that it is about."""

_ADDRESSES: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"/(?:issues|pull)/[0-9]+#issuecomment-[0-9]+$|/issues/comments/[0-9]+$"), ISSUE_COMMENT),
    (re.compile(r"/pulls?/[0-9]+$"), PULL_REQUEST),
    (re.compile(r"/issues/[0-9]+$"), ISSUES),
)
"""What the address of a bare REST object tells of it."""

_TIMES = ("updated_at", "created_at", "submitted_at", "published_at")


def kind_of(payload: object) -> str | None:
    """Name the event that a payload belongs to ("issues", "pull_request", "issue_comment", ...), None if unknown."""
    if not isinstance(payload, Mapping):
        return None
    if is_bare(payload):
        return _kind_of_object(payload)
    return next((event for keys, event, _ in _WEBHOOKS if keys <= payload.keys()), None)


def envelope_fields(payload: Mapping[str, Any]) -> EnvelopeFields:
    """Derive the envelope of a payload from the payload alone, so that wrapping it twice gives the same event.

    Raises:
        InvalidEventError: the payload is of no known kind, or its object has no time.
    """
    kind = kind_of(payload)
    if kind is None:
        raise InvalidEventError(
            "payload: expected a GitHub webhook or an issue, pull request or comment of its REST API; "
            "the keys of this one name neither"
        )
    verb = payload.get("action", "observed")
    if not isinstance(verb, str):
        raise InvalidEventError("payload.action: expected a string such as 'opened'")
    return EnvelopeFields(
        action=f"{kind}.{verb}",
        occurred_at=_occurred_at(payload, kind),
        idempotency_key=f"github:{hash_json(payload)}",
    )


def _kind_of_object(payload: Mapping[str, Any]) -> str | None:
    for key in ("html_url", "url"):
        address = payload.get(key)
        for pattern, event in _ADDRESSES:
            if isinstance(address, str) and pattern.search(address):
                return PULL_REQUEST if event == ISSUES and "pull_request" in payload else event
    return None


def _occurred_at(payload: Mapping[str, Any], kind: str) -> datetime:
    key = None if is_bare(payload) else next(key for _, event, key in _WEBHOOKS if event == kind)
    subject, path = (payload, "payload") if key is None else (payload[key], f"payload.{key}")
    if not isinstance(subject, Mapping):
        raise InvalidEventError(f"{path}: expected an object")
    for name in _TIMES:
        if subject.get(name) is not None:
            return read_time(subject[name], f"{path}.{name}")
    raise InvalidEventError(f"{path}.{_TIMES[0]}: required, but missing, and so is {_TIMES[1]}")

"""GitHub: webhooks and REST objects of conversations, code and repositories, read into changes.

Pure: no network, no clock, no database. Which document an edge ends at is resolved elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from neural_memory_pipelines.domain.documents import Changes, Skip
from neural_memory_pipelines.domain.events import SkipReason, SourceEvent
from neural_memory_pipelines.errors import InvalidEventError
from neural_memory_pipelines.sources.github import conversations
from neural_memory_pipelines.sources.github.commits import read_commit, read_push
from neural_memory_pipelines.sources.github.envelopes import envelope_fields, kind_of
from neural_memory_pipelines.sources.github.reading import Reading
from neural_memory_pipelines.sources.github.releases import read_release
from neural_memory_pipelines.sources.github.repositories import read_repository
from neural_memory_pipelines.sources.github.reviews import read_review, read_review_comment
from neural_memory_pipelines.sources.reading import read_object

__all__ = ["envelope_fields", "kind_of", "parse", "subject"]

_READERS: Mapping[str, Callable[[Mapping[str, Any]], Reading]] = {
    **conversations.READERS,
    "pull_request_review": read_review,
    "pull_request_review_comment": read_review_comment,
    "push": read_push,
    "commit": read_commit,
    "release": read_release,
    "repository": read_repository,
}
"""The supported events. "commit" is none of GitHub's own: it is a commit as the REST API returns it."""


def parse(event: SourceEvent) -> Changes | Skip:
    """Read a GitHub event.

    Args:
        event: its action is "<event>.<action>", such as "issues.opened" ("push" has none); its payload is what the
            webhook sent, or an object of the REST API (action "<event>.observed").

    Returns:
        The documents that it describes and those that are gone, or why it yields nothing.

    Raises:
        InvalidEventError: a field is missing or wrong; the message gives its path.
    """
    name, _, verb = event.action.partition(".")
    if name not in _READERS:
        return Skip(SkipReason.UNSUPPORTED_EVENT, detail=name)
    if conversations.skips_unread(name, verb):
        return Skip(SkipReason.UNSUPPORTED_EVENT, detail=event.action)
    return _read(name, event.payload).changes(event, verb)


def subject(event: SourceEvent) -> str | None:
    """Name the document that an event is about; None if it is about none, or cannot be read."""
    name = event.action.partition(".")[0]
    if name not in _READERS:
        return None
    try:
        return _read(name, event.payload).source_id
    except InvalidEventError:
        return None


def _read(name: str, payload: object) -> Reading:
    return _READERS[name](read_object(payload, "payload"))

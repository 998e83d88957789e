"""GitHub: webhooks and REST objects of pull requests, issues and their comments, read into changes.

Pure: no network, no clock, no database. The edges between documents are found elsewhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from neural_memory_pipelines.domain.documents import Changes, Deletion, Skip, SourceDraft
from neural_memory_pipelines.domain.events import SkipReason, SourceEvent
from neural_memory_pipelines.errors import InvalidEventError
from neural_memory_pipelines.sources.github.documents import SOURCE, comment_draft, comment_source_id, issue_draft
from neural_memory_pipelines.sources.github.envelopes import envelope_fields, kind_of
from neural_memory_pipelines.sources.github.payloads import Comment, Issue, PullRequest, Transfer
from neural_memory_pipelines.sources.github.reading import (
    ISSUES,
    SUPPORTED_EVENTS,
    Reading,
    is_bare,
    read_model,
    read_payload,
)

__all__ = ["envelope_fields", "kind_of", "parse", "subject"]

_TEXTLESS_VERBS = frozenset({"pinned", "unpinned"})
"""What happens to an issue without a change of it. These webhooks may carry it cut short."""

_WHOLE_ISSUE_KEYS = frozenset({"number", "title", "state", "user", "labels", "html_url", "created_at", "updated_at"})


def parse(event: SourceEvent) -> Changes | Skip:
    """Read a GitHub event.

    Args:
        event: its action is "<event>.<action>", such as "issues.opened"; its payload is what the webhook sent, or
            an issue, pull request or comment as the REST API returns it (action "<event>.observed").

    Returns:
        The documents that it describes and those that are gone, or why it yields nothing.

    Raises:
        InvalidEventError: a field is missing or wrong; the message gives its path.
    """
    name, _, verb = event.action.partition(".")
    if name not in SUPPORTED_EVENTS:
        return Skip(SkipReason.UNSUPPORTED_EVENT, detail=name)
    if name == ISSUES and verb in _TEXTLESS_VERBS:
        return Skip(SkipReason.UNSUPPORTED_EVENT, detail=event.action)
    reading = read_payload(name, event.payload)
    if reading.comment is not None:
        return _comment_changes(reading, reading.comment, verb=verb, occurred_at=event.occurred_at)
    assert reading.issue is not None
    return _issue_changes(event, reading, reading.issue, verb=verb)


def subject(event: SourceEvent) -> str | None:
    """Name the document that an event is about; None if it is of no supported kind or cannot be read."""
    name = event.action.partition(".")[0]
    if name not in SUPPORTED_EVENTS:
        return None
    try:
        reading = read_payload(name, event.payload)
    except InvalidEventError:
        return None
    return comment_source_id(reading.comment, reading) if reading.comment else reading.reference


def _comment_changes(reading: Reading, comment: Comment, *, verb: str, occurred_at: datetime) -> Changes | Skip:
    if verb == "deleted":
        source_id = comment_source_id(comment, reading)
        gone = Deletion(SOURCE, source_id, as_of=max(occurred_at, comment.updated_at), reason="issue_comment.deleted")
        return Changes(deletions=(gone,))
    if comment.user and comment.user.is_bot:
        return Skip(SkipReason.BOT_AUTHOR, detail=comment.user.login)
    if not (comment.body or "").strip():
        return Skip(SkipReason.EMPTY, detail=comment_source_id(comment, reading))
    drafts = [comment_draft(comment, reading)]
    # A comment's webhook shows a pull request without its branches: that must not overwrite what its own event said.
    if reading.issue and reading.issue.kind == "issue":
        drafts.append(issue_draft(reading.issue, reading))
    return Changes(drafts=tuple(drafts))


def _issue_changes(event: SourceEvent, reading: Reading, issue: Issue, *, verb: str) -> Changes | Skip:
    if verb in {"deleted", "transferred"}:
        drafts, reason = _transfer(event.payload) if verb == "transferred" else ((), event.action)
        gone = Deletion(SOURCE, reading.reference, as_of=max(event.occurred_at, issue.updated_at), reason=reason)
        return Changes(drafts=drafts, deletions=(gone,))
    if issue.kind == "pull_request" and not isinstance(issue, PullRequest) and not is_bare(event.payload):
        return Skip(SkipReason.UNSUPPORTED_EVENT, detail=f"{event.action} of a pull request: its own event is whole")
    return Changes(drafts=(issue_draft(issue, reading),))


def _transfer(payload: Mapping[str, Any]) -> tuple[tuple[SourceDraft, ...], str]:
    """Read where an issue went: its draft there, when the payload holds all of it, and the words to say so."""
    if payload.get("changes") is None:
        return (), "transferred"
    transfer = read_model(Transfer, payload["changes"], "payload.changes")
    arrived = transfer.new_issue or {}
    address = arrived.get("html_url")
    reason = f"transferred to {address}" if isinstance(address, str) else "transferred"
    if transfer.new_repository is None or not arrived.keys() >= _WHOLE_ISSUE_KEYS:
        return (), reason
    issue = read_model(Issue, arrived, "payload.changes.new_issue")
    return (issue_draft(issue, Reading(transfer.new_repository.full_name, issue.number, issue)),), reason

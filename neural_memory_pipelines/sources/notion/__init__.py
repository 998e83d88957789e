"""Notion: pages with their blocks, databases and comments, as webhooks and the API bring them, read into changes.

Pure: no network, no clock, no database. A webhook alone tells that something changed, not what: fetching the content
and sending it as `{page, blocks}` is up to whoever receives webhooks.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from neural_memory_pipelines.domain.documents import Changes, Deletion, Skip
from neural_memory_pipelines.domain.events import SkipReason, SourceEvent
from neural_memory_pipelines.errors import InvalidEventError
from neural_memory_pipelines.sources.notion.documents import comment_source_id
from neural_memory_pipelines.sources.notion.envelopes import envelope_fields
from neural_memory_pipelines.sources.notion.links import SOURCE
from neural_memory_pipelines.sources.notion.locating import COMMENT, DOCUMENT_KINDS, comment_page, located, told_page
from neural_memory_pipelines.sources.notion.objects import Occasion, object_outcome
from neural_memory_pipelines.sources.notion.payloads import Dated, Webhook
from neural_memory_pipelines.sources.reading import PAYLOAD, read_model, read_object

__all__ = ["envelope_fields", "parse", "subject"]


def parse(event: SourceEvent) -> Changes | Skip:
    """Read a Notion event.

    Args:
        event: its action is that of the webhook ("page.content_updated") or "<object>.observed"; its payload is
            `{page, blocks}`, `{database}`, `{data_source}` or `{comment}`, an object of the API, or a webhook alone.

    Returns:
        The documents that it describes and those that are gone, or why it yields nothing.

    Raises:
        InvalidEventError: a field is missing or wrong; the message gives its path.
    """
    found = located(event.payload)
    if found is None:
        return _webhook_outcome(event)
    kind, value, spot = found
    named, _, verb = event.action.partition(".")
    # What happens to a page may bring its comments' webhook, and the other way round: each verb is for its own kind.
    page_id = told_page(event.payload) if kind in {COMMENT, "list"} else None
    occasion = Occasion(verb if named == kind else "observed", event.occurred_at, event.payload, page_id)
    return object_outcome(kind, value, spot, occasion)


def subject(event: SourceEvent) -> str | None:
    """Name the document that an event is about; None if it is about none or several, or cannot be read."""
    try:
        found = located(event.payload)
        if found is None:
            return _webhook_subject(event.payload)
        kind, value, spot = found
        if kind not in DOCUMENT_KINDS:
            return None
        own_id = read_model(Dated, value, spot).id
        if kind != COMMENT:
            return own_id
        page_id = comment_page(read_object(value, spot), spot) or told_page(event.payload)
        return comment_source_id(page_id, own_id) if page_id else None
    except InvalidEventError:
        return None


def _webhook_outcome(event: SourceEvent) -> Changes | Skip:
    if event.payload.get("entity") is None:
        return Skip(SkipReason.UNSUPPORTED_EVENT, "no content: neither a page nor another object")
    webhook = read_model(Webhook, event.payload, PAYLOAD)
    kind, _, verb = webhook.type.partition(".")
    if kind not in DOCUMENT_KINDS or verb != "deleted":
        return Skip(SkipReason.UNSUPPORTED_EVENT, "no content")
    source_id = _webhook_subject(event.payload)
    if source_id is None:
        return Skip(SkipReason.UNSUPPORTED_EVENT, "a deleted comment whose page is not told")
    as_of = max(event.occurred_at, webhook.timestamp)
    return Changes(deletions=(Deletion(SOURCE, source_id, as_of, webhook.type),))


def _webhook_subject(payload: Mapping[str, Any]) -> str | None:
    if payload.get("entity") is None:
        return None
    webhook = read_model(Webhook, payload, PAYLOAD)
    kind = webhook.type.partition(".")[0]
    if kind == COMMENT:
        page_id = told_page(payload)
        return comment_source_id(page_id, webhook.entity.id) if page_id else None
    return webhook.entity.id if kind in DOCUMENT_KINDS else None

"""The sources there are. Adding one touches its own new file and one line here."""

from __future__ import annotations

from collections.abc import Mapping

from neural_memory_pipelines.domain.events import SourceEvent
from neural_memory_pipelines.domain.ids import WorkspaceId
from neural_memory_pipelines.errors import InvalidEventError
from neural_memory_pipelines.sources import docs, github, linear, notion, slack
from neural_memory_pipelines.sources.protocol import Source

SOURCES: Mapping[str, Source] = {
    "docs": Source(docs.parse, docs.subject),
    "github": Source(github.parse, github.subject, github.envelope_fields),
    "linear": Source(linear.parse, linear.subject, linear.envelope_fields),
    "notion": Source(notion.parse, notion.subject, notion.envelope_fields),
    "slack": Source(slack.parse, slack.subject, slack.envelope_fields, slack.assemble),
}


def source_named(name: str) -> Source:
    """Look up a source.

    Raises:
        InvalidEventError: there is none of this name.
    """
    source = SOURCES.get(name)
    if source is None:
        raise InvalidEventError(f"source: expected one of {', '.join(sorted(SOURCES))}, got {name!r}")
    return source


def wrap_payload(source: str, payload: object, *, workspace_id: WorkspaceId, organization_id: str) -> SourceEvent:
    """Put a bare payload, as the system itself sends it, into an envelope.

    Raises:
        InvalidEventError: the payload is not an object, or does not tell what its envelope needs.
    """
    wrap = source_named(source).envelope_fields
    if wrap is None:
        raise InvalidEventError(f"source: payloads of {source!r} do not come without an envelope")
    if not isinstance(payload, Mapping):
        raise InvalidEventError(f"payload: expected an object, got {type(payload).__name__}")
    fields = wrap(payload)
    return SourceEvent(
        workspace_id=workspace_id,
        organization_id=organization_id,
        source=source,
        action=fields.action,
        occurred_at=fields.occurred_at,
        idempotency_key=fields.idempotency_key,
        payload=payload,
    )

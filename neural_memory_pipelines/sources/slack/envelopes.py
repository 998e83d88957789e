"""The envelope of an event as Slack sends it, for events that come without one of ours.

What the event means is not asked here.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC
from typing import Any

from neural_memory_pipelines.domain.events import SourceEvent
from neural_memory_pipelines.domain.ids import WorkspaceId
from neural_memory_pipelines.errors import InvalidEventError
from neural_memory_pipelines.sources.protocol import EnvelopeFields
from neural_memory_pipelines.sources.reading import read_model
from neural_memory_pipelines.sources.slack.payloads import Delivery, epoch
from neural_memory_pipelines.sources.slack.reading import read_callback


def envelope_fields(payload: Mapping[str, Any]) -> EnvelopeFields:
    """Derive the envelope of a bare `event_callback`: Slack gives each event an id, which retries keep.

    Source: https://docs.slack.dev/apis/events-api, "Callback field overview"

    Raises:
        InvalidEventError: it is none, or a field is missing or wrong; the message gives its path.
    """
    delivery = read_model(Delivery, payload, "payload")
    sent_at = epoch(delivery.event_time)
    callback = read_callback(SourceEvent(WorkspaceId(""), "", "slack", "", sent_at, "", payload))
    if callback is None:
        raise InvalidEventError("payload.event: required, but missing")
    return EnvelopeFields(callback.kind, callback.at.astimezone(UTC), f"slack:{delivery.event_id}")

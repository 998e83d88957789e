"""The envelope of source events as it travels: JSON in, `SourceEvent` out, and back.

What is inside a payload is up to the sources.
"""

from __future__ import annotations

import json
import re
from datetime import datetime
from typing import Annotated, Any

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from neural_memory_pipelines.domain.events import SourceEvent
from neural_memory_pipelines.domain.ids import WorkspaceId
from neural_memory_pipelines.errors import InvalidEventError, PermanentError

_WORKSPACE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,62}")
_WORKSPACE_RULE = "expected 1-63 letters, digits, '_', '.' or '-', starting with a letter or digit"


def workspace_id(value: str) -> WorkspaceId:
    """Check a workspace's name.

    It is a partition key in Dagster, a path in the object store and part of index names: hence the narrow alphabet.

    Raises:
        PermanentError: it is not legal.
    """
    if not _WORKSPACE.fullmatch(value):
        raise PermanentError(f"workspace {value!r}: {_WORKSPACE_RULE}")
    return WorkspaceId(value)


def _legal_workspace(value: str) -> str:
    if not _WORKSPACE.fullmatch(value):
        raise ValueError(_WORKSPACE_RULE)
    return value


class Envelope(BaseModel):
    """An event as producers write it, one JSON object a line."""

    model_config = ConfigDict(extra="ignore")

    workspace_id: Annotated[str, AfterValidator(_legal_workspace)] = Field(alias="workspaceId")
    organization_id: str = Field(alias="organizationId", min_length=1)
    source: str = Field(min_length=1)
    action: str = Field(min_length=1)
    occurred_at: AwareDatetime = Field(alias="occurredAt")
    idempotency_key: str = Field(alias="idempotencyKey", min_length=1, max_length=512)
    payload: dict[str, Any]


def decode_envelope(line: bytes | str) -> SourceEvent:
    """Read one envelope.

    Raises:
        InvalidEventError: it is not JSON, or a field is missing or wrong; names the field.
    """
    try:
        envelope = Envelope.model_validate_json(line)
    except ValidationError as error:
        raise InvalidEventError("; ".join(_fault(fault) for fault in error.errors(include_input=False))) from None
    return SourceEvent(
        workspace_id=WorkspaceId(envelope.workspace_id),
        organization_id=envelope.organization_id,
        source=envelope.source,
        action=envelope.action,
        occurred_at=envelope.occurred_at,
        idempotency_key=envelope.idempotency_key,
        payload=envelope.payload,
    )


def encode_envelope(event: SourceEvent) -> bytes:
    """Write one envelope as a line of JSON, without the line end."""
    return json.dumps(
        {
            "workspaceId": event.workspace_id,
            "organizationId": event.organization_id,
            "source": event.source,
            "action": event.action,
            "occurredAt": _spell(event.occurred_at),
            "idempotencyKey": event.idempotency_key,
            "payload": event.payload,
        },
        ensure_ascii=False,
        separators=(",", ":"),
    ).encode("utf-8", "surrogatepass")


def _spell(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")


def _fault(fault: Any) -> str:
    where = ".".join(map(str, fault["loc"]))
    return f"{where}: {fault['msg']}" if where else str(fault["msg"])

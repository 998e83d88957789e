"""Redaction: personal data and secrets are taken out of texts and payloads, and a placeholder says what was there.

The rules live in the modules of this package, one per kind of thing; when redaction runs, and where its counts are
kept, is up to the steps. Nothing here knows a source.
"""

from __future__ import annotations

from neural_memory_pipelines.domain.redaction.engine import (
    Redacted,
    RedactionPolicy,
    count_placeholders,
    redact,
    redaction_kinds,
)
from neural_memory_pipelines.domain.redaction.payloads import redact_payload

__all__ = [
    "Redacted",
    "RedactionPolicy",
    "count_placeholders",
    "redact",
    "redact_payload",
    "redaction_kinds",
]

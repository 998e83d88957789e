"""The events of Linear in the sample workspace."""

from __future__ import annotations

from pathlib import Path

from neural_memory_pipelines.domain.events import SourceEvent
from neural_memory_pipelines.sources.envelope import decode_envelope

HARBOR = Path(__file__).parents[2] / "samples" / "harbor"


def sample_events() -> list[SourceEvent]:
    return [decode_envelope(line) for line in (HARBOR / "linear.jsonl").read_text(encoding="utf-8").splitlines()]

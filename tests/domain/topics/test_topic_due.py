"""When everything is clustered anew."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from neural_memory_pipelines.domain.topics.due import FullFacts, FullReason, full_due

_NOW = datetime(2026, 11, 22, 2, tzinfo=UTC)
_USUAL = FullFacts(_NOW - timedelta(days=1), changed=True, topics=9, observations=100, pending_since=20)


@pytest.mark.parametrize(
    ("facts", "reason"),
    [
        (_USUAL, None),
        (replace(_USUAL, full_at=None), FullReason.NEVER),
        (replace(_USUAL, full_at=None, changed=False), FullReason.NEVER),
        (replace(_USUAL, topics=0), FullReason.NO_TOPICS),
        (replace(_USUAL, topics=0, changed=False), None),
        (replace(_USUAL, pending_since=21), FullReason.POOL),
        (replace(_USUAL, full_at=_NOW - timedelta(days=7)), FullReason.AGE),
        (replace(_USUAL, full_at=_NOW - timedelta(days=7) + timedelta(seconds=1)), None),
        (replace(_USUAL, full_at=_NOW - timedelta(days=70), changed=False), None),
    ],
)
def test_it_is_due_for_a_reason(facts: FullFacts, reason: FullReason | None) -> None:
    assert full_due(facts, now=_NOW, every_days=7, pool_share=0.2) is reason

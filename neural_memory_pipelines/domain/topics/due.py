"""When everything is to be clustered anew, instead of night by night. It clusters nothing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum


class FullReason(StrEnum):
    """Why everything is clustered anew."""

    NEVER = "it was never done at this embedding version and with these settings"
    NO_TOPICS = "there are no topics yet"
    AGE = "the last time is long ago"
    POOL = "many observations found no topic since"


@dataclass(frozen=True, slots=True)
class FullFacts:
    """What is known before a night.

    Attributes:
        full_at: when everything was clustered last, at this embedding version and with the settings that decide topics;
            None for never.
        changed: whether an observation came or went since then.
        topics: how many there are.
        observations: how many may be consolidated.
        pending_since: how many of those came after `full_at` and have no topic. What the last full clustering left
            out is not counted: it would leave it out again, and ask for itself every night.
    """

    full_at: datetime | None
    changed: bool
    topics: int
    observations: int
    pending_since: int


def full_due(facts: FullFacts, *, now: datetime, every_days: float, pool_share: float) -> FullReason | None:
    """Tell whether and why everything is to be clustered anew.

    Args:
        facts: what is known.
        now: the night, aware.
        every_days: days after which it is due, if something changed.
        pool_share: share of observations above which those that wait are too many, 0..1.
    """
    if facts.full_at is None:
        return FullReason.NEVER
    if not facts.changed:
        return None
    if not facts.topics:
        return FullReason.NO_TOPICS
    if facts.pending_since > pool_share * facts.observations:
        return FullReason.POOL
    if now - facts.full_at >= timedelta(days=every_days):
        return FullReason.AGE
    return None

"""What a priority says as a label would.

A data table and its reading; nothing else.
"""

from __future__ import annotations

_PRIORITIES = {1.0: "urgent", 2.0: "high", 3.0: "medium", 4.0: "low"}
"""Source: the description of `Issue.priority` in Linear's schema; 0 is "no priority"."""


def priority_name(priority: float | None) -> str | None:
    """Name a priority; None if there is none."""
    return _PRIORITIES.get(priority) if priority is not None else None

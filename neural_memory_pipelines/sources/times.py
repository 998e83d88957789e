"""Times as sources spell them, read into aware UTC.

What a source says of a field that is no time is up to that source.
"""

from __future__ import annotations

from datetime import UTC, datetime


def utc_time(value: object) -> datetime | None:
    """Read an ISO 8601 time with an offset, as UTC; None if it is something else, or no year of 1 to 9999."""
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else None
        return moment.astimezone(UTC) if moment is not None and moment.tzinfo is not None else None
    except (ValueError, OverflowError):
        return None

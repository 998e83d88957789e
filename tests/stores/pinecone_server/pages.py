"""Pages of a sorted listing and their tokens. What is listed is decided elsewhere."""

from __future__ import annotations

import base64
import binascii
from bisect import bisect_right
from collections.abc import Sequence
from typing import Any

from .refusals import RefusalError


def page_of(names: Sequence[str], *, limit: int, token: str | None) -> tuple[list[str], dict[str, Any]]:
    """Return the names after a token, and the `pagination` member when more follow.

    Args:
        names: sorted.
        limit: most names of a page.
        token: `next` of the page before; None for the first.
    """
    start = 0 if token is None else bisect_right(names, _after(token))
    page = list(names[start : start + limit])
    if start + limit >= len(names):
        return page, {}
    return page, {"pagination": {"next": base64.urlsafe_b64encode(page[-1].encode()).decode()}}


def _after(token: str) -> str:
    try:
        return base64.b64decode(token, altchars=b"-_", validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        raise RefusalError(400, f"Invalid pagination token {token!r}") from None

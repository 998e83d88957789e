"""Which tags labels and a title earn, and what a priority says as a label would.

Two data tables and their reading; nothing else.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

LINKED_TAGS = frozenset({"release", "incident-fix"})
"""The tags that tie something to an incident or a release."""

_SCOPE = r"(?:\([^)]{0,80}\))?"
_RULES: tuple[tuple[str, re.Pattern[str], re.Pattern[str]], ...] = tuple(
    (tag, re.compile(label), re.compile(title, re.IGNORECASE))
    for tag, label, title in (
        ("release", r"\brelease", rf"\[?release\b|v?\d+\.\d+\.\d+{_SCOPE}\s*$"),
        ("refactor", r"\brefactor", rf"\[?refactor(?:ing)?\]?{_SCOPE}!?(?::|\s|$)"),
        ("incident-fix", r"\b(?:incident|outage|hotfix|postmortem)", r"\[?(?:hotfix|incident|postmortem)\b"),
        ("breaking-change", r"\bbreaking", rf"[a-z]+{_SCOPE}!:|\[?breaking\b"),
        ("bug", r"\b(?:bug|defect|regression)\b", rf"\[?(?:bug|fix|bugfix)\]?{_SCOPE}!?(?::|\]|$)"),
        ("decision", r"\b(?:decision|adr)\b", r"\[?(?:decision|adr)\b"),
        ("rfc", r"\brfc\b", r"\[?rfc\b"),
    )
)
"""Each tag with what earns it: a label that holds the first pattern, or a title that begins with the second."""

_PRIORITIES = {1.0: "urgent", 2.0: "high", 3.0: "medium", 4.0: "low"}
"""Source: the description of `Issue.priority` in Linear's schema; 0 is "no priority"."""


def tags_of(title: str, labels: Iterable[str]) -> frozenset[str]:
    """Collect the tags that a title and labels earn."""
    names = [label.lower().replace("_", "-") for label in labels]
    return frozenset(
        tag for tag, label, start in _RULES if start.match(title.strip()) or any(label.search(name) for name in names)
    )


def priority_name(priority: float | None) -> str | None:
    """Name a priority; None if there is none."""
    return _PRIORITIES.get(priority) if priority is not None else None

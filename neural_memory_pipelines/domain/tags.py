"""Which tags something earns by its labels and its title, and how words are spelled as a tag.

Data tables and their reading; which labels and titles there are is up to the sources.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

LINKED_TAGS = frozenset({"release", "incident-fix"})
"""The tags that tie something to an incident or a release."""

_NO_WORD = re.compile(r"\W+")
_SCOPE = r"(?:\([^)]{0,80}\))?"
_EVERYONE = re.compile(
    r"\b(?:org(?:ani[sz]ation)?|company)-wide\b|\b(?:all|every)-teams?\b|\bcross-(?:org|team)\b", re.IGNORECASE
)
_VERSION = re.compile(r"\bv?\d+\.\d+(?:\.\d+)?\b|\brelease\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class _Rule:
    tag: str
    label: re.Pattern[str]
    title: re.Pattern[str]


def _rule(tag: str, *, label: str, title: str) -> _Rule:
    return _Rule(tag, re.compile(label), re.compile(title, re.IGNORECASE))


_RULES = (
    _rule(
        "release", label=r"\brelease", title=rf"\[?release\b|(?:chore|build)\(release\)!?:|v?\d+\.\d+\.\d+{_SCOPE}\s*$"
    ),
    _rule("refactor", label=r"\brefactor", title=rf"\[?refactor(?:ing)?\]?{_SCOPE}!?(?::|\s|$)"),
    _rule(
        "incident-fix", label=r"\b(?:incident|outage|hotfix|postmortem)", title=r"\[?(?:hotfix|incident|postmortem)\b"
    ),
    _rule("breaking-change", label=r"\bbreaking", title=rf"[a-z]+{_SCOPE}!:|\[?breaking\b"),
    _rule("bug", label=r"\b(?:bug|defect|regression)\b", title=rf"\[?(?:bug|fix|bugfix)\]?{_SCOPE}!?(?::|\]|$)"),
    _rule("decision", label=r"\b(?:decision|adr)\b", title=r"\[?(?:decision|adr)\b"),
    _rule("rfc", label=r"\brfc\b", title=r"\[?rfc\b"),
)
"""Each tag with what earns it: a label that holds the pattern, or a title that begins with it."""


def tags_of(title: str, labels: Iterable[str]) -> frozenset[str]:
    """Collect the tags that a title and labels earn."""
    names = [label.lower().replace("_", "-") for label in labels]
    return frozenset(
        rule.tag for rule in _RULES if rule.title.match(title.strip()) or any(rule.label.search(name) for name in names)
    )


def as_tag(words: str) -> str:
    """Spell words as a tag: lower case, joined by hyphens; "" if there are none."""
    return _NO_WORD.sub("-", words.lower()).strip("-")


def is_release_milestone(title: str | None) -> bool:
    """Tell whether a milestone stands for a release: it names a version or says so."""
    return bool(title and _VERSION.search(title))


def concerns_everyone(title: str, labels: Iterable[str]) -> bool:
    """Tell whether a title or a label says that something concerns the organization beyond its team."""
    names = [re.sub(r"[\s_]+", "-", name) for name in (title, *labels)]
    return any(_EVERYONE.search(name) for name in names)

"""How much an observation matters, from 0 to 1, by a formula whose every term can be shown to a person.

Reading signals out of payloads happens in `sources/`. Recency is no part of it: ranking weighs recency itself.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass

SEVERITY_WEIGHT = 0.25
VOLUME_WEIGHT = 0.20
BREADTH_WEIGHT = 0.20
LINKED_WEIGHT = 0.15
ORG_WEIGHT = 0.10

VOLUME_FULL_COMMENTS = 30
BREADTH_FULL_PARTICIPANTS = 10

_UNKNOWN_BASE = 0.10
_BASES: dict[tuple[str, str], float] = {
    # The outcome of a discussion, said to be one: what people search for months later.
    ("github", "decision"): 0.35,
    ("github", "resolution"): 0.30,
    ("github", "outcome"): 0.30,
    # A change that was made: it states what the system now does.
    ("github", "pull_request"): 0.25,
    # A wish or a report: worth less than the change that answers it.
    ("github", "issue"): 0.20,
    # One voice among many.
    ("github", "comment"): 0.10,
    # What came out, for those who use it.
    ("github", "release"): 0.30,
    # A question or an idea, before anybody promised anything.
    ("github", "discussion"): 0.20,
    # One step of a change that its pull request tells whole.
    ("github", "commit"): 0.15,
    # A page that a team wrote down and reviewed.
    ("docs", "page"): 0.30,
    ("docs", "decision"): 0.40,
    # What a project is for; everything in it is measured against that.
    ("linear", "project"): 0.30,
    # The outcome of a discussion, said to be one.
    ("linear", "decision"): 0.35,
    ("linear", "resolution"): 0.30,
    ("linear", "outcome"): 0.30,
    # That something was done, or will not be done: it states what is true from then on.
    ("linear", "completed"): 0.30,
    ("linear", "canceled"): 0.30,
    # A wish or a report, and how it ended in somebody's words.
    ("linear", "issue"): 0.20,
    ("linear", "closing_note"): 0.20,
    # Where a project stood in some week.
    ("linear", "project_update"): 0.20,
    # It says where to look instead, and no more.
    ("linear", "duplicate"): 0.10,
    # How an incident ended, in a few sentences: asked for whenever something like it happens again.
    ("slack", "incident"): 0.35,
    # What a thread settled. Talk is less considered than a page or a pull request, so each is worth a little less.
    ("slack", "decision"): 0.30,
    ("slack", "root-cause"): 0.30,
    ("slack", "resolution"): 0.25,
    ("slack", "outcome"): 0.25,
    # What somebody was to do: over once it is done.
    ("slack", "action"): 0.15,
    # A page that somebody wrote down, often without review; what it decides is what people come back for.
    ("notion", "page"): 0.25,
    ("notion", "decision"): 0.35,
    ("notion", "outcome"): 0.30,
    ("notion", "root-cause"): 0.30,
}
"""What a kind of observation is worth before anyone has reacted to it, with the reason above each."""

_SEVERITIES: tuple[tuple[re.Pattern[str], float], ...] = (
    # Production was or is broken, or data is at risk.
    (re.compile(r"\b(incident|outage|sev-?[01]|p0|critical|blocker|security|vulnerability|data[ -]loss)\b"), 1.0),
    # Others must act: they upgrade, migrate or work around.
    (re.compile(r"\b(breaking([ -]change)?|regression|sev-?2|p1|urgent|high)\b"), 0.75),
    # Something is wrong, or something was settled.
    (re.compile(r"\b(bug|defect|sev-?3|p2|decision|rfc|adr|release)\b"), 0.5),
    # Planned work.
    (re.compile(r"\b(enhancement|feature|performance|refactor(ing)?|medium)\b"), 0.25),
)
"""What a label says about severity, from 0 to 1, with the reason above each."""


@dataclass(frozen=True, slots=True)
class ImportanceSignals:
    """What is known of the reactions to something.

    `comments` and `participants` are counts; a negative count is read as 0. `participants` includes the author.
    """

    labels: frozenset[str] = frozenset()
    comments: int = 0
    participants: int = 0
    linked_incident_or_release: bool = False
    org_impact: bool = False


def importance(source: str, kind: str, signals: ImportanceSignals) -> float:
    """Score an observation: the sum of its factors, cut to 0..1.

    Args:
        source: the source system, such as "github".
        kind: what it is there: "pull_request", "issue", "decision", ... An unknown kind has a low base.
        signals: what is known of the reactions to it.

    Returns:
        A number in 0..1 that never falls when a signal rises.
    """
    return importance_of(importance_factors(source, kind, signals))


def importance_of(factors: Mapping[str, float]) -> float:
    """Sum the factors of an importance and cut the sum to 0..1."""
    return min(1.0, max(0.0, math.fsum(factors.values())))


def importance_factors(source: str, kind: str, signals: ImportanceSignals) -> dict[str, float]:
    """Show each term of the score, already weighted; their sum, cut to 0..1, is the score.

    - base: what the kind is worth by itself.
    - severity: 0.25 times the gravest label, from 0 (no label known) to 1 (incident, outage, P0, security).
    - volume: 0.20 * log(1 + comments) / log(1 + 30). The first comments count most: 5 comments give about half,
      30 or more give all of it.
    - breadth: 0.20 * log(participants) / log(10). One person alone gives nothing, 3 about half, 10 or more all.
    - linked: 0.15 if it is tied to an incident or a release.
    - org: 0.10 if it concerns the organization beyond its team.
    """
    return {
        "base": _BASES.get((source, kind), _UNKNOWN_BASE),
        "severity": SEVERITY_WEIGHT * severity(signals.labels),
        "volume": VOLUME_WEIGHT * _saturate(1 + signals.comments, full_at=1 + VOLUME_FULL_COMMENTS),
        "breadth": BREADTH_WEIGHT * _saturate(signals.participants, full_at=BREADTH_FULL_PARTICIPANTS),
        "linked": LINKED_WEIGHT * signals.linked_incident_or_release,
        "org": ORG_WEIGHT * signals.org_impact,
    }


def severity(labels: frozenset[str]) -> float:
    """Rate the gravest of the labels from 0 to 1. A label that the table does not know weighs nothing."""
    names = [label.lower().replace("_", "-") for label in labels]
    return max((rate for pattern, rate in _SEVERITIES if any(pattern.search(name) for name in names)), default=0.0)


def _saturate(count: int, *, full_at: int) -> float:
    """Map a count to 0..1 on a log scale: 1 or less gives 0, `full_at` or more gives 1."""
    return min(1.0, math.log(max(1, count)) / math.log(full_at))

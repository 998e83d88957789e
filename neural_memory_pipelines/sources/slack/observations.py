"""What is worth remembering of a thread by itself: what it decided, found out or ended.

Finding such statements in words is up to `outcomes.py`; the thread as a document is drafted in `threads.py`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from neural_memory_pipelines.domain.documents import ObservationDraft, Privacy
from neural_memory_pipelines.domain.importance import ImportanceSignals, importance_factors
from neural_memory_pipelines.domain.observing import within_limits
from neural_memory_pipelines.domain.references import find_references
from neural_memory_pipelines.domain.text import first_paragraph
from neural_memory_pipelines.sources.slack.outcomes import (
    INCIDENT,
    Outcome,
    ends_of_incident,
    find_outcomes,
    is_incident,
)

SOURCE = "slack"
OBSERVATIONS_LIMIT = 50

_SEVERITY = re.compile(
    r"\b(?:sev-?[0-3]|p[0-2]|incident|outage|security|vulnerability|data[ -]loss|regression|breaking change)\b",
    re.IGNORECASE,
)
_NAMES = {"root-cause": "Root cause", INCIDENT: "Incident"}


@dataclass(frozen=True, slots=True)
class Spoken:
    """What a person said in a thread: markdown, and when."""

    markdown: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Talk:
    """A thread as its observations need it.

    `messages` are those of people, in order; `message_count` counts all; `participants` are people.
    `is_for_all` says that somebody called the whole channel.
    """

    source_id: str
    title: str
    messages: Sequence[Spoken]
    message_count: int
    participants: int
    privacy: Privacy
    is_for_all: bool = False


def observe(talk: Talk) -> tuple[ObservationDraft, ...]:
    """Remember each outcome that a thread states, and the end of an incident; none of one without an outcome."""
    texts = [talk.title, *(message.markdown for message in talk.messages)]
    of_incident = any(is_incident(text) for text in texts)
    found = dict(_outcomes(talk.messages))
    if of_incident and not any(outcome.kind == INCIDENT for outcome in found):
        found |= _end_of_incident(talk, said_before=[outcome.said for outcome in found])
    signals = ImportanceSignals(
        labels=frozenset(_severities(texts)),
        comments=talk.message_count - 1,
        participants=talk.participants,
        linked_incident_or_release=of_incident,
        org_impact=talk.is_for_all,
    )
    named = list(dict.fromkeys(name for message in talk.messages for name in _named_in(message.markdown)))
    return tuple(
        _observation(talk, outcome, at, signals=signals, named=named)
        for outcome, at in list(found.items())[:OBSERVATIONS_LIMIT]
    )


def _outcomes(messages: Iterable[Spoken]) -> Iterator[tuple[Outcome, datetime]]:
    """Find the outcomes of a thread; one that is said again keeps the time at which it was said last."""
    for message in messages:
        for outcome in find_outcomes(message.markdown):
            yield outcome, message.at


def _end_of_incident(talk: Talk, *, said_before: Sequence[str]) -> dict[Outcome, datetime]:
    """Tell how an incident ended, in the words of whoever said so last."""
    for message in reversed(talk.messages):
        ends = [end for end in ends_of_incident(message.markdown) if not any(end in said for said in said_before)]
        if ends:
            return {Outcome(INCIDENT, " ".join(ends), is_marked=False): message.at}
    return {}


def _observation(
    talk: Talk, outcome: Outcome, at: datetime, *, signals: ImportanceSignals, named: Sequence[str]
) -> ObservationDraft:
    name = _NAMES.get(outcome.kind, outcome.kind.capitalize())
    told = f"{name}: {outcome.said}" if outcome.is_marked else outcome.said
    # A statement alone often leaves out what it is about, which the thread began with.
    text = told if len(talk.messages) == 1 else f"{talk.title}\n\n{told}"
    return within_limits(
        ObservationDraft(
            text=text,
            occurred_at=at,
            title=f"{name} in {talk.title}",
            summary=first_paragraph(outcome.said),
            importance_factors=importance_factors(SOURCE, outcome.kind, signals),
            tags=tuple(sorted({outcome.kind} | ({INCIDENT} if signals.linked_incident_or_release else set()))),
            # First its thread, then what it names itself, then what the others name.
            subject_refs=(talk.source_id, *_named_in(outcome.said), *named),
            privacy=talk.privacy,
        )
    )


def _named_in(markdown: str) -> Iterator[str]:
    """Name the documents of all sources that a text refers to, by their source ids."""
    for reference in find_references(markdown):
        system, _, name = reference.handle.partition(":")
        # Handles are in lower case, and the ids of Slack's channels in capitals.
        if named := reference.source_id or {"slack": name.upper(), "notion": name}.get(system):
            yield named


def _severities(texts: Iterable[str]) -> set[str]:
    """Gather the words for severity as labels spell them ("sev 1" is "sev1")."""
    return {" ".join(word.lower().split()) for text in texts for word in _SEVERITY.findall(text)}

"""What is worth remembering of GitHub's texts: what they are about, what they decide.

The documents themselves are drafted in the modules of their events.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from neural_memory_pipelines.domain.documents import ObservationDraft
from neural_memory_pipelines.domain.importance import ImportanceSignals, importance_factors
from neural_memory_pipelines.domain.observing import SUBJECTS_LIMIT, TEXT_LIMIT_CHARS, within_limits
from neural_memory_pipelines.domain.references import Reference, find_references
from neural_memory_pipelines.domain.statements import (
    Statement,
    as_sentence,
    lead,
    marked_statements,
    prose_blocks,
    without_html_comments,
)
from neural_memory_pipelines.domain.tags import LINKED_TAGS, concerns_everyone, is_release_milestone, tags_of
from neural_memory_pipelines.domain.text import first_paragraph
from neural_memory_pipelines.sources.github.accounts import is_bot
from neural_memory_pipelines.sources.github.payloads import Discussion, Issue, Thread, User
from neural_memory_pipelines.sources.github.reading import Place
from neural_memory_pipelines.sources.github.references import closing_lines, source_ids

_STATEMENTS_LIMIT_CHARS = 2 * TEXT_LIMIT_CHARS

_SETTLED_STATES = {"merged": "merged", "closed": "closed", "not_planned": "closed", "answered": "answered"}
_THIS_PR = re.compile(r"\bThis (?:PR|pull request)\b.*?(?:[.!?](?=\s|$)|$)")


@dataclass(frozen=True, slots=True)
class Told:
    """A text to remember, and where it stands.

    Attributes:
        title: on one line.
        body: markdown, without the title.
        source_id: the document's own.
        repository: owner/repo, that bare numbers belong to.
        url: the document's own address.
    """

    title: str
    body: str
    source_id: str
    repository: str
    url: str
    occurred_at: datetime


def observe_thread(
    thread: Thread, place: Place, *, kind: str, state: str, people: frozenset[int] = frozenset()
) -> tuple[ObservationDraft, ...]:
    """Remember what an issue, pull request or discussion is about.

    Args:
        thread: the issue, pull request or discussion.
        place: where it is.
        kind: its document's type.
        state: its document's state.
        people: the ids of those who are known to have taken part, beside those whom the object names.
    """
    tags = tags_of(thread.headline, _tag_names(thread))
    told = Told(
        thread.headline, thread.body or "", place.reference, place.repository, thread.html_url, thread.updated_at
    )
    settled = {_SETTLED_STATES[state]} if state in _SETTLED_STATES else set()
    return (observe(told, kind=kind, tags=tags | settled, signals=_signals(thread, tags=tags, people=people)),)


def observe(told: Told, *, kind: str, tags: frozenset[str], signals: ImportanceSignals) -> ObservationDraft:
    """Remember a text by its title, how it sums itself up, and what it closes."""
    body = without_html_comments(told.body)
    summary = lead(body)
    found = find_references(body, repository=told.repository)
    said = [as_sentence(told.title), *_statements(summary, body, found)]
    return within_limits(
        ObservationDraft(
            text="\n\n".join(said),
            occurred_at=told.occurred_at,
            title=told.title,
            summary=first_paragraph(summary),
            importance_factors=importance_factors("github", kind, signals),
            tags=tuple(sorted(tags)),
            subject_refs=_subjects((*find_references(told.title, repository=told.repository), *found), told),
        )
    )


def observe_outcomes(
    told: Told, place: Place, *, author: User | None, answers: bool = False
) -> tuple[ObservationDraft, ...]:
    """Remember each decision, resolution and outcome that a comment states.

    Args:
        told: the comment; its title is not used.
        place: the conversation that it is part of, for references and importance.
        author: who wrote it.
        answers: it was chosen as the answer of its discussion: then it is a resolution as a whole.
    """
    thread = place.thread
    tags = tags_of(thread.headline, _tag_names(thread)) if thread else frozenset()
    people = frozenset([author.id] if author and not is_bot(author) else [])
    signals = _signals(thread, tags=tags, people=people)
    body = without_html_comments(told.body)
    answer = [Statement("resolution", body.strip())] if answers and body.strip() else []
    # The same statement made twice in a comment is one observation.
    stated = dict.fromkeys([*answer, *marked_statements(body)])
    return tuple(_outcome(statement, told, place, signals=signals) for statement in stated)


def _outcome(stated: Statement, told: Told, place: Place, *, signals: ImportanceSignals) -> ObservationDraft:
    word = stated.kind.capitalize()
    found = find_references(stated.text, repository=told.repository)
    return within_limits(
        ObservationDraft(
            text=f"{word}: {stated.text}",
            occurred_at=told.occurred_at,
            title=f"{word} on {place.about}",
            summary=first_paragraph(stated.text),
            importance_factors=importance_factors("github", stated.kind, signals),
            tags=(stated.kind,),
            subject_refs=_subjects(found, told, parent=place.reference),
        )
    )


def _statements(summary: str, body: str, references: Sequence[Reference]) -> list[str]:
    """List what the text of an observation holds below the title, each statement once and without code blocks."""
    said = prose_blocks(summary)
    flat = " ".join(" ".join(said).split())
    sentences = (match[0] for block in prose_blocks(body) for match in _THIS_PR.finditer(" ".join(block.split())))
    for statement in (*sentences, *closing_lines(body, references)):
        if " ".join(statement.split()) not in flat:
            said.append(statement)
            flat = f"{flat} {statement}"
        if len(flat) > _STATEMENTS_LIMIT_CHARS:
            break
    return said


def _signals(thread: Thread | None, *, tags: frozenset[str], people: frozenset[int]) -> ImportanceSignals:
    if thread is None:
        return ImportanceSignals(participants=max(1, len(people)))
    named = {user.id for user in thread.involved if not is_bot(user)}
    milestone = thread.milestone.title if isinstance(thread, Issue) and thread.milestone else None
    return ImportanceSignals(
        labels=frozenset(_tag_names(thread)),
        comments=thread.voices,
        participants=len(named | people),
        linked_incident_or_release=bool(tags & LINKED_TAGS) or is_release_milestone(milestone),
        org_impact=concerns_everyone(thread.headline, _tag_names(thread)),
    )


def _tag_names(thread: Thread) -> list[str]:
    category = [thread.category.name] if isinstance(thread, Discussion) and thread.category else []
    return [*thread.label_names, *category]


def _subjects(references: Iterable[Reference], told: Told, *, parent: str | None = None) -> tuple[str, ...]:
    named = source_ids(references, repository=told.repository, url=told.url)
    ids = dict.fromkeys([told.source_id, *([parent] if parent else []), *named])
    return tuple(islice(ids, SUBJECTS_LIMIT))

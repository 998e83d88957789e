"""What is worth remembering of a page: what it is about, and what it decides.

The documents themselves are drafted in `documents.py`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from neural_memory_pipelines.domain.documents import ObservationDraft
from neural_memory_pipelines.domain.importance import ImportanceSignals, importance_factors
from neural_memory_pipelines.domain.observing import within_limits
from neural_memory_pipelines.domain.page_sections import Told, opening, told_sections, without_emphasis
from neural_memory_pipelines.domain.references import find_references
from neural_memory_pipelines.domain.statements import as_sentence, marked_statements
from neural_memory_pipelines.domain.tags import as_tag
from neural_memory_pipelines.domain.text import first_paragraph, sections
from neural_memory_pipelines.sources.notion.links import SOURCE

TAGS_LIMIT = 12

_LINKED = re.compile(r"\b(?:incident|outage|post-?mortem|release|changelog|launch)\b", re.IGNORECASE)
_KIND_OF_STATEMENT = {"decision": "decision", "resolution": "outcome", "outcome": "outcome"}


@dataclass(frozen=True, slots=True)
class Page:
    """What observations are made of.

    Attributes:
        source_id: the page's.
        title: in one line; never empty.
        content: its markdown, without the title.
        occurred_at: when it was last edited.
        labels: the words of its select and status properties.
        participants: how many people wrote, own or are mentioned.
        comments: how many comments came with it.
    """

    source_id: str
    title: str
    content: str
    occurred_at: datetime
    labels: tuple[str, ...] = ()
    participants: int = 1
    comments: int = 0


def observe_page(page: Page) -> tuple[ObservationDraft, ...]:
    """Remember what a page is about, and each decision, outcome and cause that it states."""
    return (_whole(page), *(_stated(page, told) for told in _all_told(page.content)))


def observe_comment(text: str, *, source_id: str, page_id: str, occurred_at: datetime) -> tuple[ObservationDraft, ...]:
    """Remember each decision and outcome that a comment states."""
    page = Page(source_id, "Comment", text, occurred_at)
    return tuple(
        replace(
            _stated(page, told),
            title=f"{told.heading} in a comment",
            subject_refs=_subjects(told.text, source_id, page_id),
        )
        for told in _statements(text)
    )


def _whole(page: Page) -> ObservationDraft:
    lead = opening(page.content)
    return within_limits(
        ObservationDraft(
            text=f"{as_sentence(page.title)}\n\n{lead}",
            occurred_at=page.occurred_at,
            title=page.title,
            summary=first_paragraph(lead),
            importance_factors=_importance(page, "page"),
            tags=tuple(_tags(page.labels))[:TAGS_LIMIT],
            subject_refs=_subjects(lead, page.source_id),
        )
    )


def _all_told(content: str) -> Iterator[Told]:
    """Take the sections that state something, then the lines that do and are in none of these sections."""
    told_below = list(told_sections(sections(content)))
    yield from told_below
    known = "\n\n".join(told.text for told in told_below)
    yield from (told for told in _statements(content) if told.text not in known)


def _statements(content: str) -> Iterator[Told]:
    for said in marked_statements(content):
        yield Told(_KIND_OF_STATEMENT[said.kind], said.kind.capitalize(), said.text)


def _stated(page: Page, told: Told) -> ObservationDraft:
    return within_limits(
        ObservationDraft(
            text=told.text,
            occurred_at=page.occurred_at,
            title=f"{page.title}: {without_emphasis(told.heading)}",
            summary=first_paragraph(told.text),
            importance_factors=_importance(page, told.kind),
            tags=tuple(dict.fromkeys((told.kind, *_tags(page.labels))))[:TAGS_LIMIT],
            subject_refs=_subjects(told.text, page.source_id),
        )
    )


def _importance(page: Page, kind: str) -> dict[str, float]:
    signals = ImportanceSignals(
        labels=frozenset(page.labels) | ({kind} - {"page"}),
        comments=page.comments,
        participants=page.participants,
        linked_incident_or_release=kind == "root-cause" or _is_linked((page.title, *page.labels)),
    )
    return importance_factors(SOURCE, kind, signals)


def _is_linked(words: Iterable[str]) -> bool:
    return any(_LINKED.search(text) for text in words)


def _tags(labels: Iterable[str]) -> Iterator[str]:
    yield from filter(None, map(as_tag, labels))


def _subjects(text: str, *source_ids: str) -> tuple[str, ...]:
    """Name the document itself, then what the text refers to; addresses of no known system name nothing."""
    named = (_source_id(found.handle, found.source_id) for found in find_references(text))
    return (*source_ids, *(name for name in named if name))


def _source_id(handle: str, source_id: str) -> str:
    system, _, name = handle.partition(":")
    return source_id or (name if system != "url" else "")

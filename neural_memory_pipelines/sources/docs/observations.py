"""What is worth remembering by itself of a page: sections whose heading says that they hold it.

The page itself is described in `drafts.py`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from neural_memory_pipelines.domain.documents import ObservationDraft
from neural_memory_pipelines.domain.graph import LinkDraft, NodeKind
from neural_memory_pipelines.domain.importance import ImportanceSignals, importance_factors
from neural_memory_pipelines.domain.observing import within_limits
from neural_memory_pipelines.domain.page_sections import KIND_OF_HEADING, Told, told_sections
from neural_memory_pipelines.domain.tags import as_tag
from neural_memory_pipelines.domain.text import first_paragraph
from neural_memory_pipelines.sources.docs.names import SOURCE
from neural_memory_pipelines.sources.docs.pages import Page

_KIND_OF_HEADING = {
    **KIND_OF_HEADING,
    "pronouncement": "decision",
    "bdfl pronouncement": "decision",
    "acceptance": "decision",
    "pep acceptance": "decision",
    "rejection": "decision",
    "rejection note": "decision",
    "rejection notice": "decision",
    "pep rejection": "decision",
    "withdrawal": "decision",
    "withdrawal notice": "decision",
    "pep withdrawal": "decision",
    "deferral notice": "decision",
    "abstract": "summary",
    "summary": "summary",
    "tl;dr": "summary",
    "tldr": "summary",
    "status": "status",
}
"""The headings below which a statement stands that is worth remembering by itself, and what its tag is."""

_NAMELESS_SYSTEM = "url"


def observe_page(
    page: Page, *, source_id: str, title: str, state: str | None, occurred_at: datetime, links: Sequence[LinkDraft]
) -> Iterator[ObservationDraft]:
    """Take one observation from each section whose heading says that it holds a decision, an outcome or the like.

    Args:
        page: the file's text.
        source_id: names the document.
        title: of the document.
        state: of the document, such as "Accepted"; becomes a tag.
        occurred_at: when the file last changed, aware UTC.
        links: of the document; those within a section name what its observation is about.
    """
    for told in told_sections(page.sections, kinds=_KIND_OF_HEADING):
        yield within_limits(
            ObservationDraft(
                text=told.text,
                occurred_at=occurred_at,
                title=f"{title}: {told.heading}",
                summary=first_paragraph(told.text),
                importance_factors=_importance(told.kind, page.front.labels("tags", "labels")),
                tags=tuple(dict.fromkeys((told.kind, *_state_tag(state)))),
                subject_refs=_subjects(source_id, told, links),
            )
        )


def _subjects(source_id: str, section: Told, links: Sequence[LinkDraft]) -> tuple[str, ...]:
    """List what a section is about: its document, then the documents that it names, by their source ids."""
    named = [source_id]
    for link in links:
        node = link.target or link.origin
        if node and node.kind is NodeKind.DOCUMENT and section.start <= link.start < link.end <= section.end:
            system, _, name = node.handle.partition(":")
            named += [name] if system != _NAMELESS_SYSTEM else []
    return tuple(named)


def _state_tag(state: str | None) -> tuple[str, ...]:
    tag = as_tag(state or "")
    return (tag,) if tag else ()


def _importance(kind: str, labels: frozenset[str]) -> dict[str, float]:
    signals = ImportanceSignals(labels=labels | {kind}, linked_incident_or_release=kind == "root-cause")
    return importance_factors(SOURCE, "decision" if kind == "decision" else "page", signals)

"""What is worth remembering by itself of a page: sections whose heading says that they hold it.

The page itself is described in `drafts.py`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import datetime

from neural_memory_pipelines.domain.documents import SUMMARY_LIMIT_CHARS, TITLE_LIMIT_CHARS, ObservationDraft
from neural_memory_pipelines.domain.graph import LinkDraft, NodeKind
from neural_memory_pipelines.domain.importance import ImportanceSignals, importance_factors
from neural_memory_pipelines.domain.text import Section, clip, clip_passage, first_paragraph
from neural_memory_pipelines.sources.docs.names import SOURCE
from neural_memory_pipelines.sources.docs.pages import Page

OBSERVATION_LIMIT_CHARS = 2_000
SUBJECTS_LIMIT = 32

_KIND_OF_HEADING = {
    "decision": "decision",
    "decisions": "decision",
    "decision outcome": "decision",
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
    "outcome": "outcome",
    "outcomes": "outcome",
    "resolution": "outcome",
    "abstract": "summary",
    "summary": "summary",
    "tl;dr": "summary",
    "tldr": "summary",
    "root cause": "root-cause",
    "root causes": "root-cause",
    "status": "status",
}
"""The headings below which a statement stands that is worth remembering by itself, and what its tag is."""

_NUMBERING = re.compile(r"(?:\d+(?:\.\d+)*[.):]?|[ivx]+[.)])\s+")
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
    seen: set[tuple[str, str]] = set()
    for section in page.sections:
        heading = section.heading.strip().rstrip(":").rstrip()
        kind = _KIND_OF_HEADING.get(_bare_heading(heading))
        text = clip_passage(section.text, OBSERVATION_LIMIT_CHARS) if kind else ""
        if kind is None or not text or (heading, text) in seen:
            continue
        seen.add((heading, text))
        yield ObservationDraft(
            text=text,
            occurred_at=occurred_at,
            title=clip(f"{title}: {heading}", TITLE_LIMIT_CHARS),
            summary=clip(first_paragraph(section.text), SUMMARY_LIMIT_CHARS) or None,
            importance_factors=_importance(kind, page.front.labels("tags", "labels")),
            tags=tuple(dict.fromkeys((kind, *_state_tag(state)))),
            subject_refs=_subjects(source_id, section, links),
        )


def _subjects(source_id: str, section: Section, links: Sequence[LinkDraft]) -> tuple[str, ...]:
    """List what a section is about: its document, then the documents that it names, by their source ids."""
    named = [source_id]
    for link in links:
        node = link.target or link.origin
        if node and node.kind is NodeKind.DOCUMENT and section.start <= link.start < link.end <= section.end:
            system, _, name = node.handle.partition(":")
            named += [name] if system != _NAMELESS_SYSTEM else []
    return tuple(dict.fromkeys(named))[:SUBJECTS_LIMIT]


def _bare_heading(heading: str) -> str:
    """Reduce a heading to its words: no numbering, no emphasis, no colon, lower case."""
    plain = re.sub(r"[*_`]+", "", heading).strip().lower()
    return " ".join(_NUMBERING.sub("", plain, count=1).rstrip(" :.").split())


def _state_tag(state: str | None) -> tuple[str, ...]:
    tag = re.sub(r"\W+", "-", (state or "").lower()).strip("-")
    return (tag,) if tag else ()


def _importance(kind: str, labels: frozenset[str]) -> dict[str, float]:
    signals = ImportanceSignals(labels=labels | {kind}, linked_incident_or_release=kind == "root-cause")
    return importance_factors(SOURCE, "decision" if kind == "decision" else "page", signals)

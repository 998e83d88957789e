"""What is worth remembering of GitHub's texts: what they are about, what they decide.

The documents themselves are drafted in the modules of their events.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from neural_memory_pipelines.domain.blocks import Block, Kind, scan_blocks
from neural_memory_pipelines.domain.documents import SUMMARY_LIMIT_CHARS, TITLE_LIMIT_CHARS, ObservationDraft
from neural_memory_pipelines.domain.importance import ImportanceSignals, importance_factors
from neural_memory_pipelines.domain.references import Reference, find_references
from neural_memory_pipelines.domain.text import clip, clip_passage, first_paragraph, sections
from neural_memory_pipelines.sources.github.accounts import is_bot
from neural_memory_pipelines.sources.github.payloads import Discussion, Issue, Thread, User
from neural_memory_pipelines.sources.github.reading import Place
from neural_memory_pipelines.sources.github.references import (
    closing_lines,
    prose_blocks,
    source_ids,
    without_html_comments,
)
from neural_memory_pipelines.sources.github.tags import LINKED_TAGS, concerns_everyone, is_release_milestone, tags_of

SUBJECTS_LIMIT = 32
TEXT_LIMIT_CHARS = 2_000
_STATEMENTS_LIMIT_CHARS = 2 * TEXT_LIMIT_CHARS

_SUMMARY_HEADING = re.compile(r"\W*(?:summary|changelog|tl;?dr)\b", re.IGNORECASE)
_SETTLED_STATES = {"merged": "merged", "closed": "closed", "not_planned": "closed", "answered": "answered"}
_THIS_PR = re.compile(r"\bThis (?:PR|pull request)\b.*?(?:[.!?](?=\s|$)|$)")
_WORDS = "decision|resolution|outcome"
_BOLD = r"[*_]{0,2}"
_MARKED_LINE = re.compile(
    rf"^[ \t]*(?:[-*+][ \t]+)?{_BOLD}(?P<word>{_WORDS}){_BOLD}[ \t]*:[ \t]*{_BOLD}(?P<rest>[^\n]*)"
    rf"|^[ \t]*(?:\*\*|__)(?P<alone>{_WORDS})(?:\*\*|__)[ \t]*$",
    re.IGNORECASE | re.MULTILINE,
)
_MARKED_HEADING = re.compile(rf"{_BOLD}(?P<word>{_WORDS}){_BOLD}(?:[ \t]*:{_BOLD}[ \t]*(?P<rest>.*))?$", re.IGNORECASE)


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
    lead = _lead(body)
    found = find_references(body, repository=told.repository)
    said = [_sentence(told.title), *_statements(lead, body, found)]
    return ObservationDraft(
        text=clip_passage("\n\n".join(said), TEXT_LIMIT_CHARS),
        occurred_at=told.occurred_at,
        title=clip(told.title, TITLE_LIMIT_CHARS),
        summary=clip(first_paragraph(lead), SUMMARY_LIMIT_CHARS) or None,
        importance_factors=importance_factors("github", kind, signals),
        tags=tuple(sorted(tags)),
        subject_refs=_subjects((*find_references(told.title, repository=told.repository), *found), told),
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
    stated = [*([("resolution", body.strip())] if answers and body.strip() else []), *_outcomes(body)]
    # The same statement made twice in a comment is one observation.
    return tuple(
        ObservationDraft(
            text=clip_passage(f"{word.capitalize()}: {said}", TEXT_LIMIT_CHARS),
            occurred_at=told.occurred_at,
            title=clip(f"{word.capitalize()} on {place.about}", TITLE_LIMIT_CHARS),
            summary=clip(first_paragraph(said), SUMMARY_LIMIT_CHARS) or None,
            importance_factors=importance_factors("github", word, signals),
            tags=(word,),
            subject_refs=_subjects(find_references(said, repository=told.repository), told, parent=place.reference),
        )
        for word, said in dict.fromkeys(stated)
    )


def _lead(body: str) -> str:
    """Find where a text sums itself up: its Summary or Changelog section, else its first paragraph."""
    for section in sections(body):
        if _SUMMARY_HEADING.match(section.heading) and first_paragraph(section.text):
            return section.text
    return first_paragraph(body)


def _statements(lead: str, body: str, references: Sequence[Reference]) -> list[str]:
    """List what the text of an observation holds below the title, each statement once and without code blocks."""
    said = prose_blocks(lead)
    flat = " ".join(" ".join(said).split())
    sentences = (match[0] for block in prose_blocks(body) for match in _THIS_PR.finditer(" ".join(block.split())))
    for statement in (*sentences, *closing_lines(body, references)):
        if " ".join(statement.split()) not in flat:
            said.append(statement)
            flat = f"{flat} {statement}"
        if len(flat) > _STATEMENTS_LIMIT_CHARS:
            break
    return said


def _outcomes(body: str) -> Iterator[tuple[str, str]]:
    """Find each marked statement of a comment, as (decision|resolution|outcome, what it says)."""
    for section in sections(body):
        found = _MARKED_HEADING.match(section.heading)
        said = f"{found['rest'] or ''}\n\n{section.text}".strip() if found else ""
        if found and said:
            yield found["word"].lower(), said
    blocks = scan_blocks(body)
    for at, block in enumerate(blocks):
        if block.kind in {Kind.PARAGRAPH, Kind.ITEM}:
            yield from _marked_lines(body, blocks, at)


def _marked_lines(body: str, blocks: Sequence[Block], at: int) -> Iterator[tuple[str, str]]:
    """Divide a paragraph at the lines that begin with a mark; what precedes the first mark is dropped."""
    raw = body[blocks[at].start : blocks[at].content_end]
    marks = list(_MARKED_LINE.finditer(raw))
    for number, found in enumerate(marks, start=1):
        last = number == len(marks)
        said = f"{found['rest'] or ''}{raw[found.end() : len(raw) if last else marks[number].start()]}".strip()
        if last and (not said or said.endswith(":")):
            said = f"{said}\n\n{_continuation(body, blocks, at + 1, started=bool(said))}".strip()
        if said:
            # In "**Decision: this**" the mark took one end of the bold type: the other end goes too.
            spoken = said.replace("**", "", 1) if said.count("**") % 2 else said
            yield (found["word"] or found["alone"]).lower(), spoken


def _continuation(body: str, blocks: Sequence[Block], start: int, *, started: bool) -> str:
    """Take what a mark with nothing after it speaks of: the list below it, or (if nothing was said) a paragraph."""
    end = start
    while end < len(blocks) and _continues(body, blocks[end], Kind.ITEM):
        end += 1
    if end == start < len(blocks) and not started and _continues(body, blocks[start], Kind.PARAGRAPH):
        end += 1
    return body[blocks[start].start : blocks[end - 1].content_end] if end > start else ""


def _continues(body: str, block: Block, kind: Kind) -> bool:
    return block.kind is kind and not _MARKED_LINE.match(body, block.start)


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


def _sentence(title: str) -> str:
    return title if title.endswith((".", "!", "?", "…", ":")) else f"{title}."

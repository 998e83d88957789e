"""What is worth remembering of an issue, a pull request or a comment.

The documents themselves are drafted in `documents.py`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from urllib.parse import urlsplit

from neural_memory_pipelines.domain.blocks import Block, Kind, scan_blocks
from neural_memory_pipelines.domain.documents import SUMMARY_LIMIT_CHARS, TITLE_LIMIT_CHARS, ObservationDraft
from neural_memory_pipelines.domain.importance import ImportanceSignals, importance_factors
from neural_memory_pipelines.domain.text import clip, clip_passage, first_paragraph, sections
from neural_memory_pipelines.sources.github.payloads import Comment, Issue, User
from neural_memory_pipelines.sources.github.reading import Reading
from neural_memory_pipelines.sources.github.references import (
    closing_lines,
    prose_blocks,
    references,
    without_html_comments,
)
from neural_memory_pipelines.sources.github.tags import LINKED_TAGS, is_release_milestone, tags_of

TEXT_LIMIT_CHARS = 2_000

_SUMMARY_HEADING = re.compile(r"\W*(?:summary|changelog|tl;?dr)\b", re.IGNORECASE)
_SETTLED_STATES = {"merged": "merged", "closed": "closed", "not_planned": "closed"}
_THIS_PR = re.compile(r"\bThis (?:PR|pull request)\b.*?(?:[.!?](?=\s|$)|$)")
_WORDS = "decision|resolution|outcome"
_BOLD = r"[*_]{0,2}"
_MARKED_LINE = re.compile(
    rf"^[ \t]*(?:[-*+][ \t]+)?{_BOLD}(?P<word>{_WORDS}){_BOLD}[ \t]*:[ \t]*{_BOLD}(?P<rest>[^\n]*)"
    rf"|^[ \t]*(?:\*\*|__)(?P<alone>{_WORDS})(?:\*\*|__)[ \t]*$",
    re.IGNORECASE | re.MULTILINE,
)
_MARKED_HEADING = re.compile(rf"{_BOLD}(?P<word>{_WORDS}){_BOLD}(?:[ \t]*:{_BOLD}[ \t]*(?P<rest>.*))?$", re.IGNORECASE)


def observe_issue(issue: Issue, reading: Reading, *, state: str) -> tuple[ObservationDraft, ...]:
    """Remember what an issue or pull request is about: its title, how it sums itself up, what it closes."""
    title = " ".join(issue.title.split())
    body = without_html_comments(issue.body or "")
    lead = _lead(body)
    blocks = prose_blocks(body)
    tags = tags_of(title, _labels(issue))
    settled = {_SETTLED_STATES[state]} if state in _SETTLED_STATES else set()
    observation = ObservationDraft(
        text=clip_passage("\n\n".join([_sentence(title), *_statements(lead, blocks)]), TEXT_LIMIT_CHARS),
        occurred_at=issue.updated_at,
        title=clip(title, TITLE_LIMIT_CHARS),
        summary=clip(first_paragraph(lead), SUMMARY_LIMIT_CHARS) or None,
        importance_factors=importance_factors("github", issue.kind, _signals(issue, tags=tags, voices=(issue.user,))),
        tags=tuple(sorted(tags | settled)),
        subject_refs=_subjects(reading, "\n\n".join([title, *blocks]), source_id=reading.reference, url=issue.html_url),
    )
    return (observation,)


def observe_comment(comment: Comment, reading: Reading, *, about: str, source_id: str) -> tuple[ObservationDraft, ...]:
    """Remember each decision, resolution and outcome that a comment states.

    Args:
        comment: the comment.
        reading: what came with it, for its references and importance.
        about: what the comment is on, as its observations' titles name it.
        source_id: the comment's own.
    """
    issue = reading.issue
    voices = (comment.user, issue.user) if issue else (comment.user,)
    signals = _signals(issue, tags=tags_of(issue.title, _labels(issue)) if issue else frozenset(), voices=voices)
    # The same statement made twice in a comment is one observation.
    return tuple(
        ObservationDraft(
            text=clip_passage(f"{word.capitalize()}: {said}", TEXT_LIMIT_CHARS),
            occurred_at=comment.updated_at,
            title=clip(f"{word.capitalize()} on {about}", TITLE_LIMIT_CHARS),
            summary=clip(first_paragraph(said), SUMMARY_LIMIT_CHARS) or None,
            importance_factors=importance_factors("github", word, signals),
            tags=(word,),
            subject_refs=_subjects(
                reading,
                "\n\n".join([reading.reference, *prose_blocks(said)]),
                source_id=source_id,
                url=comment.html_url,
            ),
        )
        for word, said in dict.fromkeys(_outcomes(without_html_comments(comment.body or "")))
    )


def _lead(body: str) -> str:
    """Find where a text sums itself up: its Summary or Changelog section, else its first paragraph."""
    for section in sections(body):
        if _SUMMARY_HEADING.match(section.heading) and first_paragraph(section.text):
            return section.text
    return first_paragraph(body)


def _statements(lead: str, blocks: list[str]) -> list[str]:
    """List what the text of an observation holds below the title, each statement once and without code blocks."""
    said = prose_blocks(lead)
    flat = " ".join(" ".join(said).split())
    sentences = (match[0] for block in blocks for match in _THIS_PR.finditer(" ".join(block.split())))
    for statement in (*sentences, *closing_lines(blocks)):
        if " ".join(statement.split()) not in flat:
            said.append(statement)
            flat = f"{flat} {statement}"
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


def _signals(issue: Issue | None, *, tags: frozenset[str], voices: tuple[User | None, ...]) -> ImportanceSignals:
    if issue is None:
        return ImportanceSignals(participants=1)
    people = {user.id for user in (*voices, *(issue.assignees or ())) if user and not user.is_bot}
    return ImportanceSignals(
        labels=frozenset(_labels(issue)),
        comments=issue.comments,
        participants=len(people),
        linked_incident_or_release=bool(tags & LINKED_TAGS)
        or is_release_milestone(issue.milestone.title if issue.milestone else None),
    )


def _labels(issue: Issue) -> list[str]:
    return [label.name for label in issue.labels if label.name]


def _subjects(reading: Reading, prose: str, *, source_id: str, url: str) -> tuple[str, ...]:
    try:
        host = urlsplit(url).hostname or "github.com"
    except ValueError:
        host = "github.com"
    found = references(prose, repository=reading.repository, host=host)
    return tuple(dict.fromkeys((source_id, *found)))


def _sentence(title: str) -> str:
    return title if title.endswith((".", "!", "?", "…", ":")) else f"{title}."
